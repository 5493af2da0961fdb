// SPDX-License-Identifier: Apache-2.0
// Every step of opening is voted on: the next task must find resources and artefacts open on all
// ranks or on none.
#include "pipeline/run/task_open.h"

#include <stdio.h>

#include "pipeline/machine/memory_use.h"
#include "pipeline/run/checkpoint_resume.h"
#include "pipeline/run/running_task.h"
#include "pipeline/run/task_end.h"

// Opens an upstream artefact on all ranks. What this run committed was read back then; what an
// earlier one did is read against its digest, by one rank.
static status open_input(run *r, task_run *input)
{
    task *t = input->task;
    const journal_commit c = {.label = t->label,
                              .path = t->artefact_name,
                              .digest = input->stored.digest,
                              .file_digest = input->stored.file_digest,
                              .bytes = input->stored.bytes,
                              .mtime_ns = input->stored.mtime_ns};
    bool first = comm_rank(r->comm) == 0;
    status st = OK;
    if (t->artefact)
        return OK;
    if (first)
        st = store_open(r->file->output, &c, input->phase == PHASE_SKIPPED, &t->artefact);
    st = comm_agree(r->comm, st);
    if (st == OK && !first)
        st = store_open(r->file->output, &c, false, &t->artefact);
    st = comm_agree(r->comm, st);
    if (st != OK) {
        artefact_close(t->artefact);
        t->artefact = NULL;
    }
    return st;
}

bool task_open_fits(const run *r, const task *k)
{
    return resource_use_bytes(r->resources, k) + resource_use_beside(r->resources, k) <= r->memory;
}

// A model that cannot fit is refused before any of it is read: a job that is killed for its memory
// has no words.
static status make_room(run *r, const task *k)
{
    char remedy[128] = "ask for more memory";
    const char *name = "";
    if (!task_open_fits(r, k))
        resource_use_close_beside(r->resources, k);
    const double bytes = resource_use_bytes(r->resources, k);
    if (bytes <= r->memory)
        return OK;
    const resource_need *largest = resource_use_largest(r->resources, k, &name);
    if (largest->ranks > 0)
        snprintf(remedy, sizeof remedy, "start at most %lld rank%s on a node",
                 (long long)largest->ranks, largest->ranks == 1 ? "" : "s");
    else if (largest->parts > 0)
        snprintf(remedy, sizeof remedy, "give layers_over: %lld, with one rank on each node",
                 (long long)largest->parts);
    return status_fail(ERR_USAGE, k->label,
                       "%s needs %.3g GB of a node, and %.3g may be used (`memory:` of the %.3g GB "
                       "of %s); %s",
                       name, bytes * 1e-9, r->memory * 1e-9, r->limit.bytes * 1e-9, r->limit.source,
                       remedy);
}

static status open_all(run *r, task_run *t)
{
    task *k = t->task;
    status st;
    running_task *a = t->running = running_task_new(t, r->comm, r->n_opened++);
    TRY(comm_agree(r->comm, a ? OK : status_no_memory("a task")));
    if (r->n_running == 1)
        memory_use_forget();
    watchdog_note(r->watchdog, DOING_OPEN, k, 0);
    if (r->n_running == 1)
        TRY(make_room(r, k));
    TRY(resource_use_open(r->resources, k, r->records.inputs));
    for (size_t i = 0; i < k->n_inputs; i++)
        TRY(open_input(r, k->inputs[i]->run));
    if (comm_rank(r->comm) == 0)
        st = journal_task_started(r->records.journal, k->label, k->step->name, k->stage->name,
                                  k->key, r->epoch);
    TRY(comm_agree(r->comm, st));
    if (k->stage->prepare)
        TRY(comm_agree(r->comm, k->stage->prepare(k, resource_use_share(r->resources))));
    TRY(comm_agree(r->comm, k->stage->open(k, &a->state)));
    if (k->stage->next)
        TRY(checkpoint_resume(r, a));
done:
    watchdog_note(r->watchdog, DOING_WAIT, NULL, 0);
    return st;
}

void task_open(run *r, task_run *t)
{
    t->phase = PHASE_OPENED;
    r->moves++;
    r->n_running++;
    status st = open_all(r, t);
    if (t->running)
        t->running->alone = progress_clock() - t->running->started;
    if (st != OK)
        task_fail(r, t, st);
    else if (comm_rank(r->comm) == 0)
        progress_say(r->records.progress, "%s started", t->task->label);
}

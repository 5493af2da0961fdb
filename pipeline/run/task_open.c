// SPDX-License-Identifier: Apache-2.0
// All that is ready is opened together, step by step, and every step is voted on: what follows it
// must find its resources and artefacts open on all ranks or on none.
//
// Before the first of all, rank 0 looks for all: a file system is the same for a job's ranks, or
// `sulcus doctor` says that it is not. A task that would fail in hours fails then.
#include "pipeline/run/task_open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/dag/look.h"
#include "pipeline/machine/memory_use.h"
#include "pipeline/run/checkpoint_resume.h"
#include "pipeline/run/running_task.h"
#include "pipeline/run/task_end.h"
#include "pipeline/store/checkpoint_file.h"
#include "pipeline/store/own_file.h"

// Opens a task's upstream artefacts on this rank. What this run committed was read back then; what
// an earlier one did is read against its digest, by rank 0, before the others open it.
static status open_inputs(run *r, const task *k)
{
    status st = OK;
    const bool first = comm_rank(r->comm) == 0;
    for (size_t i = 0; i < k->n_inputs && st == OK; i++) {
        const task_run *input = k->inputs[i]->run;
        task *t = input->task;
        const journal_commit c = {.label = t->label,
                                  .path = t->artefact_name,
                                  .digest = input->stored.digest,
                                  .file_digest = input->stored.file_digest,
                                  .bytes = input->stored.bytes,
                                  .mtime_ns = input->stored.mtime_ns};
        if (!t->artefact)
            st = store_open(r->file->output, &c, first && input->phase == PHASE_SKIPPED,
                            &t->artefact);
    }
    return st;
}

// Is there room for what it opens beside what is open? The same on all ranks.
static bool fits(const run *r, const task *k)
{
    return resource_use_bytes(r->resources, k) + resource_use_beside(r->resources, k) <= r->memory;
}

// A model that cannot fit is refused before any of it is read: a job that is killed for its memory
// has no words.
static status make_room(run *r, const task *k)
{
    char remedy[128] = "ask for more memory";
    const char *name = "";
    if (!fits(r, k))
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

// Takes what is ready and fits. The first of all is taken anyhow, and has room made for it.
static void take_ready(run *r)
{
    for (size_t i = 0; i < r->dag->n && r->n_running < r->places->n; i++) {
        task_run *t = &r->tasks[i];
        if (t->phase != PHASE_READY || (r->n_running > 0 && !fits(r, t->task)))
            continue;
        const bool alone = r->n_running++ == 0;
        running_task_begin(r, t);
        t->phase = PHASE_OPENED;
        r->moves++;
        if (alone) {
            memory_use_forget();
            verdict_add(&t->running->verdict, make_room(r, t->task));
        }
        resource_use_want(r->resources, t->task);
    }
}

// --- The steps of opening, each of one task on this rank

// Is what the task will write reached without a link? Links elsewhere would lead it out of OUTPUT.
static status look_at_places(const char *output, const task *t)
{
    status st = own_file_check_folder(output, t->artefact_name);
    char *path = checkpoint_file_path(output, t->artefact_name);
    if (st == OK)
        st = path ? own_file_check_folder(output, path + strlen(output) + 1)
                  : status_no_memory("a path");
    free(path);
    return st;
}

// Before anything else; and rank 0 reads the inputs, and looks where the task will write.
static status look_at_files(run *r, running_task *a)
{
    status st;
    TRY(resource_use_watch(r->resources, a->of->task, r->records.inputs));
    if (comm_rank(r->comm) == 0) {
        TRY(look_at_places(r->file->output, a->of->task));
        TRY(open_inputs(r, a->of->task));
    }
done:
    return st;
}

static status open_resources(run *r, running_task *a)
{
    resource_use_open(r->resources, a->of->task);
    return OK;
}

static status begin_record(run *r, running_task *a)
{
    const task *k = a->of->task;
    if (comm_rank(r->comm) != 0)
        return open_inputs(r, k);
    return journal_task_started(r->records.journal, k->label, k->step->name, k->stage->name, k->key,
                                r->epoch);
}

static status prepare_stage(run *r, running_task *a)
{
    const task *k = a->of->task;
    return k->stage->prepare ? k->stage->prepare(k, resource_use_share(r->resources)) : OK;
}

static status open_stage(run *r, running_task *a)
{
    status st = a->of->task->stage->open(a->of->task, &a->state);
    if (st == OK && a->of->task->stage->next && a->owner == comm_rank(r->comm))
        st = checkpoint_find(r, a);
    return st;
}

// One step of all tasks of the list that have not failed on this rank.
static void take_all(run *r, size_t n, status (*take)(run *r, running_task *a))
{
    for (size_t i = 0; i < n; i++) {
        running_task *a = r->places->listed[i];
        if (a->verdict.code != OK)
            continue;
        const double begun = progress_clock();
        watchdog_note(r->watchdog, DOING_OPEN, a->of->task, 0);
        verdict_add(&a->verdict, take(r, a));
        a->alone += progress_clock() - begun;
    }
    watchdog_note(r->watchdog, DOING_WAIT, NULL, 0);
}

static bool is_opened(const task_run *t)
{
    return t->phase == PHASE_OPENED;
}

static bool prepares(const run *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (r->places->listed[i]->of->task->stage->prepare)
            return true;
    return false;
}

void task_open_ready(run *r)
{
    running_places *p = r->places;
    take_ready(r);
    size_t n = running_list(r, is_opened);
    take_all(r, n, look_at_files);
    n = task_agree(r, n);
    take_all(r, n, open_resources);
    resource_use_agree(r->resources);
    for (size_t i = 0; i < n; i++) // the same on all ranks
        verdict_add(&p->listed[i]->verdict,
                    resource_use_opened(r->resources, p->listed[i]->of->task));
    take_all(r, n, begin_record);
    if (prepares(r, n)) { // all ranks of a node, or none
        n = task_agree(r, n);
        take_all(r, n, prepare_stage);
    }
    take_all(r, n, open_stage);
    for (size_t i = 0; i < n; i++)
        p->told[i] = !p->listed[i]->found;
    running_vote(r, n, 1);
    n = task_drop_failed(r, n, 1);
    for (size_t i = 0; i < n; i++) {
        running_task *a = p->listed[i];
        task_run *t = a->of;
        status st = p->told[i] == 0 ? checkpoint_resume(r, a) : OK;
        if (st != OK)
            task_fail(r, t, st);
        else if (comm_rank(r->comm) == 0)
            progress_say(r->records.progress, "%s started", t->task->label);
    }
}

// --- The look before

// How rank 0 tells of a task that must fail; its line follows, terminated.
typedef struct found {
    uint64_t task;
    status code;
} found;

static bool is_to_come(const task_run *t)
{
    return t->phase == PHASE_READY || t->phase == PHASE_WAITING;
}

static void say_notes(run *r, const char *at)
{
    int n;
    for (const char *line; (line = text_line(&at, &n));)
        progress_say(r->records.progress, "note: %.*s", n, line);
}

// Rank 0: what it finds, as a message to all.
static status look_ahead(run *r, text *message)
{
    look *l = NULL;
    status st = OK;
    bool *wanted = checked_calloc(r->dag->n, sizeof *wanted);
    if (!wanted)
        return status_no_memory("a look at the inputs");
    for (size_t i = 0; i < r->dag->n; i++)
        wanted[i] = is_to_come(&r->tasks[i]);
    TRY(look_open(r->dag, wanted, false, RESOURCE_FIRST, &l));
    say_notes(r, look_notes(l));
    for (size_t i = 0; i < r->dag->n; i++) {
        const found f = {i, wanted[i] ? look_found(l, i) : OK};
        if (f.code == OK)
            continue;
        text_add_bytes(message, (const char *)&f, sizeof f);
        text_add_bytes(message, status_text(), strlen(status_text()) + 1);
    }
    st = message->failed ? status_no_memory("a look at the inputs") : OK;
done:
    look_close(l);
    free(wanted);
    return st;
}

status task_look(run *r, status before)
{
    verdict own = {OK, ""};
    text message = {0};
    void *bytes = NULL;
    size_t n = 0;
    verdict_add(&own, before);
    if (comm_rank(r->comm) == 0 && own.code == OK) {
        verdict_add(&own, look_ahead(r, &message));
        n = own.code == OK ? message.length : 0;
        bytes = message.at;
    }
    verdict_add(&own, comm_broadcast_block(r->comm, 0, &bytes, &n));
    const status st = comm_agree(r->comm, verdict_get(&own));
    for (const char *at = bytes, *end = at + n; st == OK && at < end; at += strlen(at) + 1) {
        found f;
        memcpy(&f, at, sizeof f);
        at += sizeof f;
        task_fail(r, &r->tasks[f.task], status_carry(f.code, at));
    }
    if (bytes != message.at)
        free(bytes);
    text_free(&message);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Two steps, since the artefact is written by the task's owner and the journal by rank 0. Between
// them the file is in place, but without its line it does not count: a kill there loses the work of
// one write, never the truth.
#include "pipeline/run/task_commit.h"

#include <string.h>
#include <unistd.h>

#include "pipeline/dag/coordinates.h"
#include "pipeline/machine/memory_use.h"
#include "pipeline/run/checkpoint_cleanup.h"
#include "pipeline/run/running_task.h"
#include "pipeline/run/task_end.h"
#include "pipeline/run/wave_note.h"
#include "pipeline/store/artefact_writer.h"

status task_store(run *r, running_task *a, const round_state *finished, const partial *sum)
{
    task *t = a->of->task;
    status st;
    artefact_writer *w = NULL;
    const provenance origin = {.epoch = r->epoch,
                               .pipeline = r->file->name,
                               .pipeline_path = r->file->path,
                               .pipeline_text = r->file->effective,
                               .label = t->label,
                               .stage = t->stage->name,
                               .key = t->key,
                               .fields = t->fields.field,
                               .n_fields = t->fields.n,
                               .command = r->command,
                               .ranks = comm_ranks(r->comm),
                               .threads = pool_threads(r->runtime.pool),
                               .waiting = running_task_waiting(a),
                               .cpus = r->cpus};
    watchdog_note(r->watchdog, DOING_WRITE, t, 0);
    TRY(run_may_write(r));
    TRY(artefact_writer_new(&w));
    TRY(t->stage->finish(a->state, finished, sum, w));
    TRY(task_coordinates(t, w));
    TRY(store_commit(r->file->output, t->artefact_name, w, &origin, run_may_write, r,
                     &a->of->stored));
done:
    watchdog_note(r->watchdog, DOING_WAIT, NULL, 0);
    artefact_writer_free(w);
    return st;
}

void task_commit_prepare(run *r, size_t n)
{
    enum { NANO = 1000000000 };
    running_places *p = r->places;
    for (size_t i = 0; i < n; i++) {
        running_task *a = p->listed[i];
        verdict_add(&a->verdict, resource_use_unchanged(r->resources, a->of->task));
        p->told[2 * i] = -(int64_t)(a->alone * NANO);
        p->told[2 * i + 1] = -(int64_t)memory_use_peak();
    }
    running_vote(r, n, 2);
    for (size_t i = 0; i < n; i++)
        if (p->listed[i]->verdict.code != OK && p->listed[i]->owner == comm_rank(r->comm))
            unlink(p->listed[i]->of->task->artefact_path);
    n = task_drop_failed(r, n, 2);
    for (size_t i = 0; i < n; i++) {
        running_task *a = p->listed[i];
        a->alone = -(double)p->told[2 * i] / NANO;
        a->memory = -(double)p->told[2 * i + 1];
        p->told[2 * i] = (int64_t)(a->busy * NANO);
        p->told[2 * i + 1] = (int64_t)a->worked;
    }
    comm_sum_each(r->comm, 2 * n, p->told);
    for (size_t i = 0; i < n; i++) {
        p->listed[i]->busy = (double)p->told[2 * i] / NANO;
        p->listed[i]->worked = (double)p->told[2 * i + 1];
    }
}

// What the stage would have said of the operations that were run: a search ends sooner or later
// than it expects.
static double expected_work(const running_task *a, double worked)
{
    const task *t = a->of->task;
    estimate e = {0};
    const bool known = a->operations > 0 && t->stage->estimate && t->stage->estimate(t, &e) == OK;
    return known ? e.operations * worked / a->operations : 0;
}

status task_commit_record(run *r, running_task *a)
{
    status st = OK;
    a->seconds += progress_clock() - a->started;
    if (comm_rank(r->comm) != 0 || (st = run_may_write(r)) != OK)
        return st;
    const task_run *t = a->of;
    const task *k = t->task;
    wave_note_finished(r, k, a->busy, comm_ranks(r->comm), a->alone);
    const journal_commit c = {.label = k->label,
                              .step = k->step->name,
                              .stage = k->stage->name,
                              .key = k->key,
                              .fields = k->fields.field,
                              .n_fields = k->fields.n,
                              .path = k->artefact_name,
                              .digest = t->stored.digest,
                              .file_digest = t->stored.file_digest,
                              .bytes = t->stored.bytes,
                              .mtime_ns = t->stored.mtime_ns,
                              .seconds = a->seconds,
                              .units = a->units,
                              .operations = a->operations,
                              .ranks = comm_ranks(r->comm),
                              .threads = pool_threads(r->runtime.pool),
                              .busy = a->busy,
                              .worked = a->worked,
                              .expected = expected_work(a, a->worked),
                              .alone = a->alone,
                              .waiting = running_task_waiting(a),
                              .memory = a->memory,
                              .device = text_get(&r->device_name)};
    return journal_task_done(r->records.journal, &c);
}

void task_commit_end(run *r, task_run *t)
{
    memcpy(t->task->digest, t->stored.digest, sizeof t->task->digest);
    if (comm_rank(r->comm) == 0) {
        checkpoint_forget(r->file->output, t->task);
        char duration[32];
        progress_duration(t->running->seconds, duration);
        progress_say(r->records.progress, "%s done in %s", t->task->label, duration);
    }
    task_end(r, t, PHASE_COMMITTED);
}

// SPDX-License-Identifier: Apache-2.0
// Two steps, since the artefact is written by the task's owner and the journal by rank 0. Between
// them the file is in place, but without its line it does not count: a kill there loses the work of
// one write, never the truth.
#include "pipeline/run/task_commit.h"

#include <string.h>

#include "pipeline/machine/memory_use.h"
#include "pipeline/run/checkpoint_cleanup.h"
#include "pipeline/run/task_end.h"
#include "pipeline/store/artefact_writer.h"

status task_store(run *r, running_task *a, const round_state *finished, const partial *sum)
{
    task *t = a->of->task;
    status st;
    artefact_writer *w = NULL;
    const provenance origin = {.epoch = r->epoch,
                               .pipeline = r->file->name,
                               .pipeline_path = r->file->path,
                               .pipeline_text = r->file->text,
                               .label = t->label,
                               .stage = t->stage->name,
                               .key = t->key,
                               .fields = t->fields.field,
                               .n_fields = t->fields.n,
                               .command = r->command,
                               .ranks = comm_ranks(r->comm),
                               .threads = pool_threads(r->runtime.pool),
                               .cpus = r->cpus};
    watchdog_note(r->watchdog, DOING_WRITE, t, 0);
    TRY(run_may_write(r));
    TRY(artefact_writer_new(&w));
    TRY(t->stage->finish(a->state, finished, sum, w));
    TRY(store_commit(r->file->output, t->artefact_name, w, &origin, run_may_write, r,
                     &a->of->stored));
done:
    watchdog_note(r->watchdog, DOING_WAIT, NULL, 0);
    artefact_writer_free(w);
    return st;
}

// What a task cost, over all ranks (journal_commit).
typedef struct cost {
    double busy, worked, alone, memory;
} cost;

static cost add_up(const run *r, const running_task *a)
{
    enum { NANO = 1000000000 };
    int64_t sum[] = {(int64_t)(a->busy * NANO), (int64_t)a->worked};
    comm_sum_each(r->comm, 2, sum);
    return (cost){.busy = (double)sum[0] / NANO,
                  .worked = (double)sum[1],
                  .alone = (double)comm_largest(r->comm, (int64_t)(a->alone * NANO)) / NANO,
                  .memory = (double)comm_largest(r->comm, (int64_t)memory_use_peak())};
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

// Rank 0: the line in the journal that makes the artefact exist.
static status record_commit(run *r, const running_task *a, const cost *spent, double seconds)
{
    const task_run *t = a->of;
    const task *k = t->task;
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
                              .seconds = seconds,
                              .units = a->units,
                              .operations = a->operations,
                              .ranks = comm_ranks(r->comm),
                              .threads = pool_threads(r->runtime.pool),
                              .busy = spent->busy,
                              .worked = spent->worked,
                              .expected = expected_work(a, spent->worked),
                              .alone = spent->alone,
                              .memory = spent->memory};
    return journal_task_done(r->records.journal, &c);
}

void task_commit(run *r, task_run *t)
{
    running_task *a = t->running;
    double seconds = a->seconds + progress_clock() - a->started;
    status st = OK;
    comm_broadcast(r->comm, a->owner, &t->stored, sizeof t->stored);
    const cost spent = add_up(r, a);
    if (comm_rank(r->comm) == 0 && (st = run_may_write(r)) == OK)
        st = record_commit(r, a, &spent, seconds);
    st = comm_agree(r->comm, st);
    if (st != OK) {
        task_fail(r, t, st);
        return;
    }
    memcpy(t->task->digest, t->stored.digest, sizeof t->task->digest);
    if (comm_rank(r->comm) == 0) {
        checkpoint_forget(r->file->output, t->task);
        char duration[32];
        progress_duration(seconds, duration);
        progress_say(r->records.progress, "%s done in %s", t->task->label, duration);
    }
    task_end(r, t, PHASE_COMMITTED);
}

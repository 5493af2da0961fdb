// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/running_task.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/memory_use.h"
#include "pipeline/run/checkpoint.h"
#include "pipeline/run/readiness.h"
#include "pipeline/run/resource_use.h"
#include "pipeline/store/artefact_writer.h"

// --- Opening

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
        st = store_open(r->file->output, &c, input->state == STATE_SKIPPED, &t->artefact);
    st = comm_agree(r->comm, st);
    if (st == OK && !first)
        st = store_open(r->file->output, &c, false, &t->artefact);
    st = comm_agree(r->comm, st);
    if (st != OK) { // open on all ranks or on none: the next task must find it alike everywhere
        artefact_close(t->artefact);
        t->artefact = NULL;
    }
    return st;
}

static status open_all(run *r, task_run *t, active **out)
{
    task *k = t->task;
    status st;
    active *a = checked_calloc(1, sizeof *a);
    TRY(comm_agree(r->comm, a ? OK : status_no_memory("a task")));
    *out = a;
    a->of = t;
    a->owner = (int)(r->opened++ % (size_t)comm_ranks(r->comm));
    a->round = a->kept_round = -1;
    a->complete = true;
    a->started = progress_clock();
    if (r->n_active == 1)
        memory_use_forget();
    watchdog_note(r->watchdog, DOING_OPEN, k, 0);
    TRY(resource_use_open(r, k));
    for (size_t i = 0; i < k->n_inputs; i++)
        TRY(open_input(r, k->inputs[i]->run));
    if (comm_rank(r->comm) == 0)
        st = journal_task_started(r->journal, k->label, k->step->name, k->stage->name, k->key,
                                  r->epoch);
    TRY(comm_agree(r->comm, st));
    if (k->stage->prepare)
        TRY(comm_agree(r->comm, k->stage->prepare(k, resource_use_share(r))));
    TRY(comm_agree(r->comm, k->stage->open(k, &a->state)));
    if (k->stage->next)
        TRY(saving_resume(r, a));
done:
    watchdog_note(r->watchdog, DOING_WAIT, NULL, 0);
    return st;
}

void active_open(run *r, task_run *t)
{
    t->state = STATE_ACTIVE;
    r->n_active++;
    status st = open_all(r, t, &t->active);
    if (t->active)
        t->active->alone = progress_clock() - t->active->started;
    if (st != OK)
        settle_fail(r, t, st);
    else if (comm_rank(r->comm) == 0)
        progress_say(r->progress, "%s started", t->task->label);
}

void active_free(active *a)
{
    if (!a)
        return;
    if (a->state)
        a->of->task->stage->close(a->state);
    checkpoint_file_close(&a->from);
    free(a->before);
    free(a->vector.values);
    partial_free(a->sum);
    free(a);
}

// --- The owner

// Asked before anything of an artefact is written, and again before it takes its place.
static status allowed(void *context)
{
    const run *r = context;
    return lease_check(r->file->output, r->lease_id);
}

static status commit(run *r, active *a, const round_state *finished, const partial *sum)
{
    task *t = a->of->task;
    status st;
    artefact_writer *w = NULL;
    key_field *fields = checked_calloc(t->fields.n, sizeof *fields);
    if (!fields)
        return status_no_memory("a task's key");
    for (size_t i = 0; i < t->fields.n; i++)
        fields[i] = (key_field){t->fields.field[i].name, t->fields.field[i].value};
    const store_origin origin = {.epoch = r->epoch,
                                 .pipeline = r->file->name,
                                 .pipeline_path = r->file->path,
                                 .pipeline_text = r->file->text,
                                 .label = t->label,
                                 .stage = t->stage->name,
                                 .key = t->key,
                                 .fields = fields,
                                 .n_fields = t->fields.n,
                                 .command = r->options->command,
                                 .ranks = comm_ranks(r->comm),
                                 .threads = pool_threads(r->runtime.pool),
                                 .cpus = r->cpus,
                                 .allowed = allowed,
                                 .context = r};
    watchdog_note(r->watchdog, DOING_WRITE, t, 0);
    TRY(allowed(r));
    TRY(artefact_writer_new(&w));
    TRY(t->stage->finish(a->state, finished, sum, w));
    TRY(store_commit(r->file->output, t->artefact_name, w, &origin, &a->of->stored));
    a->finished = true;
done:
    watchdog_note(r->watchdog, DOING_WAIT, NULL, 0);
    artefact_writer_free(w);
    free(fields);
    return st;
}

// What follows from a complete round: the next vector, or the artefact.
static status decide(run *r, active *a)
{
    const stage_def *stage = a->of->task->stage;
    const round_state *finished = a->round >= 0 ? &a->vector : NULL;
    const partial *sum = finished ? a->sum : NULL;
    round_state next = {0};
    bool done = !stage->next;
    status st = OK;
    if (!done)
        TRY(stage->next(a->state, finished, sum, &next, &done));
    if (done) {
        TRY(commit(r, a, finished, sum));
    } else {
        free(a->vector.values);
        a->vector = next;
        next = (round_state){0};
    }
done:
    free(next.values);
    return st;
}

// --- All ranks

status active_receive(run *r, active *a)
{
    size_t bytes = a->vector.length * sizeof *a->vector.values;
    void *values = a->vector.values;
    status st = comm_broadcast_block(r->comm, a->owner, &values, &bytes);
    if (st != OK || comm_rank(r->comm) == a->owner)
        return st;
    free(a->vector.values);
    a->vector =
        (round_state){values, bytes / sizeof *a->vector.values, bytes / sizeof *a->vector.values};
    return OK;
}

// What a task cost, over all ranks (journal_commit).
typedef struct cost {
    double busy, worked, alone, memory;
} cost;

static cost add_up(const run *r, const active *a)
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
static double expected(const active *a, double worked)
{
    const task *t = a->of->task;
    estimate e = {0};
    const bool known = a->operations > 0 && t->stage->estimate && t->stage->estimate(t, &e) == OK;
    return known ? e.operations * worked / a->operations : 0;
}

// Rank 0: the line in the journal that makes the artefact exist.
static status record(run *r, const active *a, const cost *spent, double seconds)
{
    const task_run *t = a->of;
    const task *k = t->task;
    key_field *fields = checked_calloc(k->fields.n, sizeof *fields);
    if (!fields)
        return status_no_memory("a task's key");
    for (size_t i = 0; i < k->fields.n; i++)
        fields[i] = (key_field){k->fields.field[i].name, k->fields.field[i].value};
    const journal_commit c = {.label = k->label,
                              .step = k->step->name,
                              .stage = k->stage->name,
                              .key = k->key,
                              .fields = fields,
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
                              .expected = expected(a, spent->worked),
                              .alone = spent->alone,
                              .memory = spent->memory};
    status st = journal_task_done(r->journal, &c);
    free(fields);
    return st;
}

static void finish(run *r, active *a)
{
    task_run *t = a->of;
    double seconds = a->seconds + progress_clock() - a->started;
    status st = OK;
    comm_broadcast(r->comm, a->owner, &t->stored, sizeof t->stored);
    const cost spent = add_up(r, a);
    if (comm_rank(r->comm) == 0 && (st = allowed(r)) == OK)
        st = record(r, a, &spent, seconds);
    st = comm_agree(r->comm, st);
    if (st != OK) {
        settle_fail(r, t, st);
        return;
    }
    memcpy(t->task->digest, t->stored.digest, sizeof t->task->digest);
    if (comm_rank(r->comm) == 0) {
        saving_forget(r, t->task);
        char duration[32];
        progress_duration(seconds, duration);
        progress_say(r->progress, "%s done in %s", t->task->label, duration);
    }
    settle_end(r, t, STATE_DONE);
}

static status begin_round(run *r, active *a)
{
    status st = active_receive(r, a);
    if (st != OK)
        return st;
    a->round++;
    a->complete = false;
    free(a->before);
    a->before = NULL;
    a->done = 0;
    a->plan = (round_plan){0};
    return comm_agree(r->comm, a->of->task->stage->plan(a->state, &a->vector, &a->plan));
}

void active_advance(run *r)
{
    for (size_t i = 0; i < r->dag->n; i++) {
        active *a = r->tasks[i].active;
        if (a && a->complete && a->owner == comm_rank(r->comm)) {
            double begun = progress_clock();
            verdict_add(&a->verdict, decide(r, a));
            a->alone += progress_clock() - begun;
        }
    }
    for (size_t i = 0; i < r->dag->n; i++) {
        active *a = r->tasks[i].active;
        if (!a || !a->complete)
            continue;
        uint8_t finished = a->finished;
        comm_agree_each(r->comm, 1, &a->verdict);
        status st = verdict_get(&a->verdict);
        comm_broadcast(r->comm, a->owner, &finished, sizeof finished);
        if (st == OK && finished) {
            finish(r, a);
            continue;
        }
        if (st == OK)
            st = begin_round(r, a);
        if (st != OK)
            settle_fail(r, &r->tasks[i], st);
    }
}

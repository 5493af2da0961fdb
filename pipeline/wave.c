// SPDX-License-Identifier: Apache-2.0
#include "pipeline/wave.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/claims.h"
#include "pipeline/settle.h"

// What the node's ranks tell each other about a task's round while it runs.
typedef struct note {
    _Alignas(64) atomic_int_least64_t done;
    atomic_bool failed;
} note;

// A task's part of the list.
typedef struct part {
    active *task;
    int64_t first, here; // place in the list; how many of its units fall to this node
    note *note;
    double journalled; // rank 0: when the journal last heard of it
} part;

struct wave {
    part *parts; // owned
    size_t n;
    int64_t units;
    int64_t *before;      // costs of the list, see claims.h; owned
    claims *claims;       // owned
    void *block;          // node memory: claims, notes, sums
    progress_line *lines; // rank 0; owned
    double started;
};

enum { JOURNAL_SECONDS = 10 };

// --- Making the list

// Takes active tasks into the wave while their sums fit into the node.
static status admit(run *r, wave *w, size_t *bytes)
{
    w->parts = checked_calloc(r->n_active, sizeof *w->parts);
    w->lines = checked_calloc(r->n_active, sizeof *w->lines);
    status st = comm_agree(r->comm, w->parts && w->lines ? OK : status_no_memory("a wave"));
    for (size_t i = 0; st == OK && i < r->dag->n; i++) {
        active *a = r->tasks[i].active;
        if (!a || a->complete)
            continue;
        size_t size = partial_bytes(&a->plan.shape), total;
        if (a->plan.units < 0 || size == SIZE_MAX || (double)size > r->memory) {
            settle_fail(
                r, a->of,
                status_fail(ERR_USAGE, a->of->task->label,
                            "its sums need %.3g GB of a node, `memory:` allows %.3g; raise it, "
                            "or select fewer subsets",
                            (double)size * 1e-9, r->memory * 1e-9));
            continue;
        }
        if (!checked_add(*bytes, size, &total) || (double)total > r->memory ||
            a->plan.units > CLAIMS_UNITS - w->units)
            continue;
        w->parts[w->n++] = (part){.task = a, .first = w->units};
        w->units += a->plan.units;
        *bytes = total;
    }
    return st;
}

static double cost_of(const active *a, int64_t unit)
{
    const stage_def *stage = a->of->task->stage;
    double cost = stage->cost ? stage->cost(a->state, &a->vector, unit) : 1;
    return cost > 0 ? cost : 0;
}

// Costs relative to the largest, as integers: shares are then cut alike everywhere.
static status add_up_costs(wave *w)
{
    double largest = 0;
    double *cost = checked_calloc((size_t)w->units, sizeof *cost);
    w->before = checked_calloc((size_t)w->units + 1, sizeof *w->before);
    if (!cost || !w->before) {
        free(cost);
        return status_no_memory("a list of units");
    }
    for (size_t p = 0; p < w->n; p++) {
        active *a = w->parts[p].task;
        for (int64_t u = 0; u < a->plan.units; u++) {
            double c = cost[w->parts[p].first + u] = cost_of(a, u);
            a->operations += a->of->task->stage->cost ? c : 0;
            largest = c > largest ? c : largest;
        }
        a->units += a->plan.units;
    }
    for (int64_t i = 0; i < w->units; i++) {
        int64_t c = largest > 0 ? (int64_t)(cost[i] / largest * CLAIMS_COST) : 1;
        w->before[i + 1] = w->before[i] + (c > 1 ? c : 1);
    }
    free(cost);
    return OK;
}

// The node's memory: claims, a note for each part, and each part's sum.
static status lay_out(run *r, wave *w, size_t bytes)
{
    share *s = comm_share(r->comm);
    size_t claimed = claims_bytes(s->ranks);
    int position = comm_position(r->comm), ranks = comm_ranks(r->comm);
    status st = s->alloc(s, claimed + w->n * sizeof(note) + bytes, &w->block);
    TRY(comm_agree(r->comm, st));
    note *notes = (note *)(void *)((char *)w->block + claimed);
    char *at = (char *)(notes + w->n);
    int64_t begin = claims_cut(w->before, w->units, position - s->rank, ranks);
    int64_t end = claims_cut(w->before, w->units, position - s->rank + s->ranks, ranks);
    for (size_t p = 0; p < w->n && st == OK; p++) {
        part *q = &w->parts[p];
        int64_t last = q->first + q->task->plan.units;
        int64_t low = q->first > begin ? q->first : begin, high = last < end ? last : end;
        q->note = &notes[p];
        q->here = high > low ? high - low : 0;
        st = partial_view(&q->task->plan.shape, at, &q->task->sum);
        at += partial_bytes(&q->task->plan.shape);
    }
    if (st == OK)
        st = claims_new(w->block, s->rank, s->ranks, position, ranks, w->before, w->units,
                        &w->claims);
    TRY(comm_agree(r->comm, st));
done:
    return st;
}

// --- Working through it

static part *find_part(const wave *w, int64_t unit)
{
    size_t low = 0, high = w->n; // the last part that begins at or before the unit
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (w->parts[middle].first <= unit)
            low = middle;
        else
            high = middle;
    }
    return &w->parts[low];
}

// Rank 0 speaks for all: what its node has done of the node's share, scaled to the whole.
static void show(run *r, wave *w)
{
    size_t n = 0;
    double now = progress_clock();
    for (size_t p = 0; p < w->n; p++) {
        part *q = &w->parts[p];
        int64_t done = atomic_load(&q->note->done), units = q->task->plan.units;
        if (q->here == 0 || done == 0)
            continue;
        progress_line line = {q->task->of->task->label, q->task->round, 0, units, now - w->started};
        line.done = (int64_t)((double)done / (double)q->here * (double)units);
        if (done < q->here)
            w->lines[n++] = line;
        if (now - q->journalled < JOURNAL_SECONDS)
            continue;
        q->journalled = now;
        const journal_progress j = {.label = line.label,
                                    .round = line.round,
                                    .done = line.done,
                                    .units = units,
                                    .rate = progress_rate(&line)};
        // A line lost here is nothing: a full disk stops the run where something is committed.
        (void)journal_task_progress(r->journal, &j);
    }
    progress_show(r->progress, n, w->lines);
}

// Has a unit failed or a signal come, here or on another node? The first to see it passes it on.
static bool must_stop(run *r)
{
    if (comm_alarmed(r->comm)) {
        atomic_store(&r->flags->told, true);
        atomic_store(&r->flags->stopping, true);
    }
    bool stopping = atomic_load(&r->flags->stopping);
    if (stopping && !atomic_exchange(&r->flags->told, true))
        comm_alarm(r->comm);
    return stopping;
}

static void run_units(run *r, wave *w)
{
    int64_t i;
    while (!must_stop(r) && claims_next(w->claims, &i)) {
        part *q = find_part(w, i);
        active *a = q->task;
        if (atomic_load(&q->note->failed))
            continue;
        status st = a->of->task->stage->unit(a->state, &a->vector, i - q->first, a->sum);
        verdict_add(&a->verdict, st);
        if (st == OK) {
            atomic_fetch_add(&q->note->done, 1);
        } else {
            atomic_store(&q->note->failed, true);
            if (r->stop_on_error)
                atomic_store(&r->flags->stopping, true);
        }
        if (comm_rank(r->comm) == 0)
            show(r, w);
    }
}

// The vote on every task, and its sum.
static void conclude(run *r, wave *w)
{
    for (size_t p = 0; p < w->n; p++) {
        active *a = w->parts[p].task;
        if (atomic_load(&r->flags->stopping))
            verdict_add(&a->verdict, status_fail(ERR_INTERRUPTED, NULL, "interrupted"));
        comm_agree_each(r->comm, 1, &a->verdict);
        status st = verdict_get(&a->verdict);
        if (st == OK)
            st = comm_reduce(r->comm, comm_node_of(r->comm, a->owner), a->sum);
        if (st == OK)
            a->complete = true;
        else
            settle_fail(r, a->of, st);
    }
}

status wave_run(run *r, wave **out)
{
    status st;
    size_t bytes = 0;
    wave *w = checked_calloc(1, sizeof *w);
    TRY(comm_agree(r->comm, w ? OK : status_no_memory("a wave")));
    TRY(admit(r, w, &bytes));
    TRY(comm_agree(r->comm, add_up_costs(w)));
    TRY(lay_out(r, w, bytes));
    w->started = progress_clock();
    for (size_t p = 0; p < w->n; p++)
        w->parts[p].journalled = w->started;
    run_units(r, w);
    comm_alarm_clear(r->comm);
    conclude(r, w);
    *out = w;
    w = NULL;
done:
    if (w)
        wave_free(r, w);
    return st;
}

void wave_free(run *r, wave *w)
{
    share *s = comm_share(r->comm);
    if (!w)
        return;
    for (size_t i = 0; i < r->dag->n; i++) {
        active *a = r->tasks[i].active;
        if (a) {
            partial_free(a->sum);
            a->sum = NULL;
        }
    }
    claims_free(w->claims);
    if (w->block)
        s->release(s, w->block);
    free(w->before);
    free(w->lines);
    free(w->parts);
    free(w);
}

// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/wave.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/run/checkpoint.h"
#include "pipeline/run/deadline.h"
#include "pipeline/run/readiness.h"
#include "pipeline/run/steal.h"
#include "pipeline/run/wave_note.h"
#include "pipeline/run/work_queue.h"
#include "pipeline/run/workers.h"

// What the node's ranks tell each other about a task's round while it runs.
typedef struct note {
    _Alignas(64) atomic_int_least64_t done;
    atomic_bool failed;
} note;

// A task's part of the list.
typedef struct part {
    active *task;
    int64_t first, here; // place in the list; how many of its units fall to this node
    int64_t n;           // its units in the list
    int64_t *rest;       // their numbers in the round, where some are done already; owned
    note *note;
    double journalled; // rank 0: when the journal last heard of it
} part;

struct wave {
    part *parts; // owned
    size_t n;
    int64_t units;
    int64_t *before;      // costs of the list, see claims.h; owned
    work_queue *queue;    // owned
    steal *steal;         // owned; NULL: nothing moves between nodes
    void *block;          // node memory: claims, stealing, notes, each task's bits and sum
    progress_line *lines; // rank 0; owned
    double started;
    team *team;           // NULL: units are run by ranks
    double longest, busy; // seconds of this rank's longest unit; of all
    double ended, gap;    // when its last one ended; the longest time without one
};

enum { JOURNAL_SECONDS = 10 };

// --- Making the list

// Node memory for a task: its bits, then its sum; SIZE_MAX when it does not fit into a size_t.
static size_t task_bytes(const active *a)
{
    size_t bits = ((size_t)checkpoint_file_words(a->plan.units) * sizeof *a->bits + 63) / 64 * 64,
           all;
    return checked_add(bits, partial_bytes(&a->plan.shape), &all) ? all : SIZE_MAX;
}

// Do teams run its units, or ranks?
static bool runs_in_teams(const run *r, const active *a)
{
    return comm_team(r->comm) && a->of->task->stage->in_teams;
}

// Takes active tasks into the wave while their sums fit into the node: of those of teams and those
// of ranks, only such as the first is.
static status admit(run *r, wave *w, size_t *bytes)
{
    w->parts = checked_calloc(r->n_active, sizeof *w->parts);
    w->lines = checked_calloc(r->n_active, sizeof *w->lines);
    status st = comm_agree(r->comm, w->parts && w->lines ? OK : status_no_memory("a wave"));
    for (size_t i = 0; st == OK && i < r->dag->n; i++) {
        active *a = r->tasks[i].active;
        if (!a || a->complete)
            continue;
        size_t size = a->plan.units < 0 ? SIZE_MAX : task_bytes(a), total;
        if (size == SIZE_MAX || (double)size > r->memory) {
            settle_fail(
                r, a->of,
                status_fail(ERR_USAGE, a->of->task->label,
                            "its sums need %.3g GB of a node, `memory:` allows %.3g; raise it, "
                            "or select fewer subsets",
                            (double)size * 1e-9, r->memory * 1e-9));
            continue;
        }
        if (!checked_add(*bytes, size, &total) || (double)total > r->memory ||
            a->plan.units - a->done > WORK_QUEUE_UNITS - w->units ||
            (w->n > 0 && runs_in_teams(r, a) != (w->team != NULL)))
            continue;
        if (w->n == 0 && runs_in_teams(r, a))
            w->team = comm_team(r->comm);
        w->parts[w->n++] = (part){.task = a, .first = w->units, .n = a->plan.units - a->done};
        w->units += a->plan.units - a->done;
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

// Of all its units.
static double operations_of(const active *a)
{
    double operations = 0;
    for (int64_t u = 0; a->of->task->stage->cost && u < a->plan.units; u++)
        operations += cost_of(a, u);
    return operations;
}

// The units that are left of a round that an earlier run began.
static status list_rest(part *q)
{
    const active *a = q->task;
    int64_t n = 0;
    if (!a->before)
        return OK;
    if (!(q->rest = checked_calloc((size_t)q->n, sizeof *q->rest)))
        return status_no_memory("a list of units");
    for (int64_t u = 0; u < a->plan.units && n < q->n; u++)
        if (!(a->before[u / 64] >> u % 64 & 1))
            q->rest[n++] = u;
    return OK;
}

// The unit at a place of the list.
static int64_t unit_of(const part *q, int64_t i)
{
    return q->rest ? q->rest[i - q->first] : i - q->first;
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
        const part *q = &w->parts[p];
        for (int64_t i = q->first; i < q->first + q->n; i++) {
            cost[i] = cost_of(q->task, unit_of(q, i));
            largest = cost[i] > largest ? cost[i] : largest;
        }
    }
    for (int64_t i = 0; i < w->units; i++) {
        int64_t c = largest > 0 ? (int64_t)(cost[i] / largest * WORK_QUEUE_COST) : 1;
        w->before[i + 1] = w->before[i] + (c > 1 ? c : 1);
    }
    free(cost);
    return OK;
}

static status make_list(wave *w)
{
    for (size_t p = 0; p < w->n; p++) {
        status st = list_rest(&w->parts[p]);
        if (st != OK)
            return st;
    }
    return add_up_costs(w);
}

// The node's memory: claims, stealing, a note for each part, and each part's bits and sum. What an
// earlier run has summed up goes to the owner's node.
static status lay_out(run *r, wave *w, size_t bytes)
{
    share *s = comm_share(r->comm);
    const workers c = workers_find(r->comm, w->team);
    bool steals = !w->team && comm_nodes(r->comm) > 1;
    size_t shares = work_queue_bytes(c.here);
    size_t claimed = shares + (steals ? steal_bytes(comm_nodes(r->comm)) : 0);
    status st = s->alloc(s, claimed + w->n * sizeof(note) + bytes, SHARE_ZEROS, &w->block);
    TRY(comm_agree(r->comm, st));
    note *notes = (note *)(void *)((char *)w->block + claimed);
    char *at = (char *)(notes + w->n);
    int64_t begin = work_queue_cut(w->before, w->units, c.first, c.all);
    int64_t end = work_queue_cut(w->before, w->units, c.first + c.here, c.all);
    for (size_t p = 0; p < w->n && st == OK; p++) {
        part *q = &w->parts[p];
        active *a = q->task;
        int64_t last = q->first + q->n;
        int64_t low = q->first > begin ? q->first : begin, high = last < end ? last : end;
        q->note = &notes[p];
        q->here = high > low ? high - low : 0;
        a->bits = (atomic_uint_least64_t *)(void *)at;
        st = partial_view(&a->plan.shape, at + task_bytes(a) - partial_bytes(&a->plan.shape),
                          &a->sum);
        at += task_bytes(a);
        if (st == OK && a->owner == comm_rank(r->comm))
            saving_restore(a);
    }
    if (st == OK && c.mine >= 0)
        st = work_queue_new(w->block, c.mine, c.here, c.first + c.mine, c.all, w->before, w->units,
                            &w->queue);
    if (st == OK && steals)
        st = steal_new(r->comm, (char *)w->block + shares, w->queue, &w->steal);
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
        int64_t done = atomic_load(&q->note->done);
        if (q->here == 0 || done == 0)
            continue;
        progress_line line = {q->task->of->task->label, q->task->round, 0, q->n, now - w->started};
        line.done = (int64_t)((double)done / (double)q->here * (double)q->n);
        if (done < q->here)
            w->lines[n++] = line;
        if (now - q->journalled < JOURNAL_SECONDS)
            continue;
        q->journalled = now;
        const journal_progress j = {.label = line.label,
                                    .round = line.round,
                                    .done = q->task->done + line.done,
                                    .units = q->task->plan.units,
                                    .rate = progress_rate(&line)};
        // A line lost here is nothing: a full disk stops the run where something is committed.
        (void)journal_task_progress(r->journal, &j);
    }
    progress_show(r->progress, n, w->lines);
}

// Has a unit failed or a signal come, here or on another node, or is the job's time nearly over?
// The first to see it passes it on.
static bool must_stop(run *r, const wave *w)
{
    if (comm_alarmed(r->comm)) {
        atomic_store(&r->flags->told, true);
        atomic_store(&r->flags->stopping, true);
    }
    if (deadline_near(r->deadline, w->longest, r->saving.wrote))
        atomic_store(&r->flags->stopping, true);
    bool stopping = atomic_load(&r->flags->stopping);
    if (stopping && !atomic_exchange(&r->flags->told, true))
        comm_alarm(r->comm);
    return stopping;
}

// A place of the list for this rank, or its team, whose task has not failed; false when there is
// none left on this node, or it is time to meet. All members of a team get the same.
static bool next_unit(run *r, wave *w, int64_t *i)
{
    bool any, stop, again;
    int64_t failed;
    while (w->team && team_told(w->team, &failed))
        atomic_store(&find_part(w, failed)->note->failed, true);
    do {
        stop = must_stop(r, w) || saving_due(r); // all look: a node's first rank need not claim
        if (w->steal)
            steal_serve(w->steal);
        any = w->queue && !stop && work_queue_next(w->queue, i);
        again = any ? atomic_load(&find_part(w, *i)->note->failed)
                    : !stop && w->steal && steal_ask(w->steal);
    } while (again);
    if (any && w->steal)
        steal_ahead(w->steal);
    return w->team ? team_next(w->team, any, i) : any;
}

static void serve(void *context)
{
    steal_serve(context);
}

static void run_units(run *r, wave *w)
{
    int64_t i;
    if (w->steal) {
        r->runtime.context = w->steal;
        r->runtime.meanwhile = serve;
    }
    while (next_unit(r, w, &i)) {
        part *q = find_part(w, i);
        active *a = q->task;
        int64_t unit = unit_of(q, i);
        double begun = progress_clock();
        w->gap = begun - w->ended > w->gap ? begun - w->ended : w->gap;
        watchdog_note(r->watchdog, DOING_UNIT, a->of->task, unit);
        status st = a->of->task->stage->unit(a->state, &a->vector, unit, a->sum);
        watchdog_note(r->watchdog, DOING_WAIT, NULL, 0);
        double took = progress_clock() - begun;
        w->longest = took > w->longest ? took : w->longest;
        w->busy += took;
        w->ended = begun + took;
        if (w->team)
            st = team_unit_end(w->team, st);
        verdict_add(&a->verdict, st);
        a->busy += st == OK ? took : 0;
        if (st == OK && w->queue) {
            a->worked += cost_of(a, unit);
            atomic_fetch_or(&a->bits[unit / 64], (uint64_t)1 << unit % 64);
            atomic_fetch_add(&q->note->done, 1);
        } else if (st != OK) {
            atomic_store(&q->note->failed, true);
            if (r->stop_on_error)
                atomic_store(&r->flags->stopping, true);
        }
        if (comm_rank(r->comm) == 0)
            show(r, w);
    }
    r->runtime.meanwhile = NULL;
}

// All ranks have stopped between units: because none are left, because the run must stop, or for a
// checkpoint, after which they go on.
static status meet(run *r, wave *w, bool *more, bool *stopped)
{
    enum { DUE = 1, STOP = 2 };
    if (w->steal)
        steal_meet(w->steal);
    comm_alarm_clear(r->comm);
    int64_t why = comm_largest(r->comm, (atomic_load(&r->flags->stopping) ? STOP : 0) +
                                            (saving_due(r) ? DUE : 0));
    int64_t left = comm_largest(r->comm, w->queue ? work_queue_left(w->queue) : 0);
    *stopped = why >= STOP;
    *more = !*stopped && left > 0;
    r->stopped |= *stopped;
    if (*stopped)
        atomic_store(&r->flags->stopping, true);
    return *stopped || (why == DUE && left > 0) ? saving_wave(r) : OK;
}

// The vote on every task, and its sum.
static void conclude(run *r, wave *w, bool stopped)
{
    for (size_t p = 0; p < w->n; p++) {
        active *a = w->parts[p].task;
        if (stopped)
            verdict_add(&a->verdict, status_fail(ERR_INTERRUPTED, NULL, "interrupted"));
        comm_agree_each(r->comm, 1, &a->verdict);
        status st = verdict_get(&a->verdict);
        if (st == OK)
            st = comm_reduce(r->comm, comm_node_of(r->comm, a->owner), a->sum);
        if (st == OK) {
            a->complete = true;
            a->units += a->plan.units;
            a->operations += operations_of(a);
        } else
            settle_fail(r, a->of, st);
    }
}

static status write_note(run *r, const wave *w, int64_t sent)
{
    double now = progress_clock(), gap = now - w->ended;
    const wave_note own = {.units = w->units,
                           .seconds = now - w->started,
                           .gap = gap > w->gap ? gap : w->gap,
                           .busy = w->busy,
                           .longest = w->longest,
                           .sent = mailbox_sent(comm_mailbox(r->comm)) - sent,
                           .fetched = w->steal ? steal_fetched(w->steal) : 0};
    return r->notes ? wave_note_write(r, &own) : OK;
}

status wave_run(run *r, wave **out)
{
    status st;
    size_t bytes = 0;
    bool more, stopped;
    int64_t sent = mailbox_sent(comm_mailbox(r->comm));
    wave *w = checked_calloc(1, sizeof *w);
    TRY(comm_agree(r->comm, w ? OK : status_no_memory("a wave")));
    TRY(admit(r, w, &bytes));
    TRY(comm_agree(r->comm, make_list(w)));
    TRY(lay_out(r, w, bytes));
    w->started = w->ended = progress_clock();
    for (size_t p = 0; p < w->n; p++)
        w->parts[p].journalled = w->started;
    do {
        if (w->team)
            TRY(comm_agree(r->comm, team_begin(w->team, pool_threads(r->runtime.pool))));
        run_units(r, w);
        if (w->team)
            team_finish(w->team);
        TRY(meet(r, w, &more, &stopped));
    } while (more);
    TRY(write_note(r, w, sent));
    conclude(r, w, stopped);
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
            a->bits = NULL;
        }
    }
    steal_free(w->steal);
    work_queue_free(w->queue);
    if (w->block)
        s->release(s, w->block);
    for (size_t p = 0; p < w->n; p++)
        free(w->parts[p].rest);
    free(w->before);
    free(w->lines);
    free(w->parts);
    free(w);
}

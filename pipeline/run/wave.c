// SPDX-License-Identifier: Apache-2.0
// Ranks claim units in any order and add integers, so that neither order nor number of ranks shows
// in a sum. They meet only when nothing is left, for a checkpoint, or to stop; who has met knows
// that no unit is half done anywhere.
//
// Teams do not even meet for a checkpoint, and others for the first one only (pipeline/schedule/cuts.h).
//
// In a rank every thread is a lane that claims units and runs them, with no barrier between units;
// one that finds none left takes part in the loops of those that still run. Lane 0 is the thread
// that speaks MPI: it alone looks for alarms, and asks other nodes for units.
#include "pipeline/run/wave.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/run/checkpoint.h"
#include "pipeline/run/checkpoint_resume.h"
#include "pipeline/run/running_task.h"
#include "pipeline/run/task_end.h"
#include "pipeline/run/wave_note.h"
#include "pipeline/run/wave_units.h"
#include "pipeline/schedule/cuts.h"
#include "pipeline/schedule/steal.h"
#include "pipeline/schedule/work_queue.h"
#include "pipeline/schedule/workers.h"

struct wave {
    wave_units list;
    work_queue *queue; // owned; NULL: this rank does not claim
    steal *steal;      // owned; NULL: nothing moves between nodes
    cuts *cuts;        // while units run on through checkpoints
    int64_t stretch;   // the one that is not saved
    // Node memory: the queue, stealing, boards, each task's bits and sum; and the second ones of
    // these: NULL where every checkpoint is a meeting.
    void *block, *second;
    size_t bytes; // of bits and sums
    double started;
    team *team;       // NULL: units are run by ranks
    int lanes;        // units of this rank that may run at once
    atomic_bool over; // lane 0 has found that no more will come
    // With the run's lock held.
    _Atomic double longest; // seconds of this rank's longest call; any thread may look at it
    double busy;            // of all, shared out to the lanes
    double ended, gap;      // when none ran any more; the longest time without one
    // Nanoseconds of this rank's threads between their first unit and the meeting, and of these,
    // those in which they had nothing to do; and of all ranks' until the last meeting.
    int64_t manned, rested, all_manned, all_rested;
};

// --- Making the list

static status list_tasks(run *r, wave *w)
{
    bool teams = false;
    status st = wave_units_admit(r, &w->list, &teams, &w->bytes);
    if (teams)
        w->team = comm_team(r->comm);
    return st;
}

// The part of the node's memory at `at` that is a task's.
static status view_sum(const run *r, running_task *a, char *at)
{
    status st = running_task_view(a, 0, at);
    if (st == OK && a->owner == comm_rank(r->comm))
        st = checkpoint_restore(a);
    return st;
}

// The node's memory: the queue, stealing, a board for each part, and each part's bits and sum. What
// an earlier run has summed up goes to the owner's node. Collective on each node; a vote must
// follow.
static status lay_out(run *r, wave *w)
{
    share *s = comm_share(r->comm);
    const wave_units *l = &w->list;
    const workers c = workers_find(r->comm, w->team);
    bool steals = !w->team && comm_nodes(r->comm) > 1;
    size_t shares = work_queue_bytes(c.here);
    size_t claimed = shares + (steals ? steal_bytes(comm_nodes(r->comm)) : 0);
    status st = s->alloc(s, claimed + l->n * sizeof(part_board) + w->bytes, SHARE_ZEROS, &w->block);
    if (st != OK)
        return st;
    part_board *boards = (part_board *)(void *)((char *)w->block + claimed);
    char *at = (char *)(boards + l->n);
    int64_t begin = work_queue_cut(l->before, l->units, c.first, c.all);
    int64_t end = work_queue_cut(l->before, l->units, c.first + c.here, c.all);
    for (size_t p = 0; p < l->n && st == OK; p++) {
        wave_part *part = &l->parts[p];
        int64_t last = part->first + part->n;
        int64_t low = part->first > begin ? part->first : begin, high = last < end ? last : end;
        part->board = &boards[p];
        part->here = high > low ? high - low : 0;
        part->journalled = progress_clock();
        if (comm_rank(r->comm) == 0)
            wave_note_begin(part);
        st = view_sum(r, part->task, at);
        at += running_task_bytes(part->task);
    }
    if (st == OK && c.mine >= 0)
        st = work_queue_new(w->block, c.mine, c.here, c.first + c.mine, c.all, l->before, l->units,
                            &w->queue);
    if (st == OK && w->queue && !w->team)
        work_queue_join(w->queue, wave_units_together, &w->list);
    if (st == OK && steals)
        st = steal_new(r->comm, (char *)w->block + shares, w->queue, &w->steal);
    return st;
}

// Memory for a second sum of each task. Ranks can do without it. Collective.
static status lay_out_second(run *r, wave *w)
{
    share *s = comm_share(r->comm);
    status st = s->alloc(s, w->bytes, SHARE_ZEROS, &w->second);
    char *at = w->second;
    for (size_t p = 0; p < w->list.n && st == OK; p++) {
        st = running_task_view(w->list.parts[p].task, 1, at);
        at += running_task_bytes(w->list.parts[p].task);
    }
    st = comm_agree(r->comm, st);
    if (st != OK && w->second)
        s->release(s, w->second);
    if (st != OK)
        w->second = NULL;
    return w->team ? st : OK;
}

// Shall units run on through the checkpoints that come? Ranks' only where there has been one, so that
// short waves need nothing for it. The same on all ranks.
static bool wants_cuts(const run *r, const wave *w, bool goes_on)
{
    const double open = resource_use_beside(r->resources, NULL);
    return w->team || (goes_on && comm_threaded() && open + 2.0 * (double)w->bytes <= r->memory);
}

// --- Working through it

static part_board *board_of(const wave *w, int64_t i)
{
    return w->list.parts[wave_units_part(&w->list, i)].board;
}

// How a lane that found no unit waits for one: long against a look, short against a unit.
#define NAP_SECONDS 1e-4

// Shall lanes claim no more, because it is time to meet? Any thread may ask.
static bool must_meet(const run *r, const wave *w)
{
    return stop_near(r->stop, atomic_load(&w->longest), r->clock.wrote) ||
           (w->cuts ? cuts_failed(w->cuts) : checkpoint_clock_due(&r->clock));
}

// Places of a task that has not failed; false when this node has none left.
static bool claim_places(const wave *w, team_units *u)
{
    bool any;
    do
        any = w->queue && work_queue_next(w->queue, &u->place, &u->n);
    while (any && atomic_load(&board_of(w, u->place)->failed));
    return any;
}

// What lane 0 does between units, and within one when that looks whether to stop.
static void serve_steals(void *context)
{
    steal *s = context;
    steal_serve(s);
    steal_ahead(s);
}

// The claim of lane 0, which tells the others when there is nothing more to come.
static bool claim_first(run *r, wave *w, team_units *u)
{
    int64_t failed;
    bool any = false;
    while (w->team && team_told(w->team, &failed))
        atomic_store(&board_of(w, failed)->failed, true);
    for (;;) {
        // All look: a node's first rank need not claim.
        const bool meet = must_meet(r, w);
        if (stop_look(r->stop) || meet)
            break;
        if (w->steal)
            steal_serve(w->steal);
        if ((any = claim_places(w, u)) || !w->steal || !steal_ask(w->steal))
            break;
        pool_rest(r->runtime.pool, NAP_SECONDS);
    }
    if (any && w->steal)
        steal_ahead(w->steal);
    if (!any)
        atomic_store(&w->over, true);
    return any;
}

static bool claim_other(run *r, wave *w, team_units *u)
{
    while (!must_meet(r, w)) {
        if (claim_places(w, u))
            return true;
        if (!w->steal || atomic_load(&w->over))
            return false;
        pool_rest(r->runtime.pool, NAP_SECONDS);
    }
    return false;
}

// The lane's next places of the list, for its rank or its team; false when there are none left, or
// it is time to meet. The members of a team get the same.
static bool next_units(run *r, wave *w, int lane, team_units *u)
{
    const bool claims = w->cuts && w->queue;
    if (claims)
        cuts_rest(w->cuts, lane);
    bool any = lane == 0 ? claim_first(r, w, u) : claim_other(r, w, u);
    u->stretch = any && claims ? cuts_enter(w->cuts, lane) : w->stretch;
    if (w->team)
        any = team_next(w->team, lane, any, u);
    if (any && w->cuts && !claims)
        cuts_follow(w->cuts, lane, u->stretch);
    else if (!any && w->cuts)
        cuts_leave(w->cuts, lane);
    return any;
}

static double begin_units(run *r, wave *w, const task *t, int64_t unit)
{
    pthread_mutex_lock(&r->lock);
    const double now = progress_clock();
    if (r->doing.units == 0)
        w->gap = now - w->ended > w->gap ? now - w->ended : w->gap;
    r->doing.units++;
    r->doing.task = t;
    r->doing.unit = unit;
    run_note(r);
    pthread_mutex_unlock(&r->lock);
    return now;
}

// What a task's units from `unit` on have come to.
static void end_units(run *r, wave *w, running_task *a, const team_units *u, int64_t unit,
                      status st, double begun)
{
    tally *t = &a->tally[u->stretch % 2];
    pthread_mutex_lock(&r->lock);
    const double now = progress_clock(), took = now - begun;
    if (--r->doing.units == 0) {
        run_note(r);
        w->ended = now;
    }
    if (took > atomic_load(&w->longest))
        atomic_store(&w->longest, took);
    w->busy += took / w->lanes;
    a->busy += st == OK ? took / w->lanes : 0;
    verdict_add(&a->verdict, st);
    for (int64_t i = unit; st == OK && w->queue && i < unit + u->n; i++) {
        a->worked += wave_units_cost(a, i);
        atomic_fetch_or(&t->bits[i / 64], (uint64_t)1 << i % 64);
        atomic_fetch_add(&board_of(w, u->place)->done, 1);
    }
    if (st != OK) {
        atomic_store(&board_of(w, u->place)->failed, true);
        if (r->stop_on_error)
            stop_ask(r->stop);
    }
    if (comm_rank(r->comm) == 0)
        wave_note_progress(r, &w->list, w->started);
    pthread_mutex_unlock(&r->lock);
}

typedef struct lanes {
    run *run;
    wave *wave;
} lanes;

static bool any_unit(run *r)
{
    pthread_mutex_lock(&r->lock);
    const bool any = r->doing.units > 0;
    pthread_mutex_unlock(&r->lock);
    return any;
}

static status run_lane(void *context, int64_t item, int thread)
{
    (void)thread;
    run *r = ((lanes *)context)->run;
    wave *w = ((lanes *)context)->wave;
    const int lane = (int)item;
    team_units u;
    while (lane < w->lanes && next_units(r, w, lane, &u)) {
        const wave_part *part = &w->list.parts[wave_units_part(&w->list, u.place)];
        running_task *a = part->task;
        const stage_def *stage = a->of->task->stage;
        const int64_t unit = wave_units_number(part, u.place);
        partial *sum = a->tally[u.stretch % 2].sum;
        const double begun = begin_units(r, w, a->of->task, unit);
        status st = stage->units ? stage->units(a->state, &a->vector, unit, u.n, lane, sum)
                                 : stage->unit(a->state, &a->vector, unit, lane, sum);
        if (w->team)
            st = team_unit_end(w->team, lane, u.place, st);
        end_units(r, w, a, &u, unit, st, begun);
    }
    // Other nodes may ask as long as this one has not come to the meeting.
    while (lane == 0 && w->steal && any_unit(r)) {
        steal_serve(w->steal);
        pool_rest(r->runtime.pool, NAP_SECONDS);
    }
    return OK;
}

// What this rank's threads have waited so far.
static double seconds_rested(const run *r, const wave *w)
{
    return pool_rested(r->runtime.pool) + (w->team ? team_waited(w->team) : 0);
}

static void run_units(run *r, wave *w)
{
    enum { NANO = 1000000000 };
    pool *threads = r->runtime.pool;
    const double begun = progress_clock(), rested = seconds_rested(r, w);
    atomic_store(&w->over, false);
    if (w->steal) {
        r->runtime.context = w->steal;
        r->runtime.meanwhile = serve_steals;
    }
    (void)pool_each(threads, run_lane, &(lanes){r, w}); // what fails is a task, not a lane
    r->runtime.meanwhile = NULL;
    w->manned += (int64_t)((progress_clock() - begun) * pool_threads(threads) * NANO);
    w->rested += (int64_t)((seconds_rested(r, w) - rested) * NANO);
    if (w->steal)
        steal_meet(w->steal);
}

// What a checkpoint found changed: its units need not run.
static void drop_changed(run *r, wave *w)
{
    for (size_t p = 0; p < w->list.n; p++) {
        pthread_mutex_lock(&r->lock);
        const bool failed = w->list.parts[p].task->verdict.code != OK;
        pthread_mutex_unlock(&r->lock);
        if (failed)
            atomic_store(&w->list.parts[p].board->failed, true);
        if (failed && r->stop_on_error)
            stop_ask(r->stop);
    }
}

static status save_stretch(void *context, int64_t stretch)
{
    const lanes *l = context;
    const status st = checkpoint_stretch(l->run, stretch);
    drop_changed(l->run, l->wave);
    return st;
}

// The same with checkpoints meanwhile.
static status run_through_cuts(run *r, wave *w)
{
    lanes l = {r, w};
    bool ahead = false;
    status st = w->team ? team_begin(w->team, pool_threads(r->runtime.pool)) : OK;
    if (w->team)
        w->lanes = team_lanes(w->team);
    const cuts_plan plan = {.comm = r->comm,
                            .stop = r->stop,
                            .clock = &r->clock,
                            .calls = w->queue,
                            .lanes = w->lanes,
                            .stretch = w->stretch,
                            .save = save_stretch,
                            .context = &l};
    if ((st = cuts_begin(&plan, st, &w->cuts)) == OK) {
        run_units(r, w);
        st = cuts_finish(w->cuts, &w->stretch, &ahead);
        w->cuts = NULL;
    }
    if (w->team)
        team_finish(w->team);
    for (size_t p = 0; p < w->list.n && st == OK; p++) {
        running_task *a = w->list.parts[p].task;
        if (ahead && comm_share(r->comm)->rank == 0)
            verdict_add(&a->verdict, running_task_move(a, w->stretch + 1));
        running_task_turn(a, w->stretch);
    }
    return st;
}

// All ranks have stopped between units: because none are left, because the run must stop, or for a
// checkpoint, after which they go on.
static status meet_ranks(run *r, wave *w, bool *more, bool *stopped)
{
    bool due = checkpoint_clock_due(&r->clock);
    int64_t sum[] = {w->queue ? work_queue_left(w->queue) : 0, w->manned, w->rested};
    const int64_t *left = &sum[0];
    *stopped = stop_meet(r->stop, &due, sizeof sum / sizeof *sum, sum);
    *more = !*stopped && *left > 0;
    r->interrupted |= *stopped;
    for (size_t p = 0; p < w->list.n; p++) {
        w->list.parts[p].task->manned += sum[1];
        w->list.parts[p].task->rested += sum[2];
    }
    w->all_manned += sum[1];
    w->all_rested += sum[2];
    w->manned = w->rested = 0;
    status st = *stopped || (due && *left > 0) ? checkpoint_wave(r) : OK;
    drop_changed(r, w);
    return st;
}

// The vote on every task, and its sum. What is wrong with a sum its owner says when it decides.
static void conclude_tasks(run *r, wave *w, bool stopped)
{
    running_task **listed = r->places->listed;
    for (size_t p = 0; p < w->list.n; p++) {
        listed[p] = w->list.parts[p].task;
        if (stopped)
            verdict_add(&listed[p]->verdict, status_fail(ERR_INTERRUPTED, NULL, "interrupted"));
    }
    const size_t n = task_agree(r, w->list.n);
    for (size_t i = 0; i < n; i++) {
        running_task *a = listed[i];
        verdict_add(&a->verdict, comm_reduce(r->comm, comm_node_of(r->comm, a->owner), a->sum));
        a->of->phase = PHASE_SUMMED;
        r->moves++;
        a->units += a->plan.units;
        a->operations += wave_units_operations(a);
    }
}

static status write_note(run *r, const wave *w, int64_t sent)
{
    double now = progress_clock(), gap = now - w->ended;
    const wave_note own = {
        .units = w->list.units,
        .seconds = now - w->started,
        .gap = gap > w->gap ? gap : w->gap,
        .busy = w->busy,
        .longest = w->longest,
        .waiting = w->all_manned > 0 ? (double)w->all_rested / (double)w->all_manned : 0,
        .sent = mailbox_sent(comm_mailbox(r->comm)) - sent,
        .fetched = w->steal ? steal_fetched(w->steal) : 0};
    return r->wants_notes ? wave_note_write(&own, r->comm, r->records.journal) : OK;
}

status wave_run(run *r, wave **out)
{
    status st;
    bool more = false, stopped;
    int64_t sent = mailbox_sent(comm_mailbox(r->comm));
    wave *w = checked_calloc(1, sizeof *w);
    share *s = comm_share(r->comm);
    st = s->vote(s, w ? list_tasks(r, w) : status_no_memory("a wave"));
    if (st == OK)
        st = lay_out(r, w);
    TRY(comm_agree(r->comm, st));
    w->started = w->ended = progress_clock();
    w->lanes = pool_threads(r->runtime.pool);
    do {
        if (!w->second && wants_cuts(r, w, more))
            TRY(lay_out_second(r, w));
        if (w->second)
            TRY(run_through_cuts(r, w));
        else
            run_units(r, w);
        TRY(meet_ranks(r, w, &more, &stopped));
    } while (more);
    TRY(write_note(r, w, sent));
    conclude_tasks(r, w, stopped);
    *out = w;
    w = NULL;
done:
    wave_free(r, w);
    return st;
}

void wave_free(run *r, wave *w)
{
    share *s = comm_share(r->comm);
    if (!w)
        return;
    for (size_t i = 0; i < r->dag->n; i++) {
        running_task *a = r->tasks[i].running;
        if (a)
            running_task_unview(a);
    }
    steal_free(w->steal);
    work_queue_free(w->queue);
    if (w->second)
        s->release(s, w->second);
    if (w->block)
        s->release(s, w->block);
    wave_units_free(&w->list);
    free(w);
}

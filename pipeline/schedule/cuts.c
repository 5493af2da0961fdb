// SPDX-License-Identifier: Apache-2.0
// A rank whose lanes have all ended takes part in the cuts of the others all the same: every turn of
// the thread is one sum over all ranks, of those that have ended. When that is all of them, it is
// over; else the stretch is whole, since a rank comes only when none of its lanes is left in it.
#include "pipeline/schedule/cuts.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "pipeline/base/checked.h"

// In no stretch: a lane that begins no more units, and one that looks for one.
#define LEFT    INT64_MAX
#define AT_REST (INT64_MAX - 1)

struct cuts {
    cuts_plan plan;
    pthread_t thread;
    pthread_cond_t changed; // a lane has entered a stretch, or left
    pthread_mutex_t lock;   // of what follows
    bool started, off;      // off: the thread is to end at once
    int64_t whole;          // the stretch that the next cut ends
    int64_t now;            // the stretch of what begins: `whole`, or one more
    bool ahead;             // on any rank, when all had left
    verdict saving;
    int64_t lane[]; // the stretch that it is in
};

static bool may_cut(const cuts *c)
{
    return c->saving.code == OK && !atomic_load(stop_flag(c->plan.stop));
}

// Until a lane moves, or a cut may be due. With the lock held.
static void wait_for_lanes(cuts *c)
{
    if (!c->plan.calls || c->now > c->whole || !may_cut(c)) {
        pthread_cond_wait(&c->changed, &c->lock);
        return;
    }
    const double seconds = fmin(fmax(checkpoint_clock_next(c->plan.clock), 1e-3), 3600);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t ns = until.tv_nsec + (int64_t)(seconds * 1e9);
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&c->changed, &c->lock, &until);
}

// Returns when this rank has nothing left in the stretch, calling for the cut where that is due:
// have all its lanes left?
static bool come_to_cut(cuts *c)
{
    int64_t least;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        least = LEFT;
        for (int i = 0; i < c->plan.lanes; i++)
            least = c->lane[i] < least ? c->lane[i] : least;
        // A lane at rest will enter the stretch that counts then: the next, once it is called for.
        if (least == LEFT ||
            (least > c->whole && (c->now > c->whole || !c->plan.calls) && may_cut(c)))
            break;
        if (c->plan.calls && c->now == c->whole && may_cut(c) &&
            checkpoint_clock_due(c->plan.clock))
            c->now++;
        else
            wait_for_lanes(c);
    }
    pthread_mutex_unlock(&c->lock);
    return least == LEFT;
}

static void save_stretch(cuts *c)
{
    const status st = c->plan.save(c->plan.context, c->whole);
    pthread_mutex_lock(&c->lock);
    verdict_add(&c->saving, st);
    c->whole++;
    c->now = c->whole;
    pthread_mutex_unlock(&c->lock);
}

static void *make_cuts(void *argument)
{
    cuts *c = argument;
    pthread_mutex_lock(&c->lock);
    bool over = c->off;
    pthread_mutex_unlock(&c->lock);
    while (!over) {
        int64_t sum[] = {come_to_cut(c), c->now > c->whole}; // ended; has called for one
        comm_sum_patiently(c->plan.comm, 2, sum);
        over = sum[0] == comm_ranks(c->plan.comm);
        c->ahead = sum[1] > 0;
        if (!over)
            save_stretch(c);
    }
    return NULL;
}

static void free_cuts(cuts *c)
{
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->changed);
    free(c);
}

// A cut's beginnings, and its thread, which does nothing before `lock` is released. NULL: no memory.
static cuts *make_ready(const cuts_plan *plan)
{
    cuts *c = checked_calloc(1, sizeof *c + (size_t)plan->lanes * sizeof c->lane[0]);
    if (!c)
        return NULL;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&c->lock, NULL);
    c->plan = *plan;
    c->whole = c->now = plan->stretch;
    for (int i = 0; i < plan->lanes; i++)
        c->lane[i] = plan->stretch;
    pthread_mutex_lock(&c->lock);
    c->started = pthread_create(&c->thread, NULL, make_cuts, c) == 0;
    return c;
}

status cuts_begin(const cuts_plan *plan, status st, cuts **out)
{
    cuts *c = st == OK ? make_ready(plan) : NULL;
    if (st == OK && !c)
        st = status_no_memory("the checkpoints");
    else if (st == OK && !c->started)
        st = status_fail(ERR_INTERNAL, NULL, "cannot start a thread; set `threads:` lower");
    st = comm_agree(plan->comm, st); // before it no thread may do what is collective
    if (c) {
        c->off = st != OK;
        pthread_mutex_unlock(&c->lock);
    }
    if (c && st != OK) {
        if (c->started)
            pthread_join(c->thread, NULL);
        free_cuts(c);
    } else if (st == OK) {
        *out = c;
    }
    return st;
}

// With the lock held.
static void move_lane(cuts *c, int lane, int64_t to)
{
    const int64_t from = c->lane[lane];
    c->lane[lane] = to;
    if (to == LEFT || (from <= c->whole && to > c->whole)) // else the thread waits for another one
        pthread_cond_signal(&c->changed);
}

void cuts_rest(cuts *c, int lane)
{
    cuts_follow(c, lane, AT_REST);
}

int64_t cuts_enter(cuts *c, int lane)
{
    pthread_mutex_lock(&c->lock);
    const int64_t now = c->now;
    move_lane(c, lane, now);
    pthread_mutex_unlock(&c->lock);
    return now;
}

void cuts_follow(cuts *c, int lane, int64_t stretch)
{
    pthread_mutex_lock(&c->lock);
    move_lane(c, lane, stretch);
    pthread_mutex_unlock(&c->lock);
}

void cuts_leave(cuts *c, int lane)
{
    cuts_follow(c, lane, LEFT);
}

bool cuts_failed(cuts *c)
{
    pthread_mutex_lock(&c->lock);
    const bool failed = c->saving.code != OK;
    pthread_mutex_unlock(&c->lock);
    return failed;
}

status cuts_finish(cuts *c, int64_t *stretch, bool *ahead)
{
    pthread_join(c->thread, NULL);
    const status st = verdict_get(&c->saving);
    *stretch = c->whole;
    *ahead = c->ahead;
    free_cuts(c);
    return st;
}

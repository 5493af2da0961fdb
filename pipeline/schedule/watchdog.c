// SPDX-License-Identifier: Apache-2.0
// A thread of its own looks, since a rank that hangs cannot say so. Notes are a few atomic stores
// in the node's shared memory: cheap enough for every unit.
#include "pipeline/schedule/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/progress.h"
#include "pipeline/schedule/roll_call.h"

enum { NOBODY = -1 };
static const double PATIENCE = 10; // an alarm is so many times the longest unit, at least

enum { LOOKS = 16 };               // while it waits for the first alarm
static const double ANSWER = 0.25; // of this time is enough for an answer

// What a rank last noted, and when its thread looked. Times are microseconds of progress_clock,
// which a machine's processes share.
typedef struct record {
    atomic_int rank, doing;
    atomic_llong task, unit, since, longest, looked;
    int64_t apart[2]; // a cache line each
} record;

// Shared by a node's ranks.
typedef struct board {
    atomic_llong still; // the newest note of which there have been alarms
    atomic_int alarms;  // how many
    record rank[];
} board;

struct watchdog {
    comm *comm;
    const dag *dag;
    double seconds;
    board *board;
    record *own;
    roll_call *nodes; // owned; NULL: there is no other, or it cannot be asked
    int64_t still;    // the newest note of which there were roll calls
    int steps;        // how many: they were asked, were named, were asked, …
    pthread_t thread;
    pthread_mutex_t lock; // of `ended`
    pthread_cond_t wake;
    bool ended, started;
};

static int64_t now_us(void)
{
    return (int64_t)(progress_clock() * 1e6);
}

void watchdog_note(watchdog *w, doing what, const task *t, int64_t unit)
{
    if (!w)
        return;
    record *own = w->own;
    const int64_t now = now_us(), took = now - atomic_load(&own->since);
    if (atomic_load(&own->doing) == DOING_UNIT && took > atomic_load(&own->longest))
        atomic_store(&own->longest, took);
    atomic_store(&own->doing, (int)what);
    atomic_store(&own->task, t ? (int64_t)t->index : NOBODY);
    atomic_store(&own->unit, unit);
    atomic_store(&own->since, now);
}

// --- Looking

static void print_record(const watchdog *w, const record *of, int64_t now)
{
    static const char *const what[] = {"waits for the other ranks", "opens", "computes",
                                       "writes a checkpoint", "writes the artefact of"};
    char unit[64] = "";
    const int begun = atomic_load(&of->doing);
    const int64_t index = atomic_load(&of->task);
    const bool silent = (double)(now - atomic_load(&of->looked)) > w->seconds * ANSWER * 1e6;
    if (begun == DOING_UNIT)
        snprintf(unit, sizeof unit, " unit %lld of", (long long)atomic_load(&of->unit));
    fprintf(stderr, "sulcus: nothing moves: rank %d on %s %s%s%s%s, for %.0f s%s\n",
            atomic_load(&of->rank), comm_host(w->comm), what[begun], unit,
            index == NOBODY ? "" : " ", index == NOBODY ? "" : w->dag->tasks[index]->label,
            (double)(now - atomic_load(&of->since)) * 1e-6, silent ? "; it does not answer" : "");
}

// The nodes that do not answer have been asked by half the time to an alarm; who asks them prints.
static void look_at_nodes(watchdog *w, int64_t newest, int64_t now, double patience)
{
    if (w->still != newest)
        w->steps = 0;
    w->still = newest;
    roll_call_serve(w->nodes);
    const bool named = w->steps % 2 != 0;
    const double due = patience * (double)((int64_t)1 << w->steps / 2) * (named ? 1 : 0.5);
    if (w->steps >= 60 || (double)(now - newest) < due)
        return;
    w->steps++;
    if (named)
        roll_call_say(w->nodes, w->seconds * ANSWER);
    else
        roll_call_ask(w->nodes);
}

// One of the node's threads prints for all its ranks.
static void look_at_ranks(watchdog *w, int64_t newest, int64_t now, double patience)
{
    board *b = w->board;
    if (atomic_exchange(&b->still, newest) != newest)
        atomic_store(&b->alarms, 0);
    int alarms = atomic_load(&b->alarms);
    if (alarms >= 30 || (double)(now - newest) < patience * (double)(1 << alarms) ||
        !atomic_compare_exchange_strong(&b->alarms, &alarms, alarms + 1))
        return;
    for (int r = 0; r < comm_share(w->comm)->ranks; r++)
        print_record(w, &b->rank[r], now);
    fflush(stderr);
}

static void look_around(watchdog *w)
{
    int64_t newest = 0, longest = 0;
    const int64_t now = now_us();
    atomic_store(&w->own->looked, now);
    for (int r = 0; r < comm_share(w->comm)->ranks; r++) {
        const record *of = &w->board->rank[r];
        int64_t since = atomic_load(&of->since), unit = atomic_load(&of->longest);
        newest = since > newest ? since : newest;
        longest = unit > longest ? unit : longest;
    }
    double patience = w->seconds * 1e6;
    if (patience < PATIENCE * (double)longest)
        patience = PATIENCE * (double)longest;
    look_at_ranks(w, newest, now, patience);
    if (w->nodes)
        look_at_nodes(w, newest, now, patience);
}

static void *watch_board(void *context)
{
    watchdog *w = context;
    struct timespec next;
    const int64_t period = (int64_t)(w->seconds / LOOKS * 1e9) + 1;
    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&w->lock);
    while (!w->ended) {
        int64_t at = next.tv_nsec + period;
        next.tv_sec += at / 1000000000;
        next.tv_nsec = at % 1000000000;
        int woken = 0;
        while (!w->ended && woken != ETIMEDOUT)
            woken = pthread_cond_timedwait(&w->wake, &w->lock, &next);
        if (!w->ended)
            look_around(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

// --- Beginning and end

static status start_thread(watchdog *w)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    w->started = pthread_create(&w->thread, NULL, watch_board, w) == 0;
    return w->started ? OK : status_fail(ERR_INTERNAL, NULL, "cannot start a thread");
}

status watchdog_new(comm *c, const dag *d, double seconds, watchdog **out)
{
    share *s = comm_share(c);
    void *block = NULL;
    roll_call *nodes = NULL;
    watchdog *w = checked_calloc(1, sizeof *w);
    status st = comm_agree(c, w ? roll_call_new(c, &nodes) : status_no_memory("the watchdog"));
    if (st != OK) {
        roll_call_free(nodes);
        free(w);
        return st;
    }
    *w = (watchdog){.comm = c, .dag = d, .seconds = seconds, .nodes = nodes};
    st = s->alloc(s, sizeof *w->board + (size_t)s->ranks * sizeof(record), SHARE_ZEROS, &block);
    if (st == OK) {
        w->board = block;
        w->own = &w->board->rank[s->rank];
        atomic_store(&w->own->rank, comm_rank(c));
        atomic_store(&w->own->looked, now_us());
        watchdog_note(w, DOING_WAIT, NULL, 0);
        st = start_thread(w);
    }
    TRY(comm_agree(c, st));
    *out = w;
    w = NULL;
done:
    watchdog_free(w);
    return st;
}

void watchdog_free(watchdog *w)
{
    if (!w)
        return;
    if (w->started) {
        pthread_mutex_lock(&w->lock);
        w->ended = true;
        pthread_cond_signal(&w->wake);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
    }
    roll_call_finish(w->nodes);
    roll_call_free(w->nodes);
    if (w->board) {
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        comm_share(w->comm)->release(comm_share(w->comm), w->board);
    }
    free(w);
}

// SPDX-License-Identifier: Apache-2.0
// Open loops are a list; whoever has nothing to do looks there. Items are handed out with one
// atomic addition, and the lock is for what is rare: opening and closing a loop, coming and going.
// The failure with the lowest index wins, so that the message does not depend on which thread was
// first.
#include "pipeline/base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/progress.h"

typedef struct failure {
    status status;
    int64_t item;
    char text[1024];
} failure;

// On the stack of the thread that runs it.
typedef struct loop {
    struct loop *next; // in the list of open ones
    pool_fn *fn;
    void *context;
    int64_t n;
    atomic_int_least64_t at; // the next item
    atomic_bool failed;
    int inside; // threads that help
    failure failure;
} loop;

struct pool {
    int threads, started;
    pthread_t *handles; // threads - 1 of them
    pthread_mutex_t lock;
    pthread_cond_t changed; // there is work, or a loop has ended
    bool stop;
    loop *open;
    // What every thread runs once.
    loop *each;
    uint64_t generation; // raised when it starts
    int running;         // threads that have not ended it
    // Who is at rest, and how long they all were until `since`.
    int resting;
    double since, rested;
};

typedef struct worker {
    pool *p;
    int thread;
} worker;

// --- With the lock held

static void count_rest(pool *p, int more)
{
    double now = progress_clock();
    p->rested += p->resting * (now - p->since);
    p->since = now;
    p->resting += more;
}

// Until something changes; false at `until` (NULL: never).
static bool rest(pool *p, const struct timespec *until)
{
    int woken = 0;
    count_rest(p, 1);
    if (until)
        woken = pthread_cond_timedwait(&p->changed, &p->lock, until);
    else
        pthread_cond_wait(&p->changed, &p->lock);
    count_rest(p, -1);
    return woken == 0;
}

static void keep_failure(loop *l, int64_t item, status st)
{
    if (l->failure.status != OK && item > l->failure.item)
        return;
    l->failure.status = st;
    l->failure.item = item;
    snprintf(l->failure.text, sizeof l->failure.text, "%s", status_text());
    atomic_store(&l->failed, true);
}

// An open loop that has items left, or NULL.
static loop *find_loop(const pool *p)
{
    loop *l = p->open;
    while (l && (atomic_load(&l->failed) || atomic_load(&l->at) >= l->n))
        l = l->next;
    return l;
}

// --- Items

static void run_item(pool *p, loop *l, int64_t item, int thread)
{
    status st = l->fn(l->context, item, thread);
    if (st == OK)
        return;
    pthread_mutex_lock(&p->lock);
    keep_failure(l, item, st);
    pthread_mutex_unlock(&p->lock);
}

static void take_items(pool *p, loop *l, int thread)
{
    int64_t item;
    while (!atomic_load(&l->failed) && (item = atomic_fetch_add(&l->at, 1)) < l->n)
        run_item(p, l, item, thread);
}

// Takes items of a loop of another thread. With the lock held, but not meanwhile.
static void help(pool *p, loop *l, int thread)
{
    l->inside++;
    pthread_mutex_unlock(&p->lock);
    take_items(p, l, thread);
    pthread_mutex_lock(&p->lock);
    if (--l->inside == 0)
        pthread_cond_broadcast(&p->changed);
}

static void *worker_main(void *argument)
{
    worker w = *(worker *)argument;
    free(argument);
    pool *p = w.p;
    uint64_t seen = 0;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        loop *l;
        if (p->each && p->generation != seen) {
            seen = p->generation;
            l = p->each;
            pthread_mutex_unlock(&p->lock);
            run_item(p, l, w.thread, w.thread);
            pthread_mutex_lock(&p->lock);
            if (--p->running == 0)
                pthread_cond_broadcast(&p->changed);
        } else if ((l = find_loop(p))) {
            help(p, l, w.thread);
        } else {
            rest(p, NULL);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

// --- The pool

static bool start_worker(pool *p, int thread)
{
    worker *w = malloc(sizeof *w);
    if (!w)
        return false;
    *w = (worker){p, thread};
    if (pthread_create(&p->handles[p->started], NULL, worker_main, w) != 0) {
        free(w);
        return false;
    }
    p->started++;
    return true;
}

status pool_new(int threads, pool **out)
{
    pool *p = checked_calloc(1, sizeof *p);
    pthread_t *handles = checked_calloc((size_t)threads, sizeof *handles);
    if (!p || !handles) {
        free(p);
        free(handles);
        return status_no_memory("a thread pool");
    }
    p->threads = threads;
    p->handles = handles;
    p->since = progress_clock();
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (int t = 1; t < threads; t++)
        if (!start_worker(p, t)) {
            pool_free(p);
            return status_fail(ERR_INTERNAL, NULL,
                               "cannot start thread %d of %d; set `threads:` lower", t, threads);
        }
    *out = p;
    return OK;
}

void pool_free(pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    for (int t = 0; t < p->started; t++)
        pthread_join(p->handles[t], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    free(p->handles);
    free(p);
}

void pool_pin(pool *p, const int32_t *cpu)
{
    for (int t = 1; t <= p->started; t++) {
        const size_t cpus = (size_t)cpu[t] + 1, bytes = CPU_ALLOC_SIZE(cpus);
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (!set)
            return;
        CPU_ZERO_S(bytes, set);
        CPU_SET_S((size_t)cpu[t], bytes, set);
        pthread_setaffinity_np(p->handles[t - 1], bytes, set);
        CPU_FREE(set);
    }
}

int pool_threads(const pool *p)
{
    return p ? p->threads : 1;
}

// The caller's number.
static int own_thread(const pool *p)
{
    for (int t = 0; t < p->started; t++)
        if (pthread_equal(p->handles[t], pthread_self()))
            return t + 1;
    return 0;
}

static status close_failure(const loop *l)
{
    return l->failure.status == OK ? OK : status_carry(l->failure.status, l->failure.text);
}

status pool_run(pool *p, int64_t n, pool_fn *fn, void *context)
{
    if (!p || n < 2) {
        status st = OK;
        const int thread = p ? own_thread(p) : 0;
        for (int64_t i = 0; i < n && st == OK; i++)
            st = fn(context, i, thread);
        return st;
    }
    loop l = {.fn = fn, .context = context, .n = n};
    pthread_mutex_lock(&p->lock);
    l.next = p->open;
    p->open = &l;
    if (p->resting > 0)
        pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    take_items(p, &l, own_thread(p));
    pthread_mutex_lock(&p->lock);
    loop **at = &p->open;
    while (*at != &l)
        at = &(*at)->next;
    *at = l.next;
    while (l.inside > 0)
        rest(p, NULL);
    pthread_mutex_unlock(&p->lock);
    return close_failure(&l);
}

status pool_each(pool *p, pool_fn *fn, void *context)
{
    if (!p)
        return fn(context, 0, 0);
    loop l = {.fn = fn, .context = context, .n = p->threads}, *other;
    pthread_mutex_lock(&p->lock);
    p->each = &l;
    p->generation++;
    p->running = p->started;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    run_item(p, &l, 0, 0);
    pthread_mutex_lock(&p->lock);
    while (p->running > 0)
        if ((other = find_loop(p)))
            help(p, other, 0);
        else
            rest(p, NULL);
    p->each = NULL;
    pthread_mutex_unlock(&p->lock);
    return close_failure(&l);
}

void pool_rest(pool *p, double seconds)
{
    struct timespec until;
    loop *l;
    const int64_t ns = (int64_t)(seconds * 1e9);
    if (!p) {
        nanosleep(&(struct timespec){ns / 1000000000, ns % 1000000000}, NULL);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (until.tv_nsec + ns) / 1000000000;
    until.tv_nsec = (until.tv_nsec + ns) % 1000000000;
    pthread_mutex_lock(&p->lock);
    while (!(l = find_loop(p)) && rest(p, &until))
        ;
    if (l)
        help(p, l, own_thread(p));
    pthread_mutex_unlock(&p->lock);
}

double pool_rested(pool *p)
{
    if (!p)
        return 0;
    pthread_mutex_lock(&p->lock);
    count_rest(p, 0);
    double rested = p->rested;
    pthread_mutex_unlock(&p->lock);
    return rested;
}

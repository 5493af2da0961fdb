// SPDX-License-Identifier: Apache-2.0
// Items are handed out one by one under a lock: an item takes milliseconds, the lock nanoseconds.
// The failure with the lowest index wins, so that the message does not depend on which thread was
// first.
#include "pipeline/base/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

struct pool {
    int threads, started;
    pthread_t *handles; // threads - 1 of them
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    uint64_t generation; // of the loop; raised when one starts
    bool stop;
    int busy; // threads inside the present loop
    pool_fn *fn;
    void *context;
    int64_t n, next;
    int64_t failed_item;
    status failed;
    char failed_text[1024];
};

typedef struct worker {
    pool *p;
    int thread;
} worker;

// Takes items until there are none. Entered and left with the lock held.
static void take_items(pool *p, int thread)
{
    while (p->next < p->n && p->failed == OK) {
        int64_t item = p->next++;
        pthread_mutex_unlock(&p->lock);
        status st = p->fn(p->context, item, thread);
        pthread_mutex_lock(&p->lock);
        if (st != OK && (p->failed == OK || item < p->failed_item)) {
            p->failed = st;
            p->failed_item = item;
            snprintf(p->failed_text, sizeof p->failed_text, "%s", status_text());
        }
    }
}

static void *worker_main(void *argument)
{
    worker w = *(worker *)argument;
    free(argument);
    uint64_t seen = 0;
    pthread_mutex_lock(&w.p->lock);
    for (;;) {
        while (!w.p->stop && w.p->generation == seen)
            pthread_cond_wait(&w.p->work, &w.p->lock);
        if (w.p->stop)
            break;
        seen = w.p->generation;
        w.p->busy++;
        take_items(w.p, w.thread);
        if (--w.p->busy == 0)
            pthread_cond_signal(&w.p->idle);
    }
    pthread_mutex_unlock(&w.p->lock);
    return NULL;
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
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->idle, NULL);
    for (int t = 1; t < threads; t++) {
        worker *w = malloc(sizeof *w);
        if (w)
            *w = (worker){p, t};
        if (!w || pthread_create(&p->handles[p->started], NULL, worker_main, w) != 0) {
            free(w);
            pool_free(p);
            return status_fail(ERR_INTERNAL, NULL,
                               "cannot start thread %d of %d; set `threads:` lower", t, threads);
        }
        p->started++;
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
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int t = 0; t < p->started; t++)
        pthread_join(p->handles[t], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->idle);
    free(p->handles);
    free(p);
}

int pool_threads(const pool *p)
{
    return p ? p->threads : 1;
}

status pool_run(pool *p, int64_t n, pool_fn *fn, void *context)
{
    if (!p) {
        status st = OK;
        for (int64_t i = 0; i < n && st == OK; i++)
            st = fn(context, i, 0);
        return st;
    }
    pthread_mutex_lock(&p->lock);
    p->fn = fn;
    p->context = context;
    p->n = n;
    p->next = 0;
    p->failed = OK;
    p->generation++;
    if (n > 1)
        pthread_cond_broadcast(&p->work);
    take_items(p, 0);
    while (p->busy > 0)
        pthread_cond_wait(&p->idle, &p->lock);
    p->n = 0; // a thread that wakes late finds nothing
    status st = p->failed;
    pthread_mutex_unlock(&p->lock);
    return st == OK ? OK : status_carry(st, p->failed_text);
}

// SPDX-License-Identifier: Apache-2.0
// A thread moves the messages, since Open MPI moves nothing while nobody is inside MPI, and whoever
// computes is not for seconds. It naps between two looks, longer when nothing comes.
#include "pipeline/comm/stream.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/progress.h"

// Between two looks at what has come, where nothing did: short at first, for what comes soon, then
// long enough to leave the core to those that compute.
enum { SHORTEST_NS = 20000, LONGEST_NS = 500000 };

// Messages are counted in words, so that a large one's size is an int.
enum { WORD = sizeof(int32_t) };

typedef struct queue {
    message *first, *last;
} queue;

struct stream {
    MPI_Comm ranks;
    int rank;
    pthread_t mover;
    pthread_mutex_t lock;
    pthread_cond_t work, changed; // for the mover; for the others
    bool moving, closing;
    double waited;          // seconds, of all threads but the mover
    int counted, depth;     // messages with this tag, of either direction, that may be held at once
    int outgoing, incoming; // that are
    queue to_send, sending, arrived, spare;
    message *arriving;
};

static void push_message(queue *q, message *m)
{
    m->next = NULL;
    if (q->first)
        q->last->next = m;
    else
        q->first = m;
    q->last = m;
}

static message *pop_message(queue *q)
{
    message *m = q->first;
    if (m)
        q->first = m->next;
    return m;
}

static void free_message(message *m)
{
    free(m->block.at);
    free(m);
}

// A message of n bytes, from the spare ones where there is one. With the lock held. NULL: no
// memory.
static message *new_message(stream *s, size_t n)
{
    message *m = pop_message(&s->spare);
    if (!m && !(m = checked_calloc(1, sizeof *m)))
        return NULL;
    if (m->capacity < n) {
        free(m->block.at);
        m->block.at = checked_aligned(n, 1);
        m->capacity = n;
        if (!m->block.at) {
            free_message(m);
            return NULL;
        }
    }
    m->block.bytes = n;
    return m;
}

// --- The mover

static bool start_sends(stream *s)
{
    message *m;
    bool any = false;
    while ((m = pop_message(&s->to_send))) {
        // Synchronous: what is sent has been taken in, so that a sender cannot run ahead of the
        // receiver's memory.
        MPI_Issend(m->block.at, (int)(m->block.bytes / WORD), MPI_INT32_T, s->rank + 1,
                   m->lane * STREAM_TAGS + m->tag, s->ranks, &m->request);
        push_message(&s->sending, m);
        any = true;
    }
    return any;
}

static bool end_sends(stream *s)
{
    bool any = false;
    while (s->sending.first) {
        int done;
        MPI_Test(&s->sending.first->request, &done, MPI_STATUS_IGNORE);
        if (!done)
            break;
        s->outgoing -= s->sending.first->tag == s->counted;
        push_message(&s->spare, pop_message(&s->sending));
        any = true;
    }
    return any;
}

// Begins to take in the next message, if one has come and there is room for it.
static bool start_receive(stream *s)
{
    int here, words;
    MPI_Status about;
    if (s->arriving || s->rank == 0)
        return false;
    MPI_Iprobe(s->rank - 1, MPI_ANY_TAG, s->ranks, &here, &about);
    const bool counted = here && about.MPI_TAG % STREAM_TAGS == s->counted;
    if (!here || (counted && s->incoming == s->depth))
        return false;
    MPI_Get_count(&about, MPI_INT32_T, &words);
    message *m = new_message(s, (size_t)words * WORD);
    if (!m) // there may be memory later; until then its sender keeps it
        return false;
    m->lane = about.MPI_TAG / STREAM_TAGS;
    m->tag = about.MPI_TAG % STREAM_TAGS;
    MPI_Irecv(m->block.at, words, MPI_INT32_T, s->rank - 1, about.MPI_TAG, s->ranks, &m->request);
    s->arriving = m;
    s->incoming += counted;
    return true;
}

static bool end_receive(stream *s)
{
    int done = 0;
    if (s->arriving)
        MPI_Test(&s->arriving->request, &done, MPI_STATUS_IGNORE);
    if (!done)
        return false;
    push_message(&s->arrived, s->arriving);
    s->arriving = NULL;
    return true;
}

static void nap_longer(stream *s, long nanoseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += nanoseconds;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&s->work, &s->lock, &until);
}

static void *move_messages(void *argument)
{
    stream *s = argument;
    long pause = SHORTEST_NS;
    pthread_mutex_lock(&s->lock);
    while (!s->closing || s->to_send.first || s->sending.first) {
        bool moved = start_sends(s);
        moved = end_sends(s) || moved;
        moved = end_receive(s) || moved;
        moved = start_receive(s) || moved;
        if (moved)
            pthread_cond_broadcast(&s->changed);
        pause = moved ? SHORTEST_NS : pause < LONGEST_NS ? 2 * pause : LONGEST_NS;
        nap_longer(s, pause);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

// --- The other threads

// With the lock held.
static void wait_for_change(stream *s)
{
    const double since = progress_clock();
    pthread_cond_wait(&s->changed, &s->lock);
    s->waited += progress_clock() - since;
}

message *stream_reserve(stream *s, int lane, int tag, size_t n)
{
    if (n / WORD > INT32_MAX)
        return NULL;
    pthread_mutex_lock(&s->lock);
    while (tag == s->counted && s->outgoing == s->depth)
        wait_for_change(s);
    message *m = new_message(s, n);
    if (m) {
        m->lane = lane;
        m->tag = tag;
        s->outgoing += tag == s->counted;
    }
    pthread_mutex_unlock(&s->lock);
    return m;
}

void stream_send(stream *s, message *m)
{
    pthread_mutex_lock(&s->lock);
    push_message(&s->to_send, m);
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

// The lane's first message that has arrived: where the list points at it; NULL: none has.
static message **find_arrived(stream *s, int lane, message **before)
{
    message **at = &s->arrived.first;
    for (*before = NULL; *at && (*at)->lane != lane; at = &(*at)->next)
        *before = *at;
    return *at ? at : NULL;
}

bool stream_take(stream *s, int lane, int tag, message **out)
{
    message **at, *before;
    pthread_mutex_lock(&s->lock);
    while (!(at = find_arrived(s, lane, &before)))
        wait_for_change(s);
    *out = *at;
    const bool taken = (*out)->tag == tag;
    if (taken) {
        *at = (*out)->next;
        if (s->arrived.last == *out)
            s->arrived.last = before;
    }
    pthread_mutex_unlock(&s->lock);
    return taken;
}

double stream_waited(stream *s)
{
    pthread_mutex_lock(&s->lock);
    const double waited = s->waited;
    pthread_mutex_unlock(&s->lock);
    return waited;
}

void stream_drop(stream *s, message *m)
{
    pthread_mutex_lock(&s->lock);
    s->incoming -= m->tag == s->counted;
    push_message(&s->spare, m);
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

status stream_begin(stream *s, int counted, int depth)
{
    s->closing = false;
    s->counted = counted;
    s->depth = depth;
    s->moving = pthread_create(&s->mover, NULL, move_messages, s) == 0;
    if (!s->moving)
        return status_fail(ERR_INTERNAL, NULL, "cannot start a thread; set `threads:` lower");
    return OK;
}

void stream_finish(stream *s)
{
    if (!s->moving)
        return;
    s->moving = false;
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->mover, NULL);
}

status stream_new(MPI_Comm ranks, stream **out)
{
    stream *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a team of ranks");
    s->ranks = ranks;
    MPI_Comm_rank(ranks, &s->rank);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
    pthread_cond_init(&s->changed, NULL);
    *out = s;
    return OK;
}

void stream_free(stream *s)
{
    if (!s)
        return;
    for (message *m; (m = pop_message(&s->spare));)
        free_message(m);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->changed);
    free(s);
}

// SPDX-License-Identifier: Apache-2.0
// Threads that stand in for the ranks of a team: a relay (pipeline/base/relay.h) in this process's
// memory, with the end of a pass that the engine's has.
#ifndef TESTS_MODEL_THREAD_TEAM_H
#define TESTS_MODEL_THREAD_TEAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/relay.h"

enum { TEAM_MOST = 6, TEAM_DEPTH = 8 };

typedef struct team_message {
    relay_block block; // first
    struct team_message *next;
    bool end;
    status st;
    char text[256];
} team_message;

// From one member to the next.
typedef struct team_link {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    team_message *first, **last;
    int under_way; // blocks
} team_link;

typedef struct team_member {
    relay base; // first
    team_link *in, *out;
} team_member;

typedef struct thread_team {
    team_link links[TEAM_MOST];
    team_member member[TEAM_MOST];
} thread_team;

static inline status team_reserve(relay *self, int lane, size_t bytes, relay_block **out)
{
    (void)lane;
    team_link *l = ((team_member *)self)->out;
    team_message *m = calloc(1, sizeof *m);
    m->block = (relay_block){checked_aligned(bytes, 1), bytes};
    pthread_mutex_lock(&l->lock);
    while (l->under_way == TEAM_DEPTH)
        pthread_cond_wait(&l->changed, &l->lock);
    l->under_way++;
    pthread_mutex_unlock(&l->lock);
    *out = &m->block;
    return OK;
}

static inline void team_put(team_link *l, team_message *m)
{
    pthread_mutex_lock(&l->lock);
    *l->last = m;
    l->last = &m->next;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static inline void team_send(relay *self, relay_block *block)
{
    team_put(((team_member *)self)->out, (team_message *)block);
}

// Waits for the next message; leaves the end of a pass where it is.
static inline status team_receive(relay *self, int lane, relay_block **out)
{
    (void)lane;
    team_link *l = ((team_member *)self)->in;
    status st = OK;
    pthread_mutex_lock(&l->lock);
    while (!l->first)
        pthread_cond_wait(&l->changed, &l->lock);
    team_message *m = l->first;
    if (m->end) {
        st = status_carry(m->st == OK ? ERR_INTERNAL : m->st, m->text);
    } else {
        l->first = m->next;
        if (!l->first)
            l->last = &l->first;
        m->next = NULL;
        *out = &m->block;
    }
    pthread_mutex_unlock(&l->lock);
    return st;
}

static inline void team_release(relay *self, relay_block *block)
{
    team_link *l = ((team_member *)self)->in;
    free(block->at);
    free(block);
    pthread_mutex_lock(&l->lock);
    l->under_way--;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

// A member's end of a pass: takes what is left of it from the previous member, tells the next one.
static inline status team_end(team_member *t, status st)
{
    char text[256];
    snprintf(text, sizeof text, "%s", st == OK ? "" : status_text());
    if (t->in) {
        relay_block *rest = NULL;
        while (team_receive(&t->base, 0, &rest) == OK)
            team_release(&t->base, rest);
        team_message *m = t->in->first;
        if (st == OK) {
            st = m->st;
            snprintf(text, sizeof text, "%s", m->text);
        }
        t->in->first = NULL;
        t->in->last = &t->in->first;
        free(m);
    }
    if (t->out) {
        team_message *m = calloc(1, sizeof *m);
        m->end = true;
        m->st = st;
        snprintf(m->text, sizeof m->text, "%s", text);
        team_put(t->out, m);
    }
    return status_carry(st, text);
}

static inline void thread_team_open(thread_team *t, int n)
{
    *t = (thread_team){0};
    for (int i = 0; i < n; i++) {
        team_link *l = &t->links[i];
        pthread_mutex_init(&l->lock, NULL);
        pthread_cond_init(&l->changed, NULL);
        l->last = &l->first;
        t->member[i] = (team_member){{i, n, team_reserve, team_send, team_receive, team_release},
                                     i > 0 ? &t->links[i - 1] : NULL,
                                     i + 1 < n ? l : NULL};
    }
}

static inline void thread_team_close(thread_team *t, int n)
{
    for (int i = 0; i < n; i++) {
        pthread_mutex_destroy(&t->links[i].lock);
        pthread_cond_destroy(&t->links[i].changed);
    }
}

#endif

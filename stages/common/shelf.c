// SPDX-License-Identifier: Apache-2.0
// A handful of places under one lock. Units come in order of the numbers, so the place that was
// wanted least lately is the one to empty.
#include "stages/common/shelf.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"

#define WAIT_SECONDS 1e-3 // between two looks: short against making an item

typedef enum place_state { EMPTY, IN_MAKING, READY, FAILED } place_state;

typedef struct place {
    place_state state;
    int64_t number;
    void *item;
    int users;      // who has it, or waits for who makes it
    uint64_t taken; // when it was last
} place;

struct shelf {
    pool *pool;
    shelf_make *make;
    void (*drop)(void *item);
    void *context;
    pthread_mutex_t lock; // of what follows
    uint64_t now;         // counts takes
    int places;
    place place[];
};

status shelf_new(int most, pool *p, shelf_make *make, void (*drop)(void *item), void *context,
                 shelf **out)
{
    shelf *s = checked_calloc(1, sizeof *s + (size_t)most * sizeof s->place[0]);
    if (!s)
        return status_no_memory("what units share");
    s->pool = p;
    s->make = make;
    s->drop = drop;
    s->context = context;
    s->places = most;
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return OK;
}

void shelf_free(shelf *s)
{
    if (!s)
        return;
    shelf_clear(s);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void empty_place(const shelf *s, place *p)
{
    if (p->state == READY)
        s->drop(p->item);
    *p = (place){0};
}

void shelf_clear(shelf *s)
{
    for (int i = 0; i < s->places; i++)
        empty_place(s, &s->place[i]);
}

// --- With the lock held

static place *find_place(shelf *s, int64_t number)
{
    for (int i = 0; i < s->places; i++)
        if (s->place[i].state != EMPTY && s->place[i].number == number)
            return &s->place[i];
    return NULL;
}

// One that is empty, or whose item nobody has; NULL: there is none.
static place *free_place(shelf *s)
{
    place *best = NULL;
    for (int i = 0; i < s->places; i++) {
        place *p = &s->place[i];
        if (p->state == EMPTY)
            return p;
        if (p->state == READY && p->users == 0 && (!best || p->taken < best->taken))
            best = p;
    }
    return best;
}

static void leave_place(place *p)
{
    if (--p->users == 0 && p->state == FAILED)
        p->state = EMPTY;
}

// Gives the lock back meanwhile.
static void wait_shortly(shelf *s)
{
    pthread_mutex_unlock(&s->lock);
    pool_rest(s->pool, WAIT_SECONDS);
    pthread_mutex_lock(&s->lock);
}

// Makes the item of a free place for the caller, who has it then. Gives the lock back meanwhile.
static status fill_place(shelf *s, place *p, int64_t number)
{
    void *item = NULL;
    empty_place(s, p);
    *p = (place){.state = IN_MAKING, .number = number, .users = 1};
    pthread_mutex_unlock(&s->lock);
    status st = s->make(s->context, number, &item);
    pthread_mutex_lock(&s->lock);
    p->state = st == OK ? READY : FAILED;
    p->item = item;
    if (st != OK)
        leave_place(p);
    return st;
}

// The place of an item that the caller has then. Who waits for one that another fails to make
// tries it again.
static status take_place(shelf *s, int64_t number, place **out)
{
    for (;;) {
        place *p = find_place(s, number);
        if (!p && (p = free_place(s))) {
            *out = p;
            return fill_place(s, p, number);
        }
        if (!p) {
            wait_shortly(s);
            continue;
        }
        p->users++;
        while (p->state == IN_MAKING)
            wait_shortly(s);
        *out = p;
        if (p->state == READY)
            return OK;
        leave_place(p);
        wait_shortly(s);
    }
}

status shelf_take(shelf *s, int64_t number, void **item)
{
    place *p;
    pthread_mutex_lock(&s->lock);
    status st = take_place(s, number, &p);
    if (st == OK) {
        p->taken = ++s->now;
        *item = p->item;
    }
    pthread_mutex_unlock(&s->lock);
    return st;
}

void shelf_give(shelf *s, int64_t number)
{
    pthread_mutex_lock(&s->lock);
    find_place(s, number)->users--;
    pthread_mutex_unlock(&s->lock);
}

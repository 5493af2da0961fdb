// SPDX-License-Identifier: Apache-2.0
// Threads that take the same things at once: each is made once while it is wanted, never more than
// there are places, and never dropped while somebody has it.
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "stages/common/shelf.h"

enum { PLACES = 3, THREADS = 8, NUMBERS = 40 };

typedef struct counts {
    shelf *shelf;
    atomic_int alive, most, made[NUMBERS], wrong;
    int fails_at;
} counts;

typedef struct thing {
    counts *of;
    int64_t number;
} thing;

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static status make_thing(void *context, int64_t number, void **item)
{
    counts *c = context;
    if (number == c->fails_at)
        return status_fail(ERR_INPUT, "thing", "%d", (int)number);
    thing *t = malloc(sizeof *t);
    *t = (thing){c, number};
    const int alive = atomic_fetch_add(&c->alive, 1) + 1;
    if (alive > atomic_load(&c->most))
        atomic_store(&c->most, alive);
    atomic_fetch_add(&c->made[number], 1);
    pause_ms(1);
    *item = t;
    return OK;
}

static void drop_thing(void *item)
{
    thing *t = item;
    atomic_fetch_sub(&t->of->alive, 1);
    t->number = -1;
    free(t);
}

// All threads go through the numbers in order, as lanes go through units.
static status use_things(void *context, int64_t item, int thread)
{
    (void)item, (void)thread;
    counts *c = context;
    for (int64_t n = 0; n < NUMBERS; n++) {
        void *got = NULL;
        status st = shelf_take(c->shelf, n, &got);
        if (st != OK)
            return st;
        pause_ms(3);
        atomic_fetch_add(&c->wrong, ((thing *)got)->number != n);
        shelf_give(c->shelf, n);
    }
    return OK;
}

static void things_are_shared(void **unused)
{
    (void)unused;
    pool *p;
    int made = 0;
    counts c = {.fails_at = -1};
    assert_int_equal(pool_new(THREADS, &p), OK);
    assert_int_equal(shelf_new(PLACES, p, make_thing, drop_thing, &c, &c.shelf), OK);
    assert_int_equal(pool_each(p, use_things, &c), OK);
    assert_int_equal(c.wrong, 0);
    assert_true(c.most <= PLACES);
    for (int n = 0; n < NUMBERS; n++)
        made += c.made[n];
    assert_true(made >= NUMBERS && made < NUMBERS * THREADS / 2);
    assert_true(c.alive > 0);
    shelf_clear(c.shelf);
    assert_int_equal(c.alive, 0);
    c.fails_at = 5;
    assert_int_equal(pool_each(p, use_things, &c), ERR_INPUT);
    assert_string_equal(status_text(), "thing: 5");
    shelf_free(c.shelf);
    assert_int_equal(c.alive, 0);
    pool_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(things_are_shared)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

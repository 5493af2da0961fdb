// SPDX-License-Identifier: Apache-2.0
// The hidden cache: tasks of the same data share it, within one limit for all of a model.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "stages/prune/hidden_cache.h"

enum { TILES = 3, ROWS = 8, WIDTH = 4, NEURONS = 16 };

static const model_info info = {
    .modality = MODALITY_IMAGE, .hidden_size = WIDTH, .d_mlp = NEURONS, .layers = 2};

static hidden_cache *open_cache(hidden_cache_store *s, const char *data)
{
    char hex[DIGEST_HEX] = {0};
    hidden_cache *k = NULL;
    strcpy(hex, data);
    assert_int_equal(hidden_cache_open(s, hex, &(tiling){.tiles = TILES}, &info, &k), OK);
    return k;
}

static tile tile_of(int32_t *target)
{
    return (tile){.samples = 2, .rows = ROWS, .target = target};
}

static void test_sharing(void **state)
{
    (void)state;
    hidden_cache_store s = {0};
    hidden_cache *one = open_cache(&s, "a"), *two = open_cache(&s, "a"),
                 *other = open_cache(&s, "b");
    assert_ptr_equal(one, two);
    assert_ptr_not_equal(one, other);
    int32_t target[2] = {7, 9}, again[2] = {0};
    float hidden[ROWS * WIDTH], back[ROWS * WIDTH] = {0};
    for (int i = 0; i < ROWS * WIDTH; i++)
        hidden[i] = (float)i;
    tile t = tile_of(target), from = tile_of(again);
    hidden_cache_put(one, 1, &t, hidden);
    hidden_cache_close(one); // the other task still has it
    assert_true(hidden_cache_has(two, (tile_run){1, 1}));
    assert_false(hidden_cache_has(two, (tile_run){0, 2}));
    assert_false(hidden_cache_has(other, (tile_run){1, 1}));
    hidden_cache_load(two, 1, &from);
    hidden_cache_get(two, 1, back);
    assert_int_equal(from.samples, 2);
    assert_memory_equal(again, target, sizeof target);
    assert_memory_equal(back, hidden, sizeof hidden);
    model_neurons *u = hidden_cache_neurons(two, 1, &t, sizeof(float));
    assert_true(u && u->x && !u->made);
    assert_null(hidden_cache_neurons(two, 1, &t, sizeof(float))); // another pass makes them
    u->made = true;
    assert_ptr_equal(hidden_cache_neurons(two, 1, &t, sizeof(float)), u);
    assert_int_equal(s.bytes, sizeof hidden + ROWS * NEURONS * sizeof(float));
    hidden_cache_close(two);
    assert_int_equal(s.bytes, 0);
    hidden_cache *anew = open_cache(&s, "a"); // it was the last: what was there is gone
    assert_false(hidden_cache_has(anew, (tile_run){1, 1}));
    hidden_cache_close(anew);
    hidden_cache_close(other);
    assert_null(s.first);
}

static void test_limit(void **state)
{
    (void)state;
    hidden_cache_store s = {0};
    hidden_cache *one = open_cache(&s, "a"), *two = open_cache(&s, "b");
    int32_t target[2] = {0};
    float *hidden = calloc(ROWS * WIDTH, sizeof *hidden);
    tile t = tile_of(target);
    s.bytes = HIDDEN_CACHE_BYTES - ROWS * WIDTH * sizeof *hidden; // as if others took as much
    assert_null(hidden_cache_neurons(two, 0, &t, sizeof(float))); // larger
    hidden_cache_put(one, 0, &t, hidden);
    hidden_cache_put(two, 0, &t, hidden);
    assert_true(hidden_cache_has(one, (tile_run){0, 1}));
    assert_false(hidden_cache_has(two, (tile_run){0, 1}));
    assert_int_equal(s.bytes, HIDDEN_CACHE_BYTES);
    hidden_cache_close(one);
    hidden_cache_put(two, 0, &t, hidden); // there is room again
    assert_true(hidden_cache_has(two, (tile_run){0, 1}));
    hidden_cache_close(two);
    free(hidden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sharing),
                                       cmocka_unit_test(test_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// What a search keeps: tasks of the same data share it, within one limit for all of a model.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "stages/common/hidden_cache.h"

enum { TILES = 3, ROWS = 8, WIDTH = 4, UNITS = 16 };

static const model_info info = {
    .modality = MODALITY_IMAGE, .hidden_size = WIDTH, .d_mlp = UNITS, .layers = 2};

static kept_tiles *open_kept(kept_store *s, const char *data)
{
    char hex[DIGEST_HEX] = {0};
    kept_tiles *k = NULL;
    strcpy(hex, data);
    assert_int_equal(kept_open(s, hex, &(tiling){.tiles = TILES}, &info, &k), OK);
    return k;
}

static tile tile_of(int32_t *target)
{
    return (tile){.samples = 2, .rows = ROWS, .target = target};
}

static void test_sharing(void **state)
{
    (void)state;
    kept_store s = {0};
    kept_tiles *one = open_kept(&s, "a"), *two = open_kept(&s, "a"), *other = open_kept(&s, "b");
    assert_ptr_equal(one, two);
    assert_ptr_not_equal(one, other);
    int32_t target[2] = {7, 9}, again[2] = {0};
    float hidden[ROWS * WIDTH], back[ROWS * WIDTH] = {0};
    for (int i = 0; i < ROWS * WIDTH; i++)
        hidden[i] = (float)i;
    tile t = tile_of(target), from = tile_of(again);
    kept_put(one, 1, &t, hidden);
    kept_close(one); // the other task still has it
    assert_true(kept_has(two, (tile_run){1, 1}));
    assert_false(kept_has(two, (tile_run){0, 2}));
    assert_false(kept_has(other, (tile_run){1, 1}));
    kept_load(two, 1, &from);
    kept_get(two, 1, back);
    assert_int_equal(from.samples, 2);
    assert_memory_equal(again, target, sizeof target);
    assert_memory_equal(back, hidden, sizeof hidden);
    model_neurons *u = kept_units(two, 1, &t, sizeof(float));
    assert_true(u && u->x && !u->made);
    assert_ptr_equal(kept_units(two, 1, &t, sizeof(float)), u);
    assert_int_equal(s.bytes, sizeof hidden + ROWS * UNITS * sizeof(float));
    kept_close(two);
    assert_int_equal(s.bytes, 0);
    kept_tiles *anew = open_kept(&s, "a"); // it was the last: what was kept is gone
    assert_false(kept_has(anew, (tile_run){1, 1}));
    kept_close(anew);
    kept_close(other);
    assert_null(s.first);
}

static void test_limit(void **state)
{
    (void)state;
    kept_store s = {0};
    kept_tiles *one = open_kept(&s, "a"), *two = open_kept(&s, "b");
    int32_t target[2] = {0};
    float *hidden = calloc(ROWS * WIDTH, sizeof *hidden);
    tile t = tile_of(target);
    s.bytes = KEPT_BYTES - ROWS * WIDTH * sizeof *hidden; // as if others had kept as much
    assert_null(kept_units(two, 0, &t, sizeof(float)));   // larger
    kept_put(one, 0, &t, hidden);
    kept_put(two, 0, &t, hidden);
    assert_true(kept_has(one, (tile_run){0, 1}));
    assert_false(kept_has(two, (tile_run){0, 1}));
    assert_int_equal(s.bytes, KEPT_BYTES);
    kept_close(one);
    kept_put(two, 0, &t, hidden); // there is room again
    assert_true(kept_has(two, (tile_run){0, 1}));
    kept_close(two);
    free(hidden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sharing),
                                       cmocka_unit_test(test_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

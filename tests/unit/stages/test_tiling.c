// SPDX-License-Identifier: Apache-2.0
// Tiles: every sample is in one, in order; they are as even as whole samples allow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stages/common/tiling.h"

typedef struct lengths {
    int64_t shortest, span;
} lengths;

static int64_t rows_of(void *context, int64_t i)
{
    const lengths *l = context;
    return l->shortest + (l->span ? i * 7919 % l->span : 0);
}

// Cuts one subset, checks what holds of all, and returns the number of tiles.
static int64_t cut(int64_t samples, lengths l)
{
    tiling t = {0};
    int64_t sample = 0, row = 0, least = INT64_MAX;
    assert_int_equal(tiling_add(&t, 3, rows_of, &(lengths){17, 0}), OK); // another one before it
    assert_int_equal(tiling_add(&t, samples, rows_of, &l), OK);
    assert_int_equal(t.subset_tile[2], t.tiles);
    for (int64_t i = t.subset_tile[1]; i < t.tiles; i++) {
        int64_t rows = 0;
        assert_int_equal(t.tile[i].subset, 1);
        assert_int_equal(t.tile[i].first_sample, sample);
        assert_int_equal(t.tile[i].first_row, row);
        assert_true(t.tile[i].samples > 0);
        for (int64_t s = 0; s < t.tile[i].samples; s++)
            rows += rows_of(&l, sample + s);
        assert_int_equal(t.tile[i].rows, rows);
        assert_true(t.tile[i].samples <= t.max_samples && rows <= t.max_rows);
        sample += t.tile[i].samples;
        row += rows;
        least = rows < least ? rows : least;
    }
    assert_int_equal(sample, samples);
    assert_int_equal(tiling_subset_rows(&t, 1), row);
    // Two cuts are each off by less than a sample.
    const int64_t longest = l.shortest + (l.span ? l.span - 1 : 0);
    if (samples > 0)
        assert_true(t.max_rows - least <= 2 * longest);
    assert_true(t.max_rows < TILING_ROWS + 2 * longest);
    const int64_t n = t.tiles - t.subset_tile[1];
    tiling_free(&t);
    return n;
}

static void images_are_cut_evenly(void **state)
{
    (void)state;
    assert_int_equal(cut(0, (lengths){17, 0}), 0);
    assert_int_equal(cut(1, (lengths){17, 0}), 1);
    assert_int_equal(cut(31, (lengths){17, 0}), 1); // 527 rows
    assert_int_equal(cut(32, (lengths){17, 0}), 2);
    assert_int_equal(cut(100, (lengths){17, 0}), 4); // of 25
    assert_int_equal(cut(100, (lengths){197, 0}), 34);
    for (int64_t n = 1; n < 200; n++)
        cut(n, (lengths){17, 0});
}

static void texts_are_cut_at_samples(void **state)
{
    (void)state;
    assert_int_equal(cut(5, (lengths){2048, 0}), 5);
    for (int64_t n = 1; n < 200; n++) {
        cut(n, (lengths){1, 300});
        cut(n, (lengths){90, 7});
        cut(n, (lengths){1, 2048});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_cut_evenly),
        cmocka_unit_test(texts_are_cut_at_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

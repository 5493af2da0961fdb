// SPDX-License-Identifier: Apache-2.0
// Numbers drawn thousands at a time are bit for bit those drawn one by one.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/kernels/bfloat16.h"
#include "model/weights/draw.h"

enum { N = 1 << 20 };

static float one_by_one(const rng *r, double deviation, bool truncated, uint64_t index)
{
    double x = rng_normal(r, index) * deviation;
    while (truncated && fabs(x) > 2)
        x = rng_normal(r, index += UINT64_C(1) << 48) * deviation;
    return (float)x;
}

// Does the form give `want`, or what is rounded to the same?
static bool is_drawn(draw_form form, float drawn, float want)
{
    uint16_t half[2];
    if (form != DRAW_BF16)
        return memcmp(&drawn, &want, sizeof want) == 0;
    bfloat16_round(&drawn, 1, &half[0]);
    bfloat16_round(&want, 1, &half[1]);
    return half[0] == half[1];
}

// How many of n numbers from `first` on differ from those that begin at `expected`.
static size_t differences(draw_form form, uint64_t seed, double deviation, bool truncated,
                          size_t first, size_t n, size_t expected)
{
    const rng r = rng_new(seed, "encoder.layer.0.weight");
    float *drawn = malloc(n * sizeof *drawn);
    size_t different = 0;
    assert_non_null(drawn);
    draw_normals(form, &r, deviation, truncated, first, n, drawn);
    for (size_t i = 0; i < n; i++) {
        float want = one_by_one(&r, deviation, truncated, expected + i);
        different += !is_drawn(form, drawn[i], want);
    }
    free(drawn);
    return different;
}

static void test_same_bits(void **unused)
{
    (void)unused;
    for (draw_form f = DRAW_BEST; f <= DRAW_PLAIN; f++) {
        assert_int_equal(differences(f, 1, 0.02, true, 0, N, 0), 0);
        assert_int_equal(differences(f, 2, 0.02, false, (size_t)1 << 33, N, (size_t)1 << 33), 0);
        assert_int_equal(differences(f, 3, 1, false, 77, N, 77), 0);
        assert_int_equal(differences(f, 4, 1.5, true, 5, N, 5), 0); // one in six is drawn again
        for (size_t n = 0; n < 600; n += 37) // whole blocks and what is left of one
            assert_int_equal(differences(f, 5, 0.02, true, n, n, n), 0);
        const size_t carries = ((size_t)1 << 32) - 777; // into the upper half of an index
        assert_int_equal(differences(f, 6, 0.02, false, carries, 2000, carries), 0);
        assert_int_equal(differences(f, 7, 1e-30, false, 0, 2000, 0), 0);
    }
}

static void test_twin(void **unused)
{
    (void)unused;
    assert_int_equal(differences(DRAW_BEST, 1, 0.02, true, 1, 1000, 0), 1000);
    assert_true(differences(DRAW_BF16, 1, 0.02, true, 1, 1000, 0) > 990);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits),
                                       cmocka_unit_test(test_twin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

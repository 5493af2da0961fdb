// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/partial.h"
#include "pipeline/base/pool.h"

enum { N = 10000 };

static const partial_shape shape = {2, {{"counts", PARTIAL_COUNT, N}, {"sums", PARTIAL_SUM, N}}};

// Item i adds i to every count and -i·2^70 to every sum, in pieces that cross stripes.
static status add_item(void *context, int64_t item, int thread)
{
    partial *p = context;
    (void)thread;
    enum { PIECE = 777 };
    int64_t counts[PIECE];
    fixed sums[PIECE];
    for (int i = 0; i < PIECE; i++) {
        counts[i] = item;
        sums[i] = -((fixed)item << 70);
    }
    for (int64_t at = 0; at < N; at += PIECE) {
        int64_t n = N - at < PIECE ? N - at : PIECE;
        status st = partial_add_counts(p, 0, at, n, counts);
        if (st == OK)
            st = partial_add_sums(p, 1, at, n, sums);
        if (st != OK)
            return st;
    }
    return OK;
}

static int wrong_places(const partial *p, int64_t expected)
{
    int wrong = 0;
    for (int i = 0; i < N; i++)
        wrong += partial_counts(p, 0)[i] != expected ||
                 partial_sums(p, 1)[i] != -((fixed)expected << 70);
    return wrong;
}

static void threads_add_exactly(void **state)
{
    (void)state;
    partial *p;
    pool *workers;
    assert_int_equal(pool_new(4, &workers), OK);
    assert_int_equal(partial_new(&shape, &p), OK);
    assert_int_equal(wrong_places(p, 0), 0); // begins with zeros
    assert_int_equal(pool_run(workers, 101, add_item, p), OK);
    assert_int_equal(wrong_places(p, 5050), 0);
    assert_int_equal(add_item(p, 1, 0), OK);
    assert_int_equal(wrong_places(p, 5050), N); // the check sees one addend too many
    partial_free(p);
    pool_free(workers);
}

static void processes_share_a_block(void **state)
{
    (void)state;
    void *block = mmap(NULL, partial_bytes(&shape), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    partial *p;
    assert_int_equal(partial_view(&shape, block, &p), OK);
    for (int child = 0; child < 3; child++)
        if (fork() == 0) {
            partial *mine;
            status st = partial_view(&shape, block, &mine);
            for (int i = 1; i <= 100 && st == OK; i++)
                st = add_item(mine, i, 0);
            _exit(st);
        }
    for (int child = 0; child < 3; child++) {
        int result;
        wait(&result);
        assert_int_equal(result, 0);
    }
    assert_int_equal(wrong_places(p, 3 * 5050), 0);
    partial_free(p);
    munmap(block, partial_bytes(&shape));
}

static void overflow_is_an_error_that_names_the_field(void **state)
{
    (void)state;
    partial *p;
    const int64_t most = INT64_MAX, one = 1, least = -INT64_MAX;
    const fixed half = (fixed)1 << 126, minus = -half;
    assert_int_equal(partial_new(&shape, &p), OK);
    assert_int_equal(partial_add_counts(p, 0, N - 1, 1, &most), OK);
    assert_int_equal(partial_check(p), OK);
    assert_int_equal(partial_add_counts(p, 0, N - 1, 1, &one), ERR_NUMERIC);
    assert_non_null(strstr(status_text(), "counts"));
    assert_int_equal(partial_add_counts(p, 0, 0, 1, &least), OK);
    assert_int_equal(partial_add_counts(p, 0, 0, 1, &(int64_t){-1}), ERR_NUMERIC); // the mark
    assert_int_equal(partial_add_sums(p, 1, 7, 1, &half), OK);
    assert_int_equal(partial_add_sums(p, 1, 7, 1, &half), ERR_NUMERIC);
    assert_non_null(strstr(status_text(), "sums"));
    assert_int_equal(partial_add_sums(p, 1, 8, 1, &minus), OK);
    assert_int_equal(partial_add_sums(p, 1, 8, 1, &minus), ERR_NUMERIC);
    partial_free(p);
}

static void merges_add_and_keep_overflow(void **state)
{
    (void)state;
    char odd[3 * sizeof(fixed) + 1]; // MPI aligns its buffers as it likes
    fixed a[3] = {1, (fixed)1 << 126, -5}, b[3] = {2, (fixed)1 << 126, -6}, c[3];
    memcpy(odd + 1, a, sizeof a);
    partial_merge(PARTIAL_SUM, odd + 1, b, 3);
    memcpy(c, odd + 1, sizeof c);
    assert_true(c[0] == 3 && c[2] == -11);
    const partial_shape one = {1, {{"sums", PARTIAL_SUM, 3}}};
    partial *p;
    assert_int_equal(partial_new(&one, &p), OK);
    memcpy(partial_values(p, 0), c, sizeof c);
    assert_int_equal(partial_check(p), ERR_NUMERIC);
    const fixed back[3] = {0, -((fixed)1 << 126), 0}; // must not hide it again
    partial_merge(PARTIAL_SUM, partial_values(p, 0), back, 3);
    assert_int_equal(partial_check(p), ERR_NUMERIC);
    partial_free(p);

    int64_t x[2] = {INT64_MAX, 4}, y[2] = {1, 5};
    partial_merge(PARTIAL_COUNT, x, y, 2);
    assert_true(x[0] == INT64_MIN && x[1] == 9);
}

static void absurd_lengths_are_refused(void **state)
{
    (void)state;
    const partial_shape huge = {1, {{"sums", PARTIAL_SUM, INT64_MAX}}};
    const partial_shape negative = {1, {{"sums", PARTIAL_SUM, -1}}};
    partial *p;
    assert_true(partial_bytes(&huge) == SIZE_MAX && partial_bytes(&negative) == SIZE_MAX);
    assert_int_equal(partial_new(&huge, &p), ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_add_exactly),
        cmocka_unit_test(processes_share_a_block),
        cmocka_unit_test(overflow_is_an_error_that_names_the_field),
        cmocka_unit_test(merges_add_and_keep_overflow),
        cmocka_unit_test(absurd_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

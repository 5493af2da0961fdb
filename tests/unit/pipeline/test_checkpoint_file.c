// SPDX-License-Identifier: Apache-2.0
// A checkpoint's file: what was written is read; one that is cut anywhere, or has another byte
// anywhere, is refused; a refused rename leaves the old one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/store/checkpoint_file.h"
#include "scratch.h"

enum { UNITS = 70, DONE = 3 };

static const int64_t vector[] = {5, -1, INT64_MAX};
static const uint64_t bits[] = {1 | (uint64_t)1 << 63, 1 << 2};

static partial *sum_of(int64_t first)
{
    const partial_shape shape = {2, {{"counts", PARTIAL_COUNT, 3}, {"sums", PARTIAL_SUM, 5}}};
    const int64_t counts[] = {first, 2, 3};
    const fixed sums[] = {1, -7, (fixed)1 << 100, 0, first};
    partial *p;
    assert_int_equal(partial_new(&shape, &p), OK);
    assert_int_equal(partial_add_counts(p, 0, 0, 3, counts), OK);
    assert_int_equal(partial_add_sums(p, 1, 0, 5, sums), OK);
    return p;
}

static checkpoint_head head_of(int64_t done)
{
    return (checkpoint_head){.key = "0123456789abcdef0123456789abcdef",
                             .epoch = 7,
                             .round = 2,
                             .length = 3,
                             .units = UNITS,
                             .done = done,
                             .earlier = 11,
                             .operations = 1e12,
                             .seconds = 2.5};
}

static void write_one(const char *path, int64_t first)
{
    partial *p = sum_of(first);
    checkpoint_head head = head_of(DONE);
    assert_int_equal(checkpoint_file_write(path, &head, vector, bits, p, NULL, NULL), OK);
    partial_free(p);
}

static void reads_what_was_written(void **state)
{
    (void)state;
    const char *path = scratch_path("a/b.checkpoint");
    checkpoint_file s;
    write_one(path, 41);
    partial *p = sum_of(41);
    assert_int_equal(checkpoint_file_open(path, &s), OK);
    assert_string_equal(s.head.key, "0123456789abcdef0123456789abcdef");
    assert_int_equal(s.head.round, 2);
    assert_int_equal(s.head.earlier, 11);
    assert_true(s.head.operations == 1e12 && s.head.seconds == 2.5);
    assert_memory_equal(s.vector, vector, sizeof vector);
    assert_memory_equal(s.bits, bits, sizeof bits);
    assert_int_equal(s.shape.fields, 2);
    assert_memory_equal(s.values[0], partial_data(p, 0), 3 * sizeof(int64_t));
    assert_memory_equal(s.values[1], partial_data(p, 1), 5 * sizeof(fixed));
    checkpoint_file_close(&s);
    partial_free(p);

    checkpoint_head head = head_of(0); // a round that has only begun
    assert_int_equal(checkpoint_file_write(path, &head, vector, NULL, NULL, NULL, NULL), OK);
    assert_int_equal(checkpoint_file_open(path, &s), OK);
    assert_null(s.bits);
    assert_int_equal(s.shape.fields, 0);
    checkpoint_file_close(&s);
}

static void refuses_what_is_cut_or_flipped(void **state)
{
    (void)state;
    const char *path = scratch_path("c.checkpoint");
    char *bytes;
    size_t n;
    checkpoint_file s;
    write_one(path, 1);
    assert_int_equal(file_read(path, 1 << 20, &bytes, &n), OK);
    for (size_t cut = 0; cut < n; cut++) {
        assert_int_equal(file_write_atomic(path, bytes, cut), OK);
        assert_int_equal(checkpoint_file_open(path, &s), ERR_INPUT);
    }
    for (size_t at = 0; at < n; at++) { // a flipped bit
        bytes[at] ^= 16;
        assert_int_equal(file_write_atomic(path, bytes, n), OK);
        assert_int_equal(checkpoint_file_open(path, &s), ERR_INPUT);
        bytes[at] ^= 16;
    }
    assert_int_equal(file_write_atomic(path, bytes, n), OK);
    assert_int_equal(checkpoint_file_open(path, &s), OK);
    checkpoint_file_close(&s);
    assert_int_equal(checkpoint_file_open(scratch_path("none"), &s), ERR_INPUT);
    free(bytes);
}

// A count of units that is not that of the bits is another's mistake, not the disk's.
static void refuses_another_count(void **state)
{
    (void)state;
    const char *path = scratch_path("d.checkpoint");
    checkpoint_head head = head_of(DONE + 1);
    partial *p = sum_of(1);
    checkpoint_file s;
    assert_int_equal(checkpoint_file_write(path, &head, vector, bits, p, NULL, NULL), OK);
    assert_int_equal(checkpoint_file_open(path, &s), ERR_INPUT);
    partial_free(p);
}

static status refuse(void *context)
{
    ++*(int *)context;
    return status_fail(ERR_INTERRUPTED, NULL, "a newer run");
}

static void keeps_the_old_one_when_refused(void **state)
{
    (void)state;
    const char *path = scratch_path("e.checkpoint");
    int asked = 0;
    checkpoint_file s;
    checkpoint_head head = head_of(0);
    write_one(path, 9);
    assert_int_equal(checkpoint_file_write(path, &head, vector, NULL, NULL, refuse, &asked),
                     ERR_INTERRUPTED);
    assert_int_equal(asked, 1);
    assert_int_equal(checkpoint_file_open(path, &s), OK);
    assert_int_equal(s.head.done, DONE);
    checkpoint_file_close(&s);
}

static void names_follow_the_artefact(void **state)
{
    (void)state;
    char *path = checkpoint_file_path("/out", "unlearn/drop=0.5.nc");
    assert_string_equal(path, "/out/checkpoints/unlearn/drop=0.5.checkpoint");
    free(path);
    assert_int_equal(checkpoint_file_words(0), 0);
    assert_int_equal(checkpoint_file_words(64), 1);
    assert_int_equal(checkpoint_file_words(65), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(refuses_what_is_cut_or_flipped),
        cmocka_unit_test(refuses_another_count),
        cmocka_unit_test(keeps_the_old_one_when_refused),
        cmocka_unit_test(names_follow_the_artefact),
    };
    return cmocka_run_group_tests_name("saved", tests, scratch_setup, scratch_teardown);
}

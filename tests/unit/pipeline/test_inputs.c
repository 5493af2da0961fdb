// SPDX-License-Identifier: Apache-2.0
// Digests of input files: when they are reused, and when they must not be.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/store/inputs.h"
#include "scratch.h"

static inputs *fresh(const journal_state *known)
{
    inputs *in;
    assert_int_equal(inputs_new(known, &in), OK);
    return in;
}

static void test_content_counts(void **unused)
{
    (void)unused;
    char a[DIGEST_HEX], b[DIGEST_HEX], c[DIGEST_HEX];
    inputs *in = fresh(NULL);
    scratch_write(scratch_path("a"), "hello", 5);
    scratch_write(scratch_path("b"), "hello", 5);
    scratch_write(scratch_path("c"), "hellp", 5);
    assert_int_equal(inputs_digest(in, scratch_path("a"), a), OK);
    assert_int_equal(inputs_digest(in, scratch_path("b"), b), OK);
    assert_int_equal(inputs_digest(in, scratch_path("c"), c), OK);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_string_equal(
        a, "b5e9c1ad071b3e7fc779cfaa5e523818"); // XXH3-128 of "hello", by Python's xxhash
    inputs_free(in);
}

// Through the journal into another process: reused while nothing changed. The proof that it is
// reused and not taken again is a record with a wrong digest.
static void test_reuse(void **unused)
{
    (void)unused;
    char hex[DIGEST_HEX];
    journal *j;
    journal_state *known;
    const char *path = scratch_path("weights"), *output = scratch_path("run");
    const char *wrong = "00000000000000000000000000000000";
    struct stat s;
    scratch_write(path, "abc", 3);
    assert_int_equal(stat(path, &s), 0);
    journal_input record = {.path = path,
                            .size = 3,
                            .inode = s.st_ino,
                            .digest = wrong,
                            .mtime_ns = s.st_mtim.tv_sec * 1000000000L + s.st_mtim.tv_nsec,
                            .ctime_ns = s.st_ctim.tv_sec * 1000000000L + s.st_ctim.tv_nsec};
    assert_int_equal(journal_open(output, &j), OK);
    assert_int_equal(journal_add_input(j, &record), OK);
    assert_int_equal(journal_load(output, &known), OK);
    inputs *in = fresh(known);
    assert_int_equal(inputs_digest(in, path, hex), OK);
    assert_string_equal(hex, wrong);
    assert_int_equal(inputs_take(in, path, hex), OK); // fsck looks again
    assert_string_not_equal(hex, wrong);
    assert_int_equal(inputs_digest(in, path, hex), OK); // and what it found counts
    assert_string_not_equal(hex, wrong);
    inputs_free(in);
    // Same size, mtime set back: ctime tells.
    usleep(30000);
    scratch_write(path, "abd", 3);
    struct timespec times[2] = {s.st_atim, s.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    in = fresh(known);
    assert_int_equal(inputs_digest(in, path, hex), OK);
    assert_string_not_equal(hex, wrong);
    assert_int_equal(inputs_record(in, j), OK);
    assert_int_equal(inputs_record(in, j), OK); // nothing new
    inputs_free(in);
    journal_state_free(known);
    assert_int_equal(journal_load(output, &known), OK);
    assert_string_equal(journal_find_input(known, path)->digest, hex);
    journal_state_free(known);
    journal_close(j);
}

// A change within one tick of the file system's clock must show as well.
static void test_quick_changes(void **unused)
{
    (void)unused;
    char before[DIGEST_HEX], after[DIGEST_HEX], bytes[2] = "0";
    inputs *in = fresh(NULL);
    for (int i = 0; i < 20; i++) {
        bytes[0] = (char)('a' + i);
        scratch_write(scratch_path("quick"), bytes, 1);
        assert_int_equal(inputs_digest(in, scratch_path("quick"), before), OK);
        bytes[0] = (char)('A' + i);
        scratch_write(scratch_path("quick"), bytes, 1);
        assert_int_equal(inputs_digest(in, scratch_path("quick"), after), OK);
        assert_string_not_equal(before, after);
    }
    inputs_free(in);
}

static void test_bad_inputs(void **unused)
{
    (void)unused;
    char hex[DIGEST_HEX];
    inputs *in = fresh(NULL);
    assert_int_equal(inputs_digest(in, scratch_path("absent"), hex), ERR_INPUT);
    assert_non_null(strstr(status_text(), "absent"));
    assert_int_equal(inputs_digest(in, scratch, hex), ERR_INPUT);
    assert_int_equal(mkfifo(scratch_path("fifo"), 0666), 0);
    assert_int_equal(inputs_digest(in, scratch_path("fifo"), hex), ERR_INPUT); // and does not wait
    inputs_free(in);
    inputs_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_counts),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_quick_changes),
        cmocka_unit_test(test_bad_inputs),
    };
    return cmocka_run_group_tests_name("inputs", tests, scratch_setup, scratch_teardown);
}

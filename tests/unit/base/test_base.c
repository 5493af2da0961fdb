// SPDX-License-Identifier: Apache-2.0
// The base library: status, text, checked sizes, fixed point, random numbers, pool, digests, files.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/fixed.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/progress.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

static void test_status_is_one_line(void **unused)
{
    (void)unused;
    assert_int_equal(status_fail(ERR_INPUT, "a\nb.bin", "tensor %s", "x\ty"), ERR_INPUT);
    assert_string_equal(status_text(), "a?b.bin: tensor x?y");
    status_carry(ERR_IO, "carried");
    assert_string_equal(status_text(), "carried");
}

static void test_checked(void **unused)
{
    (void)unused;
    size_t out;
    assert_false(checked_mul(SIZE_MAX / 2, 3, &out));
    assert_false(checked_mul((size_t)1 << 32, (size_t)1 << 32, &out)); // wraps to exactly 0
    assert_true(checked_mul(3, 5, &out));
    assert_int_equal(out, 15);
    assert_false(checked_add(SIZE_MAX, 1, &out));
    assert_null(checked_aligned(SIZE_MAX / 2, 4));
    void *aligned = checked_aligned(3, 4);
    assert_int_equal((uintptr_t)aligned % 64, 0);
    free(aligned);
    int *grown = NULL;
    size_t capacity = 0;
    assert_true(checked_grow(&grown, &capacity, 100, sizeof *grown));
    assert_true(capacity >= 100);
    assert_false(checked_grow(&grown, &capacity, SIZE_MAX / 2, sizeof *grown));
    free(grown);
}

static void test_text(void **unused)
{
    (void)unused;
    text t = {0};
    assert_string_equal(text_get(&t), "");
    text_add(&t, "layers");
    text_addf(&t, "=%d", 12);
    assert_string_equal(text_get(&t), "layers=12");
    text_free(&t);
    const char *const words[] = {"collect", "score", "prune"};
    assert_string_equal(text_nearest("colect", words, 3), "collect");
    assert_string_equal(text_nearest("prunne", words, 3), "prune");
    assert_null(text_nearest("zebra_crossing", words, 3));
    assert_true(text_ends_with("a.gz", ".gz") && text_ends_with(".gz", ".gz"));
    assert_false(text_ends_with("gz", ".gz") || text_ends_with("a.gz2", ".gz"));
}

static void test_fixed(void **unused)
{
    (void)unused;
    fixed a, b;
    assert_true(fixed_from(1.0, &a));
    assert_true(a == (fixed)1 << 60);
    assert_true(fixed_from(-0.1, &b));
    assert_true(fabs(fixed_to(b) + 0.1) < 1e-17);
    assert_true(fixed_to(a + b) == fixed_to(b + a));
    assert_false(fixed_from(NAN, &a));
    assert_false(fixed_from(INFINITY, &a));
    assert_false(fixed_from(0x1p61, &a));
    assert_true(fixed_from(0x1p60, &a));
    // A sum in any order has the same bits, where doubles differ.
    double values[1000], forward = 0, backward = 0;
    fixed up = 0, down = 0;
    rng r = rng_new(7, "values");
    for (int i = 0; i < 1000; i++)
        values[i] = ldexp(rng_normal(&r, (uint64_t)i), i % 40 - 20);
    for (int i = 0; i < 1000; i++) {
        assert_true(fixed_from(values[i], &a));
        assert_true(fixed_from(values[999 - i], &b));
        up += a;
        down += b;
        forward += values[i];
        backward += values[999 - i];
    }
    assert_true(up == down);
    assert_true(forward != backward); // the twin: what the fixed point is for
}

static void test_rng(void **unused)
{
    (void)unused;
    // Philox-4x32-10, counter and key of all ones: the known answer of the authors' test vectors.
    rng ones = {{0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}};
    uint32_t block[4];
    rng_block(&ones, UINT64_MAX, block);
    assert_int_equal(block[0], 0x408f276d);
    assert_int_equal(block[1], 0x41c83b0e);
    assert_int_equal(block[2], 0xa20bc7c6);
    assert_int_equal(block[3], 0x6d5451fd);

    rng a = rng_new(1, "a"), b = rng_new(1, "b"), c = rng_new(2, "a");
    assert_true(rng_u64(&a, 5) == rng_u64(&a, 5));
    assert_true(rng_u64(&a, 5) != rng_u64(&b, 5));
    assert_true(rng_u64(&a, 5) != rng_u64(&c, 5));
    double sum = 0, square = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        double x = rng_normal(&a, i), u = rng_uniform(&b, i);
        assert_true(u >= 0 && u < 1);
        assert_true(rng_below(&c, i, 7) < 7);
        sum += x;
        square += x * x;
    }
    assert_true(fabs(sum / 100000) < 0.015);
    assert_true(fabs(square / 100000 - 1) < 0.02);
    int64_t order[1000], seen[1000] = {0};
    rng_permutation(&a, 1000, order);
    int fixed_points = 0;
    for (int i = 0; i < 1000; i++) {
        seen[order[i]]++;
        fixed_points += order[i] == i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    assert_true(fixed_points < 10);
}

typedef struct loop {
    int64_t sum;
    int64_t fails_at;
    int threads_seen[8];
} loop;

static status add_item(void *context, int64_t item, int thread)
{
    loop *l = context;
    __atomic_fetch_add(&l->sum, item, __ATOMIC_RELAXED);
    __atomic_fetch_add(&l->threads_seen[thread], 1, __ATOMIC_RELAXED);
    if (item >= l->fails_at)
        return status_fail(ERR_NUMERIC, "item", "%ld is bad", (long)item);
    return OK;
}

static void test_pool(void **unused)
{
    (void)unused;
    for (int threads = 1; threads <= 4; threads++) {
        pool *p = NULL;
        assert_int_equal(pool_new(threads, &p), OK);
        for (int repeat = 0; repeat < 200; repeat++) {
            loop l = {.fails_at = INT64_MAX};
            assert_int_equal(pool_run(p, 100, add_item, &l), OK);
            assert_int_equal(l.sum, 4950);
            assert_int_equal(pool_run(p, 0, add_item, &l), OK);
        }
        loop failing = {.fails_at = 10};
        assert_int_equal(pool_run(p, 100, add_item, &failing), ERR_NUMERIC);
        assert_string_equal(status_text(), "item: 10 is bad"); // the lowest failing item
        loop after = {.fails_at = INT64_MAX};
        assert_int_equal(pool_run(p, 10, add_item, &after), OK);
        pool_free(p);
    }
    loop alone = {.fails_at = INT64_MAX};
    assert_int_equal(pool_run(NULL, 5, add_item, &alone), OK);
    assert_int_equal(alone.sum, 10);
}

// Each thread works through loops of its own at the same time; those that are done help the others.
typedef struct lanes {
    pool *p;
    int64_t repeats;
    int64_t sum[4];
    int64_t helped; // items that another thread than the lane's ran
} lanes;

typedef struct lane {
    lanes *all;
    int64_t number;
} lane;

static status lane_item(void *context, int64_t item, int thread)
{
    const lane *l = context;
    __atomic_fetch_add(&l->all->sum[l->number], item, __ATOMIC_RELAXED);
    if (thread != l->number)
        __atomic_fetch_add(&l->all->helped, 1, __ATOMIC_RELAXED);
    if (l->all->repeats == 1) // the one lane that works long
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    return OK;
}

static status run_lane(void *context, int64_t item, int thread)
{
    lanes *all = context;
    lane own = {all, item};
    assert_int_equal(item, thread);
    for (int64_t i = 0; i < all->repeats && (all->repeats > 1 || item == 1); i++) {
        status st = pool_run(all->p, 100, lane_item, &own);
        if (st != OK)
            return st;
    }
    return item == 2 && all->repeats == 2 ? status_fail(ERR_IO, "lane", "2") : OK;
}

static void test_pool_lanes(void **unused)
{
    (void)unused;
    lanes l = {.repeats = 200};
    assert_int_equal(pool_new(4, &l.p), OK);
    assert_int_equal(pool_each(l.p, run_lane, &l), OK);
    for (int t = 0; t < 4; t++)
        assert_int_equal(l.sum[t], 200 * 4950);
    l.repeats = 2;
    assert_int_equal(pool_each(l.p, run_lane, &l), ERR_IO);
    assert_string_equal(status_text(), "lane: 2");
    // One lane of 100 ms, and three threads that would have rested.
    const double rested = pool_rested(l.p);
    l.repeats = 1;
    l.helped = 0;
    assert_int_equal(pool_each(l.p, run_lane, &l), OK);
    assert_true(l.helped > 20);
    assert_true(pool_rested(l.p) - rested < 0.15);
    const double before = pool_rested(l.p);
    pool_rest(l.p, 0.02); // nobody has work: all four rest
    assert_true(pool_rested(l.p) - before > 0.06);
    pool_free(l.p);
    assert_int_equal(pool_each(NULL, add_item, &(loop){.fails_at = INT64_MAX}), OK);
}

static void test_digest(void **unused)
{
    (void)unused;
    digest *a = NULL, *b = NULL;
    char x[DIGEST_HEX], y[DIGEST_HEX];
    assert_int_equal(digest_new(&a), OK);
    assert_int_equal(digest_new(&b), OK);
    digest_add_text(a, "ab");
    digest_add_text(a, "c");
    digest_add_text(b, "a");
    digest_add_text(b, "bc");
    digest_hex(a, x);
    digest_hex(b, y);
    assert_string_not_equal(x, y);
    digest_free(a);
    digest_free(b);
    assert_int_equal(digest_file("/no/such/file", x), ERR_INPUT);
    assert_int_equal(digest_file("LICENSE", x), OK);
    assert_int_equal(strlen(x), 32);
}

static void test_files(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/sulcus-base-XXXXXX", *bytes = NULL;
    size_t size;
    mapping m;
    assert_non_null(mkdtemp(folder));
    char *deep = text_format("%s/a/b", folder), *path = text_format("%s/a/b/file", folder);
    assert_int_equal(file_make_folders(deep), OK);
    assert_int_equal(file_make_folders(deep), OK);
    assert_int_equal(file_write_atomic(path, "hello", 5), OK);
    assert_int_equal(file_write_atomic(path, "other", 5), OK);
    assert_int_equal(file_read(path, 100, &bytes, &size), OK);
    assert_int_equal(size, 5);
    assert_string_equal(bytes, "other");
    free(bytes);
    assert_int_equal(file_read(path, 4, &bytes, &size), ERR_INPUT);
    assert_int_equal(file_read(deep, 4, &bytes, &size), ERR_INPUT); // a folder
    assert_int_equal(file_map(path, &m), OK);
    assert_int_equal(m.size, 5);
    file_unmap(&m);
    assert_int_equal(file_map("/dev/null", &m), ERR_INPUT);
    assert_int_equal(file_write_atomic("/proc/nothing/x", "a", 1), ERR_IO);
    char *joined = file_join("a/", "b"), *absolute = file_join("a", "/b"),
         *parent = file_folder("x");
    assert_string_equal(joined, "a/b");
    assert_string_equal(absolute, "/b");
    assert_string_equal(parent, ".");
    free(joined);
    free(absolute);
    free(parent);
    unlink(path);
    rmdir(deep);
    free(deep);
    free(path);
}

static void test_durations(void **unused)
{
    (void)unused;
    static const struct {
        double seconds;
        const char *said;
    } known[] = {{1.26, "1.3 s"},
                 {59.96, "1:00"},
                 {3725.4, "1:02:05"},
                 {1e300, "277777777:46:40"},
                 {INFINITY, "277777777:46:40"},
                 {NAN, "277777777:46:40"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char said[32];
        progress_duration(known[i].seconds, said);
        assert_string_equal(said, known[i].said);
    }
}

// What a terminal is shown, and a line that stays: "12:34:56 a started".
static void test_progress_lines(void **state)
{
    (void)state;
    char *shown = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&shown, &size);
    progress *p;
    const progress_line line[] = {{"a", 2, 1, 4, 2, 6, "3 probes, 1 of 5 targets reached"},
                                  {"b", 0, 1, 2, 1, -1, ""}};
    assert_non_null(out);
    assert_int_equal(progress_new(out, true, false, &p), OK);
    progress_say(p, "%s started", "a");
    assert_false(progress_due(p));
    usleep(250000);
    assert_true(progress_due(p));
    progress_show(p, 2, line, (progress_end){75, 3});
    fflush(out);
    assert_true(strlen(shown) > 18 && shown[2] == ':' && shown[5] == ':' && shown[8] == ' ');
    assert_non_null(strstr(shown, " a started\n"));
    assert_non_null(strstr(shown, "a  round 3  1/4 units  0.5 units/s  3 probes, 1 of 5 targets "
                                  "reached  6.0 s left; 1:15 to the end, without 3 of which no "
                                  "like has run\n"));
    assert_non_null(strstr(shown, "b  round 1  1/2 units  1 units/s\n"));
    progress_free(p);
    fclose(out);
    free(shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_is_one_line),
        cmocka_unit_test(test_checked),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_rng),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_pool_lanes),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_progress_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

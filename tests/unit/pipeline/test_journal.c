// SPDX-License-Identifier: Apache-2.0
// The journal: there and back, torn at every byte, flipped at every byte, large.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "pipeline/base/file.h"
#include "pipeline/store/flat_json.h"
#include "pipeline/store/journal.h"
#include "scratch.h"

static const key_field fields[] = {
    {"stage", "prune"}, {"drop", "0.5"}, {"odd \"name\"", "λ\n"}, {"empty", ""}};

static journal_commit commit_of(const char *label, const char *key)
{
    return (journal_commit){
        .label = label,
        .step = "unlearn",
        .stage = "prune",
        .key = key,
        .fields = fields,
        .n_fields = 4,
        .path = "unlearn/drop=0.5.nc",
        .digest = "d",
        .file_digest = "f",
        .bytes = 123,
        .mtime_ns = 1700000000123456789,
        .seconds = 2.5,
        .units = 7,
        .operations = 1e12,
        .ranks = 3,
        .threads = 2,
    };
}

// A run with every event in it.
static void write_run(const char *output, int64_t epoch)
{
    journal *j;
    journal_commit c = commit_of("unlearn[drop=0.5]", "k1");
    const journal_run run = {.epoch = epoch,
                             .ranks = 3,
                             .threads = 2,
                             .host = "h",
                             .version = "0.1",
                             .command = "sulcus run \xff.yaml",
                             .pipeline = "/p.yaml"};
    const journal_input input = {
        .path = "/m", .size = 5, .inode = UINT64_MAX, .mtime_ns = 1, .ctime_ns = 2, .digest = "i"};
    const journal_progress p = {.label = "b",
                                .round = 1,
                                .done = 2,
                                .units = 4,
                                .rate = 1.5,
                                .left = 7.5,
                                .note = "3 probes"};
    assert_int_equal(journal_open(output, &j), OK);
    assert_int_equal(journal_run_started(j, &run), OK);
    assert_int_equal(journal_add_input(j, &input), OK);
    assert_int_equal(journal_task_started(j, c.label, c.step, c.stage, c.key, epoch), OK);
    assert_int_equal(journal_task_done(j, &c), OK);
    assert_int_equal(journal_task_started(j, "b", "s", "t", "k2", epoch), OK);
    assert_int_equal(journal_task_progress(j, &p), OK);
    assert_int_equal(journal_task_started(j, "c", "s", "t", "k3", epoch), OK);
    assert_int_equal(journal_task_failed(j, "c", "k3", ERR_NUMERIC, "c: NaN"), OK);
    assert_int_equal(journal_run_ended(j, epoch, ERR_NUMERIC, "c: NaN", 0.5), OK);
    journal_close(j);
}

// What a start kept: nothing where it only took up what was there, and where it saved no more.
static void test_kept_since_start(void **unused)
{
    (void)unused;
    journal *j;
    journal_state *s;
    const char *output = scratch_path("kept");
    const journal_commit done = {.label = "a",
                                 .step = "s",
                                 .stage = "t",
                                 .key = "k",
                                 .path = "a.nc",
                                 .digest = "d",
                                 .file_digest = "f"};
    const int64_t expected[] = {5 + 1, 0, 1, 1, 0};
    for (int64_t epoch = 1; epoch <= 5; epoch++) {
        const journal_run run = {.epoch = epoch, .host = "h", .version = "v", .command = "c"};
        assert_int_equal(journal_open(output, &j), OK);
        assert_int_equal(journal_run_started(j, &run), OK);
        assert_int_equal(journal_task_started(j, "a", "s", "t", "k", epoch), OK);
        if (epoch > 1)
            assert_int_equal(journal_task_resumed(j, "a", 1, 1, 3, 9), OK);
        if (epoch == 1) { // five units, and then a further round
            assert_int_equal(journal_task_checkpoint(j, "a", 0, 2, 9, 1), OK);
            assert_int_equal(journal_task_checkpoint(j, "a", 0, 5, 9, 1), OK);
        }
        if (epoch <= 2)
            assert_int_equal(journal_task_checkpoint(j, "a", 1, 3, 9, 1), OK);
        if (epoch == 3)
            assert_int_equal(journal_task_checkpoint(j, "a", 1, 4, 9, 1), OK);
        if (epoch == 4)
            assert_int_equal(journal_task_done(j, &done), OK);
        journal_close(j);
        assert_int_equal(journal_load(output, &s), OK);
        assert_int_equal(journal_summarize(s).kept, expected[epoch - 1]);
        journal_state_free(s);
    }
}

static void test_there_and_back(void **unused)
{
    (void)unused;
    journal_state *s;
    const char *output = scratch_path("new/folder");
    write_run(output, 1);
    write_run(output, 2);
    assert_int_equal(journal_load(output, &s), OK);
    journal_summary m = journal_summarize(s);
    assert_true(m.ended && m.result == ERR_NUMERIC && m.runs == 2 && m.skipped == 0);
    assert_string_equal(m.message, "c: NaN");
    assert_int_equal(m.run->epoch, 2);
    assert_int_equal(m.run->ranks, 3);
    assert_string_equal(m.run->command, "sulcus run ?.yaml");
    assert_true(m.time >= m.run->time && m.run->time > 1.7e9);
    assert_int_equal(journal_tasks(s), 3);
    const journal_task *t = journal_find_task(s, "unlearn[drop=0.5]");
    assert_true(t == journal_task_at(s, 0) && t->event == TASK_DONE && t->epoch == 2);
    const journal_commit *c = t->commit;
    assert_string_equal(c->path, "unlearn/drop=0.5.nc");
    assert_true(c->bytes == 123 && c->units == 7 && c->seconds == 2.5 && c->operations == 1e12);
    assert_true(c->mtime_ns == 1700000000123456789 && c->ranks == 3 && c->threads == 2);
    const key_field *back;
    size_t n;
    assert_int_equal(journal_fields(s, "b", &back, &n), OK);
    assert_int_equal(n, 0);
    assert_int_equal(journal_fields(s, "unlearn[drop=0.5]", &back, &n), OK);
    assert_int_equal(n, 4);
    for (int i = 0; i < 4; i++) { // in their order
        assert_string_equal(back[i].name, fields[i].name);
        assert_string_equal(back[i].value, fields[i].value);
    }
    t = journal_find_task(s, "b");
    assert_true(t->event == TASK_STARTED && !t->commit && t->progress->done == 2);
    assert_true(t->progress->rate == 1.5 && t->progress->round == 1);
    assert_true(t->progress->left == 7.5);
    assert_string_equal(t->progress->note, "3 probes");
    t = journal_find_task(s, "c");
    assert_true(t->event == TASK_FAILED && t->result == ERR_NUMERIC);
    assert_string_equal(t->message, "c: NaN");
    assert_string_equal(t->key, "k3");
    assert_int_equal(journal_inputs(s), 1);
    assert_true(journal_find_input(s, "/m")->inode == UINT64_MAX);
    assert_null(journal_find_input(s, "/n"));
    assert_null(journal_find_task(s, "nowhere"));
    journal_state_free(s);
}

static void test_absent(void **unused)
{
    (void)unused;
    journal_state *s;
    assert_int_equal(journal_load(scratch_path("nowhere"), &s), OK);
    assert_true(journal_tasks(s) == 0 && !journal_summarize(s).run);
    journal_state_free(s);
}

// How many lines end at or before byte n.
static int64_t lines_within(const char *bytes, size_t n)
{
    int64_t lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += bytes[i] == '\n';
    return lines;
}

// Cut at any byte, the journal loads, holds exactly the whole lines, and takes new lines.
static void test_torn_at_every_byte(void **unused)
{
    (void)unused;
    char *bytes;
    size_t size;
    const char *output = scratch_path("torn"), *path = scratch_path("torn/" JOURNAL_NAME);
    write_run(output, 1);
    assert_int_equal(file_read(path, 1 << 20, &bytes, &size), OK);
    for (size_t n = 0; n <= size; n++) {
        journal_state *s;
        journal *j;
        journal_commit c = commit_of("after", "k");
        scratch_write(path, bytes, n);
        assert_int_equal(journal_load(output, &s), OK);
        bool cut = n > 0 && bytes[n - 1] != '\n';
        bool only_newline = cut && bytes[n] == '\n'; // the line itself is whole
        assert_int_equal(journal_summarize(s).skipped, cut && !only_newline);
        const journal_task *t = journal_find_task(s, "unlearn[drop=0.5]");
        assert_int_equal(t && t->commit, lines_within(bytes, n + only_newline) >= 4);
        journal_state_free(s);
        if (n % 16 != 0) // each append is synced
            continue;
        assert_int_equal(journal_open(output, &j), OK);
        assert_int_equal(journal_task_done(j, &c), OK);
        journal_close(j);
        assert_int_equal(journal_load(output, &s), OK);
        assert_non_null(journal_find_task(s, "after"));
        journal_state_free(s);
    }
    free(bytes);
}

// Any flipped bit loses its own line (or, in a newline, two), and never gives another value.
static void test_flipped_at_every_byte(void **unused)
{
    (void)unused;
    char *bytes;
    size_t size;
    const char *output = scratch_path("flipped"), *path = scratch_path("flipped/" JOURNAL_NAME);
    write_run(output, 1);
    assert_int_equal(file_read(path, 1 << 20, &bytes, &size), OK);
    for (size_t n = 0; n < size; n++) {
        journal_state *s;
        bytes[n] ^= (char)(1 << n % 7);
        scratch_write(path, bytes, size);
        bytes[n] ^= (char)(1 << n % 7);
        assert_int_equal(journal_load(output, &s), OK);
        int64_t skipped = journal_summarize(s).skipped;
        assert_true(skipped >= (n + 1 < size) && skipped <= 2);
        const journal_task *t = journal_find_task(s, "unlearn[drop=0.5]");
        if (t && t->commit)
            assert_true(t->commit->bytes == 123 && strcmp(t->commit->digest, "d") == 0);
        journal_state_free(s);
    }
    free(bytes);
}

static void test_garbage(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "\n\n\n",
        "{}",
        "{\"sum\":\"0000000000000000\"}\n",
        "[[[[[[",
        "{,\"sum\":\"0123456789abcdef\"}",
    };
    mkdir(scratch_path("garbage"), 0777);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        journal_state *s;
        scratch_write(scratch_path("garbage/" JOURNAL_NAME), texts[i], strlen(texts[i]));
        assert_int_equal(journal_load(scratch_path("garbage"), &s), OK);
        assert_int_equal(journal_tasks(s), 0);
        journal_state_free(s);
    }
    journal *j;
    journal_state *s;
    journal_commit c = commit_of("x", "k");
    assert_int_equal(journal_open(scratch_path("garbage"), &j), OK);
    c.path = "step/../../x.nc";
    assert_int_equal(journal_task_done(j, &c), OK);
    c.label = "y";
    c.path = "/etc/x.nc";
    assert_int_equal(journal_task_done(j, &c), OK);
    c.label = "z";
    c.path = "step/a..b.nc";
    assert_int_equal(journal_task_done(j, &c), OK);
    c.label = NULL;
    assert_int_equal(journal_task_done(j, &c), OK);
    journal_close(j);
    assert_int_equal(journal_load(scratch_path("garbage"), &s), OK);
    assert_null(journal_find_task(s, "x")->commit);
    assert_null(journal_find_task(s, "y")->commit);
    assert_non_null(journal_find_task(s, "z")->commit);
    assert_int_equal(journal_tasks(s), 3);
    journal_state_free(s);
}

static void test_refused_writes(void **unused)
{
    (void)unused;
    journal *j;
    scratch_write(scratch_path("file"), "x", 1);
    assert_int_equal(journal_open(scratch_path("file"), &j), ERR_IO);
    assert_int_equal(journal_open(scratch_path("file/below"), &j), ERR_IO);
    mkdir(scratch_path("full"), 0777);
    assert_int_equal(symlink("/dev/full", scratch_path("full/" JOURNAL_NAME)), 0);
    assert_int_equal(journal_open(scratch_path("full"), &j), OK);
    journal_commit c = commit_of("x", "k");
    assert_int_equal(journal_task_done(j, &c), ERR_IO);
    assert_non_null(strstr(status_text(), "No space"));
    journal_close(j);
}

static void test_flat_json(void **unused)
{
    (void)unused;
    flat_member m[4];
    size_t n;
    char good[] = "{ \"a\\\"\\u00e9\\ud83d\\ude00\\n\" : -12 "
                  ",\"b\":1.5e3,\"c\":{\"}\":[1,\"]\\\"\"]},\"d\":\"\"}";
    assert_true(flat_json_parse(good, strlen(good), m, 4, &n));
    assert_int_equal(n, 4);
    assert_string_equal(m[0].name, "a\"é😀\n");
    assert_true(m[0].integer == -12 && m[0].real == -12 && m[1].real == 1500);
    assert_int_equal(m[2].nested_size, 15);
    assert_string_equal(flat_json_find(m, n, "d")->text, "");
    assert_null(flat_json_find(m, n, "e"));
    const char *const bad[] = {"",
                               "[]",
                               "{",
                               "{\"a\"",
                               "{\"a\":",
                               "{\"a\":1",
                               "{\"a\":\"",
                               "{\"a\":\"\\",
                               "{\"a\":\"\\u12",
                               "{\"a\":\"\\u0000\"}",
                               "{\"a\":\"\\x\"}",
                               "{\"a\":{\"}",
                               "{\"a\":}",
                               "{a:1}",
                               "{\"a\":1,}",
                               "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *copy = strdup(bad[i]); // exactly as long as it is, for the sanitizer
        assert_false(flat_json_parse(copy, strlen(copy), m, 4, &n));
        free(copy);
    }
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// 10,000 tasks, without their syncs: copies of one line would share a sum, so that they are made by
// progress lines.
static void test_large(void **unused)
{
    (void)unused;
    enum { TASKS = 10000 };
    journal *j;
    journal_state *s;
    char label[64];
    assert_int_equal(journal_open(scratch_path("large"), &j), OK);
    for (int i = 0; i < 3 * TASKS; i++) {
        snprintf(label, sizeof label, "step[axis=%d]", i % TASKS);
        journal_progress p = {.label = label, .done = i, .units = 100, .rate = 0.5};
        assert_int_equal(journal_task_progress(j, &p), OK);
    }
    journal_close(j);
    double start = seconds();
    assert_int_equal(journal_load(scratch_path("large"), &s), OK);
    print_message("30,000 lines of 10,000 tasks: %.3f s\n", seconds() - start);
    assert_int_equal(journal_tasks(s), TASKS);
    assert_int_equal(journal_find_task(s, "step[axis=77]")->progress->done, 2 * TASKS + 77);
    journal_state_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_since_start),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_torn_at_every_byte),
        cmocka_unit_test(test_flipped_at_every_byte),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_refused_writes),
        cmocka_unit_test(test_flat_json),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests_name("journal", tests, scratch_setup, scratch_teardown);
}

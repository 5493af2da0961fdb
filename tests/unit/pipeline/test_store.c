// SPDX-License-Identifier: Apache-2.0
// The store: a commit is all or nothing, and what was committed is checked before anything parses
// it.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "pipeline/base/file.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/artefact_writer.h"
#include "pipeline/store/store.h"
#include "scratch.h"

enum { ITEMS = 200000 };

static double numbers[ITEMS];

static const key_field sample_fields[] = {{"stage", "toy"}, {"input 1", "0123"}};

static provenance origin_of(void)
{
    return (provenance){
        .epoch = 7,
        .pipeline = "p",
        .pipeline_path = "/p.yaml",
        .pipeline_text = "pipeline: p\nsteps: {λ: 1}\n",
        .label = "toy[x=1]",
        .stage = "toy",
        .key = "0123",
        .fields = sample_fields,
        .n_fields = 2,
        .command = "sulcus run p.yaml",
        .ranks = 3,
        .threads = 2,
        .cpus = "a CPU",
    };
}

static status allow(void *unused)
{
    (void)unused;
    return OK;
}

static status (*allowed)(void *) = allow; // asked by commit

static status commit(const char *path, int64_t items, const provenance *origin, journal_commit *out)
{
    static stored s;
    artefact_writer *w;
    assert_int_equal(artefact_writer_new(&w), OK);
    assert_int_equal(artefact_dim(w, "item", items), OK);
    const variable v = {.name = "x",
                        .type = VARIABLE_F64,
                        .dims = 1,
                        .dim = {"item"},
                        .long_name = "numbers",
                        .units = "1",
                        .data = numbers};
    assert_int_equal(artefact_variable(w, &v), OK);
    status st = store_commit(scratch, path, w, origin, allowed, NULL, &s);
    artefact_writer_free(w);
    *out = (journal_commit){.path = path,
                            .digest = s.digest,
                            .file_digest = s.file_digest,
                            .bytes = s.bytes,
                            .mtime_ns = s.mtime_ns};
    return st;
}

static void assert_attribute(const artefact *a, const char *name, const char *value)
{
    char *found = artefact_get_attribute(a, name);
    assert_non_null(found);
    if (value)
        assert_string_equal(found, value);
    assert_true(value || found[0]);
    free(found);
}

static void test_commit(void **unused)
{
    (void)unused;
    artefact *a;
    journal_commit c;
    provenance o = origin_of();
    assert_int_equal(commit("toy/x=1.nc", 10, &o, &c), OK);
    assert_int_equal(scratch_entries(scratch_path("toy")), 1);
    assert_true(store_present(scratch, &c));
    assert_int_equal(store_verify(scratch, &c), OK);
    assert_int_equal(store_open(scratch, &c, true, &a), OK);
    assert_int_equal(artefact_length(a, "item"), 10);
    assert_attribute(a, "pipeline_text", o.pipeline_text);
    assert_attribute(a, "task", "toy[x=1]");
    assert_attribute(a, "task_key", "0123");
    assert_attribute(a, "task_key_fields", "stage = toy\ninput 1 = 0123");
    static const char *const field[][2] = {
        {"stage", "toy"}, {"input 1", "0123"}, {"input", NULL}, {"1", NULL}};
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
        char *value = artefact_get_field(a, field[i][0]);
        assert_true(!value == !field[i][1] && (!value || strcmp(value, field[i][1]) == 0));
        free(value);
    }
    assert_attribute(a, "ranks", "3");
    const char *const filled[] = {"Conventions", "title",   "summary",      "keywords",
                                  "source",      "history", "date_created", "creator_name",
                                  "host",        "cpu",     "netcdf"};
    for (size_t i = 0; i < sizeof filled / sizeof *filled; i++)
        assert_attribute(a, filled[i], NULL);
    artefact_close(a);
    // The digest does not depend on what is told about the making.
    char before[DIGEST_HEX], file_before[DIGEST_HEX];
    snprintf(before, sizeof before, "%s", c.digest);
    snprintf(file_before, sizeof file_before, "%s", c.file_digest);
    o.ranks = 1;
    o.command = "another";
    assert_int_equal(commit("toy/x=1.nc", 10, &o, &c), OK);
    assert_string_equal(before, c.digest);
    assert_string_not_equal(file_before, c.file_digest);
    assert_int_equal(scratch_entries(scratch_path("toy")), 1);
}

static void test_flipped_bits(void **unused)
{
    (void)unused;
    journal_commit c;
    provenance o = origin_of();
    artefact *a = NULL;
    char *bytes;
    size_t size;
    assert_int_equal(commit("flip/all.nc", 10, &o, &c), OK);
    const char *path = scratch_path("flip/all.nc");
    assert_int_equal(file_read(path, 1 << 24, &bytes, &size), OK);
    for (size_t i = 0; i < size; i += 97) {
        bytes[i] ^= 4;
        scratch_write(path, bytes, size);
        bytes[i] ^= 4;
        assert_int_equal(store_open(scratch, &c, true, &a), ERR_INPUT);
        assert_int_equal(store_verify(scratch, &c), ERR_INPUT);
        assert_false(store_present(scratch, &c)); // another mtime: the bytes decide
    }
    for (size_t n = 0; n < size; n += 512) {
        scratch_write(path, bytes, n);
        assert_int_equal(store_open(scratch, &c, false, &a), ERR_INPUT);
        assert_int_equal(store_open(scratch, &c, true, &a), ERR_INPUT);
    }
    scratch_write(path, bytes, size); // as a copied run has it
    assert_true(store_present(scratch, &c));
    assert_int_equal(store_verify(scratch, &c), OK);
    char digit = c.digest[0];
    ((char *)c.digest)[0] = digit == 'a' ? 'b' : 'a';
    assert_int_equal(store_verify(scratch, &c), ERR_INPUT); // bytes as committed, variables not
    assert_int_equal(unlink(path), 0);
    assert_false(store_present(scratch, &c));
    assert_int_equal(store_open(scratch, &c, true, &a), ERR_INPUT);
    free(bytes);
}

static status refuse(void *context)
{
    (void)context;
    return status_fail(ERR_INTERRUPTED, NULL, "a newer run holds the folder");
}

static void test_refused(void **unused)
{
    (void)unused;
    journal_commit c;
    provenance o = origin_of();
    assert_int_equal(commit("kept/all.nc", 10, &o, &c), OK);
    journal_commit kept = c;
    char hex[DIGEST_HEX], file_hex[DIGEST_HEX];
    kept.digest = memcpy(hex, c.digest, DIGEST_HEX);
    kept.file_digest = memcpy(file_hex, c.file_digest, DIGEST_HEX);
    allowed = refuse;
    assert_int_equal(commit("kept/all.nc", 11, &o, &c), ERR_INTERRUPTED);
    allowed = allow;
    scratch_write(scratch_path("a_file"), "x", 1);
    assert_int_equal(commit("a_file/all.nc", 10, &o, &c), ERR_IO);
    mkdir(scratch_path("kept/taken.nc"), 0777); // a folder where the artefact should go
    assert_int_equal(commit("kept/taken.nc", 10, &o, &c), ERR_IO);
    assert_int_equal(scratch_entries(scratch_path("kept")), 2);
    assert_int_equal(store_verify(scratch, &kept), OK);
}

// A file-size limit makes writes fail in the middle, as a full disk does; in a child, where HDF5
// may be left broken.
static void test_disk_full(void **unused)
{
    (void)unused;
    const long limits[] = {0, 100, 3000, 20000, 200000, 1000000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        pid_t child = fork();
        if (child == 0) {
            journal_commit c;
            provenance o = origin_of();
            signal(SIGXFSZ, SIG_IGN);
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)limits[i], (rlim_t)limits[i]});
            status st = commit("full/all.nc", ITEMS, &o, &c);
            fprintf(stderr, "%s\n", st == ERR_IO ? "" : status_text());
            _exit(st);
        }
        int result;
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFEXITED(result));
        assert_int_equal(WEXITSTATUS(result), ERR_IO);
        assert_int_equal(scratch_entries(scratch_path("full")), 0);
    }
    journal_commit c;
    provenance o = origin_of();
    assert_int_equal(commit("full/all.nc", ITEMS, &o, &c), OK);
}

static void test_clean(void **unused)
{
    (void)unused;
    journal_commit c;
    provenance o = origin_of();
    int64_t removed;
    assert_int_equal(commit("clean/all.nc", 10, &o, &c), OK);
    scratch_write(scratch_path("clean/all.nc.6-123.tmp"), "x", 1);
    scratch_write(scratch_path("clean/all.nc.7-123.tmp"), "x", 1);
    scratch_write(scratch_path("clean/mine.tmp"), "x", 1);
    assert_int_equal(store_clean(scratch, 7, &removed), OK);
    assert_int_equal(removed, 1);
    assert_int_equal(scratch_entries(scratch_path("clean")), 3);
    assert_int_equal(store_clean(scratch_path("nowhere"), 7, &removed), OK);
}

int main(void)
{
    for (int i = 0; i < ITEMS; i++)
        numbers[i] = i * 0.5;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit),  cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_clean),
    };
    return cmocka_run_group_tests_name("store", tests, scratch_setup, scratch_teardown);
}

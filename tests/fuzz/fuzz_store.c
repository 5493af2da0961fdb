// SPDX-License-Identifier: Apache-2.0
// What a killed writer, or somebody else, left in an output folder: a checkpoint (told by its magic
// number), a lease ("id …" and the like), a NetCDF file's head, or else the journal. Sums and
// digests are made here, since nothing is looked at behind a wrong one: a journal's line without a
// "sum" gets its own, and a checkpoint its digest at the end.
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"
#include "pipeline/lease/lease.h"
#include "pipeline/lease/lease_holder.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/artefact_header.h"
#include "pipeline/store/checkpoint_file.h"
#include "pipeline/store/inputs.h"
#include "pipeline/store/journal.h"
#include "pipeline/store/own_file.h"
#include "pipeline/store/store.h"

static holder self;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    lease_holder_self(&self);
    mkdir(fuzz_path("out"), 0700);
    return 0;
}

// --- Checkpoints

static void read_checkpoint(const uint8_t *bytes, size_t n)
{
    status st;
    text t = {0};
    digest *d = NULL;
    char hex[DIGEST_HEX];
    checkpoint_file c = {0};
    TRY(digest_new(&d));
    digest_add(d, bytes, n);
    digest_hex(d, hex);
    text_add_bytes(&t, (const char *)bytes, n);
    text_add(&t, hex);
    TRY(checkpoint_file_open(fuzz_write("x.checkpoint", t.at, t.length), &c));
    fuzz_touch(c.vector, (size_t)c.head.length * sizeof *c.vector);
    if (c.bits)
        fuzz_touch(c.bits, (size_t)checkpoint_file_words(c.head.units) * sizeof *c.bits);
    for (int f = 0; f < c.shape.fields; f++) {
        const partial_field *field = &c.shape.field[f];
        const size_t item = field->type == PARTIAL_COUNT ? sizeof(int64_t) : sizeof(fixed);
        fuzz_touch(c.values[f], (size_t)field->length * item);
    }
done:
    checkpoint_file_close(&c);
    digest_free(d);
    text_free(&t);
    fuzz_end(st);
}

// --- The lease

static void read_lease(const uint8_t *bytes, size_t n)
{
    holder h;
    char who[512];
    const char *path = fuzz_write("out/lease", bytes, n);
    if (!lease_holder_read(path, &h))
        abort();
    lease_holder_describe(&h, who, sizeof who);
    fuzz_touch(who, strlen(who));
    if (!h.job[0]) // of a job, Slurm would be asked
        (void)lease_holder_judge(&h, &self);
    (void)lease_check(fuzz_path("out"), h.id);
    fuzz_end(h.id[0] ? OK : status_fail(ERR_INPUT, path, "names nobody"));
}

// --- The journal

// The lines, each with a sum.
static void add_sums(const char *at, size_t n, text *out)
{
    for (const char *end = at + n; at < end;) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        const size_t length = (size_t)((next ? next : end) - at);
        const bool bare = length > 0 && at[length - 1] == '}' && !memmem(at, length, "\"sum\":", 6);
        text_add_bytes(out, at, bare ? length - 1 : length);
        if (bare)
            text_addf(out, ",\"sum\":\"%016llx\"}",
                      (unsigned long long)XXH3_64bits(at, length - 1));
        text_add(out, next ? "\n" : "");
        at += length + (next != NULL);
    }
}

static void read_commit(journal_state *s, const journal_commit *c)
{
    artefact *a = NULL;
    const key_field *fields;
    size_t n;
    if (journal_fields(s, c->label, &fields, &n) == OK)
        for (size_t i = 0; i < n; i++)
            fuzz_touch(fields[i].name, strlen(fields[i].name));
    if (own_file_is_inside(fuzz_path("out"), c->path))
        (void)store_present(fuzz_path("out"), c);
    if (store_open(fuzz_path("out"), c, true, &a) == OK)
        artefact_close(a);
}

static status read_state(const char *output, int64_t *runs)
{
    status st;
    inputs *known = NULL;
    journal_state *s = NULL;
    char hex[DIGEST_HEX];
    TRY(journal_load(output, &s));
    *runs = journal_summarize(s).runs;
    TRY(inputs_new(s, &known));
    for (size_t i = 0; i < journal_inputs(s); i++)
        (void)inputs_digest(known, journal_input_at(s, i)->path, hex);
    for (size_t i = 0; i < journal_tasks(s); i++) {
        const journal_task *t = journal_task_at(s, i);
        if (journal_find_task(s, t->label) != t)
            abort();
        if (t->commit)
            read_commit(s, t->commit);
    }
done:
    inputs_free(known);
    journal_state_free(s);
    return st;
}

// Read; and whatever was in it, a new run's line behind it counts.
static void read_journal(const uint8_t *bytes, size_t n)
{
    status st;
    journal *j = NULL;
    text t = {0};
    int64_t before = 0, after = 0;
    const char *output = fuzz_path("out");
    const journal_run run = {.epoch = 1, .ranks = 1, .threads = 1, .host = "h"};
    add_sums((const char *)bytes, n, &t);
    fuzz_write("out/" JOURNAL_NAME, text_get(&t), t.length);
    TRY(read_state(output, &before));
    TRY(journal_open(output, &j));
    TRY(journal_run_started(j, &run));
    TRY(read_state(output, &after));
    if (after != before + 1)
        abort();
done:
    journal_close(j);
    text_free(&t);
    fuzz_end(before > 0 || st != OK ? st : status_fail(ERR_INPUT, output, "says nothing"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n >= 8 && memcmp(bytes, "succkpt1", 8) == 0)
        read_checkpoint(bytes, n);
    else if (n >= 3 && (memcmp(bytes, "id ", 3) == 0 || memcmp(bytes, "hos", 3) == 0))
        read_lease(bytes, n);
    else if (n >= 4 && memcmp(bytes, "\x89HDF", 4) == 0)
        fuzz_end(artefact_check_header(fuzz_write("x.nc", bytes, n)));
    else
        read_journal(bytes, n);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Documents in Parquet files, one a row, in file order. With `subsets: file` a file is a subset, by
// its path without ending, and all shards of one (train-00000-of-00012) are the same. By another
// column, that column alone is read when the dataset is opened (with `skip_bad` the text, too); what
// makes a document's subset is read once more beside its text, so that there is no index in memory.
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/group_list.h"
#include "data/formats/parquet_table.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/stopping.h"

enum { FIRST_ROWS = 1000 }; // of a file, where the first records are enough

struct format_state {
    name_list files;
    char *field, *subsets; // owned
    bool by_file, cut;     // cut: only the first rows were looked at
    bool skips;            // skips: bad rows, which were counted when the dataset was opened
    size_t *group;         // owned [files.n]: by file
    group_list groups;
};

// Bytes of a name without what tells its shard.
static size_t without_shard(const char *name, size_t n)
{
    static const char form[] = "-00000-of-00000"; // 0: a digit
    const size_t length = sizeof form - 1;
    for (size_t i = 0; i < length && n > length; i++) {
        char c = name[n - length + i];
        if (form[i] == '0' ? c < '0' || c > '9' : c != form[i])
            return n;
    }
    return n > length ? n - length : n;
}

static status name_files(format_state *s, const dataset_options *o)
{
    status st = OK;
    const char *problem;
    if (!(s->group = checked_calloc(s->files.n, sizeof *s->group)))
        return status_no_memory("a dataset");
    for (size_t i = 0; i < s->files.n; i++) {
        size_t n;
        const char *name = group_list_name_file(o->path, s->files.at[i], &n);
        TRY(group_list_find(&s->groups, o->path, o->subsets, name, without_shard(name, n), &problem,
                            &s->group[i]));
        if (problem)
            return status_fail(ERR_INPUT, s->files.at[i], "%s; rename the file", problem);
    }
done:
    return st;
}

// The columns of a file that are read, side by side; NULL: not wanted.
typedef struct rows {
    parquet_file *file;
    parquet_reader *text, *group;
} rows;

static void close_rows(rows *r)
{
    parquet_reader_close(r->text);
    parquet_reader_close(r->group);
    parquet_file_close(r->file);
    *r = (rows){0};
}

static status open_rows(const format_state *s, size_t i, bool texts, const atomic_bool *stopping,
                        rows *r)
{
    status st;
    TRY(parquet_file_open(s->files.at[i], &r->file));
    if (texts)
        TRY(parquet_table_read(r->file, s->field, false, stopping, &r->text));
    if (!s->by_file)
        TRY(parquet_table_read(r->file, s->subsets, false, stopping, &r->group));
done:
    return st;
}

// How a value is called as a subset: *n bytes, in `number` where it is none. NULL when it is missing.
static const char *spell_group(const parquet_value *v, char number[32], size_t *n)
{
    switch (v->kind) {
    case PARQUET_NULL:
        break;
    case PARQUET_BYTES:
        *n = v->n;
        return v->bytes;
    case PARQUET_INTEGER:
        *n = (size_t)snprintf(number, 32, "%" PRId64, v->integer);
        return number;
    case PARQUET_REAL:
        *n = (size_t)snprintf(number, 32, "%.17g", v->real);
        return number;
    case PARQUET_TRUTH:
        *n = (size_t)snprintf(number, 32, "%s", v->integer ? "true" : "false");
        return number;
    }
    return NULL;
}

// The subset of a row, by its column.
static status find_group(format_state *s, const dataset_options *o, const rows *r, int64_t row,
                         const parquet_value *v, size_t *group)
{
    char number[32];
    size_t n = 0;
    const char *name = spell_group(v, number, &n), *problem = name ? NULL : "is missing";
    status st =
        name ? group_list_find(&s->groups, o->path, o->subsets, name, n, &problem, group) : OK;
    return st == OK && problem ? parquet_table_fail(r->file, row, s->subsets, problem) : st;
}

static status count_row(format_state *s, const dataset_options *o, rows *r, size_t i, int64_t row,
                        bad_records *bad)
{
    status st;
    parquet_value v, t;
    size_t group = s->by_file ? s->group[i] : 0;
    if (r->group)
        TRY(parquet_reader_next(r->group, &v));
    if (r->text)
        TRY(parquet_reader_next(r->text, &t));
    st = r->group ? find_group(s, o, r, row, &v, &group) : OK;
    if (st == OK && r->text)
        st = parquet_table_check_text(r->file, row, s->field, &t);
    if (st == OK)
        s->groups.count[group]++;
    st = bad_records_pass(bad, st);
done:
    return st;
}

// Counts the documents of a file. Texts are looked at now only where bad ones are to be passed over:
// otherwise they are when they are tokenised, before any other work.
static status count_file(format_state *s, const dataset_options *o, size_t i, bad_records *bad)
{
    status st;
    rows r = {0};
    TRY(stopping_check(o->stopping));
    TRY(open_rows(s, i, s->skips, o->stopping, &r));
    const int64_t n = parquet_file_rows(r.file);
    const int64_t most = o->first_records && n > FIRST_ROWS ? FIRST_ROWS : n;
    if (s->by_file && !s->skips)
        s->groups.count[s->group[i]] += n;
    else
        s->cut |= most < n;
    for (int64_t row = 0; row < most && (r.group || r.text); row++)
        TRY(count_row(s, o, &r, i, row, bad));
done:
    close_rows(&r);
    return st;
}

// That the text is there is looked at before anything else is read.
static status check_field(const format_state *s)
{
    parquet_file *f = NULL;
    parquet_reader *r = NULL;
    status st = parquet_file_open(s->files.at[0], &f);
    if (st == OK)
        st = parquet_table_read(f, s->field, false, NULL, &r);
    parquet_reader_close(r);
    parquet_file_close(f);
    return st;
}

static status parquet_text_open(const dataset_options *o, catalogue *c)
{
    status st;
    format_state *s = c->state = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a dataset");
    s->field = strdup(o->field ? o->field : "text");
    s->subsets = strdup(o->subsets);
    if (!s->field || !s->subsets)
        return status_no_memory("a dataset");
    s->by_file = strcmp(o->subsets, "file") == 0;
    s->skips = o->skip_bad > 0;
    TRY(parquet_table_files(o, o->split, &s->files, &c->ignored));
    TRY(check_field(s));
    c->bad.most = o->skip_bad;
    if (s->by_file)
        TRY(name_files(s, o));
    for (size_t i = 0; i < s->files.n; i++)
        TRY(count_file(s, o, i, &c->bad));
    c->cut = s->cut;
    const size_t groups = s->groups.names.n;
    if (!(c->count = checked_calloc(groups, sizeof *c->count)))
        return status_no_memory("a dataset");
    for (size_t g = 0; g < groups; g++) {
        TRY(name_list_add(&c->group_names, s->groups.names.at[g], strlen(s->groups.names.at[g])));
        c->count[g] = s->groups.count[g];
        c->samples += c->count[g];
    }
done:
    return st;
}

static void parquet_text_close(format_state *s)
{
    name_list_free(&s->files);
    group_list_free(&s->groups);
    free(s->group);
    free(s->field);
    free(s->subsets);
    free(s);
}

// *more = false when no subset wants any more.
static status feed_row(const format_state *s, size_t i, int64_t row, rows *r, text_maker *m,
                       bool *more)
{
    status st;
    parquet_value v, t;
    char number[32];
    size_t n = 0, group = s->by_file ? s->group[i] : 0;
    bool known = true;
    if (r->group)
        TRY(parquet_reader_next(r->group, &v));
    TRY(parquet_reader_next(r->text, &t));
    if (r->group) {
        const char *name = spell_group(&v, number, &n);
        known = name && group_list_get(&s->groups, name, n, &group);
    }
    if (!known && !s->skips && !s->cut)
        return status_fail(ERR_INPUT, s->files.at[i], "has changed while it was read");
    if (!known)
        goto done;
    if (!text_maker_wants(m, group)) {
        *more = text_maker_wants_more(m);
        goto done;
    }
    st = parquet_table_check_text(r->file, row, s->field, &t);
    if (st != OK)
        return s->skips ? OK : st;
    text_document d = {
        .group = group, .bytes = t.bytes, .n = t.n, .file = s->files.at[i], .line = row + 1};
    TRY(text_maker_add(m, &d));
done:
    return st;
}

static status parquet_text_feed(const format_state *s, text_maker *m)
{
    status st = OK;
    rows r = {0};
    bool more = true;
    for (size_t i = 0; i < s->files.n && more; i++) {
        if (s->by_file && !text_maker_wants(m, s->group[i]))
            continue;
        TRY(open_rows(s, i, true, text_maker_stopping(m), &r));
        const int64_t n = parquet_file_rows(r.file);
        for (int64_t row = 0; row < n && more; row++)
            TRY(feed_row(s, i, row, &r, m, &more));
        close_rows(&r);
    }
done:
    close_rows(&r);
    return st;
}

const format format_parquet_text = {
    .name = "parquet",
    .splits = parquet_table_splits,
    .subsets = (const char *const[]){"file", NULL},
    .any_subsets = true,
    .skips_bad = true,
    .raw_samples = "documents",
    .open = parquet_text_open,
    .close = parquet_text_close,
    .text = parquet_text_feed,
    .files = parquet_table_list,
};

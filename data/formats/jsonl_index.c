// SPDX-License-Identifier: Apache-2.0
// Files are indexed side by side, each numbering its subsets for itself, and joined in file order:
// what comes out is what one thread would have found. Limits count both times, so that no index
// grows beyond what may be asked for.
#include "data/formats/jsonl_index.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/group_list.h"
#include "data/bytes/json_line.h"
#include "data/bytes/line_reader.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/text.h"

// Of a file, and files, where the first records are enough.
enum { FIRST_BYTES = 1 << 18, FIRST_FILES = 64 };

// One file's part, with groups numbered by their first appearance in it.
typedef struct file_index {
    const dataset_options *options;
    const char *path; // borrowed
    uint16_t number;
    group_list groups;
    jsonl_documents found;
    text name; // of the last line's subset, unescaped
    bad_records bad;
    bool padded;
    bool cut; // there is more than the first records
} file_index;

// A window of files that are read side by side.
typedef struct window {
    const dataset_options *options;
    const name_list *files;
    size_t first;
    file_index *at; // owned
} window;

static void free_file_index(file_index *x)
{
    group_list_free(&x->groups);
    free(x->found.at);
    text_free(&x->name);
    bad_records_free(&x->bad);
    *x = (file_index){0};
}

// --- Lines

// The subset of a line; *problem says what is wrong with it.
static status read_group(file_index *x, const json_field *field, const char **problem,
                         size_t *group)
{
    *problem = NULL;
    if (field->kind == JSON_ABSENT || (field->kind == JSON_SCALAR && *field->bytes == 'n'))
        *problem = "is missing";
    else if (field->kind == JSON_TREE ||
             (field->kind == JSON_SCALAR && (memchr(field->bytes, 'N', field->n) ||
                                             memchr(field->bytes, 'I', field->n)))) // no number
        *problem = "is neither a text nor a number";
    if (*problem)
        return OK;
    const char *name = field->bytes;
    size_t n = field->n;
    if (field->kind == JSON_TEXT && memchr(name, '\\', n)) {
        x->name.length = 0;
        json_line_unescape(name, n, &x->name);
        if (x->name.failed)
            return status_no_memory("a subset's name");
        name = text_get(&x->name);
        n = x->name.length;
    }
    return group_list_find(&x->groups, x->options->path, x->options->subsets, name, n, problem,
                           group);
}

static status fail_line(const char *path, int64_t number, const char *field, const char *problem)
{
    char *where = text_format("%s:%lld", path, (long long)number);
    status st = where ? status_fail(ERR_INPUT, where,
                                    "field %s %s; mend the line or name another "
                                    "field",
                                    field, problem)
                      : status_no_memory("a message");
    free(where);
    return st;
}

static status fail_json(const char *path, int64_t number, size_t column, const char *problem)
{
    char *where = text_format("%s:%lld:%zu", path, (long long)number, column);
    status st = where ? status_fail(ERR_INPUT, where,
                                    "%s; a JSON object a line is expected, in UTF-8", problem)
                      : status_no_memory("a message");
    free(where);
    return st;
}

// Counts a document and keeps where it is, if it is one of the first `limit` of its group.
static status add_document(group_list *g, int64_t limit, jsonl_document d, jsonl_documents *to)
{
    if (++g->count[d.group] > limit && limit > 0)
        return OK;
    if (!checked_grow(&to->at, &to->capacity, to->n + 1, sizeof *to->at))
        return status_no_memory("an index of documents");
    to->at[to->n++] = d;
    return OK;
}

static status index_line(file_index *x, int64_t number, const char *line, size_t n, uint64_t offset)
{
    const dataset_options *o = x->options;
    const char *problem;
    json_field f[2] = {{.path = o->field ? o->field : "text"}, {.path = o->subsets}};
    bool by_file = strcmp(o->subsets, "file") == 0;
    size_t column, group = 0;
    if (json_line_is_blank(line, n))
        return OK;
    if (!json_line_read(line, n, f, by_file ? 1 : 2, &column, &problem))
        return fail_json(x->path, number, column, problem);
    if (f[0].kind != JSON_TEXT)
        return fail_line(x->path, number, f[0].path,
                         f[0].kind == JSON_ABSENT ? "is missing" : "is not a text");
    problem = NULL;
    status st = by_file ? OK : read_group(x, &f[1], &problem, &group);
    if (st == OK && problem)
        return fail_line(x->path, number, o->subsets, problem);
    jsonl_document d = {offset + (uint64_t)(f[0].bytes - line), (uint32_t)f[0].n, x->number,
                        (uint16_t)group};
    return st == OK ? add_document(&x->groups, o->limit, d, &x->found) : st;
}

// --- Files

static status add_file_group(file_index *x)
{
    size_t n, group;
    const char *name = group_list_name_file(x->options->path, x->path, &n);
    return group_list_add(&x->groups, x->options->path, x->options->subsets, name, n, &group);
}

static status index_file(void *context, int64_t i, int thread)
{
    (void)thread;
    status st;
    window *w = context;
    file_index *x = &w->at[i];
    line_reader *r = NULL;
    const char *line;
    size_t n;
    uint64_t offset;
    *x = (file_index){.options = w->options, .number = (uint16_t)(w->first + (size_t)i)};
    x->path = w->files->at[x->number];
    x->bad.most = w->options->skip_bad;
    if (strcmp(w->options->subsets, "file") == 0)
        TRY(add_file_group(x));
    TRY(line_reader_open(x->path, &r));
    line_reader_stop_by(r, w->options->stopping);
    for (;;) {
        TRY(line_reader_next(r, &line, &n, &offset));
        x->cut = line && w->options->first_records && offset >= FIRST_BYTES;
        if (!line || x->cut)
            break;
        TRY(bad_records_pass(&x->bad, index_line(x, line_reader_number(r), line, n, offset)));
    }
    x->padded = line_reader_padded(r);
done:
    line_reader_close(r);
    return st;
}

// Adds what a file holds to what the files before it do.
static status append_file(const file_index *x, group_list *all, jsonl_documents *index)
{
    status st = OK;
    const group_list *own = &x->groups;
    size_t *number = checked_calloc(own->names.n, sizeof *number);
    int64_t *before = checked_calloc(own->names.n, sizeof *before);
    if (!number || !before) {
        st = status_no_memory("an index of documents");
        goto done;
    }
    for (size_t g = 0; g < own->names.n; g++) {
        const char *name = own->names.at[g];
        if (!names_get(&all->numbers, name, &number[g]))
            TRY(group_list_add(all, x->options->path, x->options->subsets, name, strlen(name),
                               &number[g]));
        before[g] = all->count[number[g]];
    }
    for (size_t i = 0; i < x->found.n; i++) {
        jsonl_document d = x->found.at[i];
        d.group = (uint16_t)number[d.group];
        TRY(add_document(all, x->options->limit, d, index));
    }
    for (size_t g = 0; g < own->names.n; g++) // those that were only counted, too
        all->count[number[g]] = before[g] + own->count[g];
done:
    free(number);
    free(before);
    return st;
}

static status index_files(window *w, pool *p, size_t side, group_list *all, catalogue *out,
                          jsonl_documents *index)
{
    status st = OK;
    const bool cut = w->options->first_records && w->files->n > FIRST_FILES;
    const size_t files = cut ? FIRST_FILES : w->files->n;
    out->cut = cut;
    for (w->first = 0; w->first < files; w->first += side) {
        size_t n = files - w->first < side ? files - w->first : side;
        TRY(pool_run(p, (int64_t)n, index_file, w));
        for (size_t i = 0; i < n; i++) {
            TRY(append_file(&w->at[i], all, index));
            TRY(bad_records_join(&out->bad, &w->at[i].bad));
            catalogue_note_padding(out, w->at[i].path, w->at[i].padded);
            out->cut |= w->at[i].cut;
            free_file_index(&w->at[i]);
        }
    }
done:
    return st;
}

status jsonl_index(const dataset_options *options, const name_list *files, catalogue *out,
                   jsonl_documents *index)
{
    status st = OK;
    pool *p = NULL;
    group_list all = {0};
    const size_t side = options->threads > 1 ? 2 * (size_t)options->threads : 1;
    out->bad.most = options->skip_bad;
    window w = {options, files, 0, checked_calloc(side, sizeof *w.at)};
    if (!w.at)
        return status_no_memory("an index of documents");
    if (options->threads > 1)
        TRY(pool_new(options->threads, &p));
    TRY(index_files(&w, p, side, &all, out, index));
    for (size_t g = 0; g < all.names.n; g++)
        out->samples += all.count[g];
    out->group_names = all.names;
    out->count = all.count;
    all.names = (name_list){0};
    all.count = NULL;
done:
    for (size_t i = 0; i < side; i++)
        free_file_index(&w.at[i]);
    free(w.at);
    group_list_free(&all);
    pool_free(p);
    return st;
}

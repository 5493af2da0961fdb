// SPDX-License-Identifier: Apache-2.0
// JSON lines, as the Pile has them: an object a line, with the text in one field and what makes the
// subset in another. A path is a file, or a folder of .jsonl (.ndjson, .json) files, each also as
// .gz and .zst; `split` takes those whose path below the folder begins with it (train.jsonl,
// train/00.jsonl.zst; `validation` also `val`). Empty lines are passed over. With `subsets: file` a
// file is a subset, by its path without endings.
//
// Opening reads and checks every line once, and remembers where each text is: 16 bytes a document.
#include "data/format.h"

#include <stdlib.h>
#include <string.h>

#include "data/byte_stream.h"
#include "data/file_tree.h"
#include "data/json_line.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/names.h"
#include "pipeline/base/text.h"

enum { FILES_MAX = 65536, GROUPS_MAX = 4096, NAME_BYTES = 256 };

static const char *const endings[] = {".jsonl", ".ndjson", ".json", NULL};

typedef struct document {
    uint64_t offset; // of the text's inside, in the unpacked file
    uint32_t length;
    uint16_t file, group;
} document;

struct format_state {
    name_list files;
    document *at; // owned, in file order
    size_t n, capacity;
};

// What indexing keeps at hand.
typedef struct indexer {
    const dataset_options *options;
    catalogue *out;
    names groups; // to their numbers
    size_t count_capacity;
    text name; // of the last line's subset, unescaped
    size_t last;
} indexer;

static bool in_split(const char *below, const void *context)
{
    const char *split = context;
    if (!file_tree_ending(below, endings))
        return false;
    if (!split)
        return true;
    const char *word =
        strcmp(split, "validation") == 0 && strncmp(below, "validation", 10) != 0 ? "val" : split;
    size_t n = strlen(word);
    return strncmp(below, word, n) == 0 && strchr("./-_0123456789", below[n]);
}

static status find_files(const dataset_options *o, name_list *files, int64_t *ignored)
{
    status st;
    TRY(file_tree(o->path, in_split, o->split, files, ignored));
    if (files->n == 0)
        st = status_fail(ERR_INPUT, o->path, "holds no %s%s.jsonl file (nor .jsonl.gz, .jsonl.zst)",
                         o->split ? o->split : "", o->split ? "*" : "");
    else if (files->n > FILES_MAX)
        st = status_fail(ERR_INPUT, o->path, "holds %zu files; %d are supported", files->n,
                         FILES_MAX);
done:
    return st;
}

static status add_group(indexer *x, const char *name, size_t n, size_t *group)
{
    catalogue *c = x->out;
    if (c->group_names.n == GROUPS_MAX)
        return status_fail(ERR_INPUT, x->options->path,
                           "has more than %d subsets by %s; name a field with few values",
                           GROUPS_MAX, x->options->subsets);
    status st = name_list_add(&c->group_names, name, n);
    if (st != OK)
        return st;
    *group = c->group_names.n - 1;
    if (!names_put(&x->groups, c->group_names.at[*group], *group) ||
        !checked_grow(&c->count, &x->count_capacity, *group + 1, sizeof *c->count))
        return status_no_memory("a list of subsets");
    c->count[*group] = 0;
    return OK;
}

static status find_group(indexer *x, const char *name, size_t n, const char **problem,
                         size_t *group)
{
    const name_list *known = &x->out->group_names;
    *problem = NULL;
    if (known->n > 0 && strlen(known->at[x->last]) == n &&
        memcmp(known->at[x->last], name, n) == 0) {
        *group = x->last;
        return OK;
    }
    if (n == 0 || n > NAME_BYTES || !name_list_is_text(name, n)) {
        *problem = "is no name of a subset: it is empty, long or has control characters";
        return OK;
    }
    char key[NAME_BYTES + 1];
    memcpy(key, name, n);
    key[n] = 0;
    status st = names_get(&x->groups, key, group) ? OK : add_group(x, name, n, group);
    x->last = st == OK ? *group : x->last;
    return st;
}

// The subset of a line; *problem says what is wrong with it.
static status read_group(indexer *x, const json_field *field, const char **problem, size_t *group)
{
    *problem = NULL;
    if (field->kind == JSON_ABSENT || (field->kind == JSON_SCALAR && *field->bytes == 'n'))
        *problem = "is missing";
    else if (field->kind == JSON_TREE)
        *problem = "is neither a text nor a number";
    if (*problem)
        return OK;
    const char *name = field->bytes;
    size_t n = field->n;
    if (field->kind == JSON_TEXT && memchr(name, '\\', n)) {
        x->name.length = 0;
        json_text_unescape(name, n, &x->name);
        if (x->name.failed)
            return status_no_memory("a subset's name");
        name = text_get(&x->name);
        n = x->name.length;
    }
    return find_group(x, name, n, problem, group);
}

static status bad_line(const char *path, int64_t number, const char *field, const char *problem)
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

static status malformed(const char *path, int64_t number, size_t column, const char *problem)
{
    char *where = text_format("%s:%lld:%zu", path, (long long)number, column);
    status st = where ? status_fail(ERR_INPUT, where,
                                    "%s; a JSON object a line is expected, in UTF-8", problem)
                      : status_no_memory("a message");
    free(where);
    return st;
}

static status add_document(indexer *x, size_t file, size_t group, uint64_t offset, size_t length)
{
    format_state *s = x->out->state;
    int64_t *count = &x->out->count[group];
    x->out->samples++;
    // A sample has two tokens at least: so many documents hold more than `limit`.
    if (++*count > x->options->limit && x->options->limit > 0)
        return OK;
    if (!checked_grow(&s->at, &s->capacity, s->n + 1, sizeof *s->at))
        return status_no_memory("an index of documents");
    s->at[s->n++] = (document){offset, (uint32_t)length, (uint16_t)file, (uint16_t)group};
    return OK;
}

static bool is_blank(const char *line, size_t n)
{
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
        n--;
    return n == 0;
}

static status index_line(indexer *x, size_t file, int64_t number, const char *line, size_t n,
                         uint64_t offset)
{
    const dataset_options *o = x->options;
    const char *path = x->out->state->files.at[file], *problem;
    json_field f[2] = {{.path = o->field ? o->field : "text"}, {.path = o->subsets}};
    bool by_file = strcmp(o->subsets, "file") == 0;
    size_t column, group = by_file ? x->last : 0;
    if (is_blank(line, n))
        return OK;
    if (!json_line_read(line, n, f, by_file ? 1 : 2, &column, &problem))
        return malformed(path, number, column, problem);
    if (f[0].kind != JSON_TEXT)
        return bad_line(path, number, f[0].path,
                        f[0].kind == JSON_ABSENT ? "is missing" : "is not a text");
    problem = NULL;
    status st = by_file ? OK : read_group(x, &f[1], &problem, &group);
    if (st == OK && problem)
        return bad_line(path, number, o->subsets, problem);
    if (st == OK)
        st = add_document(x, file, group, offset + (uint64_t)(f[0].bytes - line), f[0].n);
    return st;
}

// The subset of a file by its path below the dataset's, without endings.
static status name_by_file(indexer *x, size_t file)
{
    const char *path = x->out->state->files.at[file], *name = path + strlen(x->options->path);
    if (!file_is_folder(x->options->path))
        name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    while (*name == '/')
        name++;
    size_t n = strlen(name);
    for (int i = 0; i < 2; i++) {
        const char *dot = memrchr(name, '.', n);
        if (dot > name && !memchr(dot, '/', (size_t)(name + n - dot)))
            n = (size_t)(dot - name);
    }
    return add_group(x, name, n, &x->last);
}

static status index_file(indexer *x, size_t file)
{
    status st;
    line_reader *r = NULL;
    const char *line;
    size_t n;
    uint64_t offset;
    if (strcmp(x->options->subsets, "file") == 0)
        TRY(name_by_file(x, file));
    TRY(line_reader_open(x->out->state->files.at[file], &r));
    for (;;) {
        TRY(line_reader_next(r, &line, &n, &offset));
        if (!line)
            break;
        TRY(index_line(x, file, line_reader_number(r), line, n, offset));
    }
done:
    line_reader_close(r);
    return st;
}

static status jsonl_open(const dataset_options *o, catalogue *c)
{
    status st;
    indexer x = {.options = o, .out = c};
    if (!(c->state = checked_calloc(1, sizeof *c->state)))
        return status_no_memory("a dataset");
    TRY(find_files(o, &c->state->files, &c->ignored));
    for (size_t i = 0; i < c->state->files.n; i++)
        TRY(index_file(&x, i));
done:
    names_free(&x.groups);
    text_free(&x.name);
    return st;
}

static void jsonl_close(format_state *s)
{
    name_list_free(&s->files);
    free(s->at);
    free(s);
}

// The documents of one file, [first, end) of the index.
static status feed_file(const format_state *s, size_t first, size_t end, text_maker *m)
{
    status st;
    byte_stream *in = NULL;
    char *bytes = NULL;
    size_t capacity = 0, got;
    TRY(byte_stream_open(s->files.at[s->at[first].file], &in));
    for (size_t i = first; i < end; i++) {
        const document *d = &s->at[i];
        if (!text_maker_wants(m, d->group)) {
            if (!text_maker_wants_more(m))
                break;
            continue;
        }
        if (!checked_grow(&bytes, &capacity, d->length, 1)) {
            st = status_no_memory("a document");
            goto done;
        }
        TRY(byte_stream_skip_to(in, d->offset));
        TRY(byte_stream_read(in, bytes, d->length, &got));
        if (got < d->length) {
            st = status_fail(ERR_INPUT, byte_stream_path(in), "has changed while it was read");
            goto done;
        }
        text_document t = {.group = d->group, .bytes = bytes, .n = got, .escaped = true};
        TRY(text_maker_add(m, &t));
    }
done:
    free(bytes);
    byte_stream_close(in);
    return st;
}

static status jsonl_text(const format_state *s, text_maker *m)
{
    status st = OK;
    for (size_t i = 0, end; i < s->n && text_maker_wants_more(m); i = end) {
        for (end = i; end < s->n && s->at[end].file == s->at[i].file;)
            end++;
        TRY(feed_file(s, i, end, m));
    }
done:
    return st;
}

static status jsonl_files(const dataset_options *o, status (*add)(void *context, const char *path),
                          void *context)
{
    status st;
    name_list files = {0};
    TRY(find_files(o, &files, NULL));
    for (size_t i = 0; i < files.n; i++)
        TRY(add(context, files.at[i]));
done:
    name_list_free(&files);
    return st;
}

// Reads the first line that is not empty: *found when it is an object with the field as a text.
static bool first_line_has(const char *path, const char *field)
{
    line_reader *r = NULL;
    json_field f = {.path = field};
    const char *line = NULL, *problem;
    size_t n = 0, column;
    uint64_t offset;
    bool found = false, read = line_reader_open(path, &r) == OK;
    while (read && line_reader_next(r, &line, &n, &offset) == OK && line && is_blank(line, n))
        continue;
    if (read && line)
        found = json_line_read(line, n, &f, 1, &column, &problem) && f.kind == JSON_TEXT;
    line_reader_close(r);
    return found;
}

static bool first_file_has(const dataset_options *o, const char *field)
{
    name_list files = {0};
    bool has = (file_is_folder(o->path) || file_tree_ending(o->path, endings)) &&
               find_files(o, &files, NULL) == OK && first_line_has(files.at[0], field);
    name_list_free(&files);
    return has;
}

static bool jsonl_recognise(const dataset_options *o)
{
    return first_file_has(o, o->field ? o->field : "text");
}

static const char *jsonl_shown(const dataset_options *o)
{
    return first_file_has(o, "meta.pile_set_name") ? "meta.pile_set_name" : "file";
}

const format format_jsonl = {
    .name = "jsonl",
    .splits = (const char *const[]){"train", "validation", "test", NULL},
    .subsets = (const char *const[]){"file", NULL},
    .any_subsets = true,
    .unit = "documents",
    .open = jsonl_open,
    .close = jsonl_close,
    .text = jsonl_text,
    .files = jsonl_files,
    .shown = jsonl_shown,
    .recognise = jsonl_recognise,
};

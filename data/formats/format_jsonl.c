// SPDX-License-Identifier: Apache-2.0
// JSON lines, as the Pile has them: an object a line, with the text in one field and what makes the
// subset in another. A path is a file, or a folder of .jsonl (.ndjson, .json) files, each also as
// .gz and .zst; `split` takes those whose path below the folder begins with it (train.jsonl,
// train/00.jsonl.zst; `validation` also `val`). Notes of libraries (dataset_info.json) are told from
// data by their first line. Empty lines are passed over. With `subsets: file` a
// file is a subset, by its path without endings.
//
// Opening reads and checks every line once (jsonl_index.c), and remembers where each text is.
#include "data/formats/format.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/byte_stream.h"
#include "data/bytes/file_tree.h"
#include "data/bytes/foreign_files.h"
#include "data/bytes/json_line.h"
#include "data/bytes/line_reader.h"
#include "data/formats/jsonl_index.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

enum { FILES_MAX = 65536 };

static const char *const endings[] = {".jsonl", ".ndjson", ".json", NULL};

struct format_state {
    name_list files;
    jsonl_documents index; // in file order
};

static bool is_in_split(const char *below, const void *context)
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

// Reads the first line that is not empty: *found when it is an object with the field as a text.
static bool first_line_has(const char *path, const char *field)
{
    line_reader *r = NULL;
    json_field f = {.path = field};
    const char *line = NULL, *problem;
    size_t n = 0, column;
    uint64_t offset;
    bool found = false, read = line_reader_open(path, &r) == OK;
    while (read && line_reader_next(r, &line, &n, &offset) == OK && line &&
           json_line_is_blank(line, n))
        continue;
    if (read && line)
        found = json_line_read(line, n, &f, 1, &column, &problem) && f.kind == JSON_TEXT;
    line_reader_close(r);
    return found;
}

// What libraries leave beside data under an ending that data have too.
static bool is_note(const char *path)
{
    static const char *const names[] = {"dataset_info.json", "dataset_infos.json",
                                        "dataset_dict.json", "state.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(basename(path), names[i]) == 0)
            return true;
    return false;
}

// Takes out what is no data by its first line: notes, and where there are .jsonl files any .json;
// but not all there is.
static void pass_notes_over(const dataset_options *o, name_list *files, int64_t *passed)
{
    static const char *const notes[] = {".json", NULL}, *const lines[] = {".jsonl", ".ndjson",
                                                                          NULL};
    bool any_lines = false;
    size_t kept = 0;
    for (size_t i = 0; i < files->n; i++)
        any_lines |= file_tree_ending(files->at[i], lines);
    for (size_t i = 0; i < files->n; i++) {
        char *path = files->at[i];
        const bool last = kept == 0 && i + 1 == files->n;
        if (!last && file_tree_ending(path, notes) && (any_lines || is_note(path)) &&
            !first_line_has(path, o->field ? o->field : "text")) {
            free(path);
            ++*passed;
        } else {
            files->at[kept++] = path;
        }
    }
    files->n = kept;
}

static status find_files(const dataset_options *o, name_list *files, int64_t *ignored)
{
    status st;
    int64_t passed = 0;
    TRY(file_tree(o->path, is_in_split, o->split, files, ignored));
    if (file_is_folder(o->path))
        pass_notes_over(o, files, &passed);
    if (ignored)
        *ignored += passed;
    if (files->n == 0)
        TRY(foreign_files_refuse(o->path));
    if (files->n == 0)
        st = status_fail(ERR_INPUT, o->path, "holds no %s%s.jsonl file (nor .jsonl.gz, .jsonl.zst)",
                         o->split ? o->split : "", o->split ? "*" : "");
    else if (files->n > FILES_MAX)
        st = status_fail(ERR_INPUT, o->path, "holds %zu files; %d are supported", files->n,
                         FILES_MAX);
done:
    return st;
}

static status jsonl_open(const dataset_options *o, catalogue *c)
{
    status st;
    if (!(c->state = checked_calloc(1, sizeof *c->state)))
        return status_no_memory("a dataset");
    TRY(find_files(o, &c->state->files, &c->ignored));
    TRY(jsonl_index(o, &c->state->files, c, &c->state->index));
done:
    return st;
}

static void jsonl_close(format_state *s)
{
    name_list_free(&s->files);
    free(s->index.at);
    free(s);
}

// The documents of one file, [first, end) of the index.
static status feed_file(const format_state *s, size_t first, size_t end, text_maker *m)
{
    status st;
    byte_stream *in = NULL;
    char *bytes = NULL;
    size_t capacity = 0, got;
    TRY(byte_stream_open(s->files.at[s->index.at[first].file], &in));
    byte_stream_stop_by(in, text_maker_stopping(m));
    for (size_t i = first; i < end; i++) {
        const jsonl_document *d = &s->index.at[i];
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
        text_document t = {.group = d->group,
                           .bytes = bytes,
                           .n = got,
                           .file = s->files.at[d->file],
                           .offset = d->offset,
                           .escaped = true};
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
    const jsonl_documents *all = &s->index;
    for (size_t i = 0, end; i < all->n && text_maker_wants_more(m); i = end) {
        for (end = i; end < all->n && all->at[end].file == all->at[i].file;)
            end++;
        TRY(feed_file(s, i, end, m));
    }
done:
    return st;
}

static status jsonl_files(const dataset_options *o, name_list *out)
{
    return find_files(o, out, NULL);
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
    .skips_bad = true,
    .raw_samples = "documents",
    .open = jsonl_open,
    .close = jsonl_close,
    .text = jsonl_text,
    .files = jsonl_files,
    .shown = jsonl_shown,
    .recognise = jsonl_recognise,
};

// SPDX-License-Identifier: Apache-2.0
// Hubs lay their files out as data/train-00000-of-00012.parquet or CONFIG/train/part.parquet: a
// split is a word with which any part of the path begins. What is wrong with a row is said as of a
// line of JSON.
#include "data/formats/parquet_table.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/file_tree.h"
#include "data/bytes/foreign_files.h"
#include "data/bytes/utf8.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

enum { FILES_MAX = 65536, SHOWN_BYTES = 200 };

const char *const parquet_table_splits[] = {"train", "validation", "test", "dev", NULL};

static bool begins_with_word(const char *part, const char *word)
{
    size_t n = strlen(word);
    return strncmp(part, word, n) == 0 && part[n] && strchr("./-_0123456789", part[n]);
}

static bool is_in_split(const char *below, const void *context)
{
    static const char ending[] = ".parquet";
    const char *split = context;
    size_t n = strlen(below), m = sizeof ending - 1;
    if (n <= m || strcmp(below + n - m, ending) != 0)
        return false;
    if (!split)
        return true;
    const bool validation = strcmp(split, "validation") == 0; // "val", too
    for (const char *part = below; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (begins_with_word(part, split) || (validation && begins_with_word(part, "val")))
            return true;
    }
    return false;
}

status parquet_table_files(const dataset_options *o, const char *split, name_list *out,
                           int64_t *ignored)
{
    status st;
    size_t before = out->n;
    TRY(file_tree(o->path, is_in_split, split, out, ignored));
    if (out->n == before || !file_is_folder(o->path))
        TRY(foreign_files_refuse(o->path));
    if (out->n == before) {
        st = status_fail(ERR_INPUT, o->path, "holds no %s%s.parquet file", split ? split : "",
                         split ? "*" : "");
    } else if (out->n - before > FILES_MAX) {
        st = status_fail(ERR_INPUT, o->path, "holds %zu files; %d are supported", out->n - before,
                         FILES_MAX);
    }
done:
    return st;
}

status parquet_table_list(const dataset_options *o, name_list *out)
{
    return parquet_table_files(o, o->split, out, NULL);
}

const schema_column *parquet_table_find(const parquet_file *f, const char *name)
{
    return parquet_file_find(f, name);
}

const schema_column *parquet_table_find_image(const parquet_file *f, const char *name)
{
    char *bytes = text_format("%s.bytes", name);
    const schema_column *c = bytes ? parquet_file_find(f, bytes) : NULL;
    free(bytes);
    return c ? c : parquet_file_find(f, name);
}

const char *parquet_table_label(const parquet_file *f, const dataset_options *o)
{
    static const char *const names[] = {"label", "fine_label", "labels", "cls", NULL};
    const char *const *name = names;
    while (*name && !parquet_file_find(f, *name))
        name++;
    return o->label ? o->label : *name ? *name : names[0];
}

static status fail_missing(const parquet_file *f, const char *name)
{
    text all = {0};
    const schema *s = parquet_file_schema(f);
    for (size_t i = 0; i < s->n && all.length < SHOWN_BYTES; i++)
        text_addf(&all, "%s%s", i ? ", " : "", s->at[i].name);
    status st = status_fail(ERR_INPUT, parquet_file_path(f),
                            "field %s is missing; name another field; there are: %s%s", name,
                            text_get(&all), all.length >= SHOWN_BYTES ? ", …" : "");
    text_free(&all);
    return st;
}

status parquet_table_read(const parquet_file *f, const char *name, bool list,
                          const atomic_bool *stopping, parquet_reader **out)
{
    const schema_column *c = parquet_table_find(f, name);
    if (!c)
        return fail_missing(f, name);
    if (c->repetition == 1 && !list)
        return status_fail(ERR_INPUT, parquet_file_path(f),
                           "field %s holds lists; name another field", name);
    if (c->repetition == 0 && list)
        return status_fail(ERR_INPUT, parquet_file_path(f),
                           "field %s holds no lists; name another field", name);
    return parquet_reader_open(f, c, stopping, out);
}

status parquet_table_fail(const parquet_file *f, int64_t row, const char *name, const char *problem)
{
    char *where = text_format("%s:%lld", parquet_file_path(f), (long long)row + 1);
    status st = where
                    ? status_fail(ERR_INPUT, where,
                                  "field %s %s; mend the row or name another field", name, problem)
                    : status_no_memory("a message");
    free(where);
    return st;
}

status parquet_table_check_text(const parquet_file *f, int64_t row, const char *name,
                                const parquet_value *v)
{
    if (v->kind != PARQUET_BYTES)
        return parquet_table_fail(f, row, name, "is not a text");
    if (!utf8_valid(v->bytes, v->n))
        return parquet_table_fail(f, row, name, "is not UTF-8");
    return OK;
}

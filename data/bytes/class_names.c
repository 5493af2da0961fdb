// SPDX-License-Identifier: Apache-2.0
// Hubs tell names in three places, all written by the same library: as JSON in each Parquet file and
// in dataset_info.json, and as YAML in the head of README.md. Of that YAML only what the library
// writes is looked for, line by line; a head in another style tells no names.
#include "data/bytes/class_names.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/line_reader.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

enum { PLACES = 4, JSON_MAX = 64 << 20, HEAD_LINES = 100000 };

static const char info_name[] = "dataset_info.json", readme_name[] = "README.md";

static status add_name(name_list *out, const char *path, const char *name, size_t n)
{
    if (n == 0 || !name_list_is_text(name, n))
        return status_fail(ERR_INPUT, path, "names a class %.*s, which is no name", (int)n, name);
    return name_list_add(out, name, n);
}

// --- JSON

// `features` of the text, or of what it calls "info".
static status read_json(const char *bytes, size_t n, const char *path, const char *column,
                        name_list *out)
{
    status st = OK;
    json_t *root = json_loadb(bytes, n, 0, NULL), *name;
    json_t *info = json_object_get(root, "info");
    json_t *features = json_object_get(info ? info : root, "features");
    size_t i;
    json_array_foreach(json_object_get(json_object_get(features, column), "names"), i, name)
    {
        if (json_is_string(name))
            TRY(add_name(out, path, json_string_value(name), json_string_length(name)));
    }
done:
    json_decref(root);
    return st;
}

static status read_json_file(const char *path, const char *column, name_list *out)
{
    char *bytes = NULL;
    size_t n;
    status st = file_read(path, JSON_MAX, &bytes, &n);
    if (st == OK)
        st = read_json(bytes, n, path, column, out);
    free(bytes);
    return st;
}

// --- README.md: between two lines of "---",
//   - name: COLUMN
//     dtype:
//       class_label:
//         names:
//           '0': NAME

typedef struct head_reader {
    const char *column;
    name_list names;            // of the column that is read
    size_t column_in, names_in; // how far "- name:" and "names:" are set in; names_in 0: not there
    bool inside, several;       // several: columns that differ, or names that are not in order
} head_reader;

// "'0': name" or "- name": the name, without quotes.
static const char *class_of_line(const char *line, size_t *n)
{
    const char *from = line + (line[0] == '-' ? 1 : strcspn(line, ":"));
    from += *from == ':';
    from += strspn(from, " ");
    *n = strlen(from);
    if (*n >= 2 && (*from == '\'' || *from == '"') && from[*n - 1] == *from) {
        from++;
        *n -= 2;
    }
    return from;
}

static bool is_column(const char *line, const char *column)
{
    static const char begin[] = "- name: ";
    size_t n;
    if (strncmp(line, begin, sizeof begin - 1) != 0)
        return false;
    const char *name = class_of_line(line + 2, &n);
    return n == strlen(column) && memcmp(name, column, n) == 0;
}

// The names of a column have ended: they must be those of the others of its name.
static void end_names(head_reader *h, name_list *out)
{
    bool same = out->n == h->names.n;
    for (size_t i = 0; same && i < out->n; i++)
        same = strcmp(out->at[i], h->names.at[i]) == 0;
    if (h->names.n > 0 && out->n == 0) {
        *out = h->names;
        h->names = (name_list){0};
    } else if (h->names.n > 0 && !same) {
        h->several = true;
    }
    name_list_free(&h->names);
    h->names_in = 0;
}

static status read_head_line(head_reader *h, const char *path, const char *line, name_list *out)
{
    size_t in = strspn(line, " "), n;
    line += in;
    if (h->names_in > 0 && (in > h->names_in || (in == h->names_in && *line == '-'))) {
        const char *name = class_of_line(line, &n);
        size_t number = strtoul(line + (*line == '\''), NULL, 10);
        h->several |= *line != '-' && number != h->names.n;
        return add_name(&h->names, path, name, n);
    }
    if (h->names_in > 0)
        end_names(h, out);
    if (is_column(line, h->column)) {
        h->inside = true;
        h->column_in = in;
    } else if (h->inside && in <= h->column_in) {
        h->inside = false;
    } else if (h->inside && strcmp(line, "names:") == 0) {
        h->names_in = in;
    }
    return OK;
}

static status read_readme(const char *path, const char *column, name_list *out)
{
    status st;
    head_reader h = {.column = column};
    line_reader *r = NULL;
    const char *line;
    size_t n;
    uint64_t offset;
    text copy = {0};
    TRY(line_reader_open(path, &r));
    for (int i = 0; i < HEAD_LINES; i++) {
        TRY(line_reader_next(r, &line, &n, &offset));
        copy.length = 0;
        text_add_bytes(&copy, line ? line : "", line ? n : 0);
        const bool fence = strcmp(text_get(&copy), "---") == 0;
        if (!line || fence != (i == 0)) // the head's end; or there is none
            break;
        if (i > 0)
            TRY(read_head_line(&h, path, text_get(&copy), out));
    }
    end_names(&h, out);
    if (h.several)
        name_list_free(out);
done:
    name_list_free(&h.names);
    text_free(&copy);
    line_reader_close(r);
    return st;
}

// --- Where they lie

// The i-th place that may tell names; NULL when out of memory. Owned by the caller.
static char *place_of(const char *data, int i)
{
    bool folder = file_is_folder(data);
    char *beside = folder ? strdup(data) : file_folder(data);
    char *above = beside ? file_join(beside, "..") : NULL;
    const char *in = i % 2 ? above : beside;
    char *path = in ? file_join(in, i < 2 ? info_name : readme_name) : NULL;
    free(beside);
    free(above);
    return path;
}

status class_names_find(const char *data, const char *note, const char *column, name_list *out)
{
    status st = OK;
    char *path = NULL;
    if (note)
        TRY(read_json(note, strlen(note), data, column, out));
    for (int i = 0; i < PLACES && out->n == 0; i++) {
        free(path);
        if (!(path = place_of(data, i)))
            return status_no_memory("a path");
        if (file_exists(path))
            TRY(i < 2 ? read_json_file(path, column, out) : read_readme(path, column, out));
    }
done:
    free(path);
    return st;
}

status class_names_files(const char *data, name_list *out)
{
    status st = OK;
    for (int i = 0; i < PLACES && st == OK; i++) {
        char *path = place_of(data, i);
        if (!path)
            return status_no_memory("a path");
        if (file_exists(path))
            st = name_list_add(out, path, strlen(path));
        free(path);
    }
    return st;
}

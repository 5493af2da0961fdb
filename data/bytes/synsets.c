// SPDX-License-Identifier: Apache-2.0
// The lists are Kaggle's and Caffe's ("n01440764 tench, Tinca tinca" a line, in the order of the
// classes), Keras's ({"0": ["n01440764", "tench"]}), and ImageNet's own of all WordNet, in no order.
#include "data/bytes/synsets.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/line_reader.h"
#include "pipeline/base/file.h"
#include "pipeline/base/names.h"
#include "pipeline/base/text.h"

enum { ID_BYTES = 9, LEVELS = 4, JSON_MAX = 16 << 20 };

static const char *const lists[] = {"LOC_synset_mapping.txt", "synset_words.txt",
                                    "imagenet_class_index.json", "words.txt"};

static bool is_id(const char *name)
{
    return name[0] == 'n' && strspn(name + 1, "0123456789") == ID_BYTES - 1 && !name[ID_BYTES];
}

bool synsets_are_ids(const name_list *labels)
{
    for (size_t i = 0; i < labels->n; i++)
        if (!is_id(labels->at[i]))
            return false;
    return labels->n > 0;
}

status synsets_find(const char *folder, name_list *out)
{
    status st = OK;
    for (size_t i = 0; i < sizeof lists / sizeof *lists && st == OK; i++) {
        char *path = file_join(folder, lists[i]);
        if (!path)
            return status_no_memory("a path");
        if (file_exists(path))
            st = name_list_add(out, path, strlen(path));
        free(path);
    }
    return st;
}

status synsets_find_above(const char *data, name_list *out)
{
    status st = OK;
    text folder = {0};
    text_add(&folder, data);
    for (int i = 0; i < LEVELS && st == OK; i++) {
        st = folder.failed ? status_no_memory("a path") : synsets_find(text_get(&folder), out);
        text_add(&folder, "/..");
    }
    text_free(&folder);
    return st;
}

// What a list is read for.
typedef struct reading {
    names index; // of the wanted names
    synset *at;
} reading;

static status take(const reading *r, const char *id, const char *name, size_t n, int32_t position)
{
    size_t i;
    if (!names_get(&r->index, id, &i) || r->at[i].name)
        return OK;
    r->at[i] = (synset){strndup(name, n), position};
    return r->at[i].name ? OK : status_no_memory("a list of classes");
}

static status read_json(const char *path, const reading *r)
{
    status st;
    char *bytes = NULL;
    const char *key;
    size_t n;
    json_t *root = NULL, *value;
    json_error_t error;
    TRY(file_read(path, JSON_MAX, &bytes, &n));
    if (!(root = json_loadb(bytes, n, 0, &error))) {
        st = status_fail(ERR_INPUT, path, "line %d, column %d: %s", error.line, error.column,
                         error.text);
        goto done;
    }
    json_object_foreach(root, key, value)
    {
        char *end;
        const long position = strtol(key, &end, 10);
        const char *id = json_string_value(json_array_get(value, 0)),
                   *name = json_string_value(json_array_get(value, 1));
        if (id && name && *end == 0 && position >= 0 && position <= INT32_MAX)
            TRY(take(r, id, name, strlen(name), (int32_t)position));
    }
done:
    json_decref(root);
    free(bytes);
    return st;
}

static status read_lines(const char *path, const reading *r, bool ordered)
{
    status st;
    line_reader *in = NULL;
    const char *line;
    char id[ID_BYTES + 1] = "";
    size_t n;
    uint64_t offset;
    TRY(line_reader_open(path, &in));
    for (int32_t position = 0;; position++) {
        TRY(line_reader_next(in, &line, &n, &offset));
        if (!line)
            break;
        if (n <= ID_BYTES + 1 || (line[ID_BYTES] != ' ' && line[ID_BYTES] != '\t'))
            continue;
        memcpy(id, line, ID_BYTES);
        TRY(take(r, id, line + ID_BYTES + 1, n - ID_BYTES - 1, ordered ? position : -1));
    }
done:
    line_reader_close(in);
    return st;
}

status synsets_read(const char *path, const name_list *labels, synset *at)
{
    status st = OK;
    reading r = {.at = at};
    const char *name = basename(path);
    for (size_t i = 0; i < labels->n && st == OK; i++)
        if (!names_put(&r.index, labels->at[i], i))
            st = status_no_memory("a list of classes");
    if (st == OK)
        st = strcmp(name, lists[2]) == 0 ? read_json(path, &r)
                                         : read_lines(path, &r, strcmp(name, lists[3]) != 0);
    names_free(&r.index);
    return st;
}

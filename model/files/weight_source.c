// SPDX-License-Identifier: Apache-2.0
// Files are mapped, not read: ranks of a node share their pages, and what is float32 already is
// used where it lies. An index is believed only where the shards say the same, as far as a model
// needs it.
#include "model/files/weight_source.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/files/gguf_weights.h"
#include "model/files/safetensors.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

// The largest index seen has 9 MB (91,000 tensors).
#define MAX_INDEX 32000000

struct weight_source {
    safetensors **shards;
    size_t n_shards;
    gguf_weights *gguf;     // instead of shards
    const tensor **tensors; // of all files, by name
    tensor *renamed; // owned: those of a wrapper, without its prefix; NULL: names are as they are
    size_t n;
    char prefix[32];    // of wrappers, which all names had
    text disagreements; // of an index and its shards: names, one a line
};

// The weight files of a folder or file: paths, sorted; and the index, where there is one.
typedef struct layout {
    char *index_path;
    json_t *index; // NULL: a single file
    char **files;
    size_t n, capacity;
} layout;

static void layout_free(layout *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->files[i]);
    free(l->files);
    free(l->index_path);
    json_decref(l->index);
    *l = (layout){0};
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Adds a file, whose string is taken.
static status layout_add(layout *l, char *file)
{
    if (!file)
        return status_no_memory("the list of weight files");
    if (!checked_grow(&l->files, &l->capacity, l->n + 1, sizeof *l->files)) {
        free(file);
        return status_no_memory("the list of weight files");
    }
    l->files[l->n++] = file;
    return OK;
}

// Sorts the files and drops repeated ones.
static void layout_unique(layout *l)
{
    size_t unique = 0;
    if (l->n > 0)
        qsort(l->files, l->n, sizeof *l->files, by_text);
    for (size_t i = 0; i < l->n; i++) {
        if (unique > 0 && strcmp(l->files[unique - 1], l->files[i]) == 0)
            free(l->files[i]);
        else
            l->files[unique++] = l->files[i];
    }
    l->n = unique;
}

// A shard is a plain file name in the index's own folder.
static bool is_plain_name(const char *name)
{
    return name && *name && *name != '.' && !strchr(name, '/');
}

static status read_index(layout *l, const char *folder)
{
    status st;
    char *bytes = NULL;
    size_t size;
    json_error_t error;
    const char *name;
    json_t *file;
    TRY(file_read(l->index_path, MAX_INDEX, &bytes, &size));
    const char *stands = file_stands_for(bytes, size);
    if (stands) {
        st = status_fail(ERR_INPUT, l->index_path, "%s", stands);
        goto done;
    }
    l->index = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    json_t *map = json_object_get(l->index, "weight_map");
    if (!json_is_object(map)) {
        st = status_fail(ERR_INPUT, l->index_path, "%s; download the model again",
                         l->index ? "has no weight_map" : error.text);
        goto done;
    }
    const char *last = ""; // neighbours are mostly in the same shard
    json_object_foreach(map, name, file)
    {
        const char *shard = json_string_value(file);
        if (!is_plain_name(shard)) {
            st = status_fail(ERR_INPUT, l->index_path,
                             "tensor %s: a shard must be a file beside the index, not \"%s\"", name,
                             shard ? shard : "(no text)");
            goto done;
        }
        if (strcmp(shard, last) != 0)
            TRY(layout_add(l, file_join(folder, shard)));
        last = shard;
    }
    layout_unique(l);
done:
    free(bytes);
    return st;
}

static status find_layout(const char *path, layout *l)
{
    status st;
    char *single = NULL;
    if (!file_is_folder(path))
        return layout_add(l, strdup(path));
    single = file_join(path, "model.safetensors");
    l->index_path = file_join(path, "model.safetensors.index.json");
    if (!single || !l->index_path) {
        st = status_no_memory(path);
    } else if (file_exists(single)) {
        st = layout_add(l, single);
        single = NULL;
    } else if (file_exists(l->index_path)) {
        st = read_index(l, path);
    } else {
        st = status_fail(ERR_INPUT, path,
                         "holds neither model.safetensors nor model.safetensors.index.json; save "
                         "the model with save_pretrained(..., safe_serialization=True)");
    }
    free(single);
    return st;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const tensor *const *)a)->name, (*(const tensor *const *)b)->name);
}

// Notes the tensors about which the index and the shards disagree. Those that a model needs are
// refused when they are looked for (weight_source_agreed); about others nobody need care.
static status note_disagreements(weight_source *s, const layout *l)
{
    const char *name;
    json_t *file, *map = json_object_get(l->index, "weight_map");
    for (size_t i = 0; i < s->n; i++) {
        const char *shard = json_string_value(json_object_get(map, s->tensors[i]->name));
        const char *own = strrchr(s->tensors[i]->file, '/');
        if (!shard || strcmp(shard, own ? own + 1 : s->tensors[i]->file) != 0)
            text_addf(&s->disagreements, "%s\n", s->tensors[i]->name);
    }
    json_object_foreach(map, name, file)
    {
        if (!weight_source_find(s, name))
            text_addf(&s->disagreements, "%s\n", name);
    }
    return s->disagreements.failed ? status_no_memory(l->index_path) : OK;
}

// torch.compile and DistributedDataParallel put a prefix of their own before all names; each is
// taken away, so that what is inside is found.
static status strip_wrappers(weight_source *s)
{
    static const char *const wrappers[] = {"_orig_mod.", "module."};
    for (size_t w = 0; w < sizeof wrappers / sizeof *wrappers; w++) {
        const size_t length = strlen(wrappers[w]);
        size_t with = 0;
        while (with < s->n && strncmp(s->tensors[with]->name, wrappers[w], length) == 0)
            with++;
        if (s->n == 0 || with < s->n)
            continue;
        if (!s->renamed && !(s->renamed = checked_calloc(s->n, sizeof *s->renamed)))
            return status_no_memory("the table of tensors");
        for (size_t i = 0; i < s->n; i++) { // in the same order: the prefix is all names'
            s->renamed[i] = *s->tensors[i];
            s->renamed[i].name += length;
            s->tensors[i] = &s->renamed[i];
        }
        strncat(s->prefix, wrappers[w], sizeof s->prefix - strlen(s->prefix) - 1);
        return strlen(s->prefix) + length < sizeof s->prefix ? strip_wrappers(s) : OK;
    }
    return OK;
}

static status collect_tensors(weight_source *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_shards; i++)
        n += safetensors_count(s->shards[i]);
    n += s->gguf ? gguf_weights_count(s->gguf) : 0;
    if (!(s->tensors = checked_calloc(n, sizeof *s->tensors)))
        return status_no_memory("the table of tensors");
    for (; s->gguf && s->n < n; s->n++)
        s->tensors[s->n] = gguf_weights_at(s->gguf, s->n);
    for (size_t i = 0; i < s->n_shards; i++)
        for (size_t k = 0; k < safetensors_count(s->shards[i]); k++)
            s->tensors[s->n++] = safetensors_at(s->shards[i], k);
    if (s->n > 0)
        qsort(s->tensors, s->n, sizeof *s->tensors, by_name);
    for (size_t i = 1; i < s->n; i++)
        if (strcmp(s->tensors[i - 1]->name, s->tensors[i]->name) == 0)
            return status_fail(ERR_INPUT, s->tensors[i]->file, "tensor %s: also in %s",
                               s->tensors[i]->name, s->tensors[i - 1]->file);
    return OK;
}

status weight_source_open(const char *path, weight_source **out)
{
    status st;
    layout l = {0};
    weight_source *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory(path);
    if (weight_source_path_is_gguf(path)) {
        TRY(gguf_weights_open(path, &s->gguf));
        TRY(collect_tensors(s));
        *out = s;
        s = NULL;
        goto done;
    }
    TRY(find_layout(path, &l));
    if (!(s->shards = checked_calloc(l.n, sizeof *s->shards))) {
        st = status_no_memory(path);
        goto done;
    }
    for (; s->n_shards < l.n; s->n_shards++)
        TRY(safetensors_open(l.files[s->n_shards], &s->shards[s->n_shards]));
    TRY(collect_tensors(s));
    if (l.index)
        TRY(note_disagreements(s, &l));
    TRY(strip_wrappers(s));
    *out = s;
    s = NULL;
done:
    layout_free(&l);
    weight_source_close(s);
    return st;
}

void weight_source_close(weight_source *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_shards; i++)
        safetensors_close(s->shards[i]);
    gguf_weights_close(s->gguf);
    free(s->shards);
    free(s->tensors);
    free(s->renamed);
    text_free(&s->disagreements);
    free(s);
}

bool weight_source_is_gguf(const weight_source *s)
{
    return s->gguf;
}

bool weight_source_path_is_gguf(const char *path)
{
    const char *end = strrchr(path, '.');
    return end && strcmp(end, ".gguf") == 0 && !file_is_folder(path);
}

size_t weight_source_count(const weight_source *s)
{
    return s->n;
}

const tensor *weight_source_at(const weight_source *s, size_t i)
{
    return s->tensors[i];
}

const tensor *weight_source_find(const weight_source *s, const char *name)
{
    tensor key = {.name = name};
    const tensor *pointer = &key;
    const tensor **found =
        s->n ? bsearch(&pointer, s->tensors, s->n, sizeof *s->tensors, by_name) : NULL;
    return found ? *found : NULL;
}

bool weight_source_agreed(const weight_source *s, const tensor *t)
{
    const char *name = t->name - strlen(s->prefix); // as the files have it
    const size_t length = strlen(name);
    const char *at = text_get(&s->disagreements);
    for (const char *end; (end = strchr(at, '\n')); at = end + 1)
        if ((size_t)(end - at) == length && strncmp(at, name, length) == 0)
            return false;
    return true;
}

const char *weight_source_disagreements(const weight_source *s)
{
    return text_get(&s->disagreements);
}

const char *weight_source_prefix(const weight_source *s)
{
    return s->prefix;
}

status weight_source_unchanged(const weight_source *s)
{
    status st = s->gguf ? gguf_weights_unchanged(s->gguf) : OK;
    for (size_t i = 0; i < s->n_shards && st == OK; i++)
        st = safetensors_unchanged(s->shards[i]);
    return st;
}

status weight_source_files(const char *path, status (*add)(void *context, const char *file),
                           void *context)
{
    layout l = {0};
    status st = find_layout(path, &l);
    if (st == OK && l.index)
        st = add(context, l.index_path);
    for (size_t i = 0; i < l.n && st == OK; i++)
        st = add(context, l.files[i]);
    layout_free(&l);
    return st;
}

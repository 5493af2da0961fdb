// SPDX-License-Identifier: Apache-2.0
// Folders are numbered in sorted order and a model's classes by its config.json, so equal names
// have different numbers. A match of only some is refused: the others would be counted as wrong
// answers.
#include "data/dataset/model_labels.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/synsets.h"
#include "data/dataset/dataset_state.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

#define CONFIG_MAX ((size_t)16 << 20)

// The class of a name in id2label: -1 for none, -2 for more than one.
static int32_t find_class(json_t *id2label, const char *name)
{
    const char *key;
    json_t *value;
    int32_t found = -1;
    json_object_foreach(id2label, key, value)
    {
        char *end;
        errno = 0;
        long number = strtol(key, &end, 10);
        if (!json_is_string(value) || strcmp(json_string_value(value), name) != 0 || *end != 0 ||
            errno != 0 || number < 0 || number > INT32_MAX)
            continue;
        if (found >= 0)
            return -2;
        found = (int32_t)number;
    }
    return found;
}

// Are these names that someone gave? transformers itself calls them LABEL_0, LABEL_1 …, or numbers.
static bool has_names(json_t *id2label)
{
    const char *key;
    json_t *value;
    json_object_foreach(id2label, key, value)
    {
        const char *name = json_is_string(value) ? json_string_value(value) : "";
        name += strncmp(name, "LABEL_", 6) == 0 ? 6 : 0;
        if (name[strspn(name, "0123456789")] != 0)
            return true;
    }
    return false;
}

// --- Numbers of WordNet

// Whether two names of a class agree: the same, or the same first word of the synonyms, in which "_"
// may stand for " " and case does not count.
static bool agree(const char *a, const char *b)
{
    for (;; a++, b++) {
        const char x = *a == ','   ? 0
                       : *a == '_' ? ' '
                                   : *a,
                   y = *b == ','   ? 0
                       : *b == '_' ? ' '
                                   : *b;
        if (tolower((unsigned char)x) != tolower((unsigned char)y))
            return false;
        if (x == 0)
            return true;
    }
}

// The class that a synset is: the one at its place, if the names agree; else the only one that has its
// name or, where none has, agrees with it. -1: none, or several.
static int32_t class_of_synset(json_t *id2label, const synset *s)
{
    char key[16];
    json_t *value;
    const char *each;
    int32_t found = s->name ? find_class(id2label, s->name) : -1;
    int agreeing = 0;
    snprintf(key, sizeof key, "%d", s->position);
    const char *at = json_string_value(json_object_get(id2label, key));
    if (s->name && at && agree(at, s->name))
        return s->position;
    if (found >= 0 || !s->name)
        return found;
    json_object_foreach(id2label, each, value)
    {
        if (!json_is_string(value) || !agree(json_string_value(value), s->name))
            continue;
        found = (int32_t)strtol(each, NULL, 10);
        agreeing++;
    }
    return agreeing == 1 ? found : -1;
}

static bool all_are_named(const synset *at, size_t n)
{
    size_t named = 0;
    while (named < n && at[named].name)
        named++;
    return named == n;
}

// Reads the lists beside model and data, until each label has a name: the first that has one counts.
static status read_synsets(const char *folder, const dataset *d, synset *at)
{
    status st;
    name_list paths = {0};
    TRY(synsets_find(folder, &paths));
    TRY(synsets_find_above(dataset_get_options(d)->path, &paths));
    for (size_t i = 0; i < paths.n && !all_are_named(at, d->all.label_names.n); i++)
        TRY(synsets_read(paths.at[i], &d->all.label_names, at));
done:
    name_list_free(&paths);
    return st;
}

// Where all folders are called by numbers of WordNet, and lists say which class each is, class[l]
// becomes the model's, and *known true.
static status match_synsets(json_t *id2label, const char *folder, const dataset *d, int32_t *class,
                            bool *known)
{
    status st;
    const size_t n = d->all.label_names.n;
    *known = false;
    if (!d->format->labels_by_name || !synsets_are_ids(&d->all.label_names))
        return OK;
    synset *at = checked_calloc(n, sizeof *at);
    int32_t *found = checked_calloc(n, sizeof *found);
    if (!at || !found) {
        st = status_no_memory("labels");
        goto done;
    }
    TRY(read_synsets(folder, d, at));
    *known = true;
    for (size_t l = 0; l < n; l++) {
        found[l] = class_of_synset(id2label, &at[l]);
        *known = *known && found[l] >= 0;
        for (size_t k = 0; k < l; k++) // two of one class: a list of other classes
            *known = *known && found[k] != found[l];
    }
    if (*known)
        memcpy(class, found, n * sizeof *class);
done:
    for (size_t l = 0; at && l < n; l++)
        free(at[l].name);
    free(at);
    free(found);
    return st;
}

// --- Names

// No folder has the name of a class: which of them is which is a guess, and a wrong one gives wrong
// accuracies without a word.
static status fail_strangers(json_t *id2label, const char *path, const dataset *d)
{
    enum { SHOWN = 3 };
    text folders = {0}, classes = {0};
    const int n = dataset_labels(d);
    const char *key;
    json_t *value;
    int shown = 0;
    for (int l = 0; l < n && l < SHOWN; l++)
        text_addf(&folders, "%s%.40s", l ? ", " : "", dataset_label_name(d, l));
    json_object_foreach(id2label, key, value)
    {
        if (json_is_string(value) && shown++ < SHOWN)
            text_addf(&classes, "%s%.40s", shown > 1 ? ", " : "", json_string_value(value));
    }
    const status st = status_fail(
        ERR_INPUT, dataset_get_options(d)->path,
        "no folder has the name of a class: there are %s%s here, and %s%s in %s; name them as that "
        "does%s, or say `labels: position` where the model was trained on these folders in sorted "
        "order",
        text_get(&folders), n > SHOWN ? " …" : "", text_get(&classes), shown > SHOWN ? " …" : "",
        path,
        synsets_are_ids(&d->all.label_names)
            ? ", put LOC_synset_mapping.txt (or imagenet_class_index.json) beside them"
            : "");
    text_free(&folders);
    text_free(&classes);
    return st;
}

static status match_labels(json_t *id2label, const char *path, const dataset *d, int32_t *class)
{
    const char *data = dataset_get_options(d)->path;
    int n = dataset_labels(d), stranger = -1, matched = 0;
    for (int l = 0; l < n; l++) {
        const char *name = dataset_label_name(d, l);
        int32_t c = find_class(id2label, name);
        if (c == -2)
            return status_fail(ERR_INPUT, path,
                               "id2label has %s twice, so the folder of that name in "
                               "%s has no class",
                               name, data);
        if (c < 0) {
            stranger = l;
            continue;
        }
        class[l] = c;
        matched++;
    }
    if (matched == 0 && n > 0 && has_names(id2label))
        return fail_strangers(id2label, path, d);
    if (matched > 0 && matched < n)
        return status_fail(ERR_INPUT, data,
                           "folder %s is not a label of the model, though others are; "
                           "name it as id2label in %s does",
                           dataset_label_name(d, stranger), path);
    return OK;
}

// A list of names, as timm has it, in the form of id2label; NULL where there is none.
static status number_names(json_t *names, json_t **out)
{
    size_t i;
    json_t *name;
    *out = json_is_array(names) ? json_object() : NULL;
    json_array_foreach(names, i, name)
    {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        if (json_object_set(*out, number, name) != 0)
            return status_no_memory("names of classes");
    }
    return OK;
}

status model_labels_match(const char *folder, const dataset *d, int32_t *class)
{
    status st;
    char *bytes = NULL, *path = file_join(folder, "config.json");
    size_t size;
    json_t *root = NULL, *numbered = NULL;
    json_error_t error;
    bool known;
    if (!path) {
        st = status_no_memory("a path");
        goto done;
    }
    TRY(file_read(path, CONFIG_MAX, &bytes, &size));
    if (!(root = json_loadb(bytes, size, 0, &error))) {
        st = status_fail(ERR_INPUT, path, "line %d, column %d: %s", error.line, error.column,
                         error.text);
        goto done;
    }
    json_t *id2label = json_object_get(root, "id2label");
    if (!id2label)
        TRY(number_names(json_object_get(root, "label_names"), &numbered));
    id2label = id2label ? id2label : numbered;
    TRY(match_synsets(id2label, folder, d, class, &known));
    if (!known)
        TRY(match_labels(id2label, path, d, class));
done:
    json_decref(numbered);
    json_decref(root);
    free(bytes);
    free(path);
    return st;
}

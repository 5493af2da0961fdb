// SPDX-License-Identifier: Apache-2.0
#include "model/config/config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/config/gguf_config.h"
#include "model/files/weight_source.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

#define MAX_CONFIG 16000000 // ImageNet-22k's label names make half a megabyte

// A field's name in the file, for messages.
static const char *shown(const config_file *f, const char *key)
{
    const char *own = json_string_value(json_object_get(f->keys, key));
    return own ? own : key;
}

status config_file_open(const char *model_path, config_file **out)
{
    status st;
    char *folder = NULL, *bytes = NULL;
    size_t size;
    json_error_t error;
    config_file *f = checked_calloc(1, sizeof *f);
    if (f && weight_source_path_is_gguf(model_path)) {
        st = (f->path = strdup(model_path)) ? gguf_config_read(model_path, &f->root, &f->keys)
                                            : status_no_memory(model_path);
        if (st == OK) {
            *out = f;
            f = NULL;
        }
        goto done;
    }
    folder = file_is_folder(model_path) ? strdup(model_path) : file_folder(model_path);
    if (!f || !folder || !(f->path = file_join(folder, "config.json"))) {
        st = status_no_memory(model_path);
        goto done;
    }
    TRY(file_read(f->path, MAX_CONFIG, &bytes, &size));
    f->root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(f->root)) {
        st = status_fail(ERR_INPUT, f->path, "line %d: %s; write a JSON object",
                         f->root ? 1 : error.line, f->root ? "not an object" : error.text);
        goto done;
    }
    *out = f;
    f = NULL;
done:
    free(folder);
    free(bytes);
    config_file_close(f);
    return st;
}

void config_file_close(config_file *f)
{
    if (!f)
        return;
    json_decref(f->root);
    json_decref(f->keys);
    free(f->path);
    free(f);
}

const char *config_file_path(const config_file *f)
{
    return f->path;
}

const json_t *config_get(const config_file *f, const char *key)
{
    const json_t *value = json_object_get(f->root, key);
    return json_is_null(value) ? NULL : value;
}

bool config_has(const config_file *f, const char *key)
{
    return json_object_get(f->root, key);
}

static status take_int(const config_file *f, const char *key, const json_t *value, int low,
                       int high, int *out)
{
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < low || n > high)
        return status_fail(ERR_INPUT, f->path, "\"%s\" must be a whole number from %d to %d",
                           shown(f, key), low, high);
    *out = (int)n;
    return OK;
}

status config_int(const config_file *f, const char *key, int low, int high, int missing, int *out)
{
    const json_t *value = config_get(f, key);
    if (value)
        return take_int(f, key, value, low, high, out);
    if (missing == CONFIG_REQUIRED)
        return status_fail(ERR_INPUT, f->path, "\"%s\" is missing", shown(f, key));
    *out = missing;
    return OK;
}

status config_real(const config_file *f, const char *key, double low, double high, double missing,
                   double *out)
{
    const json_t *value = config_get(f, key);
    double x = json_number_value(value);
    if (value && (!json_is_number(value) || x < low || x > high))
        return status_fail(ERR_INPUT, f->path, "\"%s\" must be a number from %g to %g",
                           shown(f, key), low, high);
    *out = value ? x : missing;
    return OK;
}

status config_bool(const config_file *f, const char *key, bool missing, bool *out)
{
    const json_t *value = config_get(f, key);
    if (value && !json_is_boolean(value))
        return status_fail(ERR_INPUT, f->path, "\"%s\" must be true or false", shown(f, key));
    *out = value ? json_is_true(value) : missing;
    return OK;
}

status config_text(const config_file *f, const char *key, const char *missing, const char **out)
{
    const json_t *value = config_get(f, key);
    if (value ? !json_is_string(value) : !missing)
        return status_fail(ERR_INPUT, f->path, "\"%s\" %s", shown(f, key),
                           value ? "must be text" : "is missing");
    *out = value ? json_string_value(value) : missing;
    return OK;
}

status config_size(const config_file *f, const char *key, int low, int high, int missing,
                   int *height, int *width)
{
    status st;
    const json_t *value = config_get(f, key);
    if (json_array_size(value) == 2) {
        TRY(take_int(f, key, json_array_get(value, 0), low, high, height));
        TRY(take_int(f, key, json_array_get(value, 1), low, high, width));
    } else {
        TRY(config_int(f, key, low, high, missing, height));
        *width = *height;
    }
done:
    return st;
}

status config_labels(const config_file *f, int *out)
{
    status st;
    enum { MAX_LABELS = 1 << 20 };
    const json_t *names = config_get(f, "id2label");
    int given = 0;
    TRY(config_int(f, "num_labels", 1, MAX_LABELS, 0, &given));
    size_t n = json_object_size(names);
    if (!names) {
        *out = given ? given : 2; // transformers' default
        goto done;
    }
    if (n == 0 || n > MAX_LABELS || (given && (size_t)given != n)) {
        st = status_fail(ERR_INPUT, f->path,
                         "\"id2label\" has %zu entries; 1 to %d are possible, and as many as "
                         "\"num_labels\"",
                         n, MAX_LABELS);
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        if (!json_object_get(names, key)) {
            st = status_fail(ERR_INPUT, f->path, "\"id2label\" has %zu entries but no \"%s\"", n,
                             key);
            goto done;
        }
    }
    *out = (int)n;
done:
    return st;
}

status config_activation(const config_file *f, const char *key, const char *missing,
                         const activation **out)
{
    status st;
    const char *name = NULL;
    TRY(config_text(f, key, missing, &name));
    if (!(*out = activation_find(name)))
        st = status_fail(ERR_INPUT, f->path, "\"%s\": activation %.64s is not supported; known: %s",
                         key, name, activation_names());
done:
    return st;
}

// Fails when a field is there and not `expected`.
static status check_same(const config_file *f, const char *key, int expected)
{
    const json_t *value = config_get(f, key);
    if (!value || (json_is_integer(value) && json_integer_value(value) == expected))
        return OK;
    return status_fail(ERR_INPUT, f->path, "\"%s\" must be %d, the width of a head", shown(f, key),
                       expected);
}

status config_heads(const config_file *f, int hidden_size, int heads, int *head_dim)
{
    status st;
    enum { MAX_ALL = 1 << 20 };
    TRY(config_int(f, "head_dim", 1, 1 << 16, 0, head_dim));
    if (*head_dim == 0 && hidden_size % heads != 0) {
        st = status_fail(ERR_INPUT, f->path, "\"%s\" %d is no multiple of \"%s\" %d",
                         shown(f, "hidden_size"), hidden_size, shown(f, "num_attention_heads"),
                         heads);
        goto done;
    }
    *head_dim = *head_dim ? *head_dim : hidden_size / heads;
    if ((int64_t)heads * *head_dim > MAX_ALL) {
        st = status_fail(ERR_INPUT, f->path, "%d heads of %d channels; at most %d in all", heads,
                         *head_dim, MAX_ALL);
        goto done;
    }
    TRY(check_same(f, "gguf_value_length", *head_dim));
    TRY(check_same(f, "gguf_rope_dimensions", *head_dim));
done:
    return st;
}

status config_refuse(const config_file *f, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = config_get(f, keys[i]);
        if (value && !json_is_false(value))
            return status_fail(ERR_INPUT, f->path,
                               "\"%s\" is not supported, and would change the result",
                               shown(f, keys[i]));
    }
    return OK;
}

status config_task(const config_file *f, const char *name)
{
    size_t i;
    const json_t *item, *list = config_get(f, "architectures");
    json_array_foreach(list, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), name) == 0)
            return OK;
    }
    const char *first = json_string_value(json_array_get(list, 0));
    return list ? status_fail(ERR_INPUT, f->path, "\"architectures\" says %.64s; %s is needed",
                              first ? first : "nothing", name)
                : OK;
}

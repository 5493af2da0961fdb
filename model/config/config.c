// SPDX-License-Identifier: Apache-2.0
// Each reader checks type and range, because a configuration comes from strangers: its numbers
// become sizes of memory, and a field that is misread changes results without a word.
#include "model/config/config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void config_hold(config *c, int part, int parts)
{
    const layer_range bare = model_part(&c->info, part, parts, false);
    const layer_range head = model_part(&c->info, part, parts, true);
    // The head moves cuts towards the end, and between the two there is no gap.
    c->held = (layer_range){bare.first, head.end};
    c->holds_embedding = part == 0;
    c->holds_head = part == parts - 1;
}

int config_patches(const config *c)
{
    return (c->info.image_height / c->patch_height) * (c->info.image_width / c->patch_width);
}

bool config_is_windowed(const config *c, int layer)
{
    return c->window > 0 && !(c->full[layer / 64] >> (layer % 64) & 1);
}

bool config_has(const config_file *f, const char *key)
{
    config_file_asked(f, key);
    return json_object_get(config_file_root(f), key);
}

static status read_int(const config_file *f, const char *key, const json_t *value, int low,
                       int high, int *out)
{
    json_int_t n = json_integer_value(value);
    if (json_is_array(value))
        return status_fail(ERR_INPUT, config_file_path(f),
                           "\"%s\" is a list: layers of different width are not supported",
                           config_file_shown(f, key));
    if (!json_is_integer(value) || n < low || n > high)
        return status_fail(ERR_INPUT, config_file_path(f),
                           "\"%s\" must be a whole number from %d to %d", config_file_shown(f, key),
                           low, high);
    *out = (int)n;
    return OK;
}

status config_int(const config_file *f, const char *key, int low, int high, int missing, int *out)
{
    const json_t *value = config_file_get(f, key);
    if (value)
        return read_int(f, key, value, low, high, out);
    if (missing == CONFIG_REQUIRED)
        return status_fail(ERR_INPUT, config_file_path(f), "\"%s\" is missing",
                           config_file_shown(f, key));
    *out = missing;
    return OK;
}

status config_real(const config_file *f, const char *key, double low, double high, double missing,
                   double *out)
{
    const json_t *value = config_file_get(f, key);
    double x = json_number_value(value);
    if (value && (!json_is_number(value) || x < low || x > high))
        return status_fail(ERR_INPUT, config_file_path(f), "\"%s\" must be a number from %g to %g",
                           config_file_shown(f, key), low, high);
    *out = value ? x : missing;
    return OK;
}

status config_bool(const config_file *f, const char *key, bool missing, bool *out)
{
    const json_t *value = config_file_get(f, key);
    if (value && !json_is_boolean(value))
        return status_fail(ERR_INPUT, config_file_path(f), "\"%s\" must be true or false",
                           config_file_shown(f, key));
    *out = value ? json_is_true(value) : missing;
    return OK;
}

status config_text(const config_file *f, const char *key, const char *missing, const char **out)
{
    const json_t *value = config_file_get(f, key);
    if (value ? !json_is_string(value) : !missing)
        return status_fail(ERR_INPUT, config_file_path(f), "\"%s\" %s", config_file_shown(f, key),
                           value ? "must be text" : "is missing");
    *out = value ? json_string_value(value) : missing;
    return OK;
}

status config_size(const config_file *f, const char *key, int low, int high, int missing,
                   int *height, int *width)
{
    status st;
    const json_t *value = config_file_get(f, key);
    if (json_is_array(value) && json_array_size(value) != 2)
        return status_fail(ERR_INPUT, config_file_path(f),
                           "\"%s\" must be a whole number, or two: height and width",
                           config_file_shown(f, key));
    if (json_is_array(value)) {
        TRY(read_int(f, key, json_array_get(value, 0), low, high, height));
        TRY(read_int(f, key, json_array_get(value, 1), low, high, width));
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
    const json_t *names = config_file_get(f, "id2label");
    int given = 0;
    TRY(config_int(f, "num_labels", 1, MAX_LABELS, 0, &given));
    size_t n = json_object_size(names);
    if (!names) {
        *out = given ? given : 2; // transformers' default
        goto done;
    }
    if (n == 0 || n > MAX_LABELS || (given && (size_t)given != n)) {
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"id2label\" has %zu entries; 1 to %d are possible, and as many as "
                         "\"num_labels\"",
                         n, MAX_LABELS);
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        if (!json_object_get(names, key)) {
            st = status_fail(ERR_INPUT, config_file_path(f),
                             "\"id2label\" has %zu entries but no \"%s\"", n, key);
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
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"%s\": activation %.64s is not supported; known: %s", key, name,
                         activation_names());
done:
    return st;
}

// Fails when a field is there and not `expected`.
static status check_same(const config_file *f, const char *key, int expected)
{
    const json_t *value = config_file_get(f, key);
    if (!value || (json_is_integer(value) && json_integer_value(value) == expected))
        return OK;
    return status_fail(ERR_INPUT, config_file_path(f), "\"%s\" must be %d, the width of a head",
                       config_file_shown(f, key), expected);
}

status config_heads(const config_file *f, int hidden_size, int heads, int *head_dim)
{
    return config_head_dim(f, hidden_size, heads, 0, head_dim);
}

status config_head_dim(const config_file *f, int hidden_size, int heads, int missing, int *head_dim)
{
    status st;
    enum { MAX_ALL = 1 << 20 };
    TRY(config_int(f, "head_dim", 1, 1 << 16, missing, head_dim));
    if (*head_dim == 0 && hidden_size % heads != 0) {
        st = status_fail(ERR_INPUT, config_file_path(f), "\"%s\" %d is no multiple of \"%s\" %d",
                         config_file_shown(f, "hidden_size"), hidden_size,
                         config_file_shown(f, "num_attention_heads"), heads);
        goto done;
    }
    *head_dim = *head_dim ? *head_dim : hidden_size / heads;
    if ((int64_t)heads * *head_dim > MAX_ALL) {
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "%d heads of %d channels; at most %d in all", heads, *head_dim, MAX_ALL);
        goto done;
    }
    TRY(check_same(f, "gguf_value_length", *head_dim));
done:
    return st;
}

status config_refuse(const config_file *f, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = config_file_get(f, keys[i]);
        const bool empty = json_is_object(value)
                               ? json_object_size(value) == 0
                               : json_is_array(value) && json_array_size(value) == 0;
        if (value && !json_is_false(value) && !empty)
            return status_fail(ERR_INPUT, config_file_path(f),
                               "\"%s\" is not supported, and would change the result",
                               config_file_shown(f, keys[i]));
    }
    return OK;
}

// Is `class` one of the family that `task` is the class of, with another head or none? Others of its
// name may be other models: ForConditionalGeneration has images too.
static bool is_relative(const char *class, const char *task)
{
    static const char *const tasks[] = {"For", "LMHead"};
    static const char *const bodies[] = {"Model",
                                         "PreTrainedModel",
                                         "DoubleHeadsModel",
                                         "Backbone",
                                         "ForSequenceClassification",
                                         "ForTokenClassification",
                                         "ForQuestionAnswering",
                                         "ForMultipleChoice",
                                         "ForNextSentencePrediction",
                                         "ForMaskedImageModeling"};
    const char *end = NULL;
    for (size_t i = 0; !end && i < sizeof tasks / sizeof *tasks; i++)
        end = strstr(task, tasks[i]);
    const size_t family = end ? (size_t)(end - task) : strlen(task);
    if (strncasecmp(class, task, family) != 0)
        return false;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (strcmp(class + family, bodies[i]) == 0)
            return true;
    return false;
}

const char *config_class(const config_file *f)
{
    return json_string_value(json_array_get(config_file_get(f, "architectures"), 0));
}

status config_task(const config_file *f, const char *name, config *out)
{
    size_t i;
    const json_t *item, *list = config_file_get(f, "architectures");
    out->headless = false;
    json_array_foreach(list, i, item)
    {
        if (json_is_string(item) && strcasecmp(json_string_value(item), name) == 0)
            return OK;
    }
    const char *first = config_class(f);
    if (json_array_size(list) == 0)
        return OK;
    out->headless = first && is_relative(first, name);
    return out->headless ? OK
                         : status_fail(ERR_INPUT, config_file_path(f),
                                       "\"architectures\" says %.64s; %s is needed",
                                       first ? first : "nothing", name);
}

status config_layer_types(const config_file *f, const char *type)
{
    const json_t *list = config_file_get(f, "layer_types");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *own = json_string_value(json_array_get(list, i));
        if (!own || strcmp(own, type) != 0)
            return status_fail(ERR_INPUT, config_file_path(f),
                               "\"layer_types\": %.64s is not supported in this model; %s is",
                               own ? own : "(no text)", type);
    }
    return OK;
}

status config_windowed_layers(const config_file *f, int first, int period, config *out)
{
    status st = OK;
    const json_t *list = config_file_get(f, "layer_types");
    const int layers = out->info.layers;
    if (list && json_array_size(list) != (size_t)layers) {
        st = status_fail(ERR_INPUT, config_file_path(f), "\"layer_types\": %zu for %d layers",
                         json_array_size(list), layers);
        goto done;
    }
    for (int l = 0; l < layers; l++) {
        const char *own = json_string_value(json_array_get(list, (size_t)l));
        const bool full =
            list ? own && strcmp(own, "full_attention") == 0 : l < first || (l + 1) % period == 0;
        if (list && !full && (!own || strcmp(own, "sliding_attention") != 0)) {
            st = status_fail(ERR_INPUT, config_file_path(f),
                             "\"layer_types\": %.64s is not supported; full_attention and "
                             "sliding_attention are",
                             own ? own : "(no text)");
            goto done;
        }
        out->full[l / 64] |= (uint64_t)full << (l % 64);
    }
done:
    return st;
}

status config_windows(const config_file *f, int missing, int period, config *out)
{
    status st;
    TRY(config_int(f, "sliding_window_pattern", 1, CONFIG_MAX_LAYERS, period, &period));
    // Null is none.
    TRY(config_int(f, "sliding_window", 0, 1 << 24, config_has(f, "sliding_window") ? 0 : missing,
                   &out->window));
    TRY(config_windowed_layers(f, 0, period, out));
done:
    return st;
}

status config_padding(const config_file *f, int vocabulary, int *out)
{
    const json_t *value = config_file_get(f, "pad_token_id");
    json_int_t n = json_integer_value(value);
    *out = -1;
    if (!value)
        return OK;
    if (!json_is_integer(value) || n < -1)
        return status_fail(ERR_INPUT, config_file_path(f),
                           "\"pad_token_id\" must be a token from 0 to %d", vocabulary - 1);
    if (n >= vocabulary) { // padding is never fed
        config_file_note(f, "\"pad_token_id\" %lld is beyond the vocabulary of %d; it is not used",
                         (long long)n, vocabulary);
        return OK;
    }
    *out = n < 0 ? vocabulary - 1 : (int)n;
    return OK;
}

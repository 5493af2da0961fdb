// SPDX-License-Identifier: Apache-2.0
// Two generations of transformers' files spell rotary positions differently, and a scaling that is
// overlooked gives a model that is only slightly wrong. So every field of the object must be known.
#include "model/config/config_rotary.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "model/config/config.h"

// A number of an object; `missing` where it is absent.
static status object_real(const config_file *f, const json_t *object, const char *key,
                          double missing, double *out)
{
    const json_t *value = json_object_get(object, key);
    if (object == config_file_root(f))
        config_file_asked(f, key);
    double x = json_number_value(value);
    bool absent = !value || json_is_null(value);
    if (!absent && (!json_is_number(value) || !(x > 0) || x > 1e12))
        return status_fail(ERR_INPUT, config_file_path(f), "\"%s\" must be a number above 0", key);
    *out = absent ? missing : x;
    return OK;
}

static bool is_known(const char *key)
{
    static const char *const known[] = {
        "rope_type",       "type",
        "rope_theta",      "partial_rotary_factor",
        "factor",          "original_max_position_embeddings",
        "low_freq_factor", "high_freq_factor",
        "beta_fast",       "beta_slow",
        "mscale",          "mscale_all_dim",
        "truncate",        "attention_factor",
        "short_factor",    "long_factor",
        "finetuned", // says how the weights were made
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (strcmp(known[k], key) == 0)
            return true;
    return false;
}

// The type of scaling: "default" where the object says none, NULL where it is no text.
static const char *scaling_type(const json_t *scaling)
{
    const json_t *type = json_object_get(scaling, "rope_type");
    type = type ? type : json_object_get(scaling, "type");
    return type ? json_string_value(type) : "default";
}

// Is the value of a key the other object's too, where both have it?
static bool agree(const json_t *a, const json_t *b)
{
    if (!a || !b || json_is_null(a) || json_is_null(b))
        return true;
    return json_is_number(a) && json_is_number(b) ? json_number_value(a) == json_number_value(b)
                                                  : json_equal(a, b);
}

// Files that are written for several versions hold both spellings, which must say the same.
static status check_spellings(const config_file *f, const json_t *newer, const json_t *older)
{
    const char *key, *a = scaling_type(newer), *b = scaling_type(older);
    json_t *value;
    bool same = a && b && strcmp(a, b) == 0;
    json_object_foreach((json_t *)(uintptr_t)older, key, value)
    {
        same = same && (strcmp(key, "type") == 0 || agree(value, json_object_get(newer, key)));
    }
    return same ? OK
                : status_fail(ERR_INPUT, config_file_path(f),
                              "\"rope_parameters\" and \"rope_scaling\" contradict each other; "
                              "remove the one that is wrong");
}

// An object that says how positions are scaled holds nothing else.
static status check_scaling(const config_file *f, const json_t *scaling, const char *name)
{
    const char *key;
    json_t *value;
    if (scaling && !json_is_object(scaling))
        return status_fail(ERR_INPUT, config_file_path(f), "\"%s\" must be an object", name);
    json_object_foreach((json_t *)(uintptr_t)scaling, key, value)
    {
        if (!is_known(key) && !json_is_null(value))
            return status_fail(ERR_INPUT, config_file_path(f),
                               "\"%s.%.64s\" is not supported, and would change the result", name,
                               key);
    }
    return OK;
}

// The object that says how positions are scaled; NULL: none.
static status find_scaling(const config_file *f, const json_t **out)
{
    status st;
    const json_t *newer = config_file_get(f, "rope_parameters"),
                 *older = config_file_get(f, "rope_scaling");
    TRY(check_scaling(f, newer, "rope_parameters"));
    TRY(check_scaling(f, older, "rope_scaling"));
    if (newer && older)
        TRY(check_spellings(f, newer, older));
    *out = newer ? newer : older;
done:
    return st;
}

// How long the texts of the training were. Phi-3 has it beside the object.
static status read_original(const config_file *f, const json_t *scaling, rotary *out)
{
    status st;
    double context = 0;
    TRY(object_real(f, config_file_root(f), "max_position_embeddings", 2048, &context));
    TRY(object_real(f, scaling, "original_max_position_embeddings", context, &out->original));
    TRY(object_real(f, config_file_root(f), "original_max_position_embeddings", out->original,
                    &out->original));
done:
    return st;
}

static status read_linear(const config_file *f, const json_t *scaling, rotary *out)
{
    return object_real(f, scaling, "factor", 1, &out->linear);
}

static status read_llama3(const config_file *f, const json_t *scaling, rotary *out)
{
    status st;
    out->kind = ROTARY_LLAMA3;
    TRY(read_original(f, scaling, out));
    TRY(object_real(f, scaling, "factor", 8, &out->factor));
    TRY(object_real(f, scaling, "low_freq_factor", 1, &out->low_factor));
    TRY(object_real(f, scaling, "high_freq_factor", 4, &out->high_factor));
    if (out->high_factor <= out->low_factor)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"high_freq_factor\" %g must be above \"low_freq_factor\" %g",
                         out->high_factor, out->low_factor);
done:
    return st;
}

// A scaling without a size is a mistake.
static status need_factor(const config_file *f, const json_t *scaling)
{
    return json_is_number(json_object_get(scaling, "factor"))
               ? OK
               : status_fail(ERR_INPUT, config_file_path(f), "rope type %s needs a \"factor\"",
                             scaling_type(scaling));
}

static status read_dynamic(const config_file *f, const json_t *scaling, rotary *out)
{
    status st;
    out->kind = ROTARY_DYNAMIC;
    TRY(need_factor(f, scaling));
    TRY(object_real(f, config_file_root(f), "max_position_embeddings", 2048, &out->original));
    TRY(object_real(f, scaling, "factor", 1, &out->factor));
    if (out->dims < 4 || out->factor < 1)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "rope type dynamic needs a \"factor\" of 1 or more, and heads of at "
                         "least 4 rotated channels");
done:
    return st;
}

// The factor, or how much longer texts may be than those of the training.
static status read_factor(const config_file *f, const json_t *scaling, rotary *out)
{
    status st;
    double context = 0;
    TRY(read_original(f, scaling, out));
    TRY(object_real(f, config_file_root(f), "max_position_embeddings", 2048, &context));
    if (out->original == context)
        TRY(need_factor(f, scaling));
    TRY(object_real(f, scaling, "factor", context / out->original, &out->factor));
done:
    return st;
}

static double yarn_scale(double factor, double weight)
{
    return factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1;
}

static status read_yarn(const config_file *f, const json_t *scaling, rotary *out)
{
    status st;
    double scale = 0, of_all = 0;
    const json_t *whole = json_object_get(scaling, "truncate");
    out->kind = ROTARY_YARN;
    out->whole = !json_is_false(whole);
    TRY(read_factor(f, scaling, out));
    TRY(object_real(f, scaling, "beta_fast", 32, &out->beta_fast));
    TRY(object_real(f, scaling, "beta_slow", 1, &out->beta_slow));
    TRY(object_real(f, scaling, "mscale", 0, &scale));
    TRY(object_real(f, scaling, "mscale_all_dim", 0, &of_all));
    const double both = yarn_scale(out->factor, scale) / yarn_scale(out->factor, of_all);
    TRY(object_real(f, scaling, "attention_factor",
                    scale > 0 && of_all > 0 ? both : yarn_scale(out->factor, 1), &out->scale));
    if (out->theta <= 1 || out->beta_fast < out->beta_slow ||
        (whole && !json_is_null(whole) && !json_is_boolean(whole)))
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "rope type yarn needs a \"rope_theta\" above 1, a \"beta_fast\" of at "
                         "least \"beta_slow\", and \"truncate\" true or false");
done:
    return st;
}

// What each frequency is divided by, named as messages call it.
static status read_list(const config_file *f, const json_t *list, const char *name, int n,
                        float *out)
{
    if (json_array_size(list) != (size_t)n || n > ROTARY_MAX_DIVISORS)
        return status_fail(ERR_INPUT, config_file_path(f),
                           "%s: %zu values for %d rotated channels; %d were expected, and %d at "
                           "most",
                           name, json_array_size(list), 2 * n, n, ROTARY_MAX_DIVISORS);
    for (int i = 0; i < n; i++) {
        out[i] = (float)json_number_value(json_array_get(list, (size_t)i));
        if (!(out[i] > 0 && out[i] < 1e12f))
            return status_fail(ERR_INPUT, config_file_path(f), "%s: value %d is no number above 0",
                               name, i);
    }
    return OK;
}

static status read_longrope(const config_file *f, const json_t *scaling, rotary *out)
{
    status st;
    out->kind = ROTARY_LONG;
    out->divisors = out->dims / 2;
    TRY(read_factor(f, scaling, out));
    TRY(read_list(f, json_object_get(scaling, "short_factor"), "\"short_factor\"", out->divisors,
                  out->divisor));
    TRY(read_list(f, json_object_get(scaling, "long_factor"), "\"long_factor\"", out->divisors,
                  out->long_divisor));
    const double grown =
        out->factor > 1 ? sqrt(1 + log(out->factor) / log(out->original)) : 1; // the default
    TRY(object_real(f, scaling, "attention_factor", grown, &out->scale));
done:
    return st;
}

static status read_scaling(const config_file *f, const json_t *scaling, rotary *out)
{
    static const struct {
        const char *name;
        status (*read)(const config_file *f, const json_t *scaling, rotary *out);
    } types[] = {
        {"default", NULL},       {"linear", read_linear}, {"dynamic", read_dynamic},
        {"llama3", read_llama3}, {"yarn", read_yarn},     {"longrope", read_longrope},
        {"su", read_longrope}, // its first name
    };
    const char *name = scaling_type(scaling);
    for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
        if (strcmp(name, types[i].name) == 0)
            return types[i].read ? types[i].read(f, scaling, out) : OK;
    return status_fail(ERR_INPUT, config_file_path(f),
                       "rope type %.64s is not supported; default, linear, dynamic, llama3, yarn "
                       "and longrope are",
                       name ? name : "(no text)");
}

// How many channels of a head are rotated.
static status read_dims(const config_file *f, const json_t *scaling, const rotary_class *class,
                        int head_dim, rotary *out)
{
    status st;
    const char *key = class->rotated_key ? class->rotated_key : "partial_rotary_factor";
    double rotated = class->rotated > 0 ? class->rotated : 1;
    const json_t *given = config_file_get(f, "gguf_rope_dimensions");
    TRY(object_real(f, config_file_root(f), key, rotated, &rotated));
    TRY(object_real(f, scaling, "partial_rotary_factor", rotated, &rotated));
    if (rotated > 1 || (rotated != 1 && class->rotated == 0)) {
        st =
            status_fail(ERR_INPUT, config_file_path(f), "\"%s\" %g is not supported", key, rotated);
        goto done;
    }
    TRY(config_int(f, "gguf_rope_dimensions", 1, head_dim, (int)(head_dim * rotated), &out->dims));
    if (out->dims % 2 != 0 || out->dims < 2 || (class->rotated == 0 && out->dims != head_dim))
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"%s\": %d channels of a head of %d are rotated, which is not supported",
                         config_file_shown(f, given ? "gguf_rope_dimensions" : key), out->dims,
                         head_dim);
done:
    return st;
}

// Scaled as the object says.
static status read_rotary(const config_file *f, const json_t *scaling, const rotary_class *class,
                          int head_dim, rotary *out)
{
    status st;
    const json_t *divisors = config_file_get(f, "gguf_rope_divisors");
    *out = (rotary){.linear = 1, .scale = 1};
    TRY(object_real(f, config_file_root(f), class->theta_key ? class->theta_key : "rope_theta",
                    class->theta, &out->theta));
    TRY(object_real(f, scaling, "rope_theta", out->theta, &out->theta));
    TRY(read_dims(f, scaling, class, head_dim, out));
    if (divisors) {
        out->divisors = out->dims / 2;
        TRY(read_list(f, divisors, "tensor rope_freqs.weight", out->divisors, out->divisor));
    }
    TRY(read_scaling(f, scaling, out));
done:
    return st;
}

status config_rotary(const config_file *f, const rotary_class *class, int head_dim, rotary *out)
{
    status st;
    const json_t *scaling = NULL;
    TRY(find_scaling(f, &scaling));
    TRY(read_rotary(f, scaling, class, head_dim, out));
done:
    return st;
}

// The newer spelling has an object for each kind of layer.
static status read_newer(const config_file *f, const char *kind, const rotary_class *class,
                         int head_dim, rotary *out)
{
    status st;
    const json_t *scaling = json_object_get(config_file_get(f, "rope_parameters"), kind);
    TRY(check_scaling(f, json_is_null(scaling) ? NULL : scaling, kind));
    TRY(read_rotary(f, scaling, class, head_dim, out));
done:
    return st;
}

status config_rotary_kinds(const config_file *f, const rotary_class *full,
                           const rotary_class *windowed, int head_dim, rotary *out,
                           rotary *out_windowed)
{
    status st;
    const char *key;
    json_t *value, *newer = (json_t *)(uintptr_t)config_file_get(f, "rope_parameters");
    const json_t *older = config_file_get(f, "rope_scaling");
    if (!newer) {
        TRY(check_scaling(f, older, "rope_scaling"));
        TRY(read_rotary(f, older, full, head_dim, out));
        TRY(read_rotary(f, NULL, windowed, head_dim, out_windowed));
        goto done;
    }
    json_object_foreach(newer, key, value)
    {
        if (older || (strcmp(key, "full_attention") != 0 && strcmp(key, "sliding_attention") != 0))
            return status_fail(ERR_INPUT, config_file_path(f),
                               "\"rope_parameters\" must hold \"full_attention\" and "
                               "\"sliding_attention\", with no \"rope_scaling\" beside it");
    }
    TRY(read_newer(f, "full_attention", full, head_dim, out));
    TRY(read_newer(f, "sliding_attention", windowed, head_dim, out_windowed));
done:
    return st;
}

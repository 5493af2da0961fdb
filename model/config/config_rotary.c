// SPDX-License-Identifier: Apache-2.0
// Two generations of transformers' files spell rotary positions differently, and a scaling that is
// overlooked gives a model that is only slightly wrong. So every field of the object must be known.
#include "model/config/config_rotary.h"

#include <stdint.h>
#include <string.h>

// A number of an object; `missing` where it is absent.
static status object_real(const config_file *f, const json_t *object, const char *key,
                          double missing, double *out)
{
    const json_t *value = json_object_get(object, key);
    double x = json_number_value(value);
    bool absent = !value || json_is_null(value);
    if (!absent && (!json_is_number(value) || !(x > 0) || x > 1e12))
        return status_fail(ERR_INPUT, config_file_path(f), "\"%s\" must be a number above 0", key);
    *out = absent ? missing : x;
    return OK;
}

// The object that says how positions are scaled; NULL: none.
static status find_scaling(const config_file *f, const json_t **out)
{
    static const char *const known[] = {
        "rope_type",       "type",
        "rope_theta",      "partial_rotary_factor",
        "factor",          "original_max_position_embeddings",
        "low_freq_factor", "high_freq_factor",
    };
    const json_t *newer = config_file_get(f, "rope_parameters"),
                 *older = config_file_get(f, "rope_scaling");
    const char *key;
    json_t *value;
    *out = newer ? newer : older;
    if ((newer && older) || (*out && !json_is_object(*out)))
        return status_fail(ERR_INPUT, config_file_path(f),
                           "\"rope_parameters\" or \"rope_scaling\" must be one object");
    json_object_foreach((json_t *)(uintptr_t)*out, key, value)
    {
        size_t k = 0;
        while (k < sizeof known / sizeof *known && strcmp(known[k], key) != 0)
            k++;
        if (k == sizeof known / sizeof *known && !json_is_null(value))
            return status_fail(ERR_INPUT, config_file_path(f),
                               "\"%s.%.64s\" is not supported, and would change the result",
                               newer ? "rope_parameters" : "rope_scaling", key);
    }
    return OK;
}

static status read_llama3(const config_file *f, const json_t *scaling, rotary *out)
{
    status st;
    double context = 0;
    TRY(object_real(f, config_file_root(f), "max_position_embeddings", 8192, &context));
    TRY(object_real(f, scaling, "factor", 8, &out->factor));
    TRY(object_real(f, scaling, "low_freq_factor", 1, &out->low_factor));
    TRY(object_real(f, scaling, "high_freq_factor", 4, &out->high_factor));
    TRY(object_real(f, scaling, "original_max_position_embeddings", context, &out->original));
    if (out->high_factor <= out->low_factor)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"high_freq_factor\" %g must be above \"low_freq_factor\" %g",
                         out->high_factor, out->low_factor);
done:
    return st;
}

static status read_divisors(const config_file *f, int head_dim, rotary *out)
{
    const json_t *list = config_file_get(f, "gguf_rope_divisors");
    if (!list)
        return OK;
    if (json_array_size(list) != (size_t)head_dim / 2 || head_dim / 2 > ROTARY_MAX_DIVISORS)
        return status_fail(
            ERR_INPUT, config_file_path(f),
            "tensor rope_freqs.weight: %zu values for heads of %d; %d were expected, "
            "and %d at most",
            json_array_size(list), head_dim, head_dim / 2, ROTARY_MAX_DIVISORS);
    out->divisors = head_dim / 2;
    for (int i = 0; i < out->divisors; i++)
        out->divisor[i] = (float)json_real_value(json_array_get(list, (size_t)i));
    return OK;
}

status config_rotary(const config_file *f, double missing_theta, int head_dim, rotary *out)
{
    status st;
    const json_t *scaling = NULL;
    double rotated = 1;
    *out = (rotary){.linear = 1};
    TRY(find_scaling(f, &scaling));
    const json_t *type = json_object_get(scaling, "rope_type");
    const char *name = json_string_value(type ? type : json_object_get(scaling, "type"));
    TRY(object_real(f, config_file_root(f), "rope_theta", missing_theta, &out->theta));
    TRY(object_real(f, scaling, "rope_theta", out->theta, &out->theta));
    TRY(object_real(f, config_file_root(f), "partial_rotary_factor", 1, &rotated));
    TRY(object_real(f, scaling, "partial_rotary_factor", rotated, &rotated));
    if (rotated != 1) {
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"partial_rotary_factor\" %g is not supported", rotated);
        goto done;
    }
    TRY(read_divisors(f, head_dim, out));
    if (!name && (!scaling || (!type && !json_object_get(scaling, "type"))))
        name = "default";
    if (name && strcmp(name, "linear") == 0)
        TRY(object_real(f, scaling, "factor", 1, &out->linear));
    else if (name && strcmp(name, "llama3") == 0)
        TRY(read_llama3(f, scaling, out));
    else if (!name || strcmp(name, "default") != 0)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "rope type %.64s is not supported; default, linear and llama3 are",
                         name ? name : "(no text)");
done:
    return st;
}

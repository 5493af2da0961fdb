// SPDX-License-Identifier: Apache-2.0
// A table says what becomes of each key. A key under the architecture's prefix that is not in it is
// refused: llama.cpp gains keys that change what is computed, and old files do not have them.
#include "model/config/gguf_config.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/gguf.h"

enum { KEY_BYTES = 160, MAX_DIVISORS = 1 << 12 };

// What becomes of a key under the architecture's prefix.
typedef enum use {
    USE_INT,     // a whole number, or an array of equal ones
    USE_REAL,    // a number
    USE_SCALING, // read together with others
    USE_BOOL,    // true or false
    USE_TRUE,    // must be true
    USE_EXPERTS, // a whole number; 0 of dense models
    USE_PATTERN, // which layers have a window
    USE_NONE,    // says nothing about the result
} use;

static const struct known_key {
    const char *key, *field;
    use use;
} known_keys[] = {
    {"vocab_size", "vocab_size", USE_INT},
    {"context_length", "max_position_embeddings", USE_INT},
    {"embedding_length", "hidden_size", USE_INT},
    {"block_count", "num_hidden_layers", USE_INT},
    {"feed_forward_length", "intermediate_size", USE_INT},
    {"attention.head_count", "num_attention_heads", USE_INT},
    {"attention.head_count_kv", "num_key_value_heads", USE_INT},
    {"attention.key_length", "head_dim", USE_INT},
    {"attention.value_length", "gguf_value_length", USE_INT},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", USE_REAL},
    {"attention.layer_norm_epsilon", "layer_norm_epsilon", USE_REAL},
    {"attention.sliding_window", "sliding_window", USE_INT},
    {"attention.sliding_window_pattern", "layer_types", USE_PATTERN},
    {"attn_logit_softcapping", "attn_logit_softcapping", USE_REAL},
    {"final_logit_softcapping", "final_logit_softcapping", USE_REAL},
    {"attention.causal", NULL, USE_TRUE},
    {"rope.dimension_count", "gguf_rope_dimensions", USE_INT},
    {"rope.freq_base", "rope_theta", USE_REAL},
    {"rope.freq_base_swa", "rope_local_base_freq", USE_REAL},
    {"rope.scaling.type", NULL, USE_SCALING},
    {"rope.scaling.factor", NULL, USE_SCALING},
    {"rope.scale_linear", NULL, USE_SCALING},
    {"rope.scaling.original_context_length", NULL, USE_SCALING},
    {"rope.scaling.attn_factor", NULL, USE_SCALING},
    {"rope.scaling.yarn_beta_fast", NULL, USE_SCALING},
    {"rope.scaling.yarn_beta_slow", NULL, USE_SCALING},
    {"rope.scaling.finetuned", NULL, USE_NONE},
    {"use_parallel_residual", "use_parallel_residual", USE_BOOL},
    {"expert_count", "num_experts", USE_EXPERTS},
    {"expert_used_count", "num_experts_per_tok", USE_EXPERTS},
    {"expert_feed_forward_length", "moe_intermediate_size", USE_INT},
    {"tensor_data_layout", NULL, USE_NONE},
};
enum { KNOWN_KEYS = sizeof known_keys / sizeof *known_keys };

typedef struct reading {
    const gguf *g;
    char prefix[64]; // "llama."
    json_t *fields, *keys;
} reading;

// Sets a field, whose value is taken.
static status set_field(reading *r, const char *field, json_t *value, const char *key)
{
    if (json_object_set_new(r->fields, field, value) != 0 ||
        json_object_set_new(r->keys, field, json_string(key)) != 0)
        return status_no_memory(gguf_path(r->g));
    return OK;
}

static status refuse_key(const reading *r, const char *key)
{
    return status_fail(ERR_INPUT, gguf_path(r->g),
                       "key %s is not supported, and would change the result", key);
}

// A whole number; of an array, the value that all its items have.
static status read_int(const reading *r, const char *key, int64_t *out)
{
    status st;
    int64_t *items = NULL;
    size_t n = 0;
    if (gguf_get_int(r->g, key, out) == OK)
        return OK;
    TRY(gguf_get_ints(r->g, key, &items, &n));
    for (size_t i = 0; i < n; i++)
        if (items[i] != items[0]) {
            st = status_fail(ERR_INPUT, gguf_path(r->g),
                             "key %s differs from layer to layer, which is not supported", key);
            goto done;
        }
    *out = n ? items[0] : 0;
done:
    free(items);
    return st;
}

// Layer types of flags, or the number of layers of which the last has no window.
static status read_pattern(reading *r, const char *key, const char *field)
{
    status st;
    int64_t *flags = NULL, period;
    size_t n = 0;
    if (gguf_get_int(r->g, key, &period) == OK)
        return set_field(r, "sliding_window_pattern", json_integer(period), key);
    json_t *list = json_array();
    TRY(gguf_get_ints(r->g, key, &flags, &n));
    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(
                list, json_string(flags[i] ? "sliding_attention" : "full_attention")) != 0)
            TRY(status_no_memory(gguf_path(r->g)));
    TRY(set_field(r, field, json_incref(list), key));
done:
    json_decref(list);
    free(flags);
    return st;
}

static status read_known(reading *r, const char *key, const struct known_key *known)
{
    status st = OK;
    int64_t whole;
    double real;
    bool flag;
    switch (known->use) {
    case USE_INT:
        TRY(read_int(r, key, &whole));
        TRY(set_field(r, known->field, json_integer(whole), key));
        break;
    case USE_REAL:
        TRY(gguf_get_real(r->g, key, &real));
        if (!(real - real == 0)) // JSON has no such number
            st = status_fail(ERR_INPUT, gguf_path(r->g), "key %s is not finite", key);
        else
            TRY(set_field(r, known->field, json_real(real), key));
        break;
    case USE_BOOL:
        TRY(gguf_get_bool(r->g, key, &flag));
        TRY(set_field(r, known->field, json_boolean(flag), key));
        break;
    case USE_TRUE:
        TRY(gguf_get_bool(r->g, key, &flag));
        st = flag ? OK : refuse_key(r, key);
        break;
    case USE_EXPERTS:
        TRY(gguf_get_int(r->g, key, &whole));
        if (whole != 0)
            TRY(set_field(r, known->field, json_integer(whole), key));
        break;
    case USE_PATTERN:
        TRY(read_pattern(r, key, known->field));
        break;
    case USE_SCALING:
    case USE_NONE:
        break;
    }
done:
    return st;
}

// Every key under the prefix.
static status read_keys(reading *r)
{
    const size_t prefix = strlen(r->prefix);
    for (size_t i = 0; i < gguf_keys(r->g); i++) {
        gguf_text text = gguf_key(r->g, i);
        char key[KEY_BYTES];
        int k = 0;
        if (text.length < prefix || memcmp(text.bytes, r->prefix, prefix) != 0)
            continue;
        snprintf(key, sizeof key, "%.*s", (int)(text.length < 128 ? text.length : 128), text.bytes);
        while (k < KNOWN_KEYS && strcmp(key + prefix, known_keys[k].key) != 0)
            k++;
        status st = k < KNOWN_KEYS ? read_known(r, key, &known_keys[k]) : refuse_key(r, key);
        if (st != OK)
            return st;
    }
    return OK;
}

// The key under the prefix in `out`; false when the file has none.
static bool has_key(const reading *r, const char *name, char out[KEY_BYTES])
{
    snprintf(out, KEY_BYTES, "%s%s", r->prefix, name);
    return gguf_has(r->g, out);
}

static bool same_text(gguf_text a, const char *b)
{
    return a.length == strlen(b) && memcmp(a.bytes, b, a.length) == 0;
}

// A number of a scaling in `object`, where the file has it; 0 is none.
static status read_part(const reading *r, const char *name, const char *field, json_t *object)
{
    status st = OK;
    char key[KEY_BYTES];
    double value;
    int64_t whole;
    if (!has_key(r, name, key))
        goto done;
    if (gguf_get_int(r->g, key, &whole) == OK)
        value = (double)whole;
    else
        TRY(gguf_get_real(r->g, key, &value));
    if (!(value >= 0 && value < 1e12))
        st = status_fail(ERR_INPUT, gguf_path(r->g), "key %s is %g", key, value);
    else if (value > 0 && json_object_set_new(object, field, json_real(value)) != 0)
        st = status_no_memory(gguf_path(r->g));
done:
    return st;
}

// YaRN's numbers. llama.cpp multiplies attn_factor with the scale that YaRN itself gives.
static status read_yarn(const reading *r, json_t *scaling)
{
    status st;
    TRY(read_part(r, "rope.scaling.original_context_length", "original_max_position_embeddings",
                  scaling));
    TRY(read_part(r, "rope.scaling.yarn_beta_fast", "beta_fast", scaling));
    TRY(read_part(r, "rope.scaling.yarn_beta_slow", "beta_slow", scaling));
    TRY(read_part(r, "rope.scaling.attn_factor", "attention_factor", scaling));
    const json_t *own = json_object_get(scaling, "attention_factor");
    const double factor = json_real_value(json_object_get(scaling, "factor"));
    if (own && json_object_set_new(
                   scaling, "attention_factor",
                   json_real(json_real_value(own) * (factor > 1 ? 1 + 0.1 * log(factor) : 1))) != 0)
        st = status_no_memory(gguf_path(r->g));
done:
    return st;
}

// As llama.cpp: a factor without a type is a linear one, and none is 1.
static status read_scaling(reading *r)
{
    status st = OK;
    char key[KEY_BYTES];
    gguf_text type = {"linear", 6};
    json_t *scaling = json_object();
    if (!scaling)
        TRY(status_no_memory(gguf_path(r->g)));
    if (has_key(r, "rope.scaling.type", key))
        TRY(gguf_get_text(r->g, key, &type));
    if (same_text(type, "none"))
        goto done;
    const bool yarn = same_text(type, "yarn");
    if (!yarn && !same_text(type, "linear")) {
        st = status_fail(ERR_INPUT, gguf_path(r->g),
                         "key %s: %.*s is not supported; none, linear and yarn are", key,
                         (int)(type.length < 64 ? type.length : 64), type.bytes);
        goto done;
    }
    TRY(read_part(
        r, has_key(r, "rope.scale_linear", key) ? "rope.scale_linear" : "rope.scaling.factor",
        "factor", scaling));
    if (json_object_size(scaling) == 0 && !yarn)
        goto done;
    if (yarn)
        TRY(read_yarn(r, scaling));
    if (json_object_set_new(scaling, "rope_type", json_string(yarn ? "yarn" : "linear")) != 0)
        TRY(status_no_memory(gguf_path(r->g)));
    TRY(set_field(r, "rope_scaling", json_incref(scaling), "rope.scaling.type"));
done:
    json_decref(scaling);
    return st;
}

bool gguf_config_holds(const char *tensor)
{
    return strcmp(tensor, GGUF_ROPE_DIVISORS) == 0 || strcmp(tensor, GGUF_ROPE_SHORT) == 0 ||
           strcmp(tensor, GGUF_ROPE_LONG) == 0;
}

// The values of a tensor that is configuration, which is there. *out is owned by the caller.
static status read_values(const reading *r, const gguf_tensor *t, const char *name, json_t **out)
{
    status st = OK;
    json_t *list = NULL;
    if (t->type != 0 || t->dims != 1 || t->items > MAX_DIVISORS)
        return status_fail(ERR_INPUT, gguf_path(r->g),
                           "tensor %s: at most %d values of F32 were expected", name, MAX_DIVISORS);
    if (!(list = json_array()))
        return status_no_memory(gguf_path(r->g));
    for (size_t i = 0; i < t->items; i++) {
        float value;
        memcpy(&value, t->data + i * sizeof value, sizeof value);
        if (!(value > 0 && value < 1e12f)) {
            st = status_fail(ERR_INPUT, gguf_path(r->g), "tensor %s: value %zu is %g", name, i,
                             (double)value);
            goto done;
        }
        if (json_array_append_new(list, json_real((double)value)) != 0) {
            st = status_no_memory(gguf_path(r->g));
            goto done;
        }
    }
    *out = json_incref(list);
done:
    json_decref(list);
    return st;
}

static status read_divisors(reading *r)
{
    status st = OK;
    const gguf_tensor *t = gguf_find(r->g, GGUF_ROPE_DIVISORS);
    json_t *list = NULL;
    if (!t)
        goto done;
    TRY(read_values(r, t, GGUF_ROPE_DIVISORS, &list));
    TRY(set_field(r, "gguf_rope_divisors", list, GGUF_ROPE_DIVISORS));
done:
    return st;
}

// LongRoPE is two tensors, and two numbers among the keys.
static status read_longrope(reading *r)
{
    status st = OK;
    const gguf_tensor *s = gguf_find(r->g, GGUF_ROPE_SHORT), *l = gguf_find(r->g, GGUF_ROPE_LONG);
    json_t *scaling = NULL, *list = NULL;
    if (!s || !l)
        goto done;
    if (!(scaling = json_pack("{s:s}", "rope_type", "longrope")))
        TRY(status_no_memory(gguf_path(r->g)));
    TRY(read_values(r, s, GGUF_ROPE_SHORT, &list));
    json_object_set_new(scaling, "short_factor", list);
    TRY(read_values(r, l, GGUF_ROPE_LONG, &list));
    json_object_set_new(scaling, "long_factor", list);
    TRY(read_part(r, "rope.scaling.original_context_length", "original_max_position_embeddings",
                  scaling));
    TRY(read_part(r, "rope.scaling.attn_factor", "attention_factor", scaling));
    TRY(set_field(r, "rope_scaling", json_incref(scaling), GGUF_ROPE_LONG));
done:
    json_decref(scaling);
    return st;
}

static double number_of(const reading *r, const char *field)
{
    return json_number_value(json_object_get(r->fields, field));
}

// Gemma 2 and 3 scale their scores by the width of a head, but for the models of 27 billion, which
// llama.cpp knows by their number of layers; no key says so.
static status read_gemma_scale(reading *r, const char *architecture)
{
    const bool second = strcmp(architecture, "gemma2") == 0;
    const double layers = number_of(r, "num_hidden_layers");
    double width = number_of(r, "head_dim");
    if (!second && strcmp(architecture, "gemma3") != 0)
        return OK;
    if (layers == (second ? 46 : 62) && number_of(r, "num_attention_heads") > 0)
        width = number_of(r, "hidden_size") / number_of(r, "num_attention_heads");
    return width > 0
               ? set_field(r, "query_pre_attn_scalar", json_real(width), "attention.key_length")
               : OK;
}

// Which architectures may have experts, and what llama.cpp does with the weights of a token's
// experts, which no key says; *type: the model_type of one that has.
static status read_experts(reading *r, const char *architecture, const char **type)
{
    static const struct {
        const char *architecture, *type;
        bool shares;
    } sparse[] = {
        {"llama", "mixtral", true}, {"qwen3moe", "qwen3_moe", true}, {"olmoe", "olmoe", false}};
    const json_t *key = json_object_get(r->keys, "num_experts");
    if (!key)
        return OK;
    for (size_t i = 0; i < sizeof sparse / sizeof *sparse; i++)
        if (strcmp(architecture, sparse[i].architecture) == 0) {
            *type = sparse[i].type;
            return set_field(r, "norm_topk_prob", json_boolean(sparse[i].shares),
                             "general.architecture");
        }
    return refuse_key(r, json_string_value(key));
}

// What the tensors say: which of them there are.
static status read_presence(reading *r, const char *architecture)
{
    status st;
    gguf_text *tokens = NULL;
    size_t n = 0;
    int64_t padding;
    const json_t *window = json_object_get(r->fields, "sliding_window");
    // Relatives that differ in nothing but their window have one name here.
    static const struct {
        const char *architecture, *windowed;
    } relatives[] = {{"llama", "mistral"}, {"olmo2", "olmo3"}, {"gemma3", "gemma3_text"}};
    const char *type = architecture;
    for (size_t i = 0; i < sizeof relatives / sizeof *relatives; i++)
        if (json_integer_value(window) > 0 && strcmp(architecture, relatives[i].architecture) == 0)
            type = relatives[i].windowed;
    TRY(read_experts(r, architecture, &type));
    TRY(set_field(r, "model_type", json_string(type), "general.architecture"));
    TRY(set_field(r, "tie_word_embeddings", json_boolean(!gguf_find(r->g, "output.weight")),
                  "output.weight"));
    TRY(set_field(r, "attention_bias",
                  json_boolean(gguf_find(r->g, "blk.0.attn_q.bias") ||
                               gguf_find(r->g, "blk.0.attn_qkv.bias")),
                  "blk.0.attn_q.bias"));
    TRY(set_field(r, "mlp_bias", json_boolean(gguf_find(r->g, "blk.0.ffn_up.bias") != NULL),
                  "blk.0.ffn_up.bias"));
    TRY(read_gemma_scale(r, architecture));
    if (!json_object_get(r->fields, "vocab_size") && gguf_has(r->g, "tokenizer.ggml.tokens")) {
        TRY(gguf_get_texts(r->g, "tokenizer.ggml.tokens", &tokens, &n));
        TRY(set_field(r, "vocab_size", json_integer((json_int_t)n), "tokenizer.ggml.tokens"));
    }
    if (gguf_has(r->g, "tokenizer.ggml.padding_token_id")) {
        TRY(gguf_get_int(r->g, "tokenizer.ggml.padding_token_id", &padding));
        TRY(set_field(r, "pad_token_id", json_integer(padding), "tokenizer.ggml.padding_token_id"));
    }
done:
    free(tokens);
    return st;
}

status gguf_config_read(const char *path, bool (*known)(const char *model_type), json_t **fields,
                        json_t **keys)
{
    status st;
    gguf *g = NULL;
    gguf_text name;
    char architecture[48] = "";
    reading r = {.fields = json_object(), .keys = json_object()};
    TRY(gguf_open(path, &g));
    r.g = g;
    TRY(gguf_get_text(g, "general.architecture", &name));
    for (size_t i = 0; i < name.length && i < 40; i++) // what is no letter or digit is no name
        architecture[i] = isalnum((unsigned char)name.bytes[i]) ? name.bytes[i] : '_';
    snprintf(r.prefix, sizeof r.prefix, "%s.", architecture);
    if (!r.fields || !r.keys) {
        st = status_no_memory(path);
        goto done;
    }
    if (known(architecture)) { // or its name is all that will be looked at
        TRY(read_keys(&r));
        TRY(read_scaling(&r));
        TRY(read_divisors(&r));
        TRY(read_longrope(&r));
    }
    TRY(read_presence(&r, architecture));
    TRY(gguf_unchanged(g));
    *fields = json_incref(r.fields);
    *keys = json_incref(r.keys);
done:
    json_decref(r.fields);
    json_decref(r.keys);
    gguf_close(g);
    return st;
}

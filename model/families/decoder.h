// SPDX-License-Identifier: Apache-2.0
// Decoders with RMSNorm, rotary positions, grouped queries and a gated MLP, under the names that
// Llama gave their tensors: the family of Llama, Mistral, Qwen, OLMo 2. An architecture of it is a
// `configure` and a descriptor, and a table of its own where its norms lie elsewhere.
#ifndef MODEL_FAMILIES_DECODER_H
#define MODEL_FAMILIES_DECODER_H

#include "model/forward/arch.h"

// Places in the tables of the family.
enum { DECODER_EMBEDDING, DECODER_NORM, DECODER_HEAD, DECODER_GLOBALS };
enum {
    DECODER_BEFORE_ATTN, // norms of what a block reads
    DECODER_BEFORE_MLP,
    DECODER_BEHIND_ATTN, // and of what it puts out; need info.apart
    DECODER_BEHIND_MLP,
    DECODER_QUERY_NORM,
    DECODER_KEY_NORM,
    DECODER_QUERY,
    DECODER_QUERY_BIAS,
    DECODER_KEY,
    DECODER_KEY_BIAS,
    DECODER_VALUE,
    DECODER_VALUE_BIAS,
    DECODER_OUT,
    DECODER_OUT_BIAS,
    DECODER_GATE_BIAS,
    DECODER_UP_BIAS,
    DECODER_DOWN_BIAS,
    DECODER_ROUTER, // of sparse models, whose experts have the rest each (sparse.h)
    DECODER_GATE,
    DECODER_UP,
    DECODER_DOWN,
    DECODER_TENSORS
};

extern const tensor_def decoder_globals[DECODER_GLOBALS];
extern const tensor_form decoder_global_forms[DECODER_GLOBALS];
extern const tensor_table decoder_tensors; // Llama's

// Entries of tables. The matrices, with biases where the configuration has them.
#define DECODER_PREFIX "model." // which files of models without a head lack
#define DECODER_LAYER  DECODER_PREFIX "layers.%d."
#define DECODER_ATTN   DECODER_LAYER "self_attn."
#define DECODER_MLP    DECODER_LAYER "mlp."
#define DECODER_BLOCK  "blk.%d."

#define DECODER_VECTOR(name, length)                                                               \
    {                                                                                              \
        DECODER_LAYER name ".weight", {length}, .init = INIT_ONES                                  \
    }
#define DECODER_QK_NORM(name, length)                                                              \
    {                                                                                              \
        DECODER_ATTN name ".weight", {length}, .init = INIT_ONES, .needs = FEATURE_QK_NORM         \
    }
#define DECODER_MATRIX(name, out, in)                                                              \
    {                                                                                              \
        name ".weight", {out, in}, .init = INIT_NORMAL                                             \
    }
#define DECODER_BIAS(name, out, feature)                                                           \
    {                                                                                              \
        name ".bias", {out}, .init = INIT_ZEROS, .needs = (feature)                                \
    }
#define DECODER_ATTENTION                                                                          \
    [DECODER_QUERY] = DECODER_MATRIX(DECODER_ATTN "q_proj", DIM_ATTN, DIM_HIDDEN),                 \
    [DECODER_QUERY_BIAS] = DECODER_BIAS(DECODER_ATTN "q_proj", DIM_ATTN, FEATURE_QKV_BIAS),        \
    [DECODER_KEY] = DECODER_MATRIX(DECODER_ATTN "k_proj", DIM_KV, DIM_HIDDEN),                     \
    [DECODER_KEY_BIAS] = DECODER_BIAS(DECODER_ATTN "k_proj", DIM_KV, FEATURE_QKV_BIAS),            \
    [DECODER_VALUE] = DECODER_MATRIX(DECODER_ATTN "v_proj", DIM_KV, DIM_HIDDEN),                   \
    [DECODER_VALUE_BIAS] = DECODER_BIAS(DECODER_ATTN "v_proj", DIM_KV, FEATURE_QKV_BIAS),          \
    [DECODER_OUT] = DECODER_MATRIX(DECODER_ATTN "o_proj", DIM_HIDDEN, DIM_ATTN),                   \
    [DECODER_OUT_BIAS] = DECODER_BIAS(DECODER_ATTN "o_proj", DIM_HIDDEN, FEATURE_O_BIAS)

#define DECODER_DENSE                                                                              \
    [DECODER_GATE] = DECODER_MATRIX(DECODER_MLP "gate_proj", DIM_MLP, DIM_HIDDEN),                 \
    [DECODER_GATE_BIAS] = DECODER_BIAS(DECODER_MLP "gate_proj", DIM_MLP, FEATURE_MLP_BIAS),        \
    [DECODER_UP] = DECODER_MATRIX(DECODER_MLP "up_proj", DIM_MLP, DIM_HIDDEN),                     \
    [DECODER_UP_BIAS] = DECODER_BIAS(DECODER_MLP "up_proj", DIM_MLP, FEATURE_MLP_BIAS),            \
    [DECODER_DOWN] = DECODER_MATRIX(DECODER_MLP "down_proj", DIM_HIDDEN, DIM_MLP),                 \
    [DECODER_DOWN_BIAS] = DECODER_BIAS(DECODER_MLP "down_proj", DIM_HIDDEN, FEATURE_MLP_BIAS)

#define DECODER_PROJECTIONS DECODER_ATTENTION, DECODER_DENSE

#define DECODER_ATTENTION_FORMS                                                                    \
    [DECODER_QUERY] = {.gguf = DECODER_BLOCK "attn_q.weight", .in_gguf = LAYOUT_PAIRS},            \
    [DECODER_QUERY_BIAS] = {.gguf = DECODER_BLOCK "attn_q.bias", .in_gguf = LAYOUT_PAIRS},         \
    [DECODER_KEY] = {.gguf = DECODER_BLOCK "attn_k.weight", .in_gguf = LAYOUT_PAIRS},              \
    [DECODER_KEY_BIAS] = {.gguf = DECODER_BLOCK "attn_k.bias", .in_gguf = LAYOUT_PAIRS},           \
    [DECODER_VALUE] = {.gguf = DECODER_BLOCK "attn_v.weight"},                                     \
    [DECODER_VALUE_BIAS] = {.gguf = DECODER_BLOCK "attn_v.bias"},                                  \
    [DECODER_OUT] = {.gguf = DECODER_BLOCK "attn_output.weight"},                                  \
    [DECODER_OUT_BIAS] = {.gguf = DECODER_BLOCK "attn_output.bias"}

#define DECODER_DENSE_FORMS                                                                        \
    [DECODER_GATE] = {.gguf = DECODER_BLOCK "ffn_gate.weight"},                                    \
    [DECODER_GATE_BIAS] = {.gguf = DECODER_BLOCK "ffn_gate.bias"},                                 \
    [DECODER_UP] = {.gguf = DECODER_BLOCK "ffn_up.weight"},                                        \
    [DECODER_UP_BIAS] = {.gguf = DECODER_BLOCK "ffn_up.bias"},                                     \
    [DECODER_DOWN] = {.gguf = DECODER_BLOCK "ffn_down.weight"},                                    \
    [DECODER_DOWN_BIAS] = {.gguf = DECODER_BLOCK "ffn_down.bias"}

#define DECODER_PROJECTION_FORMS DECODER_ATTENTION_FORMS, DECODER_DENSE_FORMS

// The fields of a tensor_table: by what its layers have, and what file formats make of the globals
// and of that.
#define DECODER_TABLE(defs, of_globals, of_layers)                                                 \
    .globals = decoder_globals, .layer = (defs), .n_globals = DECODER_GLOBALS,                     \
    .n_layer = DECODER_TENSORS, .n_embedding = DECODER_NORM, .global_forms = (of_globals),         \
    .layer_forms = (of_layers), .prefix = DECODER_PREFIX

// Reads the fields that Llama, Mistral and Qwen have; a member adds its own. `task` is the class
// that `architectures` must name; kv_heads what the class has where the file does not say (0, or
// null in the file: as many as heads).
status decoder_configure(const config_file *f, const char *task, int kv_heads, int head_dim,
                         config *out);

// Slots of an `arch`. decoder_embed: the embedding is the first of the table's globals.
mlp_weights decoder_mlp(const model *m, int layer, int expert);
linear decoder_router(const model *m, int layer);
linear decoder_output(const model *m);
status decoder_embed(pass *p);
status decoder_layer(pass *p, int layer);
status decoder_finish(pass *p);

// What the descriptors of the family have in common, but for the table.
#define DECODER_SLOTS                                                                              \
    .input_files = (const char *const[]){"tokenizer.json", NULL}, .mlp = decoder_mlp,              \
    .router = decoder_router, .output = decoder_output, .embed = decoder_embed,                    \
    .layer = decoder_layer, .finish = decoder_finish

#define DECODER_ARCH DECODER_SLOTS, .tensors = &decoder_tensors

#endif

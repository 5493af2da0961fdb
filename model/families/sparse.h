// SPDX-License-Identifier: Apache-2.0
// What decoders of decoder.h add whose MLPs are mixtures of experts: Mixtral, Qwen3-MoE, OLMoE.
#ifndef MODEL_FAMILIES_SPARSE_H
#define MODEL_FAMILIES_SPARSE_H

#include "model/config/config_text.h"
#include "model/families/decoder.h"

// Entries of tables, for the last DECODER_EXPERT_TENSORS of a layer and the router before them. Files
// of transformers 5 may hold all experts in one tensor; those of GGUF do.
enum { DECODER_EXPERT_TENSORS = DECODER_TENSORS - DECODER_GATE };
#define SPARSE_TENSORS(mlp, gate, up, down)                                                        \
    [DECODER_ROUTER] = DECODER_MATRIX(mlp "gate", DIM_EXPERTS, DIM_HIDDEN),                        \
    [DECODER_GATE] = DECODER_MATRIX(mlp "experts.%d." gate, DIM_EXPERT, DIM_HIDDEN),               \
    [DECODER_UP] = DECODER_MATRIX(mlp "experts.%d." up, DIM_EXPERT, DIM_HIDDEN),                   \
    [DECODER_DOWN] = DECODER_MATRIX(mlp "experts.%d." down, DIM_HIDDEN, DIM_EXPERT)

// Where the classes' files have them.
extern const tensor_form sparse_layer_forms[DECODER_TENSORS];

// A tensor_table of such a class, by what its layers have.
#define SPARSE_TABLE(defs)                                                                         \
    DECODER_TABLE(defs, decoder_global_forms, sparse_layer_forms),                                 \
        .n_expert = DECODER_EXPERT_TENSORS

// A class of such models, with its own defaults. text.mlp is the width of an expert.
typedef struct sparse_class {
    text_class text;
    double theta;
    int experts, per_token;
    bool always_shares; // the weights of a token's experts sum to 1, whatever the file says
} sparse_class;

// Reads the fields that the class has, but for windows and biases. A layer that is no mixture, and
// experts that every token goes through, are refused. ERR_INPUT.
status sparse_configure(const config_file *f, const sparse_class *class, config *out);

#endif

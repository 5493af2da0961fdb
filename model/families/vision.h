// SPDX-License-Identifier: Apache-2.0
// What vision transformers have in common: patches that do not overlap, tokens before them, learned
// positions, layers with LayerNorm before their blocks.
#ifndef MODEL_FAMILIES_VISION_H
#define MODEL_FAMILIES_VISION_H

#include "model/families/prenorm.h"

// Places in the table of a classifier's globals; those that a model lacks have no name there.
enum {
    VISION_CLS,
    VISION_DISTILLATION, // a second token, whose answers may have a head of their own
    VISION_POSITIONS,
    VISION_PATCH_WEIGHT,
    VISION_PATCH_BIAS,
    VISION_NORM_WEIGHT,
    VISION_NORM_BIAS,
    VISION_OUTPUT_WEIGHT,
    VISION_OUTPUT_BIAS,
    VISION_SECOND_WEIGHT,
    VISION_SECOND_BIAS,
    VISION_GLOBALS
};

// Places in a layer's table, behind those that all LayerNorm models have.
enum {
    VISION_QUERY_WEIGHT = PRENORM_TENSORS,
    VISION_QUERY_BIAS,
    VISION_KEY_WEIGHT,
    VISION_KEY_BIAS,
    VISION_VALUE_WEIGHT,
    VISION_VALUE_BIAS,
    VISION_SCALE_ATTN, // of what blocks put out; need info.apart
    VISION_SCALE_MLP,
    VISION_GATE_WEIGHT, // of a gated MLP, beside its own up and down
    VISION_GATE_BIAS,
    VISION_GATED_UP_WEIGHT,
    VISION_GATED_UP_BIAS,
    VISION_GATED_DOWN_WEIGHT,
    VISION_GATED_DOWN_BIAS,
    VISION_TENSORS
};

#define VISION_MATRIX(name, out, in)                                                               \
    {                                                                                              \
        name ".weight", {out, in}, .init = INIT_NORMAL                                             \
    }
#define VISION_BIAS(name, out)                                                                     \
    {                                                                                              \
        name ".bias", {out}, .init = INIT_ZEROS                                                    \
    }
#define VISION_QKV_BIAS(name)                                                                      \
    {                                                                                              \
        name ".bias", {DIM_ATTN}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS                    \
    }
// A weight and a bias that follow each other in the table.
#define VISION_LINEAR(place, name, out, in)                                                        \
    [place] = VISION_MATRIX(name, out, in), [(place) + 1] = VISION_BIAS(name, out)
#define VISION_NORM(place, name)                                                                   \
    [place] = {name ".weight", {DIM_HIDDEN}, .init = INIT_ONES},                                   \
    [(place) + 1] = VISION_BIAS(name, DIM_HIDDEN)
#define VISION_QKV(query, key, value)                                                              \
    [VISION_QUERY_WEIGHT] = VISION_MATRIX(query, DIM_ATTN, DIM_HIDDEN),                            \
    [VISION_QUERY_BIAS] = VISION_QKV_BIAS(query),                                                  \
    [VISION_KEY_WEIGHT] = VISION_MATRIX(key, DIM_ATTN, DIM_HIDDEN),                                \
    [VISION_KEY_BIAS] = VISION_QKV_BIAS(key),                                                      \
    [VISION_VALUE_WEIGHT] = VISION_MATRIX(value, DIM_ATTN, DIM_HIDDEN),                            \
    [VISION_VALUE_BIAS] = VISION_QKV_BIAS(value)

// A class's defaults.
typedef struct vision_class {
    const char
        *task; // that `architectures` must name, or with headless the name of the family that
               // its classes begin with
    int patch;
    const char *act;
    double eps;
    bool headless; // what the class answers is no choice among classes
    bool ratio;    // the MLP's width is mlp_ratio · hidden_size, not intermediate_size
    int tokens;    // before the patches, registers not counted
} vision_class;

// What sizes may be.
enum {
    VISION_MAX_WIDTH = 1 << 16,
    VISION_MAX_LAYERS = 1000,
    VISION_MAX_IMAGE = 1 << 13,
    VISION_MAX_ROWS = 1 << 16
};

// info.d_mlp, by mlp_ratio and info.hidden_size. ERR_INPUT: none, or too many.
status vision_mlp_width(const config_file *f, double missing, model_info *i);

// info.rows_per_image of the sizes of images and patches, with so many tokens before them.
// ERR_INPUT: too many.
status vision_count_rows(const config_file *f, int tokens, config *out);

// Reads the fields that all have, from the object that holds them. Registers are the caller's to
// add (config.registers, and to info.rows_per_image).
status vision_configure(const config_file *f, const vision_class *class, config *out);
// The same of a tower that may be a part of the file: vision_config.
status vision_configure_part(const config_file *f, const vision_class *class, config *out);

// What images become: a product of their patches, tokens before them, positions.
typedef struct vision_embedding {
    linear projection;
    const float *token[2];  // [H]: of the first rows; NULL: no more
    const float *registers; // [config.registers, H] behind them, which have no positions
    const float *positions; // [rows without registers, H]
} vision_embedding;

status vision_embed(pass *p, const vision_embedding *e);

// Slots of an `arch`. vision_output: a model without a head. The heads and vision_embed_classified:
// of the places above.
linear vision_head(const model *m);
linear vision_second_head(const model *m);
status vision_embed_classified(pass *p);
mlp_weights vision_mlp(const model *m, int layer, int expert);
linear vision_output(const model *m);
status vision_layer(pass *p, int layer);

// Its preprocessing, and lists that tell which class a number of WordNet is.
extern const char *const vision_input_files[];

#define VISION_SLOTS                                                                               \
    .input_files = vision_input_files, .layer = vision_layer, .finish = prenorm_finish
// Of a classifier, whose blocks are ViT's.
#define VISION_CLASSIFIER                                                                          \
    .mlp = prenorm_mlp, .output = vision_head, .embed = vision_embed_classified, VISION_SLOTS

#endif

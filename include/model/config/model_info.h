// SPDX-License-Identifier: Apache-2.0
// The shape of a transformer, and what follows from it alone.
//
// Words: L layers, H hidden_size, U neurons of a site (d_mlp, heads × head_dim, or experts), R rows
// (tokens of a tile).
//
// In a sparse model an MLP is `experts` small ones, of which each token goes through
// experts_per_token. Its neurons are those of expert 0, then of 1, ...: d_mlp = experts × d_expert.
#ifndef MODEL_CONFIG_MODEL_INFO_H
#define MODEL_CONFIG_MODEL_INFO_H

#include <stdbool.h>
#include <stdint.h>

typedef enum site {
    SITE_MLP, // input of the MLP output projection: after the activation; act(gate)·up where gated
    SITE_ATTN,   // input of the attention output projection, head-major
    SITE_EXPERT, // sparse models: with which weight the router lets each expert take part in a
                 // token; 0 where it does not
    SITES,
} site;

extern const char *const site_names[SITES]; // "mlp", "attn", "expert"

typedef enum modality { MODALITY_IMAGE, MODALITY_TEXT } modality;

typedef enum compute {
    COMPUTE_F32,
    COMPUTE_BF16,
    COMPUTE_TF32
} compute; // the last: on devices only

typedef struct model_info {
    const char *architecture; // "vit"; borrowed from the model
    modality modality;
    int layers, hidden_size, heads, kv_heads, head_dim, d_mlp;
    int experts;                             // of a layer; 0: the model is dense, as the two next
    int experts_per_token, d_expert;         // those of a token; neurons of each
    bool gated;                              // is the MLP's inside act(gate)·up?
    bool apart;                              // are outputs of blocks held before they are added?
    int outputs;                             // classes, or vocabulary
    int channels, image_height, image_width; // images
    int rows_per_image;                      // tokens of an image: patches + CLS
    int context;                             // text: the longest sample the positions allow
    bool masked;                             // text: predicts masked tokens where they are, not
                                             // each the next one
    int64_t parameters;
} model_info;

typedef struct model model; // an opened one (model/model.h)

// Neurons of a site in a layer; 0: the model has no such site.
int model_site_width(const model_info *info, site s);
// Floating-point operations of a forward pass of `rows` tokens in `samples` samples.
double model_operations(const model_info *info, int64_t samples, int64_t rows);
// Rows a tile should have where the data allow, to run near the products' best rate. Depends on the
// model only.
int64_t model_tile_rows(const model_info *info);

#endif

// SPDX-License-Identifier: Apache-2.0
// A transformer: its shape, its weights, and the one way to run it, over tiles of samples with
// readers and masks at its sites. This header is the whole of it for other layers; what an
// architecture adds is in model/forward/arch.h.
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "model/config/layer_partition.h"
#include "model/config/model_info.h"
#include "model/device/device_need.h"
#include "model/forward/forward.h"
#include "model/forward/model_bytes.h"
#include "model/forward/model_forward.h"
#include "model/forward/model_mask.h"
#include "model/kernels/products.h"
#include "pipeline/base/relay.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"

typedef struct model_options {
    const char *path; // folder or file
    bool random;      // weights drawn as the framework would initialise them
    uint64_t seed;    // of random
    compute compute;
    const product_engine *engine; // for tests; NULL: the best
    const struct device_ops
        *device;        // computes passes (model/cuda/ops.h); NULL: this machine's CPUs
    int device_index;   // which of its devices
    int device_sharers; // ranks that share its memory, each an equal part; 0 is 1
    bool light;         // configuration only: no weights are read or drawn
    int threads;        // that convert or draw the weights; 0 is 1
    relay *team; // ranks that hold the layers between them; NULL: this one holds all. Not looked
                 // at with `light`
} model_options;

// Opens a model, or this member's part of it. Collective on the share's ranks (share NULL: this
// process alone), which are the same member of their teams; keeps no reference to `options`;
// borrows `node` and `team` until model_close. ERR_USAGE when the team has more ranks than the
// model has layers, or the CPU cannot run `compute`. ERR_INPUT names the file and what is wrong in
// it; a configuration field that would change the result and is not supported is refused by name.
// NaN or infinite weights are ERR_NUMERIC with tensor and index.
status model_open(const model_options *options, share *node, model **out);
void model_close(model *m);
const model_info *model_get_info(const model *m); // borrowed
// Looks at the headers of all that the weights of a model opened light would be read from. ERR_INPUT
// as model_open. Local.
status model_check_files(model *m);
// Whether this machine's CPU has the instructions for the `compute` of a model opened light; else
// ERR_USAGE. Local.
status model_check_compute(const model *m);
// What the user should know of its configuration, a line each: fields that nobody reads. Borrowed.
const char *model_notes(const model *m);
// Can it answer? A body without its head (ViTModel, LlamaForSequenceClassification, a file without
// lm_head) has activations only; known once its files have been looked at.
bool model_has_head(const model *m);
// How the weights are held that products read, and so which library runs them.
packing model_products(const model *m);
// That library and its instructions, for provenance: "sulcus AVX-512-BF16", "OpenBLAS Haswell".
// Written to `name`, and returned.
const char *model_products_name(const model *m, char name[64]);

// Files whose bytes decide what the model is: the weights (not with `random`), config.json, and
// what its inputs need (preprocessor_config.json, tokenizer files). Calls add for each; stops at
// its first failure. ERR_INPUT. Local.
status model_files(const model_options *options, status (*add)(void *context, const char *path),
                   void *context);

// The layers that this process holds: all of them without a team.
layer_range model_layers(const model *m);
// Writes rows [0, d_mlp) of a layer's W_in [d_mlp, H] (ViT intermediate.dense; Llama up_proj) as
// float32: of any layer, held or not. ERR_INPUT, ERR_NUMERIC as model_open. Local.
status model_w_in(const model *m, int layer, float *out);
// Writes the L2 norm of each neuron's output weights, norm[width of the site]: its column of the
// layer's output projection, of any layer, held or not, as they are in the file or drawn; of an
// expert, of all its neurons' together. ERR_INPUT, ERR_NUMERIC as model_open. Local.
status model_output_norms(const model *m, site s, int layer, double *norm);

// What the module is called in the framework whose input a layer's neurons of a site are, as the
// architecture names its tensors: "model.layers.3.mlp.down_proj"; of experts all that follows their
// number is left out. "" where it is none. Local.
void model_site_module(const model *m, site s, int layer, char name[160]);

// Prints what a model folder or weight file holds (for `sulcus inspect`); *known = false when the
// path is neither. ERR_INPUT. Local.
status model_inspect(const char *path, bool *known);

#endif

// SPDX-License-Identifier: Apache-2.0
// An architecture: one const descriptor in one file, and one line in model/arch/archs.def. It says
// which tensors there are and in which order the shared blocks (model/forward/blocks.h) run; the
// blocks do the arithmetic, the reading and the pruning.
#ifndef MODEL_FORWARD_ARCH_H
#define MODEL_FORWARD_ARCH_H

#include "model/config/config.h"
#include "model/forward/pass.h"
#include "model/kernels/activation.h"
#include "model/kernels/linear.h"
#include "model/weights/tensor_table.h"
#include "pipeline/base/status.h"

// What is done to a block's output before it is added to the hidden states; nothing where all are
// NULL. Needs info.apart.
typedef struct output_step {
    const float *norm;  // [H] RMSNorm
    const float *scale; // [H] factors
} output_step;

// A layer's MLP: down(act(up(x))), or down(act(gate(x)) · up(x)) where gate.out is
// not 0, of models whose info is gated.
typedef struct mlp_weights {
    linear up, gate, down;
    const activation *act;
    output_step then;
} mlp_weights;

typedef struct arch {
    const char *name;               // as in model_info
    const char *const *model_types; // of config.json; ends with NULL
    const char *const *input_files; // beside the weights, that decide what its inputs are; those
                                    // that exist. Ends with NULL
    status (*configure)(const config_file *f,
                        config *out); // reads everything that changes the result
    const tensor_table *tensors;

    mlp_weights (*mlp)(const model *m, int layer, int expert); // expert 0 of a dense model
    linear (*router)(const model *m, int layer); // [experts, H]; NULL: its models are dense
    linear (*output)(const model *m);            // the map from final hidden states to outputs
    linear (*second_output)(const model *m);     // with FEATURE_TWO_HEADS: that of a sample's second
                                                 // row; outputs are the mean of both

    // A pass over a tile, on p's rows. `embed` fills p->hidden from the tile; `layer` updates it in
    // place; `finish` normalises what the output map reads.
    status (*embed)(pass *p);
    status (*layer)(pass *p, int layer);
    status (*finish)(pass *p);
} arch;

#endif

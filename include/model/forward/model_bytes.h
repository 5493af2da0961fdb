// SPDX-License-Identifier: Apache-2.0
// What a model takes in memory.
#ifndef MODEL_FORWARD_MODEL_BYTES_H
#define MODEL_FORWARD_MODEL_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "model/config/model_info.h"

// Bytes a rank needs beside the weights: the workspaces of `threads` tiles of at most `samples`
// samples and `rows` rows.
size_t model_scratch_bytes(const model_info *info, int threads, int64_t samples, int64_t rows);
// Bytes of the weights in the compute type.
size_t model_weight_bytes(const model_info *info, compute c);
// Bytes of what member `part` of a team of `parts` holds of them. Local; `m` may be light.
size_t model_part_bytes(const model *m, int part, int parts, compute c);
// Bytes of this process's memory that they take on their way to a device, each rank's own.
size_t model_shown_bytes(const model *m, int part, int parts);

// Bytes of a value of model_neurons (forward.h); 0 where products may depend on how many outputs
// they make, so that kept neurons could differ from those that are computed; and of sparse models,
// of whose neurons a token needs few.
size_t model_neuron_bytes(const model *m);

#endif

// SPDX-License-Identifier: Apache-2.0
// A copy of a model from which neurons are cut: the same files and shapes, and zeros where the cut
// neurons' outputs would be read. A neuron whose column of the output projection is zero does what a
// pruned one does, whatever program runs the model; one that was set to its mean adds the same at
// every token, which the projection's bias takes up.
#ifndef MODEL_MODEL_CUT_H
#define MODEL_MODEL_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/config/model_info.h"
#include "model/model.h"
#include "pipeline/base/file.h"
#include "pipeline/base/status.h"

typedef struct model_cut {
    int layers, width[SITES];
    const int8_t *mask[SITES]; // [layers, width], 1: cut; NULL: none of the site. Borrowed
    const float *mean[SITES];  // [layers, width]: what cut neurons become; NULL: 0. Borrowed
} model_cut;

// Writes the model at `path` (a folder, or a .safetensors file beside its config.json) into `folder`,
// which is there and empty: weights with the same shards and index, and every other file of the
// source's folder but weights in other forms, whose names are added to `left_out`; a README.md
// becomes README.source. ERR_INPUT: GGUF, a model of another shape than the cut, one whose
// output projections are no tensors of their own, or means that no bias takes up. ERR_NUMERIC: a bias
// with means that its type cannot hold. ERR_IO. Local.
status model_cut_write(const char *path, const model_cut *cut, const char *folder,
                       file_list *left_out);

// Can a model be cut, and at the sites where means[] is true, its cut neurons become their means? It may
// be opened light. ERR_INPUT: it has no files of its own, or as model_cut_write. Local.
status model_cut_possible(const model *m, const bool means[SITES]);

#endif

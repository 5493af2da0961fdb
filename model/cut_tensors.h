// SPDX-License-Identifier: Apache-2.0
// What is rewritten in a copy of a model (model_cut.h): the projections that read cut neurons, and
// where these become their means, the projections' biases.
#ifndef MODEL_CUT_TENSORS_H
#define MODEL_CUT_TENSORS_H

#include "model/files/weight_source.h"
#include "model/model.h"
#include "model/model_cut.h"

// Has a model a bias where a site is read? Local.
bool cut_tensors_have_bias(const model *m, site s);
// Rewrites them in `folder`, which has a copy of every file of the source. ERR_INPUT: a projection or
// its bias is no tensor of its own. ERR_NUMERIC: a bias out of the range of its type. ERR_IO. Local.
status cut_tensors_write(const model *m, const weight_source *source, const model_cut *cut,
                         const char *folder);

#endif

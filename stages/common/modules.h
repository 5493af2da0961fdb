// SPDX-License-Identifier: Apache-2.0
// What an artefact's layers are called in the framework.
#ifndef STAGES_COMMON_MODULES_H
#define STAGES_COMMON_MODULES_H

#include "model/model.h"
#include "pipeline/store/artefact.h"

// Adds the coordinates mlp_module(layer) and attn_module(layer) to an artefact that has neurons of
// the site in all layers of the model. ERR_INTERNAL when out of memory. Local.
status modules_describe(const model *m, artefact_writer *w);

#endif

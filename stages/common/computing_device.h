// SPDX-License-Identifier: Apache-2.0
// What `device:` of a pipeline makes of the devices that a rank finds.
#ifndef STAGES_COMMON_COMPUTING_DEVICE_H
#define STAGES_COMMON_COMPUTING_DEVICE_H

#include "model/model.h"
#include "pipeline/base/text.h"
#include "pipeline/config/params.h"

// As registry.device (pipeline/stage.h): nothing with `device: cpu`, nor with `auto` where there is
// none, and then `note` says why. ERR_USAGE: `device: cuda`, and there is none, with what mends it.
status computing_device_find(const params *pipeline, int place, text *name, text *note,
                             uint64_t *id, void **found);
// As registry.device_share.
void computing_device_share(void *found, int ranks);

// Fills in the device of a model's options, as the share of its ranks has it (NULL: none). Local.
void computing_device_take(const share *s, model_options *options);

// As registry.device_memory (pipeline/stage.h).
status computing_device_memory(text *name, double *bytes, text *note);

#endif

// SPDX-License-Identifier: Apache-2.0
// What `device:` of a pipeline makes of the devices that a rank finds.
#ifndef STAGES_COMMON_COMPUTING_DEVICE_H
#define STAGES_COMMON_COMPUTING_DEVICE_H

#include "model/model.h"
#include "pipeline/base/text.h"
#include "pipeline/config/params.h"

// Fills in the device of a model's options: none with `device: cpu`, nor with `auto` where there is
// none. Local. ERR_USAGE: `device: cuda`, and there is none, with what mends it.
status computing_device_choose(const params *pipeline, model_options *options);

// Adds the name of what computes beside the CPUs, and in `note` why `auto` found nothing. As
// registry.device (pipeline/stage.h).
status computing_device_name(const params *pipeline, text *name, text *note);

// As registry.device_memory (pipeline/stage.h).
status computing_device_memory(text *name, double *bytes, text *note);

#endif

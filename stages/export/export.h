// SPDX-License-Identifier: Apache-2.0
// The export: a pruning as a model folder that other programs load.
#ifndef STAGES_EXPORT_EXPORT_H
#define STAGES_EXPORT_EXPORT_H

#include "pipeline/base/status.h"
#include "pipeline/export.h"

// Writes in->folder, absent or complete: the model with zeros where the pruned neurons' outputs are
// read, a README.md, and below sulcus/ the mask and the scores of each site as `import` takes them
// (mask.SITE.safetensors, scores.SITE.safetensors), and cut.json with layer, unit and score of every
// cut neuron. ERR_USAGE: no such subset, or the folder is there already. ERR_INPUT as
// model_cut_write. ERR_IO. Local; no MPI.
status export_write(const struct export_input *in);

#endif

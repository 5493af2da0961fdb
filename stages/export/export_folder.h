// SPDX-License-Identifier: Apache-2.0
// A pruning as a model folder that other programs load: what the command and the stage write.
#ifndef STAGES_EXPORT_EXPORT_FOLDER_H
#define STAGES_EXPORT_EXPORT_FOLDER_H

#include <stdint.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/status.h"
#include "pipeline/export.h"

// Writes in->folder, absent or complete: the model with zeros where the pruned neurons' outputs are
// read, a README.md, and below sulcus/ the mask and the scores of each site as `import` takes them
// (mask.SITE.safetensors, scores.SITE.safetensors), and cut.json with layer, unit and score of every
// cut neuron. ERR_USAGE: no such subset, or the folder is there already and is not to be replaced.
// ERR_INPUT as model_cut_write. ERR_IO. Local; no MPI.
status export_write(const struct export_input *in);

// What lies in such a folder.
typedef struct export_contents {
    int64_t bytes;
    char
        digest[DIGEST_HEX]; // of names and bytes of all files but README.md, which tells of the run
} export_contents;

// Local. ERR_INPUT.
status export_look(const char *folder, export_contents *out);

#endif

// SPDX-License-Identifier: Apache-2.0
// What each node sees of the files of a run: checks of `sulcus doctor`. Both are collective, return
// what this rank has found, and add to `found`, on rank 0, what all have.
#ifndef PIPELINE_COMMANDS_DOCTOR_FILES_H
#define PIPELINE_COMMANDS_DOCTOR_FILES_H

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"
#include "pipeline/comm/comm.h"
#include "pipeline/dag/pipeline_file.h"

// Does the folder take files on each node, and is it the same folder there? It is made on rank 0
// where it is missing. ERR_IO.
status doctor_folder(comm *c, const char *folder, text *found);

// Are the files of each model and dataset there and read on each node, and as large as on rank 0?
// ERR_INPUT, and what resources say of themselves.
status doctor_inputs(comm *c, const pipeline_file *f, text *found);

#endif

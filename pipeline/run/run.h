// SPDX-License-Identifier: Apache-2.0
// `sulcus run`: brings every task of a pipeline to its committed artefact, on all ranks together.
#ifndef PIPELINE_RUN_RUN_H
#define PIPELINE_RUN_RUN_H

#include "pipeline/base/status.h"
#include "pipeline/comm/comm.h"
#include "pipeline/dag/pipeline_file.h"
#include "pipeline/run/run_options.h"
#include "pipeline/stage.h"

// Rank 0 reads a pipeline file, so that it need be there only and its error is one; the others parse
// what it read. Collective; the same status and text on all ranks. *out is owned by the caller.
status run_load(comm *c, const char *path, const char *const *overrides, size_t n_overrides,
                const registry *reg, pipeline_file **out);

// Runs what is not finished, or nothing. Collective; the same status and text on all ranks.
// ERR_INTERRUPTED when a signal stopped it: the same command continues.
status run_pipeline(comm *c, const registry *r, const run_options *o);

#endif

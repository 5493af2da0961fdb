// SPDX-License-Identifier: Apache-2.0
// An artefact told again: the same results under another task's name.
#ifndef PIPELINE_STORE_ARTEFACT_COPY_H
#define PIPELINE_STORE_ARTEFACT_COPY_H

#include "pipeline/base/status.h"
#include "pipeline/store/artefact.h"

// Declares all that `from` has to `w`: dimensions, variables, attributes; without scalar coordinates,
// which say what the task was called, and indices. `from` is borrowed until w is stored. ERR_INPUT.
status artefact_copy(const artefact *from, artefact_writer *w);

#endif

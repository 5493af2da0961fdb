// SPDX-License-Identifier: Apache-2.0
// The artefact of `prune`: what prune_output.h computes, with the names that prune.c lists.
#ifndef STAGES_PRUNE_PRUNE_ARTEFACT_H
#define STAGES_PRUNE_PRUNE_ARTEFACT_H

#include "pipeline/store/artefact.h"
#include "stages/prune/prune_output.h"

// Describes the artefact; borrows `o` and the setting until it is stored. Local. Fails when out of
// memory.
status prune_artefact_describe(const prune_setting *s, const prune_output *o, artefact_writer *w);

#endif

// SPDX-License-Identifier: Apache-2.0
// What an artefact says beside its results: where its numbers stand, and what its task was called.
#ifndef PIPELINE_DAG_COORDINATES_H
#define PIPELINE_DAG_COORDINATES_H

#include "pipeline/base/status.h"
#include "pipeline/dag/task.h"
#include "pipeline/store/artefact.h"

// Adds to what a stage has declared, as coordinates that no digest covers: the task's axes under
// their names (`swept_` before one that the artefact has already), `model` and `dataset` where the
// task has one of them and sweeps over none; what its resources and its inputs' artefacts say of
// dimensions that this one has too; and an index for every dimension that has nothing else. Local.
// ERR_INPUT: an input's cannot be read.
status task_coordinates(const task *t, artefact_writer *w);

#endif

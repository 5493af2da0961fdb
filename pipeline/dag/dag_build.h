// SPDX-License-Identifier: Apache-2.0
// How a pipeline file becomes a DAG.
#ifndef PIPELINE_DAG_DAG_BUILD_H
#define PIPELINE_DAG_DAG_BUILD_H

#include "pipeline/dag/dag.h"

// Expands and checks everything, the stages' own `check` included. Borrows `f`. ERR_USAGE with the
// place. Local.
status dag_build(pipeline_file *f, dag **out);

#endif

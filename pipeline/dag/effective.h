// SPDX-License-Identifier: Apache-2.0
// A pipeline file with what the command line changed of it, as text: what was run.
#ifndef PIPELINE_DAG_EFFECTIVE_H
#define PIPELINE_DAG_EFFECTIVE_H

#include "pipeline/dag/pipeline_file.h"

// Sets f->effective: the file's own text where nothing was overridden, else f->root written out as
// YAML (comments are lost, aliases written out; paths of the command line are absolute). ERR_INTERNAL when out of memory. Local.
status effective_write(pipeline_file *f);

#endif

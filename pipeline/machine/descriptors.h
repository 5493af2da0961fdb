// SPDX-License-Identifier: Apache-2.0
// How many files a process may have open.
#ifndef PIPELINE_MACHINE_DESCRIPTORS_H
#define PIPELINE_MACHINE_DESCRIPTORS_H

#include "pipeline/base/status.h"

// Raises the limit as far as the process may, and it helps. Called before MPI starts. ERR_IO where fewer
// files can still be opened than MPI takes. Local.
status descriptors_raise(void);

#endif

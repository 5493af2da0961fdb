// SPDX-License-Identifier: Apache-2.0
// Which cores of its machine fall to a rank (pipeline/machine/cores.h), as the machine's ranks tell
// each other. For comm.c only: this header needs mpi.h.
#ifndef PIPELINE_COMM_RANK_CORES_H
#define PIPELINE_COMM_RANK_CORES_H

#include <mpi.h>
#include <stdint.h>

#include "pipeline/machine/cores.h"

typedef struct rank_cores {
    core_share share;
    int32_t *cpu; // owned [own]: CPUs that its threads can be kept on, one of each core
    int own;
} rank_cores;

// What cannot be asked counts as one core. Collective on the machine's ranks. Freed by its owner:
// `cpu`.
rank_cores rank_cores_find(MPI_Comm machine);

#endif

// SPDX-License-Identifier: Apache-2.0
// What a run finds of the nodes it is on: the types of their CPUs, on which the last bits of a
// result depend, and whether their cores carry the threads asked for.
#ifndef PIPELINE_COMM_MACHINES_H
#define PIPELINE_COMM_MACHINES_H

#include "pipeline/comm/comm.h"

enum { MACHINES_CPUS = 512 };

// The CPU types of all nodes, each with its number of nodes where there are several types: "AMD
// EPYC 9654 (family 25, model 17) on 3 nodes; …", in node order; what does not fit is left out.
// Returns the number of types. The environment variable SULCUS_CPU gives a rank's node another
// name, to test what happens on a mixed cluster. `device` is what computes beside a rank's CPUs, ""
// for nothing: part of its node's type. Collective; the same on all ranks.
int machines_cpus(const comm *c, const char *device, char names[MACHINES_CPUS]);

// ERR_USAGE when `threads` a rank are more than the cores that the launcher left to each rank,
// unless a launcher was told to oversubscribe and says so (launch.h), or the run is
// (`oversubscribe`). Collective; the same on all ranks.
status machines_check_threads(const comm *c, int threads, bool oversubscribe);

#endif

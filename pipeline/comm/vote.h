// SPDX-License-Identifier: Apache-2.0
// The vote on a communicator, which everything collective is built on (comm_agree is its face). For
// the files of this folder only: this header needs mpi.h.
#ifndef PIPELINE_COMM_VOTE_H
#define PIPELINE_COMM_VOTE_H

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "pipeline/comm/verdict.h"

// Gives each of n verdicts, on all ranks of a communicator, the code and text that comm_agree_each
// promises. `host` is this rank's, where the ranks sit on several: a text that is not all ranks'
// then names it; or NULL. `least`: as many numbers beside each verdict, or NULL. Collective on
// `ranks`.
enum { VOTE_NUMBERS = 2 }; // at most
void vote_each(MPI_Comm ranks, const char *host, size_t n, verdict *const *v, int numbers,
               int64_t *least);
status vote(MPI_Comm ranks, status st); // the same for one status, of ranks of one host

#endif

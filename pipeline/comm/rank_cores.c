// SPDX-License-Identifier: Apache-2.0
// A launcher binds each rank, and tells none what it bound the others to: so they exchange their
// sets, of one length, and one of them reads for all which CPUs are one core.
#include "pipeline/comm/rank_cores.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/comm/vote.h"

// The larger of all ranks'.
static uint64_t agree_words(MPI_Comm machine, uint64_t words)
{
    MPI_Allreduce(MPI_IN_PLACE, &words, 1, MPI_UINT64_T, MPI_MAX, machine);
    return words;
}

rank_cores rank_cores_find(MPI_Comm machine)
{
    enum { BITS = 64 };
    rank_cores found = {.share = {1, 1}};
    uint64_t *mine = NULL, *all = NULL;
    int32_t *core = NULL;
    size_t given = 0;
    int rank, ranks;
    MPI_Comm_rank(machine, &rank);
    MPI_Comm_size(machine, &ranks);
    const status asked = cores_allowed(&mine, &given);
    const size_t words = agree_words(machine, given);
    all = checked_calloc((size_t)ranks * words, sizeof *all);
    core = checked_calloc(words * BITS, sizeof *core);
    if (vote(machine, asked == OK && all && core ? OK : ERR_INTERNAL) != OK)
        goto done;
    memcpy(all + (size_t)rank * words, mine, given * sizeof *mine);
    MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, (int)words, MPI_UINT64_T, machine);
    if (rank == 0)
        cores_list(words * BITS, core);
    MPI_Bcast(core, (int)(words * BITS), MPI_INT32_T, 0, machine);
    found.share = cores_cap(cores_divide(all, words, ranks, rank, core), ranks);
    if ((found.cpu = checked_calloc(words * BITS, sizeof *found.cpu)))
        found.own = cores_own(all, words, ranks, rank, core, found.cpu);
done:
    free(mine);
    free(all);
    free(core);
    return found;
}

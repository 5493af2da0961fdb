// SPDX-License-Identifier: Apache-2.0
// One reduction tells all ranks who speaks: the lowest rank that failed, or, above every rank
// number, the lowest that was only interrupted. Its verdict is then broadcast, text and all.
#include "pipeline/comm/vote.h"

#include <stdatomic.h>
#include <stdint.h>

void vote_each(MPI_Comm ranks, size_t n, verdict *v)
{
    enum { AT_ONCE = 256 };
    int rank;
    MPI_Comm_rank(ranks, &rank);
    for (size_t first = 0; first < n; first += AT_ONCE) {
        int m = (int)(n - first < AT_ONCE ? n - first : AT_ONCE);
        int64_t failed[AT_ONCE];
        for (int i = 0; i < m; i++) {
            status code = v[first + (size_t)i].code;
            failed[i] = code == OK                ? INT64_MAX
                        : code == ERR_INTERRUPTED ? ((int64_t)1 << 32) + rank
                                                  : rank;
        }
        MPI_Allreduce(MPI_IN_PLACE, failed, m, MPI_INT64_T, MPI_MIN, ranks);
        for (int i = 0; i < m; i++)
            if (failed[i] != INT64_MAX)
                MPI_Bcast(&v[first + (size_t)i], sizeof *v, MPI_BYTE, (int)(uint32_t)failed[i],
                          ranks);
    }
    atomic_thread_fence(memory_order_seq_cst); // what others wrote to shared memory is seen now
}

status vote(MPI_Comm ranks, status st)
{
    verdict v = {OK, ""};
    verdict_add(&v, st);
    vote_each(ranks, 1, &v);
    return verdict_get(&v);
}

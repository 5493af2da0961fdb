// SPDX-License-Identifier: Apache-2.0
// One reduction tells all ranks who speaks: the lowest rank that failed, or, above every rank
// number, the lowest that was only interrupted. Its verdict is then broadcast, text and all; what
// all ranks found alike is no host's own.
#include "pipeline/comm/vote.h"

#include <stdatomic.h>
#include <stdint.h>

// Of a verdict, for the reductions: where it stands in the order of who speaks; 0: it is no
// failure.
static void weigh(const verdict *v, int rank, int64_t *order, int64_t *failed)
{
    *failed = v->code != OK;
    *order = v->code == OK                ? INT64_MAX
             : v->code == ERR_INTERRUPTED ? ((int64_t)1 << 32) + rank
                                          : rank;
}

void vote_each(MPI_Comm ranks, const char *host, size_t n, verdict *v)
{
    enum { AT_ONCE = 256 };
    int rank;
    MPI_Comm_rank(ranks, &rank);
    for (size_t first = 0; first < n; first += AT_ONCE) {
        int m = (int)(n - first < AT_ONCE ? n - first : AT_ONCE);
        int64_t least[2 * AT_ONCE]; // who speaks; have all failed?
        for (int i = 0; i < m; i++)
            weigh(&v[first + (size_t)i], rank, &least[i], &least[m + i]);
        MPI_Allreduce(MPI_IN_PLACE, least, 2 * m, MPI_INT64_T, MPI_MIN, ranks);
        for (int i = 0; i < m; i++) {
            verdict *of = &v[first + (size_t)i];
            if (least[i] == INT64_MAX)
                continue;
            const int speaker = (int)(uint32_t)least[i];
            if (host && rank == speaker && !least[m + i])
                verdict_name_host(of, host);
            MPI_Bcast(of, sizeof *of, MPI_BYTE, speaker, ranks);
        }
    }
    atomic_thread_fence(memory_order_seq_cst); // what others wrote to shared memory is seen now
}

status vote(MPI_Comm ranks, status st)
{
    verdict v = {OK, ""};
    verdict_add(&v, st);
    vote_each(ranks, NULL, 1, &v);
    return verdict_get(&v);
}

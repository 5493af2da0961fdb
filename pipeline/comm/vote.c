// SPDX-License-Identifier: Apache-2.0
// One reduction tells all ranks who speaks: the lowest rank that failed, or, above every rank
// number, the lowest that was only interrupted. Its verdict is then broadcast, text and all; what
// all ranks found alike is no host's own. Over a slow network a meeting costs its way and nothing
// else: so it takes as many verdicts as there are, and numbers beside them.
#include "pipeline/comm/vote.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

// Of a verdict, for the reductions: where it stands in the order of who speaks; 0: it is no
// failure.
static void weigh(const verdict *v, int rank, int64_t *order, int64_t *failed)
{
    *failed = v->code != OK;
    *order = v->code == OK                ? INT64_MAX
             : v->code == ERR_INTERRUPTED ? ((int64_t)1 << 32) + rank
                                          : rank;
}

void vote_each(MPI_Comm ranks, const char *host, size_t n, verdict *const *v, int numbers,
               int64_t *least)
{
    enum { AT_ONCE = 256 };
    int rank;
    MPI_Comm_rank(ranks, &rank);
    for (size_t first = 0; first < n; first += AT_ONCE) {
        int m = (int)(n - first < AT_ONCE ? n - first : AT_ONCE);
        int64_t all[(2 + VOTE_NUMBERS) * AT_ONCE]; // who speaks; have all failed?; the numbers
        int64_t *mine = numbers ? &least[first * (size_t)numbers] : NULL;
        const size_t bytes = (size_t)(numbers * m) * sizeof *all;
        for (int i = 0; i < m; i++)
            weigh(v[first + (size_t)i], rank, &all[i], &all[m + i]);
        if (mine)
            memcpy(&all[2 * m], mine, bytes);
        MPI_Allreduce(MPI_IN_PLACE, all, (2 + numbers) * m, MPI_INT64_T, MPI_MIN, ranks);
        if (mine)
            memcpy(mine, &all[2 * m], bytes);
        for (int i = 0; i < m; i++) {
            verdict *of = v[first + (size_t)i];
            if (all[i] == INT64_MAX)
                continue;
            const int speaker = (int)(uint32_t)all[i];
            if (host && rank == speaker && !all[m + i])
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
    vote_each(ranks, NULL, 1, &(verdict *){&v}, 0, NULL);
    return verdict_get(&v);
}

// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/wave_note.h"

#include <stdlib.h>

enum { NANO = 1000000000 };

bool wave_note_wanted(const comm *c)
{
    return comm_largest(c, getenv("SULCUS_STATS") != NULL) != 0;
}

static double largest(const comm *c, double seconds)
{
    return (double)comm_largest(c, (int64_t)(seconds * NANO)) / NANO;
}

status wave_note_write(run *r, const wave_note *own)
{
    double idle = own->seconds - own->busy;
    int64_t sum[] = {(int64_t)(idle * NANO), own->sent, own->fetched};
    status st = OK;
    comm_sum_each(r->comm, 3, sum);
    const journal_wave line = {.units = own->units,
                               .ranks = comm_ranks(r->comm),
                               .nodes = comm_nodes(r->comm),
                               .seconds = largest(r->comm, own->seconds),
                               .idle_mean = (double)sum[0] / NANO / comm_ranks(r->comm),
                               .idle_most = largest(r->comm, idle),
                               .longest = largest(r->comm, own->longest),
                               .gap = largest(r->comm, own->gap),
                               .messages = sum[1],
                               .fetched = sum[2]};
    if (comm_rank(r->comm) == 0)
        st = journal_add_wave(r->journal, &line);
    return comm_agree(r->comm, st);
}

// SPDX-License-Identifier: Apache-2.0
// Seconds are added up as whole nanoseconds, so that one reduction of integers does for all.
#include "pipeline/run/wave_note.h"

#include <stdlib.h>

enum { NANO = 1000000000 };

bool wave_note_wanted(const comm *c)
{
    return comm_largest(c, getenv("SULCUS_STATS") != NULL) != 0;
}

static double largest_seconds(const comm *c, double seconds)
{
    return (double)comm_largest(c, (int64_t)(seconds * NANO)) / NANO;
}

status wave_note_write(const wave_note *own, const comm *c, journal *j)
{
    double idle = own->seconds - own->busy;
    int64_t sum[] = {(int64_t)(idle * NANO), own->sent, own->fetched};
    status st = OK;
    comm_sum_each(c, 3, sum);
    const journal_wave line = {.units = own->units,
                               .ranks = comm_ranks(c),
                               .nodes = comm_nodes(c),
                               .seconds = largest_seconds(c, own->seconds),
                               .idle_mean = (double)sum[0] / NANO / comm_ranks(c),
                               .idle_most = largest_seconds(c, idle),
                               .longest = largest_seconds(c, own->longest),
                               .gap = largest_seconds(c, own->gap),
                               .messages = sum[1],
                               .fetched = sum[2]};
    if (comm_rank(c) == 0)
        st = journal_add_wave(j, &line);
    return comm_agree(c, st);
}

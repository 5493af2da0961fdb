// SPDX-License-Identifier: Apache-2.0
// With teams only a team's first member claims; both cases are one struct here, so that the queue
// need not know of teams.
#include "pipeline/schedule/workers.h"

workers workers_find(comm *c, const team *t)
{
    const share *s = comm_share(c);
    if (!t)
        return (workers){comm_ranks(c), comm_position(c) - s->rank, s->ranks, s->rank};
    workers found = {team_count(t), team_first_here(t), team_count_here(t), -1};
    if (team_member(t) == 0)
        found.mine = team_index(t) - found.first;
    return found;
}

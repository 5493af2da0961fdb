// SPDX-License-Identifier: Apache-2.0
// Teams (`layers_over`; docs/design.md, Teams): ranks that run units together, each its own layers
// of a model. The members of a team are consecutive when all ranks are sorted by node; its first
// member claims units, and the others learn of them in the same stream in which blocks of hidden
// states come (pipeline/base/relay.h). So nobody waits for anybody at a unit's end: a member begins the next
// one while later members are still in it.
//
// Each member runs as many units side by side as it has threads, in lanes: a unit stays in the lane
// in which the first member runs it. A lane between two members is, for each unit: the unit, its
// blocks, its end with a status. Who
// fails says so at the end, and drops what still comes; those before it go on, but the first member
// is told, so that it claims no more of that task. Only the first member may be stopped within a
// unit, so that a unit is in the sums of all members or of none.
//
// A thread of its own moves the messages, so that they move while all others compute. It lives from
// team_begin to team_finish. Beside it and the main one, only a thread whose unit fails calls MPI.
#ifndef PIPELINE_COMM_TEAM_H
#define PIPELINE_COMM_TEAM_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/relay.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"

typedef struct team team;

enum { TEAM_BLOCKS = 8 }; // that may be under way between two members, and one a thread

// Groups the ranks of a communicator (MPI_Comm_c2f) into teams of n, by their `position`; n divides
// their number. `node` is that of this rank's node. Collective. ERR_USAGE where MPI was not started
// for several threads. Owned by the caller.
status team_new(int all, int node, int position, int n, team **out);
// Collective. NULL is a no-op.
void team_free(team *t);

// The memory shared by those ranks of this node that are the same member of their teams: they hold
// the same layers. Its `team` is the relay. Borrowed.
share *team_share(team *t);

int team_member(const team *t); // this rank's place in its team
int team_index(const team *t);  // of this rank's team, in [0, team_count)
int team_count(const team *t);
// The teams whose first member sits on this rank's node: the first, and how many.
int team_first_here(const team *t);
int team_count_here(const team *t);

// Makes ready for a list of units, run by `threads` threads here. Collective on the team, whose
// members may fail one by one. ERR_INTERNAL.
status team_begin(team *t, int threads);
// Lanes of the list: as many as the member with the fewest threads has. Local.
int team_lanes(const team *t);
// The lane's next units: the first member gives what it has claimed (*units, where there are any),
// all get it. False at the end of the list, on all members. A lane's calls, this and the next, come
// from one thread after the other; those of several lanes from several at once.
typedef struct team_units {
    int64_t place, n; // in the list; a team claims one
    int64_t stretch;  // pipeline/schedule/cuts.h
} team_units;
bool team_next(team *t, int lane, bool any, team_units *units);
// The end of a unit: tells the next member how it went here and before. Returns the first failure.
status team_unit_end(team *t, int lane, int64_t unit, status st);
// Seconds that threads have waited so far, all of them together, for other members: for a unit, its
// blocks or its end, or for room to hand a block on. Local.
double team_waited(team *t);
// On the first member: has a later one failed in a unit? Each is told once. One thread's to call.
// Local.
bool team_told(team *t, int64_t *unit);
// After the last unit: waits until all is sent. Collective on the team.
void team_finish(team *t);

#endif

// SPDX-License-Identifier: Apache-2.0
// Units that move between nodes. Each node begins with its own part of a wave's list
// (work_queue.h). A rank that takes the last unit of its node asks a node that is not known to be
// empty for more; the first rank there answers with a part of what nobody has claimed: between two
// of its units, and within one whenever that looks whether to stop. So the answer mostly comes
// while the asking rank computes, and nobody waits longer than a unit as long as there is work
// anywhere. Not for teams, whose units are claimed by their first members.
//
// Three kinds of messages: ASK (one a rank at a time), GIVE (the answer: units, or who got some
// lately), EMPTY (once a node and meeting, to the first rank of every node). A rank that has asked
// everywhere in vain is done.
#ifndef PIPELINE_SCHEDULE_STEAL_H
#define PIPELINE_SCHEDULE_STEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/comm/comm.h"
#include "pipeline/schedule/work_queue.h"

typedef struct steal steal;

// Bytes of node memory for a run on so many nodes.
size_t steal_bytes(int nodes);

// One rank's view. `block`: zeroed memory that the node's ranks share, aligned to 64 bytes. Borrows
// all three. Local. Owned by the caller.
status steal_new(comm *c, void *block, work_queue *list, steal **out);
void steal_free(steal *s); // NULL is a no-op

// Between units, and within one: answers, and takes what has come. Local.
void steal_serve(steal *s);

// After a claim: asks for more, once nothing is left on the node. Local, does not wait.
void steal_ahead(steal *s);
// When there was nothing to claim: asks. True while some may still come; then this rank should look
// again after a moment. Local, does not wait.
bool steal_ask(steal *s);

// At the end of a list, or where it is interrupted: ends what is under way. Afterwards no unit is
// between two nodes, and what has come can be claimed. Collective.
void steal_meet(steal *s);

// How many units this rank has brought to its node.
int64_t steal_fetched(const steal *s);

#endif

// SPDX-License-Identifier: Apache-2.0
// Checkpoints of a wave for which nobody stops: threads would wait for the longest unit of all ranks,
// and a team's layers would run empty, and fill again tile by tile. A cut divides the units of every
// lane into stretches: a unit belongs to the one that counts when it is claimed, and in a team the
// number travels with it to the other members. Each stretch adds to a sum of its own. When no lane of
// any rank is left in it, the sum is whole, and a thread of each rank saves it while all others go on
// in the next stretch. The next cut is called for when that is over, so that two sums are enough, in
// turns.
#ifndef PIPELINE_SCHEDULE_CUTS_H
#define PIPELINE_SCHEDULE_CUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/comm/comm.h"
#include "pipeline/schedule/checkpoint_clock.h"
#include "pipeline/schedule/stop.h"

typedef struct cuts cuts;

// Saves the stretch that is whole, and readies its sum for the one after the next. Collective; all
// ranks return the same status.
typedef status cuts_save(void *context, int64_t stretch);

typedef struct cuts_plan {
    comm *comm;
    const stop *stop;              // no cut is called for when the run must stop
    const checkpoint_clock *clock; // when one is due; read by the thread
    bool calls;                    // this rank claims units, and so calls for cuts
    int lanes;
    int64_t stretch; // the first
    cuts_save *save;
    void *context;
} cuts_plan;

// Starts the thread, which speaks for its rank in all that is collective until cuts_finish. What the
// plan points at is borrowed. `st` is how it went on this rank so far. Collective; all ranks return
// the same status, with ERR_INTERNAL of its own. Owned by the caller.
status cuts_begin(const cuts_plan *plan, status st, cuts **out);

// On a rank that claims: the lane has ended its unit, and looks for another; and has found one: returns
// the stretch that this belongs to. Any thread may call these and what follows.
void cuts_rest(cuts *c, int lane);
int64_t cuts_enter(cuts *c, int lane);
// On the other members of a team: the lane begins a unit of that stretch, having ended those before.
void cuts_follow(cuts *c, int lane, int64_t stretch);
// It begins no more.
void cuts_leave(cuts *c, int lane);
// Could a stretch not be saved? Then lanes should begin no more units.
bool cuts_failed(cuts *c);

// Waits until all lanes of all ranks have left, and frees it. *stretch is the one that is not saved;
// *ahead: there are units of the one after it too. Returns what saving returned. Collective.
status cuts_finish(cuts *c, int64_t *stretch, bool *ahead);

#endif

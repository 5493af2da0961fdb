// SPDX-License-Identifier: Apache-2.0
// Whether a run must end before its work is done: a signal, a failed unit, the end of the job's
// time. A rank that learns of it tells its node through shared memory, and the other nodes by an
// alarm; all then come to the vote.
#ifndef PIPELINE_SCHEDULE_STOP_H
#define PIPELINE_SCHEDULE_STOP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "pipeline/comm/comm.h"

typedef struct stop stop;

// Tells the program where its signal handlers shall note that the run must stop, and that it has
// only a second for it; NULL: nowhere any more.
typedef void stop_watch(atomic_bool *stopping, atomic_bool *hurry);

// Borrows the communicator. Collective on the node. Owned by the caller.
status stop_new(comm *c, stop_watch *watch, stop **out);
void stop_free(stop *s); // collective on the node; NULL is a no-op

// The node's flag, for those who only look at it (task_stopping, the lease). Borrowed.
const atomic_bool *stop_flag(const stop *s);
// All ranks count the job's time from here on, as rank 0's clock has it: nodes' clocks may be hours
// apart. False where it is over by that clock, which then must be wrong, since the job runs: it is
// not looked at. Collective.
bool stop_share_deadline(stop *s);

// Asks this node to stop. Local.
void stop_ask(stop *s);
// Has this node been asked, or is there no time left for a unit of `unit` seconds and a checkpoint
// of `writing`? Then the whole node knows. Any thread may ask. Local.
bool stop_near(stop *s, double unit, double writing);
// Tells the other nodes where this one has been asked, and hears it of them: has any? Local.
bool stop_look(stop *s);
// Has any node been asked, by now, or is the time over? Between waves. Collective.
bool stop_anywhere(stop *s, double writing);
// Must this rank's node end within a second? Local.
bool stop_hurries(const stop *s);
// A meeting inside a wave: has any node been asked? Then all are. Whether anything is due on any
// rank is told with it, and the sum over all ranks of each of n numbers, at most STOP_NUMBERS.
// Alarms still under way are taken in. Collective.
enum { STOP_NUMBERS = 4 };
bool stop_meet(stop *s, bool *due, int n, int64_t *numbers);

#endif

// SPDX-License-Identifier: Apache-2.0
// Which nodes answer, asked while nothing moves. The first rank of each node keeps one, for a thread
// of its own: that of the first node asks all others, they ask the first.
#ifndef PIPELINE_SCHEDULE_ROLL_CALL_H
#define PIPELINE_SCHEDULE_ROLL_CALL_H

#include "pipeline/comm/comm.h"

typedef struct roll_call roll_call;

// *out is NULL where there is one node, and where MPI lets no second thread call it; else owned by
// the caller. Borrows the communicator. Local; a vote must follow.
status roll_call_new(comm *c, roll_call **out);
// Takes what is still under way, when no thread calls any more. NULL is a no-op. Collective.
void roll_call_finish(roll_call *r);
// When it has finished, or before anything was called. NULL is a no-op. Local.
void roll_call_free(roll_call *r);

// What follows is called by one thread, on the first rank of a node (elsewhere it does nothing). It
// waits for nobody.
//
// Answers who has asked, takes the answers that have come.
void roll_call_serve(roll_call *r);
// Asks those of whom no answer is awaited yet.
void roll_call_ask(roll_call *r);
// A line on stderr for each node that was asked at least `seconds` ago and has not answered.
void roll_call_say(const roll_call *r, double seconds);

#endif

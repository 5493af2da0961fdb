// SPDX-License-Identifier: Apache-2.0
// When the next checkpoint is due. What one costs is counted once all ranks have met, and the next
// time comes when the sum is below 2% of the run's time. What ranks wait for the last unit to end is
// not counted: it would stretch the interval, and so what a kill loses, to minutes.
#ifndef PIPELINE_SCHEDULE_CHECKPOINT_CLOCK_H
#define PIPELINE_SCHEDULE_CHECKPOINT_CLOCK_H

#include <stdbool.h>

#include "pipeline/comm/comm.h"

// Seconds of progress_clock. The costs are the same on all ranks, the rest is each rank's own.
typedef struct checkpoint_clock {
    double every;         // `checkpoint:`
    double began, last;   // the work; the last checkpoint
    double spent;         // on all so far, a rank's mean
    _Atomic double wrote; // the last one's writing alone; any thread may look at it
} checkpoint_clock;

// Starts it, when work begins. Local.
void checkpoint_clock_start(checkpoint_clock *k, double every);
// Is it time to meet, by this rank's clock? A few nanoseconds. Local.
bool checkpoint_clock_due(const checkpoint_clock *k);
// The same between waves, where the beginning of a round is a small file, and often the end of
// little work: it may be written more often. Local.
bool checkpoint_clock_round_due(const checkpoint_clock *k);
// Seconds until checkpoint_clock_due. Local.
double checkpoint_clock_next(const checkpoint_clock *k);
// Is there time to write, when the run must end within a second on some rank (`hurry`: on this
// one)? Collective.
bool checkpoint_clock_allows(const checkpoint_clock *k, const comm *c, bool hurry);
// Counts a checkpoint for which this rank came at `since`, and whose file took it `wrote` seconds.
// Collective.
void checkpoint_clock_count(checkpoint_clock *k, const comm *c, double since, double wrote);

#endif

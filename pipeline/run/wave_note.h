// SPDX-License-Identifier: Apache-2.0
// What is told of a wave: how far it has come; and at its end how well the ranks were kept busy, a
// line of the journal that is written where the environment variable SULCUS_STATS is set, for tests
// and benchmarks.
#ifndef PIPELINE_RUN_WAVE_NOTE_H
#define PIPELINE_RUN_WAVE_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "pipeline/comm/comm.h"
#include "pipeline/run/wave_units.h"
#include "pipeline/store/journal.h"

// What one rank knows of a wave.
typedef struct wave_note {
    int64_t units;         // of all ranks
    double seconds, busy;  // from the first unit to the meeting of all ranks; in units
    double longest, gap;   // unit; time without one
    double waiting;        // share of all ranks' threads' time without work
    int64_t sent, fetched; // messages to other nodes; units that it brought from them
} wave_note;

// Does the run want notes? Collective.
bool wave_note_wanted(const comm *c);
// Adds up the ranks' notes and writes the line to rank 0's journal: mean and largest idle time of a
// rank, the longest unit and time without one, messages, units that changed their node. Collective.
// ERR_IO.
status wave_note_write(const wave_note *own, const comm *c, journal *j);

// Asks the stage what the round is about, and how many units it foresees in all. Rank 0. Local.
void wave_note_begin(wave_part *part);

// Adds a finished task to what its step's tasks take, for the time to the end. Rank 0. Local.
void wave_note_finished(run *r, const task *t, double busy, int ranks, double alone);

// Rank 0 speaks for all: what its node has done of the node's share, scaled to the whole, for who
// watches and now and then for the journal. With the run's lock held. Local.
void wave_note_progress(run *r, const wave_units *l, double started);

#endif

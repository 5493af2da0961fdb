// SPDX-License-Identifier: Apache-2.0
// Says where each rank is when nothing moves. Ranks note what they begin in memory that those of a
// node share; a thread of each rank looks at the notes of all of them. When none has changed for a
// while, one of these threads prints a line a rank of its node on stderr; again when twice, four
// times as much has passed. Then the first node says which others do not answer, and they whether
// it does (pipeline/schedule/roll_call.h). Nothing is ended: what a person does about a rank that
// hangs, or a filesystem that does, is theirs to decide.
#ifndef PIPELINE_SCHEDULE_WATCHDOG_H
#define PIPELINE_SCHEDULE_WATCHDOG_H

#include "pipeline/comm/comm.h"
#include "pipeline/dag/dag.h"

typedef struct watchdog watchdog;

typedef enum doing {
    DOING_WAIT,  // for the other ranks
    DOING_OPEN,  // a task, with what it needs
    DOING_UNIT,  // one of a task's
    DOING_SAVE,  // a checkpoint
    DOING_WRITE, // a task's artefact
} doing;

// `seconds` without a note from any rank of the node make an alarm, or ten times the longest unit
// that they have ended, if that is more. Borrows communicator and DAG until watchdog_free. *out is
// owned by the caller. Collective; all ranks return the same status.
status watchdog_new(comm *c, const dag *d, double seconds, watchdog **out);
// NULL is a no-op. Collective.
void watchdog_free(watchdog *w);

// This rank begins something: `task` (NULL: none in particular), and of DOING_UNIT its number. NULL
// is a no-op. Local; a few nanoseconds.
void watchdog_note(watchdog *w, doing what, const task *t, int64_t unit);

#endif

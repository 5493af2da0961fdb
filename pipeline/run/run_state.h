// SPDX-License-Identifier: Apache-2.0
// What the parts of a run share (run, settle, active, wave, resource_use): plain data. But for what
// is marked "rank 0", it is the same on all ranks, so that all decide alike without asking.
#ifndef PIPELINE_RUN_RUN_STATE_H
#define PIPELINE_RUN_RUN_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/progress.h"
#include "pipeline/comm/comm.h"
#include "pipeline/comm/machines.h"
#include "pipeline/dag/dag.h"
#include "pipeline/dag/task.h"
#include "pipeline/run/run.h"
#include "pipeline/run/watchdog.h"
#include "pipeline/store/inputs.h"
#include "pipeline/store/journal.h"
#include "pipeline/store/lease.h"
#include "pipeline/store/store.h"

typedef enum task_state {
    STATE_WAITING, // for its inputs, or for a place among the active
    STATE_READY,   // must run, and its inputs are there
    STATE_ACTIVE,  // opened on all ranks; between or in rounds
    STATE_DONE,    // committed by this run
    STATE_SKIPPED, // committed before, under the same key
    STATE_FAILED,
    STATE_BLOCKED, // an input failed
    STATE_LEFT_OUT // by --from or --only
} task_state;

struct active;

// The run's record of a task: task->run.
typedef struct task_run {
    task *task;
    task_state state;
    struct active *active; // of STATE_ACTIVE, owned
    stored stored;         // of STATE_DONE and STATE_SKIPPED
    size_t users;          // tasks that may still read its artefact
} task_run;

// What a node's ranks tell each other across tasks, in its shared memory.
typedef struct run_flags {
    atomic_bool stopping; // the run ends as soon as it can
    atomic_bool hurry;    // and within a second
    atomic_bool told;     // and the other nodes know
} run_flags;

// The clock of checkpoints (saving.h): seconds of progress_clock. The costs are the same on all
// ranks, the rest is each rank's own.
typedef struct saving {
    double every;       // `checkpoint:`
    double began, last; // the work; the last checkpoint
    double spent;       // on all so far, a rank's mean
    double wrote;       // the last one's writing alone
} saving;

typedef struct run {
    comm *comm;
    pipeline_file *file;
    dag *dag;
    const run_options *options;
    task_run *tasks;         // one for each of dag->tasks; owned
    size_t *resource_users;  // for each of file->resources: tasks that may still need it; owned
    size_t n_active, opened; // active now; so far
    task_runtime runtime;
    run_flags *flags;          // this node's
    bool stop_on_error, notes; // notes: wave_note.h
    int64_t epoch;
    double memory;   // bytes of a node that sums may take
    verdict failure; // the first of the run
    bool stopped;    // it was interrupted
    double deadline; // of the job (deadline.h); 0: none
    char cpus[MACHINES_CPUS];
    watchdog *watchdog; // owned; NULL before work begins
    char lease_id[LEASE_ID];
    saving saving;

    // rank 0
    lease *lease;
    journal *journal;
    journal_state *known; // the journal as it was at the start
    inputs *inputs;
    progress *progress;
} run;

#endif

// SPDX-License-Identifier: Apache-2.0
// What the steps of a task's life share (readiness, task_open, task_decide, task_commit, task_end,
// wave, checkpoint): plain data. But for what is marked "rank 0", it is the same on all ranks, so
// that all decide alike without asking.
#ifndef PIPELINE_RUN_RUN_STATE_H
#define PIPELINE_RUN_RUN_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/text.h"
#include "pipeline/comm/comm.h"
#include "pipeline/comm/machines.h"
#include "pipeline/dag/dag.h"
#include "pipeline/machine/memory_limit.h"
#include "pipeline/run/resource_use.h"
#include "pipeline/run/run_records.h"
#include "pipeline/schedule/checkpoint_clock.h"
#include "pipeline/schedule/stop.h"
#include "pipeline/schedule/watchdog.h"
#include "pipeline/store/store.h"

// Where a task is in its life. It only ever moves down this list, but for the way back from SUMMED
// to IN_ROUND, when its owner decides on another round.
typedef enum task_phase {
    PHASE_WAITING,  // for its inputs
    PHASE_READY,    // must run, and its inputs are there; waits for a place among the running
    PHASE_OPENED,   // opened on all ranks: its owner has to decide on the first round
    PHASE_IN_ROUND, // units of its round are left, or not yet summed up
    PHASE_SUMMED,   // the round's sum is on the owner's node: the owner has to decide what follows
    PHASE_DECIDED,  // the owner has stored the artefact: the journal has to say so
    PHASE_COMMITTED,
    PHASE_SKIPPED, // committed by an earlier run, under the same key
    PHASE_FAILED,
    PHASE_BLOCKED, // an input failed
    PHASE_LEFT_OUT // by --from or --only
} task_phase;

struct running_task;
typedef struct running_places running_places;

// The run's record of a task: task->run.
typedef struct task_run {
    task *task;
    task_phase phase;
    struct running_task *running; // from OPENED to DECIDED: its place; NULL else
    stored stored;                // of COMMITTED and SKIPPED
    size_t users;                 // tasks that may still read its artefact
} task_run;

// What this rank is at, for the watchdog: a checkpoint may be written beside units.
typedef struct rank_doing {
    int units; // that run now
    const task *task;
    int64_t unit; // the one begun last, of that task
    bool saving;
} rank_doing;

// What the finished tasks of a step took together, each as if it had had the machine to itself.
typedef struct step_time {
    double seconds;
    size_t n;
} step_time;

typedef struct run {
    comm *comm;
    pipeline_file *file;
    dag *dag;
    const char *command;        // the command line
    task_run *tasks;            // one for each of dag->tasks; owned
    running_places *places;     // owned
    size_t n_running, n_opened; // now; so far
    task_runtime runtime;
    resource_use *resources;
    stop *stop;
    checkpoint_clock clock;
    // While units run: of tasks' verdicts and costs, of the journal, and of what follows.
    pthread_mutex_t lock;
    rank_doing doing;
    watchdog *watchdog; // NULL before work begins
    text device_name;   // "" where none
    void *device;       // what computes beside this rank's CPUs, as the registry found it; owned
    bool stop_on_error, wants_notes; // wants_notes: wave_note.h
    double memory;                   // bytes of a node that may be used
    memory_limit limit;              // what the node has that has least
    verdict failure;                 // the first of a task
    verdict ending; // why the run ends before its work is done: interrupted, or its folder is lost
    bool interrupted; // by a signal, the end of the job's time, or the first failure
    int64_t moves;    // of tasks from phase to phase, so far
    // Who writes: what artefacts, checkpoints and the journal say of this run.
    int64_t epoch;
    char lease_id[LEASE_ID];
    char cpus[MACHINES_CPUS];
    run_records records; // rank 0
    step_time *times;    // rank 0: of each step of the file; owned; NULL: nothing is known
} run;

// Notes for the watchdog what is in r->doing. With the lock held. Local.
void run_note(run *r);
// Asked before anything is written into the output folder: does this run hold it still? The context
// is the run. Local.
status run_may_write(void *context);
// Has something happened after which no further task may begin?
bool run_must_end(const run *r);

#endif

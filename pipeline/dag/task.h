// SPDX-License-Identifier: Apache-2.0
// A task as the engine sees it (stages see it through stage.h): one point of a step. Made by dag.c;
// the runtime fills the fields of the last part.
#ifndef PIPELINE_DAG_TASK_H
#define PIPELINE_DAG_TASK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/key_field.h"
#include "pipeline/dag/pipeline_file.h"
#include "pipeline/stage.h"

// An axis still swept at a task, and its value there.
typedef struct task_axis {
    const char *name;
    const char *value;     // as typed
    const char *canonical; // numbers normalised: what values are matched by
    const param_def *def;  // of the parameter that was swept
} task_axis;

// What a resource parameter of a task refers to: given by the step, or its upstream's. There is one
// for every resource parameter of the stage's table that has a value, and one for every inherited
// resource (def->parameter) besides.
typedef struct task_reference {
    const char *parameter;  // "model"
    bool inherited;         // from upstream
    bool taken;             // in the stage's table, or it `takes` it: opened for it, in its key
    size_t n;               // 1, or the length of a PARAM_RESOURCES
    resource_entry **entry; // borrowed from the pipeline file
} task_reference;

// What all tasks of a process share while a run is on.
typedef struct task_runtime {
    pool *pool;
    const atomic_bool *stopping;
    pthread_t engine; // the thread that calls units, which is the one that may use MPI
    // What it does in the midst of a unit, whenever the unit asks whether to stop; or NULL.
    void (*meanwhile)(void *context);
    void *context;
} task_runtime;

struct task {
    size_t index;           // in dag->tasks: topological, upstream first
    const char *label;      // "unlearn[drop=0.5]"
    const step *step;       // its name, stage, place
    const stage_def *stage; // = step->stage
    pipeline_file *file;    // borrowed
    const params *params;   // the stage's table: values of this point
    const task_axis *axes;  // in label order
    size_t n_axes;
    task **inputs; // upstream tasks in the order of `from`
    size_t n_inputs;
    const task_reference *references;
    size_t n_references;
    const char *artefact_path; // OUTPUT/STEP/NAME.nc, absolute; percent-encoded
    const char *artefact_name; // "STEP/NAME.nc": the same below OUTPUT
    arena *memory;             // the dag's, for key fields

    bool selected; // by --from and --only; true without them
    bool forced;   // by --force: run again though finished

    key_fields fields;
    char key[DIGEST_HEX]; // "" while pending (key.h)

    // The store and the runtime:
    char digest[DIGEST_HEX];     // of its committed artefact; "" while there is none under its key
    artefact *artefact;          // committed and open for reading by downstream tasks, or NULL
    const task_runtime *runtime; // NULL outside a run
    void *run;                   // the scheduler's own record
};

// The reference of a parameter, or NULL. Borrowed.
const task_reference *task_find_reference(const task *t, const char *parameter);

#endif

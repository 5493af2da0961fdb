// SPDX-License-Identifier: Apache-2.0
// What the engine knows of a stage, and of the things a pipeline file names (models, datasets):
// const descriptors.
//
// A stage is a map over units and a sum. A task goes through rounds. Between two rounds its whole
// state is a vector of int64, so that a round can begin on any number of ranks, and again after a
// kill. In a round, any rank computes any unit and adds to its partial; when all units of the round
// are in, one rank (the task's owner) sees the sum and decides on the next round's vector, or ends;
// then it describes the artefact.
#ifndef PIPELINE_STAGE_H
#define PIPELINE_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/file.h"
#include "pipeline/base/partial.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"
#include "pipeline/base/version.h"
#include "pipeline/config/params.h"
#include "pipeline/report.h"
#include "pipeline/store/artefact.h"

// One point of a step: parameters, inputs, resources. Given by the engine, borrowed by the stage.
typedef struct task task;

const char *task_label(const task *t); // "unlearn[drop=0.5]", the WHERE of its messages
const params *task_params(const task *t);
// The opened resource named by the parameter ("model", "data"): the object of its resource_def.
// With an index for PARAM_RESOURCES; 0 otherwise. A step that does not give the parameter itself
// has its upstream's value.
void *task_resource(const task *t, const char *param, size_t i);
const char *task_resource_name(const task *t, const char *param, size_t i);
// Upstream tasks in the order of `from`: their stage's name, their label, their parameters, and
// their artefact. The artefact is NULL in `check` and `estimate`.
size_t task_inputs(const task *t);
const char *task_input_stage(const task *t, size_t i);
const char *task_input_label(const task *t, size_t i);
const params *task_input_params(const task *t, size_t i);
const task *task_upstream(const task *t, size_t i); // that task itself: what it is from in turn
const artefact *task_input(const task *t, size_t i);
// A pipeline-level parameter table value ("compute").
const params *task_pipeline(const task *t);
pool *task_pool(const task *t);
// True once the run must stop soon: a unit that sees it may return ERR_INTERRUPTED at once, having
// added nothing. Checked between layers and k-means iterations, in threads of the pool and in the
// one that calls the unit; in that one the engine meanwhile answers nodes that ask for work, so
// that a unit of a second should ask many times.
bool task_stopping(const task *t);

// Where a stage may leave a folder of its own called `name`, below task_output: "STEP/TASK.KEY/NAME",
// so that it is no other task's, and by the key of no other values of this one. Not made. NULL when
// out of memory; owned by the caller.
char *task_folder(const task *t, const char *name);
const char *task_output(const task *t); // OUTPUT, absolute

// A round's vector.
typedef struct round_state {
    int64_t *values; // owned
    size_t length, capacity;
} round_state;

// Appends n zeros; NULL when out of memory, else their place (valid until the next call).
int64_t *round_extend(round_state *r, size_t n);

// What follows from a round's vector, on every rank: how many units, and the partial they add to.
typedef struct round_plan {
    int64_t units;
    partial_shape shape;
} round_plan;

// For `sulcus plan`, without reading weights or samples: how much work a task is likely to be.
typedef struct estimate {
    int64_t units;       // over all rounds, as far as they can be known
    double operations;   // what `cost` adds up to; 0: not known
    double memory_bytes; // a rank's peak beside what follows
    double shared_bytes; // the models it opens, which the ranks of a node hold once
    double disk_bytes;   // of the artefact
} estimate;

// A stage's look at what a task would read. On failure `parameter` and `index` say which resource it
// is about; NULL: the step.
struct text;
typedef struct stage_look {
    struct text *notes; // lines, each of what a user should know ("datasets/d: ...")
    const char *parameter;
    size_t index;
} stage_look;

typedef struct stage_def {
    const char *name;
    int version;         // raise it when the same parameters give other results: it is in the key
    const char *changed; // what the version changed, for `explain`; NULL: not said
    const char *summary; // one line, for `sulcus describe`
    const param_def *params;
    const char *inputs; // stages it may be `from`, "collect|score"; NULL: takes none
    bool inputs_required;
    // With `layers_over`: all members of a team compute a unit, each its own layers' part of it,
    // and add what is theirs. Else any rank computes it alone.
    bool in_teams;
    // Its tasks take of resources what is there where they are opened light (below): no weights.
    bool light;

    // Checks what the table cannot (two parameters that exclude each other, kinds of inputs).
    // Before any work. Optional.
    status (*check)(const task *t);
    // Does a task of these parameters and inputs use the resource that its inputs hand on and its
    // table does not name ("model")? It is opened for it then, and in its key. Optional: no.
    bool (*takes)(const task *t, const char *parameter);
    status (*estimate)(const task *t, estimate *out); // optional
    // For `sulcus plan`: checks what needs the resources, opened light, and not the inputs: names of
    // subsets, kinds of data. Also of those that the task only hands on (NULL where there are none).
    // ERR_USAGE. Optional.
    status (*foresee)(const task *t);

    // Before any work, with resources that were opened for a look (resource_depth): does the task's
    // model go with its data, and how are they read? Optional. Local.
    status (*look)(const task *t, stage_look *found);
    // Every rank, before `open`: makes once what the ranks of a node then read. Collective on the
    // share; nothing that may fail on one rank alone stands before its first vote. Optional.
    status (*prepare)(const task *t, share *s);
    // Every rank, before the first round or on resume: reads inputs and derives sizes. Local.
    status (*open)(const task *t, void **state);
    // The owner only: given the vector of the finished round and its sum (both NULL before the
    // first round), fills `next`; or sets *done, and then `next` is ignored and the finished
    // round's vector and sum go to `finish`. A pure function of its arguments. A stage without
    // `next` has no rounds: no units, straight to `finish`.
    status (*next)(void *state, const round_state *finished, const partial *sum, round_state *next,
                   bool *done);
    // Every rank: a pure function of the vector. May also prepare what the round's units share
    // (thread-safe after it).
    status (*plan)(void *state, const round_state *round, round_plan *out);
    // Operations of a unit (about 1e9 to 1e11), the same on every rank. Optional: all units alike.
    double (*cost)(void *state, const round_state *round, int64_t unit);
    // A few words on where the round stands, for who watches: "12 probes, 3 of 20 targets reached".
    // On one rank, before the round's units. Optional.
    void (*tell)(void *state, const round_state *round, char *out, size_t size);
    // Units that are likely to follow in later rounds, by what is known now; negative: as many as
    // `estimate` foresaw. For the time left: on one rank, before the round's units. Optional.
    int64_t (*ahead)(void *state, const round_state *round);
    // Computes a unit, and adds to `sum` only when nothing can fail any more: on any status but OK
    // nothing was added. Several units of a task run side by side, each on a thread of the task's
    // pool; `lane` in [0, pool_threads) is this one's alone meanwhile: an index for its scratch.
    // Loops of the pool inside it have the help of threads that are at rest. Local (or the team's,
    // with layers_over: each lane with that of the other members).
    status (*unit)(void *state, const round_state *round, int64_t unit, int lane, partial *sum);
    // In place of `unit`, for what is faster many units at a time, as passes on a device are: how
    // many one call may compute in which `unit` stands behind the unit before it (1: it begins a
    // call), and units [first, first + n) computed as so many calls of `unit` would. The first is
    // asked from any thread, and always says the same; not in teams, where n is 1.
    int64_t (*together)(void *state, const round_state *round, int64_t unit);
    status (*units)(void *state, const round_state *round, int64_t first, int64_t n, int lane,
                    partial *sum);
    // The owner only: describes the artefact. `finished` and `sum` are NULL for a stage without
    // rounds.
    status (*finish)(void *state, const round_state *finished, const partial *sum,
                     artefact_writer *w);
    void (*close)(void *state);

    stage_figure figure; // what the report draws of the artefact. Optional
} stage_def;

// What a resource takes of a node's memory where a team shares it out.
typedef struct part_need {
    int most;      // members that it can be shared out to
    double shared; // bytes of a member's part: once a node
    double own;    // bytes that each rank that works with it needs beside
    // On a device, where one computes: bytes that it must have free for the part, those of the part
    // itself, and of what passes work in beside it, at least and at most.
    double device_free, device, batch_least, batch_most;
} part_need;

// How much of a resource is opened.
typedef enum resource_depth {
    RESOURCE_WHOLE,   // for a run
    RESOURCE_LIGHT,   // what `estimate` and `inspect` need: no weights
    RESOURCE_FIRST,   // what finds a wrong input in an instant: headers and first records
    RESOURCE_RECORDS, // as light, and every record is looked at
} resource_depth;

// A kind of thing a pipeline file names and steps share.
typedef struct resource_def {
    const char *section;   // "models"
    const char *parameter; // "model": how a step refers to one
    const char *summary;
    const param_def *params;
    status (*check)(const params *p); // optional
    // Files whose bytes decide what it is, for the key. Local; needs no MPI.
    status (*files)(const params *p, file_list *out);
    // Opens it. Collective on the share's node.
    status (*open)(const params *p, const params *pipeline, share *s, resource_depth depth,
                   void **object);
    void (*close)(void *object);
    // Where teams share it out (the share's `team`): what member `part` of a team of `parts` needs,
    // with `threads` threads. `object` may be light. Optional. Local.
    part_need (*part)(const void *object, int part, int parts, int threads);
    // What the user should know of it, a line each: `plan` and the beginning of a run say so. Of any
    // depth. Optional; borrowed. Local.
    const char *(*notes)(const void *object);
    // Adds what it can say of dimensions that an artefact has (artefact_coordinate): what layers are
    // called. On the owner, once the stage has described the rest. Optional. Local.
    status (*coordinates)(const void *object, artefact_writer *w);
} resource_def;

// A way to say what a path holds, for `sulcus inspect`. Returns false in *known when the path is of
// another kind.
typedef struct inspect_def {
    const char *what;
    status (*inspect)(const char *path, bool *known); // prints to stdout
} inspect_def;

// A check of a library on this machine, for `sulcus doctor`: adds what it found to the text. On
// failure its line says what mends it. Local.
typedef struct check_def {
    const char *what;
    status (*check)(struct text *found);
} check_def;

// The report: reads the committed artefacts of a pipeline and writes OUTPUT/report.
struct report_input;
typedef status report_fn(const struct report_input *in);

// The export: writes a model without the neurons of a pruning.
struct export_input;
typedef status export_fn(const struct export_input *in);

// All that the program joins. Tables end with NULL.
typedef struct registry {
    const stage_def *const *stages;
    const resource_def *const *resources;
    const inspect_def *const *inspectors;
    report_fn *report;
    export_fn *export;                   // NULL: there is none
    const check_def *const *checks;      // NULL: none
    const version_def *const *libraries; // beside the engine's; NULL: none
    const version_def *const *kernels;   // which of them this CPU runs; NULL: none
    // Finds what computes this rank's units beside its CPUs, as the pipeline's `device` says: adds its
    // name to `name`, nothing where it is the CPUs alone, and to `note` what a user should know. The
    // rank is number `place` of the run's on its machine. *id is a number that no other
    // device has. *found is what the share of its resources says (`device`): owned by the caller, for
    // free(). Local. NULL: never anything.
    status (*device)(const struct params *pipeline, int place, struct text *name, struct text *note,
                     uint64_t *id, void **found);
    // Then: so many ranks have found the same, this one among them. Local.
    void (*device_share)(void *found, int ranks);
    // For plans: adds the name of the device that this process would have, and bytes of its memory
    // that are free; in `note` why it has none. Local. NULL: there never is one.
    status (*device_memory)(struct text *name, double *bytes, struct text *note);
} registry;

#endif

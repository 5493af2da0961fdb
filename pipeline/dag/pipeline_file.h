// SPDX-License-Identifier: Apache-2.0
// A pipeline file, parsed and checked as far as it can be without expanding sweeps (dag.h does
// that): the pipeline-level parameters, the entries of the resource sections, and the steps with
// their stage and `from`. Pure: no MPI, no NetCDF.
#ifndef PIPELINE_DAG_PIPELINE_FILE_H
#define PIPELINE_DAG_PIPELINE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/key_field.h"
#include "pipeline/base/names.h"
#include "pipeline/base/status.h"
#include "pipeline/config/yaml_tree.h"
#include "pipeline/stage.h"

// An entry of a resource section ("models: trained"). Tasks refer to it; it is opened once for all
// of them.
typedef struct resource_entry {
    const char *name;
    location at;
    const resource_def *def;
    const params *params;
    key_fields key; // what of it is in the keys of tasks; filled by key.c when first needed
    bool key_known;
    void *object; // opened by the runtime, which closes it too; NULL otherwise
} resource_entry;

// One entry of a step's `from`: "scores" or "scores[model=trained]".
typedef struct step_input {
    size_t step; // index into the pipeline's steps
    location at;
    size_t n_selected;
    const char **axis, **value; // selected axes, values as typed
} step_input;

typedef struct step {
    const char *name;
    location at;
    const stage_def *stage;
    const node *node; // its mapping
    step_input *inputs;
    size_t n_inputs;
} step;

typedef struct pipeline_file {
    const char *path;   // as given
    const char *folder; // of the file, absolute
    const char *here;   // the current folder, from which paths in overrides start
    const char *text;   // the source, unchanged
    size_t text_size;
    const node *root;             // the tree of it, with the overrides in it
    const char *effective;        // that as text (effective.h), once the DAG is built
    const char *const *overrides; // as given: "key.path=value"
    size_t n_overrides;
    const registry *registry;
    const params *globals;     // pipeline, output, compute, threads, …
    const char *name;          // of the pipeline
    const char *output;        // absolute
    resource_entry *resources; // all sections, in file order
    size_t n_resources;
    step *steps; // in file order
    size_t n_steps;
    names step_index;     // name -> index in steps
    names resource_index; // "section/name" -> index in resources
    arena memory;         // owns everything above but the registry
} pipeline_file;

// Pipeline-level parameters, and those the engine itself takes in a step (`stage`, `from`). Static;
// ended by a NULL name.
extern const param_def pipeline_params[];
extern const param_def step_params[];

// Reads and checks a file; or checks text already read (by rank 0, say). Copies path, text and
// overrides; borrows the registry. ERR_USAGE with the place; ERR_INTERNAL out of memory. Local.
status pipeline_file_open(const char *path, const char *const *overrides, size_t n_overrides,
                          const registry *r, pipeline_file **out);
status pipeline_file_parse(const char *path, const char *bytes, size_t n,
                           const char *const *overrides, size_t n_overrides, const registry *r,
                           pipeline_file **out);
// Frees it. Resources must be closed before.
void pipeline_file_free(pipeline_file *f);

// The index of a step. ERR_USAGE at the place, with the nearest name.
status pipeline_file_find_step(const pipeline_file *f, const char *name, location at, size_t *out);

// The entry of that name in a section, or NULL. Borrowed.
resource_entry *pipeline_file_resource(const pipeline_file *f, const char *section,
                                       const char *name);

#endif

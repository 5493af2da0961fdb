// SPDX-License-Identifier: Apache-2.0
// The commands that look and do not compute. None calls MPI; all print to `out` and are local.
#ifndef PIPELINE_COMMANDS_VIEWS_H
#define PIPELINE_COMMANDS_VIEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "pipeline/base/status.h"
#include "pipeline/dag/dag_select.h"
#include "pipeline/stage.h"

// A pipeline file, its overrides and what is selected of it, as given on the command line. Borrowed.
typedef struct view_source {
    const char *path;
    const char *const *overrides;
    size_t n_overrides;
    dag_selection selection;
    const registry *registry;
} view_source;

// `sulcus plan`: every task, run or done and why, its units, memory, disk and time: measured, or as
// forecast.h expects them. What a run would open is looked at; with `records`, every record, as far
// as that is cheap. All that is wrong goes to stderr, a line each, and the first's status is
// returned without a line. With `dot`, the graph for Graphviz, coloured by state, the points of a
// step together.
status view_plan(const view_source *v, bool dot, bool records, FILE *out);

// `sulcus status`: each task's state, units, rate and time left from the journal alone; says when a
// run that has not ended gave no sign of life for long.
status view_status(const view_source *v, bool json, FILE *out);

// `sulcus explain`: which fields of the task's key changed since its last commit, old and new
// value.
status view_explain(const view_source *v, const char *label, FILE *out);

// `sulcus report`: hands the committed artefacts to the registry's report. `columns` is "1" or "2",
// `dpi` a number from 36 to 2400; NULL: as the report has it. ERR_USAGE when they are something
// else.
status view_report(const view_source *v, const char *columns, const char *dpi, FILE *out);

// `sulcus inspect`: what an artefact holds; else what one of the registry's inspectors knows of the
// path. ERR_INPUT when nobody does.
status view_inspect(const registry *r, const char *path, FILE *out);

// `sulcus export`: writes the model of a pruning without the pruned neurons to `folder`. `path` is an
// artefact in its run's output folder (with `forget`, that subset's to `folder` itself, else all to
// FOLDER/SUBSET), or an output folder: all its prunings, to FOLDER/STEP/NAME/SUBSET. `model`: where
// it is now; NULL: where it was. Its files' digests must be those of the run. ERR_USAGE, ERR_INPUT,
// ERR_IO.
status view_export(const registry *r, const char *path, const char *forget, const char *model,
                   const char *folder, FILE *out);

// `sulcus gc`: what lies in the pipeline's output folder and no pipeline file refers to: artefacts of
// other values and names, kept ones, checkpoints. With `remove_them`, holding the lease, removes it.
// ERR_INTERRUPTED while a run holds the folder; ERR_IO.
status view_gc(const view_source *v, bool remove_them, FILE *out);

// `sulcus fsck`: compares every committed artefact below an output folder with its digests, and
// moves those that fail to OUTPUT/quarantine/, so that the next run makes them again; with
// `inputs`, takes the digest of every input file anew and names those that changed. ERR_INPUT when
// something failed.
status view_fsck(const char *output, bool inputs, FILE *out);

#endif

// SPDX-License-Identifier: Apache-2.0
// The commands that give results into people's hands: as rows, the first of a ranking, two runs side
// by side. None calls MPI; all print to `out` and are local.
#ifndef PIPELINE_RESULTS_RESULTS_H
#define PIPELINE_RESULTS_RESULTS_H

#include <stdbool.h>
#include <stdio.h>

#include "pipeline/base/status.h"

// `sulcus table`: a row for every number of an artefact, or of all that a run has committed, with the
// task's axes, where it stands and its interval. `only`: this variable; NULL: all. ERR_INPUT.
status results_table(const char *path, const char *only, bool csv, FILE *out);

// `sulcus top`: of an artefact of scores, the `n` neurons of each site that are most specific to a
// subset, and to which other subsets each of them is among the top 1%. ERR_INPUT: no scores in it;
// ERR_USAGE: no such subset, or `n` is no number above 0. NULL `n`: 20.
status results_top(const char *path, const char *subset, const char *n, bool csv, FILE *out);

// `sulcus compare`: which numbers differ between two artefacts, or two runs task by task, by how
// much, and whether each lies outside the other's interval. ERR_INPUT.
status results_compare(const char *a, const char *b, bool csv, FILE *out);

#endif

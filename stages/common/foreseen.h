// SPDX-License-Identifier: Apache-2.0
// What is said before work begins.
#ifndef STAGES_COMMON_FORESEEN_H
#define STAGES_COMMON_FORESEEN_H

#include "pipeline/stage.h"

// Does the path of a model or a dataset lead to something? ERR_INPUT: to nothing (a hub's name is
// told), or to a folder of a hub's cache. Local.
status foreseen_path(const char *path);

// Are the names in a list subsets of the task's dataset, which may be its inputs' only? Where there is
// none yet: yes. ERR_USAGE at the parameter. For a stage's `foresee`.
status foreseen_subsets(const task *t, const char *param);

// Of the same dataset, how many there are; 0: there is none yet.
int foreseen_subset_count(const task *t);

#endif

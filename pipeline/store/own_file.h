// SPDX-License-Identifier: Apache-2.0
// What lies where a run's own files in the output folder should be.
#ifndef PIPELINE_STORE_OWN_FILE_H
#define PIPELINE_STORE_OWN_FILE_H

#include <stdbool.h>

#include "pipeline/base/status.h"

// ERR_IO where something is at `path` that no run has put there: a named pipe, a device, a folder,
// a link to nothing. Local.
status own_file_check(const char *path);

// Where the task of an artefact may leave a folder of its own, below OUTPUT: "STEP/TASK.KEY", so that
// it is no other task's, and by the key of no other values of this one. NULL when out of memory;
// owned by the caller.
char *own_file_folder(const char *artefact, const char *key);

// Does a path, as it reads, stay below the folder that it is relative to?
bool own_file_is_below(const char *path);

// Is `path`, relative to the folder `output`, reached without a link? Local.
bool own_file_is_inside(const char *output, const char *path);

// ERR_IO where a link leads to the folder of `path`, relative to the folder `output`: what is written
// there would be elsewhere. Local.
status own_file_check_folder(const char *output, const char *path);

#endif

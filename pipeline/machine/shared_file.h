// SPDX-License-Identifier: Apache-2.0
// Memory that the processes of a node share: an unlinked file that each of them maps.
#ifndef PIPELINE_MACHINE_SHARED_FILE_H
#define PIPELINE_MACHINE_SHARED_FILE_H

#include <limits.h>
#include <stddef.h>

#include "pipeline/base/status.h"

typedef struct shared_file {
    char path[PATH_MAX]; // until shared_file_forget
    size_t bytes;
    int file;
} shared_file;

// Makes a file of zeros where there is room: in /dev/shm beside `promised` bytes, which belong to
// files there and are not yet touched; else in TMPDIR, /tmp or /var/tmp, where it is slower. The
// folder that Open MPI was given for such blocks (OMPI_MCA_osc_sm_backing_directory) comes first.
// ERR_INTERNAL. Local.
status shared_file_make(size_t bytes, size_t promised, shared_file *out);
// Removes its name, once all have mapped it: whoever is killed then leaves nothing behind.
void shared_file_forget(shared_file *f);
// Its bytes that take no memory yet; 0 where it is no memory.
size_t shared_file_untouched(const shared_file *f);
void shared_file_close(shared_file *f);

// Maps it by its name; released by munmap. ERR_INTERNAL. Local.
status shared_file_map(const char *path, size_t bytes, void **at);

#endif

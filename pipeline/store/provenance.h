// SPDX-License-Identifier: Apache-2.0
// What an artefact says about where it comes from: the global attributes of CF and ACDD, and the
// task's own.
#ifndef PIPELINE_STORE_PROVENANCE_H
#define PIPELINE_STORE_PROVENANCE_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/key_field.h"
#include "pipeline/base/status.h"
#include "pipeline/store/artefact.h"

// All of it becomes global attributes. Borrowed.
typedef struct provenance {
    int64_t epoch;                        // of the run
    const char *pipeline, *pipeline_path; // name and file
    const char *pipeline_text;            // the file, with what the command line changed
    const char *label, *stage, *key;      // of the task
    const key_field *fields;              // of the key: parameters, and the digests of all inputs
    size_t n_fields;
    const char *command; // the command line, for `history`
    int ranks, threads;
    double waiting;   // share of the threads' time in the task's rounds that had no work
    const char *cpus; // the types of the nodes' CPUs (pipeline/comm/machines.h)
} provenance;

// Adds the attributes of an origin, with date, host and versions of this program and of
// NetCDF. A title, summary or keywords the stage has set stay. Local. ERR_INTERNAL when out of
// memory.
status provenance_add(artefact_writer *w, const provenance *origin);

#endif

// SPDX-License-Identifier: Apache-2.0
// What a rank holds of a failure until the ranks vote. No MPI here.
#ifndef PIPELINE_COMM_VERDICT_H
#define PIPELINE_COMM_VERDICT_H

#include "pipeline/base/status.h"

// A status with its line of text, as a rank holds it until the ranks vote.
typedef struct verdict {
    status code;
    char text[1024];
} verdict;

// Keeps the first failure: records `st` with this thread's line unless `v` holds an error already
// (an interruption gives way to a real error).
void verdict_add(verdict *v, status st);
// Puts "on HOST: " before the text of what may be one machine's fault: input, output, memory.
void verdict_name_host(verdict *v, const char *host);
// The status of `v`, its text carried into this thread.
status verdict_get(const verdict *v);

#endif

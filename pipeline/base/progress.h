// SPDX-License-Identifier: Apache-2.0
// What a person sees of a run, on stdout: on a terminal one line for each running task, redrawn;
// plain lines otherwise. Local to the rank that shows it.
#ifndef PIPELINE_BASE_PROGRESS_H
#define PIPELINE_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "pipeline/base/status.h"

typedef struct progress progress;

// A task in a wave, as it is shown.
typedef struct progress_line {
    const char *label;
    int64_t round;       // 0 for the first
    int64_t done, units; // of this round
    double seconds;      // since this round's units began
    double left;         // of the task, in all rounds that are foreseen; negative: unknown
    char note[64];       // what the stage says of the round; "": nothing
} progress_line;

// Writes to `out` (borrowed). `terminal`: lines may be redrawn; `quiet`: only progress_end's last
// line is written.
status progress_new(FILE *out, bool terminal, bool quiet, progress **out_progress);
void progress_free(progress *p); // NULL is a no-op

// Is stdout a terminal? mpirun puts one of its own between, so under mpirun this looks at mpirun's.
bool progress_terminal(void);

// A line that stays, with the time in front.
void progress_say(progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
// How long the whole will take still, as far as finished tasks tell it.
typedef struct progress_end {
    double left;    // seconds; negative: unknown
    size_t unknown; // tasks that are not in it: no like of them has run
} progress_end;

// Is the last time that something was shown long enough ago?
bool progress_due(const progress *p);
// The running tasks and the end, shown when it is.
void progress_show(progress *p, size_t n, const progress_line *lines, progress_end end);

// "1:02:03", "2:03" or "3.2 s".
void progress_duration(double seconds, char out[32]);
// Units a second of a line; 0 while unknown.
double progress_rate(const progress_line *line);

// Seconds of a clock that never goes back.
double progress_clock(void);

#endif

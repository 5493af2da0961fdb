// SPDX-License-Identifier: Apache-2.0
// The reserve is for what follows the last unit; a unit may be slower than all before it.
#include "pipeline/schedule/deadline.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "pipeline/base/progress.h"

// What is left for the vote, the journal and MPI's end, in seconds; and how much slower than the
// slowest so far a unit, or the disk, may be.
static const double RESERVE = 8, SLOWER = 2;

double deadline_left(void)
{
    const char *value = getenv("SLURM_JOB_END_TIME");
    const double end = value ? atof(value) : 0;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return end > 0 ? end - (double)now.tv_sec - (double)now.tv_nsec * 1e-9 : INFINITY;
}

bool deadline_near(double deadline, double unit, double writing)
{
    return progress_clock() + RESERVE + SLOWER * (unit + writing) >= deadline;
}

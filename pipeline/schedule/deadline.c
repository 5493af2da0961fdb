// SPDX-License-Identifier: Apache-2.0
// The reserve is for what follows the last unit; a unit may be slower than all before it.
#include "pipeline/schedule/deadline.h"

#include <stdlib.h>
#include <time.h>

// What is left for the vote, the journal and MPI's end, in seconds; and how much slower than the
// slowest so far a unit, or the disk, may be.
static const double RESERVE = 8, SLOWER = 2;

double deadline_get(void)
{
    const char *value = getenv("SLURM_JOB_END_TIME");
    double end = value ? atof(value) : 0;
    return end > 0 ? end : 0;
}

bool deadline_near(double deadline, double unit, double writing)
{
    struct timespec now;
    if (deadline <= 0)
        return false;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + RESERVE + SLOWER * (unit + writing) >= deadline;
}

// SPDX-License-Identifier: Apache-2.0
// The end of the job's time, where Slurm tells it (SLURM_JOB_END_TIME, seconds since 1970), whose
// signal may be late, lost or never asked for.
#ifndef PIPELINE_SCHEDULE_DEADLINE_H
#define PIPELINE_SCHEDULE_DEADLINE_H

#include <stdbool.h>

// Seconds since 1970; 0: none. Local.
double deadline_get(void);

// Is there no time left before `deadline` for a unit that takes `unit` seconds and then a
// checkpoint of `writing` seconds? Never where there is no deadline. Local, cheap.
bool deadline_near(double deadline, double unit, double writing);

#endif

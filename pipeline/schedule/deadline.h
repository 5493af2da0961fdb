// SPDX-License-Identifier: Apache-2.0
// The end of the job's time, where Slurm tells it (SLURM_JOB_END_TIME, seconds since 1970), whose
// signal may be late, lost or never asked for.
#ifndef PIPELINE_SCHEDULE_DEADLINE_H
#define PIPELINE_SCHEDULE_DEADLINE_H

#include <stdbool.h>

// Seconds until then by this machine's clock, 0 or less when it is over; INFINITY: Slurm does not
// tell. Local.
double deadline_left(void);

// Is there too little time left before `deadline`, of progress_clock, for a unit that takes `unit`
// seconds and then a checkpoint of `writing` seconds? Never before INFINITY. Local, cheap.
bool deadline_near(double deadline, double unit, double writing);

#endif

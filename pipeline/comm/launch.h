// SPDX-License-Identifier: Apache-2.0
// How this program was launched: what launchers say of themselves, by environment and process name,
// beside what MPI sees.
#ifndef PIPELINE_COMM_LAUNCH_H
#define PIPELINE_COMM_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "pipeline/comm/comm.h"

// ERR_USAGE where a launcher started several processes and MPI sees each alone: each would do all
// the work, or wait for the others' lease. Local.
status launch_check(const comm *c);

// Did a launcher start this process? Asked before MPI starts. Local.
bool launch_known(void);
// For a command that is no use of several processes, each of which would say all and write the same
// files: ERR_USAGE where a launcher started this one, itself and not through a shell that inherits
// its variables, beside others. Asked before MPI starts. Local.
status launch_check_alone(const char *command);
// The launcher on this machine that hands signals on to all ranks (Open MPI's mpirun or prterun,
// Hydra's mpiexec); 0: none. Local.
pid_t launch_pid(void);
// Was a launcher told, where its variables say so, to start more ranks than there are cores? Local.
bool launch_oversubscribes(void);

#endif

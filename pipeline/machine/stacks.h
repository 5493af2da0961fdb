// SPDX-License-Identifier: Apache-2.0
// Stacks of threads that are started from now on.
#ifndef PIPELINE_MACHINE_STACKS_H
#define PIPELINE_MACHINE_STACKS_H

// Gives threads a megabyte at least, however little `ulimit -s` leaves. Before the first is started.
void stacks_widen(void);

#endif

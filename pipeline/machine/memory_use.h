// SPDX-License-Identifier: Apache-2.0
// What this process holds in memory, from /proc: resident bytes, shared pages included; and what a
// node has room for. Local; 0 where the system does not say.
#ifndef PIPELINE_MACHINE_MEMORY_USE_H
#define PIPELINE_MACHINE_MEMORY_USE_H

#include <stddef.h>

size_t memory_use_now(void);
size_t memory_use_peak(void); // the most since the last memory_use_forget
void memory_use_forget(void); // the peak becomes what is held now
size_t memory_use_room(void); // free in /dev/shm, where a node's ranks share blocks

#endif

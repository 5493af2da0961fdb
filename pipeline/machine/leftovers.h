// SPDX-License-Identifier: Apache-2.0
// What killed ranks have left in this node's memory.
#ifndef PIPELINE_MACHINE_LEFTOVERS_H
#define PIPELINE_MACHINE_LEFTOVERS_H

// Removes the files in /dev/shm in which Open MPI's ranks exchanged messages, where they are this
// user's and older than a minute, and no process has them open or mapped. Local; one rank a node.
void leftovers_remove(void);

#endif

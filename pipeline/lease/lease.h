// SPDX-License-Identifier: Apache-2.0
// One run at a time in an output folder: the file OUTPUT/lease names who holds it. No file locks
// (many cluster file systems have none): it is made with link(2), or open(2) where there are no
// links, and only where there is none or
// where the one there is dead:
// - its process is gone, which is seen on the same machine (by the process's number and start);
// - its Slurm job is over, or is this one before it was requeued;
// - else, its beat has not changed for four beats while we looked. No clocks are compared.
// Whoever finds a dead one puts its own in its place and looks a moment later whose is there.
// Should two runs ever both believe they hold it, the one whose name is in the file is right: ranks
// ask lease_check before they commit anything.
#ifndef PIPELINE_LEASE_LEASE_H
#define PIPELINE_LEASE_LEASE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "pipeline/base/status.h"
#include "pipeline/lease/lease_holder.h"

#define LEASE_NAME "lease"

typedef struct lease lease;

// Takes the lease of `output`, which is made where it is missing; beats every five seconds, from a
// thread of its own, until lease_release. While a live run holds it, waits up to 30 seconds
// (environment variable SULCUS_LEASE_WAIT; the beats scale with it); then ERR_INTERRUPTED, saying
// who holds it; or until `stopping` (NULL: nobody) is set. ERR_IO. Local: rank 0. Owned by the caller.
status lease_take(const char *output, const atomic_bool *stopping, lease **out);

// What the file says while the lease is held: to be told to all ranks. Borrowed.
const char *lease_id(const lease *l);

// Does the run of this id hold the folder still? ERR_INTERRUPTED when a newer one does, ERR_IO when
// the lease or the folder has vanished. Local, on any rank.
status lease_check(const char *output, const char *id);

// Removes it, where it is still ours. NULL is a no-op.
void lease_release(lease *l);

#endif

// SPDX-License-Identifier: Apache-2.0
// The signals by which a run is asked to stop.
#ifndef PIPELINE_MACHINE_SIGNALS_H
#define PIPELINE_MACHINE_SIGNALS_H

#include <stdatomic.h>

// From now on USR1, USR2, XCPU, TERM, INT and HUP set *asked, and the last three *soon too: the process
// is killed shortly. NULL: they are noted nowhere any more. Both are borrowed. Local.
void signals_watch(atomic_bool *asked, atomic_bool *soon);

#endif

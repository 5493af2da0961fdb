// SPDX-License-Identifier: Apache-2.0
// Where memory lies on a machine of several NUMA domains. A page lies where the thread that touches
// it first runs, which is right for what a thread uses alone. What all threads of a node read, as
// weights, is to be spread: in one domain, its memory and the link to it would serve all.
#ifndef PIPELINE_MACHINE_INTERLEAVE_H
#define PIPELINE_MACHINE_INTERLEAVE_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/machine/cores.h"

// Lays the pages of a mapping that nobody has touched in turns in the domains of the set, for all
// processes that map it; where the system refuses, they stay what they are. A no-op where there are
// fewer than two domains, and for what is small. Local.
void interleave_pages(void *at, size_t bytes, const domain_set *domains);

#endif

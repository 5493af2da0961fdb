// SPDX-License-Identifier: Apache-2.0
// The system call itself: libnuma would be one more library for it. That it is refused (containers
// often forbid it, kernels may lack it) costs speed at most, so that nobody is told.
#include "pipeline/machine/interleave.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { LEAST = 1 << 20 }; // bytes: what is smaller stays in caches
enum { INTERLEAVE = 3 };  // what the system calls MPOL_INTERLEAVE

void interleave_pages(void *at, size_t bytes, const domain_set *domains)
{
    if (bytes < LEAST || domain_count(domains) < 2)
        return;
    // The kernel takes one bit less than it is told.
    (void)syscall(SYS_mbind, at, bytes, INTERLEAVE, domains->bits, CORES_DOMAINS + 1UL, 0U);
}

// SPDX-License-Identifier: Apache-2.0
// Nothing is promised for them: a machine that counts what it promises does not count these.
#include "model/weights/addresses.h"

#include <sys/mman.h>

void *addresses_reserve(size_t bytes)
{
    void *at = mmap(NULL, bytes ? bytes : 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

void addresses_release(void *at, size_t bytes)
{
    if (at)
        munmap(at, bytes ? bytes : 1);
}

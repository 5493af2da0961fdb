// SPDX-License-Identifier: Apache-2.0
// What can be said of shared memory without MPI.
#include "pipeline/base/share.h"

status share_vote(share *s, status st)
{
    return s ? s->vote(s, st) : st;
}

status share_alloc_as_first(share *s, size_t bytes, void **block)
{
    void *size = NULL;
    status st = s->alloc(s, sizeof bytes, SHARE_UNSET, &size);
    if (st != OK)
        return st;
    if (s->rank == 0)
        *(size_t *)size = bytes;
    st = s->vote(s, OK);
    if (st == OK)
        st = s->alloc(s, *(size_t *)size, SHARE_UNSET, block);
    s->release(s, size);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// What `ulimit -s` says is every thread's stack too, MPI's and libraries' as well; a thread is given
// enough all the same.
#include "pipeline/machine/stacks.h"

#include <pthread.h>

void stacks_widen(void)
{
    enum { LEAST = 1 << 20 };
    pthread_attr_t usual;
    size_t bytes;
    if (pthread_getattr_default_np(&usual) != 0)
        return;
    if (pthread_attr_getstacksize(&usual, &bytes) == 0 && bytes < LEAST &&
        pthread_attr_setstacksize(&usual, LEAST) == 0)
        pthread_setattr_default_np(&usual);
    pthread_attr_destroy(&usual);
}

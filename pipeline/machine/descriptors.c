// SPDX-License-Identifier: Apache-2.0
// Where files run out while Open MPI starts it waits forever for a lock of its own (4.1's ofi), so
// that the run would hang without a word. What the shell has left open counts, too.
#include "pipeline/machine/descriptors.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

enum { TAKEN = 32, ENOUGH = 65536 }; // more, and libraries that walk over all take long

status descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return OK;
    if (limit.rlim_cur < ENOUGH && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < ENOUGH ? limit.rlim_max : ENOUGH;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    int left = 0;
    for (int fd = 0; fd < ENOUGH && (rlim_t)fd < limit.rlim_cur && left < TAKEN; fd++)
        left += fcntl(fd, F_GETFD) == -1;
    return left >= TAKEN
               ? OK
               : status_fail(
                     ERR_IO, NULL,
                     "no more than %d files can be opened here, and MPI takes up to %d at its "
                     "start; raise `ulimit -n`, which is %ju",
                     left, TAKEN, (uintmax_t)limit.rlim_cur);
}

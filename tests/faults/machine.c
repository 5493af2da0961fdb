// SPDX-License-Identifier: Apache-2.0
// Loaded before the program (LD_PRELOAD) in run/test_doctor.sh: a machine that is set up badly.
//   SHM_MB=N    statvfs says that so many MB are free
//   NO_COPIES   a process may not read another's memory
#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

__attribute__((visibility("default"))) int statvfs(const char *path, struct statvfs *at)
{
    const char *megabytes = getenv("SHM_MB");
    (void)path;
    *at = (struct statvfs){.f_bavail = megabytes ? strtoul(megabytes, NULL, 10) : 100000,
                           .f_frsize = 1000000};
    return 0;
}

__attribute__((visibility("default"))) ssize_t
process_vm_readv(pid_t process, const struct iovec *to, unsigned long tos, const struct iovec *from,
                 unsigned long froms, unsigned long flags)
{
    (void)process, (void)flags, (void)tos, (void)froms;
    if (getenv("NO_COPIES")) {
        errno = EPERM;
        return -1;
    }
    *(long long *)to->iov_base = 0; // nor the number that was asked for
    return (ssize_t)from->iov_len;
}

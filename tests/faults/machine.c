// SPDX-License-Identifier: Apache-2.0
// Loaded before the program (LD_PRELOAD) in run/test_doctor.sh and run/test_cores.sh: a machine that
// is set up badly, or is larger than those at hand.
//   SHM_MB=N      statvfs says that so many MB are free in /dev/shm
//   NO_FILES=MB   no file of so many MB or more is made by ftruncate
//   NO_FLOCK=N, NO_LINK=N   flock, link fail with errno N
//   NO_COPIES     a process may not read another's memory
//   THREADS=FILE  gets a line for each thread that is started
//   CPUS=N        the last two of N CPUs are allowed, and a set must have room for N
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

__attribute__((visibility("default"))) int statvfs(const char *path, struct statvfs *at)
{
    const char *megabytes = getenv("SHM_MB");
    if (strcmp(path, "/dev/shm") != 0) {
        int (*ask)(const char *, struct statvfs *);
        *(void **)&ask = dlsym(RTLD_NEXT, "statvfs");
        return ask(path, at);
    }
    *at = (struct statvfs){.f_bavail = megabytes ? strtoul(megabytes, NULL, 10) : 100000,
                           .f_frsize = 1000000,
                           .f_bsize = 1000000000}; // what UCX, below MPICH, counts in: it has room
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

typedef int create_fn(pthread_t *out, const pthread_attr_t *attributes, void *(*body)(void *),
                      void *context);

__attribute__((visibility("default"))) int pthread_create(pthread_t *out,
                                                          const pthread_attr_t *attributes,
                                                          void *(*body)(void *), void *context)
{
    create_fn *create;
    const char *path = getenv("THREADS");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (file) {
        fputs("started\n", file);
        fclose(file);
    }
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    return create(out, attributes, body, context);
}

__attribute__((visibility("default"))) int sched_getaffinity(pid_t process, size_t bytes,
                                                             cpu_set_t *set)
{
    const char *cpus = getenv("CPUS");
    if (!cpus) {
        long n = syscall(SYS_sched_getaffinity, process, bytes, set);
        if (n >= 0)
            memset((char *)set + n, 0, bytes - (size_t)n);
        return n < 0 ? -1 : 0;
    }
    size_t n = strtoul(cpus, NULL, 10);
    if (bytes * 8 < n) {
        errno = EINVAL;
        return -1;
    }
    memset(set, 0, bytes);
    CPU_SET_S(n - 1, bytes, set);
    CPU_SET_S(n - 2, bytes, set);
    return 0;
}

__attribute__((visibility("default"))) int ftruncate(int file, off_t bytes)
{
    const char *most = getenv("NO_FILES");
    if (most && bytes >= atol(most) * 1000000) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_ftruncate, file, bytes);
}

__attribute__((visibility("default"))) int flock(int file, int how)
{
    const char *code = getenv("NO_FLOCK");
    errno = code ? atoi(code) : 0;
    return code ? -1 : (int)syscall(SYS_flock, file, how);
}

__attribute__((visibility("default"))) int link(const char *from, const char *to)
{
    const char *code = getenv("NO_LINK");
    errno = code ? atoi(code) : 0;
    return code ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

// SPDX-License-Identifier: Apache-2.0
// Loaded before the program (LD_PRELOAD) in run/test_doctor.sh and run/test_cores.sh: a machine that
// is set up badly, or is larger than those at hand.
//   SHM_MB=N      statvfs says that so many MB are free in /dev/shm
//   NO_FILES=MB   no file of so many MB or more is made by ftruncate
//   NO_FLOCK=N, NO_LINK=N   flock, link fail with errno N
//   NO_COPIES     a process may not read another's memory
//   THREADS=FILE  gets a line for each thread that is started
//   CPUS=N        the last two of N CPUs are allowed (OWN=M: the last M), and a set must have room for N
//   MBIND=FILE    gets a line for each mbind (mode, the domains' bits in hexadecimal, whether it begins with a page),
//                 which does nothing; NO_MBIND: and fails
//   PINS=FILE     gets the CPU that a thread is to be kept on, and it is not
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
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
    const char *own = getenv("OWN");
    for (size_t i = own ? strtoul(own, NULL, 10) : 2; i > 0; i--)
        CPU_SET_S(n - i, bytes, set);
    return 0;
}

__attribute__((visibility("default"))) int pthread_setaffinity_np(pthread_t thread, size_t bytes,
                                                                  const cpu_set_t *set)
{
    (void)thread;
    const char *path = getenv("PINS");
    FILE *file = path ? fopen(path, "a") : NULL;
    for (size_t cpu = 0; file && cpu < bytes * 8; cpu++)
        if (CPU_ISSET_S(cpu, bytes, set))
            fprintf(file, "%zu\n", cpu);
    if (file)
        fclose(file);
    return 0;
}

typedef long call_fn(long number, long a, long b, long c, long d, long e, long f);

// Where a system call has fewer arguments, what is read here is passed on and looked at by nobody.
__attribute__((visibility("default"))) long syscall(long number, ...)
{
    long a[6];
    call_fn *call;
    const char *path = getenv("MBIND");
    va_list rest;
    va_start(rest, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(rest, long);
    va_end(rest);
    *(void **)&call = dlsym(RTLD_NEXT, "syscall");
    if (number != SYS_mbind || !path)
        return call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    FILE *file = fopen(path, "a");
    if (file) {
        fprintf(file, "%ld %lx %s\n", a[2], *(unsigned long *)a[3],
                a[0] % 4096 == 0 && a[4] == 257 ? "well" : "badly");
        fclose(file);
    }
    errno = EPERM;
    return getenv("NO_MBIND") ? -1 : 0;
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

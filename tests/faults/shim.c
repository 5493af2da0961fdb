// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD: fails one call that the program's own code makes, chosen by number. Calls of
// libraries (MPI, HDF5, libc itself) pass: a call is the program's own when it returns into the
// executable.
//   FAULT_KIND=memory  malloc, calloc, realloc, aligned_alloc, strdup, strndup: NULL
//   FAULT_KIND=files   write, pwrite, fsync, fdatasync, rename, link, mkdir, open to write, close
//   of
//                      what was written: -1 with EIO, or ENOSPC where the number is odd
//   FAULT_AT=N         the N-th such call, from 1; 0: none
//   FAULT_REPORT=FILE  at the end: how many calls of the kind there were, and which one failed
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HOOK __attribute__((visibility("default")))

// glibc's own names for what is hooked here: they need no look-up, which itself would allocate.
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

enum { MEMORY = 1, FILES = 2 };

static struct {
    uintptr_t low, high; // the executable
    int kind;
    long at;
    atomic_long calls;
    const char *failed; // the call that was failed
    void *caller;
} shim;

// The first object is the executable.
static int find_executable(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size, (void)context;
    shim.low = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        uintptr_t end = start + info->dlpi_phdr[i].p_memsz;
        shim.low = start < shim.low ? start : shim.low;
        shim.high = end > shim.high ? end : shim.high;
    }
    return 1;
}

static __attribute__((constructor)) void begin(void)
{
    const char *kind = getenv("FAULT_KIND"), *at = getenv("FAULT_AT");
    dl_iterate_phdr(find_executable, NULL);
    shim.at = at ? atol(at) : 0;
    shim.kind = !kind ? 0 : strcmp(kind, "memory") == 0 ? MEMORY : FILES;
}

static __attribute__((destructor)) void end(void)
{
    const char *path = getenv("FAULT_REPORT");
    char line[256];
    int file =
        path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    if (file < 0)
        return;
    int n = snprintf(line, sizeof line, "%ld %s 0x%lx\n", atomic_load(&shim.calls),
                     shim.failed ? shim.failed : "none",
                     shim.failed ? (unsigned long)((uintptr_t)shim.caller - shim.low) : 0ul);
    syscall(SYS_write, file, line, (size_t)n);
    syscall(SYS_close, file);
}

// Must this call, which returns to `caller`, fail?
static bool fails(int kind, const char *name, void *caller)
{
    uintptr_t place = (uintptr_t)caller;
    if (shim.kind != kind || place < shim.low || place >= shim.high)
        return false;
    long number = atomic_fetch_add(&shim.calls, 1) + 1;
    if (number != shim.at)
        return false;
    shim.failed = name;
    shim.caller = caller;
    errno = kind == MEMORY ? ENOMEM : number % 2 ? ENOSPC : EIO;
    return true;
}

#define FAILS(kind, name) fails(kind, name, __builtin_return_address(0))

HOOK void *malloc(size_t n)
{
    return FAILS(MEMORY, "malloc") ? NULL : __libc_malloc(n);
}

HOOK void *calloc(size_t n, size_t size)
{
    return FAILS(MEMORY, "calloc") ? NULL : __libc_calloc(n, size);
}

HOOK void *realloc(void *old, size_t n)
{
    return FAILS(MEMORY, "realloc") ? NULL : __libc_realloc(old, n);
}

HOOK void *aligned_alloc(size_t alignment, size_t n)
{
    return FAILS(MEMORY, "aligned_alloc") ? NULL : __libc_memalign(alignment, n);
}

HOOK char *strdup(const char *string)
{
    size_t n = strlen(string) + 1;
    char *copy = FAILS(MEMORY, "strdup") ? NULL : __libc_malloc(n);
    return copy ? memcpy(copy, string, n) : NULL;
}

HOOK char *strndup(const char *string, size_t most)
{
    size_t n = strnlen(string, most);
    char *copy = FAILS(MEMORY, "strndup") ? NULL : __libc_malloc(n + 1);
    if (!copy)
        return NULL;
    copy[n] = 0;
    return memcpy(copy, string, n);
}

HOOK ssize_t write(int file, const void *bytes, size_t n)
{
    return FAILS(FILES, "write") ? -1 : syscall(SYS_write, file, bytes, n);
}

HOOK ssize_t pwrite(int file, const void *bytes, size_t n, off_t at)
{
    return FAILS(FILES, "pwrite") ? -1 : syscall(SYS_pwrite64, file, bytes, n, at);
}

HOOK int fsync(int file)
{
    return FAILS(FILES, "fsync") ? -1 : (int)syscall(SYS_fsync, file);
}

HOOK int fdatasync(int file)
{
    return FAILS(FILES, "fdatasync") ? -1 : (int)syscall(SYS_fdatasync, file);
}

HOOK int rename(const char *from, const char *to)
{
    return FAILS(FILES, "rename") ? -1 : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

HOOK int link(const char *from, const char *to)
{
    return FAILS(FILES, "link") ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

HOOK int mkdir(const char *path, mode_t mode)
{
    return FAILS(FILES, "mkdir") ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

HOOK int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    if ((flags & O_ACCMODE) != O_RDONLY && FAILS(FILES, "open"))
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

// A close that fails has closed.
HOOK int close(int file)
{
    int flags = (int)syscall(SYS_fcntl, file, F_GETFL);
    bool written = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
    long result = syscall(SYS_close, file);
    if (result < 0) {
        errno = EBADF;
        return -1;
    }
    return written && FAILS(FILES, "close") ? -1 : (int)result;
}

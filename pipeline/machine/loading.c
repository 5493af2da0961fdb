// SPDX-License-Identifier: Apache-2.0
// OpenBLAS starts a thread for each CPU when it is loaded, in every rank and for `--help` too, which
// a limit of processes on a node of many cores forbids; here nothing uses them. It is told by a
// variable of the environment or by the CPUs it may use, and the C library takes the environment
// afresh after .preinit_array, which alone runs before the libraries: so, for the time of their
// loading, the process is bound to the CPU it is on.
#include "pipeline/machine/loading.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { WORDS = 1 << 14, BITS = 64 }; // a million CPUs

static unsigned long allowed[WORDS]; // in pages that are touched only as far as there are CPUs
static long allowed_bytes;           // 0: as it was

// No sanitizer is ready yet, and no library: system calls only.
__attribute__((no_sanitize("address", "undefined"))) static void begin(void)
{
    unsigned long one[WORDS / BITS] = {0};
    unsigned cpu;
    long n = syscall(SYS_sched_getaffinity, 0, sizeof allowed, allowed);
    if (n <= 0 || syscall(SYS_getcpu, &cpu, NULL, NULL) != 0 || cpu / BITS >= WORDS / BITS)
        return;
    one[cpu / BITS] = 1ul << cpu % BITS;
    if (syscall(SYS_sched_setaffinity, 0, sizeof one, one) == 0)
        allowed_bytes = n;
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = begin;

void loading_end(void)
{
    if (allowed_bytes > 0)
        syscall(SYS_sched_setaffinity, 0, allowed_bytes, allowed);
    allowed_bytes = 0;
}

// SPDX-License-Identifier: Apache-2.0
// A signal handler has no context: what it looks at is the one table of this process.
#include "pipeline/base/map_guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static struct guard {
    _Atomic uintptr_t begin, end; // begin 0: free
    atomic_bool cut;              // a page was no longer there
} guards[MAP_GUARDS];
static struct sigaction before; // whoever had the signal
static uintptr_t page;
static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;

// The guard of an address, or NULL.
static struct guard *find_guard(uintptr_t at)
{
    for (int i = 0; i < MAP_GUARDS; i++) {
        uintptr_t begin = atomic_load(&guards[i].begin);
        if (begin && at >= begin && at < atomic_load(&guards[i].end))
            return &guards[i];
    }
    return NULL;
}

// mmap is a bare system call on Linux, and so may be called here.
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    const uintptr_t at = (uintptr_t)info->si_addr;
    void *start = (void *)(at / page * page);
    struct guard *of = find_guard(at);
    if (of)
        atomic_store(&of->cut, true);
    if (of &&
        mmap(start, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
        return;
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else
        signal(number, SIG_DFL); // the same access raises it again
}

// Again whenever somebody else has taken the signal since: MPI and test runners do.
static void install_handler(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO}, now;
    pthread_mutex_lock(&installing);
    page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction != on_bus_error) {
        before = now;
        sigaction(SIGBUS, &action, NULL);
    }
    pthread_mutex_unlock(&installing);
}

void map_guard_add(const void *at, size_t n)
{
    install_handler();
    for (int i = 0; n > 0 && i < MAP_GUARDS; i++) {
        uintptr_t free_one = 0;
        // Until its end is set, which was 0, the range is empty.
        if (!atomic_compare_exchange_strong(&guards[i].begin, &free_one, (uintptr_t)at))
            continue;
        atomic_store(&guards[i].end, (uintptr_t)at + n);
        return;
    }
}

void map_guard_remove(const void *at)
{
    struct guard *of = find_guard((uintptr_t)at);
    if (!of)
        return;
    atomic_store(&of->end, 0);
    atomic_store(&of->cut, false);
    atomic_store(&of->begin, 0);
}

bool map_guard_cut(const void *at)
{
    const struct guard *of = find_guard((uintptr_t)at);
    return of && atomic_load(&of->cut);
}

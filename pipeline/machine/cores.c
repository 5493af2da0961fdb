// SPDX-License-Identifier: Apache-2.0
// Two threads on one core's hyperthreads take as long as one after the other, with twice the
// memory, so that threads are counted by cores; but a launcher may bind ranks to single CPUs.
#include "pipeline/machine/cores.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/machine/system_file.h"

enum { BITS = 64, FIRST = 1024 / BITS, MOST = (1 << 20) / BITS };

// The kernel refuses a set with fewer bits than it has CPUs (EINVAL), and does not say how many.
status cores_allowed(uint64_t **bits, size_t *words)
{
    for (size_t n = FIRST; n <= MOST; n *= 2) {
        uint64_t *set = checked_calloc(n, sizeof *set);
        if (!set)
            return status_no_memory("a list of CPUs");
        if (sched_getaffinity(0, n * sizeof *set, (cpu_set_t *)(void *)set) == 0) {
            *bits = set;
            *words = n;
            return OK;
        }
        free(set);
        if (errno != EINVAL)
            break;
    }
    return status_fail(ERR_INTERNAL, NULL, "cannot ask which CPUs are allowed: %s",
                       strerror(errno));
}

void cores_list(size_t n, int32_t *core)
{
    char path[96], line[32];
    for (size_t cpu = 0; cpu < n; cpu++) {
        core[cpu] = (int32_t)cpu;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%zu/topology/thread_siblings_list",
                 cpu);
        if (system_file_line(path, line, sizeof line)) // "3,67" or "6-7"
            core[cpu] = (int32_t)atoi(line);
    }
}

static bool has(const uint64_t *set, size_t cpu)
{
    return set[cpu / BITS] >> cpu % BITS & 1;
}

// How many of the ranks may run on a CPU.
static int count_sharers(const uint64_t *sets, size_t words, int ranks, size_t cpu)
{
    int n = 0;
    for (int r = 0; r < ranks; r++)
        n += has(sets + (size_t)r * words, cpu);
    return n;
}

// How many CPUs of the core any rank may run on. A core's CPUs come after its first.
static int count_used(const uint64_t *sets, size_t words, int ranks, const int32_t *core,
                      int32_t which)
{
    int n = 0;
    for (size_t cpu = (size_t)which; cpu < words * BITS; cpu++)
        if (core[cpu] == which)
            n += count_sharers(sets, words, ranks, cpu) > 0;
    return n;
}

core_share cores_divide(const uint64_t *sets, size_t words, int ranks, int mine,
                        const int32_t *core)
{
    core_share s = {0};
    for (size_t cpu = 0; cpu < words * BITS; cpu++) {
        if (!has(sets + (size_t)mine * words, cpu))
            continue;
        double share = 1.0 / count_sharers(sets, words, ranks, cpu);
        bool known = core[cpu] >= 0 && (size_t)core[cpu] <= cpu;
        s.cpus += share;
        s.cores += share / (known ? count_used(sets, words, ranks, core, core[cpu]) : 1);
    }
    return s;
}

// Has the set all CPUs of the machine? Then no launcher has chosen them.
static bool is_whole(const uint64_t *set, size_t words)
{
    const size_t cpus = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = 0;
    while (n < cpus && n < words * BITS && has(set, n))
        n++;
    return n == cpus;
}

int cores_own(const uint64_t *sets, size_t words, int ranks, int mine, const int32_t *core,
              int32_t *cpu)
{
    const uint64_t *own = sets + (size_t)mine * words;
    int n = 0;
    if (is_whole(own, words))
        return 0;
    for (size_t c = 0; c < words * BITS; c++) {
        if (!has(own, c))
            continue;
        if (count_sharers(sets, words, ranks, c) > 1)
            return 0;
        bool first = true; // of its core's, here
        for (int i = 0; i < n && first; i++)
            first = core[cpu[i]] != core[c];
        if (first)
            cpu[n++] = (int32_t)c;
    }
    return n;
}

// Is any CPU of a list such as "0-3,8" in the set?
static bool meets(const char *list, const uint64_t *set, size_t words)
{
    char *end;
    for (const char *at = list; *at; at = *end ? end + 1 : end) {
        unsigned long first = strtoul(at, &end, 10), last = first;
        if (end == at)
            return false;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (; first <= last && first < words * BITS; first++)
            if (has(set, first))
                return true;
    }
    return false;
}

domain_set cores_domains(void)
{
    char path[64], line[4096];
    uint64_t *set = NULL;
    size_t words;
    domain_set found = {{0}};
    if (cores_allowed(&set, &words) != OK)
        return found;
    for (int d = 0; d < CORES_DOMAINS; d++) {
        snprintf(path, sizeof path, "/sys/devices/system/node/node%d/cpulist", d);
        if (system_file_line(path, line, sizeof line) && meets(line, set, words))
            found.bits[d / BITS] |= UINT64_C(1) << d % BITS;
    }
    free(set);
    return found;
}

int domain_count(const domain_set *s)
{
    int n = 0;
    for (size_t i = 0; i < CORES_DOMAINS / BITS; i++)
        n += __builtin_popcountll(s->bits[i]);
    return n;
}

static double number_of(const char *variable)
{
    const char *value = getenv(variable);
    return value ? atof(value) : 0;
}

core_share cores_cap(core_share s, int ranks)
{
    const double of_rank = number_of("SLURM_CPUS_PER_TASK");
    const double of_node = number_of("SLURM_CPUS_ON_NODE") / ranks;
    double cpus = s.cpus;
    if (of_rank > 0)
        cpus = fmin(cpus, of_rank);
    if (of_node > 0)
        cpus = fmin(cpus, of_node);
    return s.cpus > 0 ? (core_share){s.cores * cpus / s.cpus, cpus} : s;
}

static int whole(double cores)
{
    return cores < 1 ? 1 : (int)(cores + 1e-9);
}

// Of the CPUs of a set, for each of so many ranks.
static core_share share_set(const uint64_t *set, size_t words, int ranks)
{
    core_share s = {1, 1};
    int32_t *core = checked_calloc(words * BITS, sizeof *core);
    if (core) {
        cores_list(words * BITS, core);
        s = cores_divide(set, words, 1, 0, core);
        s = (core_share){s.cores / ranks, s.cpus / ranks};
    }
    free(core);
    return s;
}

int cores_here(int ranks)
{
    uint64_t *set = NULL;
    size_t words;
    if (cores_allowed(&set, &words) != OK)
        return 1;
    core_share s = cores_cap(share_set(set, words, ranks), ranks);
    free(set);
    return whole(s.cores);
}

int cores_machine(void)
{
    const size_t cpus = (size_t)sysconf(_SC_NPROCESSORS_ONLN), words = (cpus + BITS - 1) / BITS;
    const double given = number_of("SLURM_CPUS_ON_NODE");
    uint64_t *set = checked_calloc(words, sizeof *set);
    if (!set)
        return 1;
    for (size_t cpu = 0; cpu < cpus; cpu++)
        set[cpu / BITS] |= UINT64_C(1) << cpu % BITS;
    core_share s = share_set(set, words, 1);
    free(set);
    return whole(given > 0 && given < s.cpus ? s.cores * given / s.cpus : s.cores);
}

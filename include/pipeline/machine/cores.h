// SPDX-License-Identifier: Apache-2.0
// The CPUs and cores that the ranks of a machine share. A core may be several CPUs (hyperthreads),
// and there may be more CPUs than cpu_set_t has bits.
#ifndef PIPELINE_MACHINE_CORES_H
#define PIPELINE_MACHINE_CORES_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

// The CPUs that this process may run on, a bit each. *bits is owned by the caller. Local.
status cores_allowed(uint64_t **bits, size_t *words);

// The core of each CPU below n: its first CPU. Reads a file a CPU: one rank of a machine for all.
// Local.
void cores_list(size_t n, int32_t *core);

// What falls to one of the ranks of a machine: of cores and of CPUs; less than 1 where there are
// more ranks.
typedef struct core_share {
    double cores, cpus;
} core_share;

// Of `ranks` sets of CPUs, `words` each, that of rank `mine`: a CPU counts as much less as more
// ranks may run on it, a core once however many of its CPUs are used.
core_share cores_divide(const uint64_t *sets, size_t words, int ranks, int mine,
                        const int32_t *core);
// The CPUs that threads of rank `mine` can be kept on, one of each of its cores: where the launcher
// gave them to it (they are not all the machine has), and to no other rank. Writes them to cpu
// [words × 64], and returns how many; 0: none.
int cores_own(const uint64_t *sets, size_t words, int ranks, int mine, const int32_t *core,
              int32_t *cpu);
// No more than Slurm gave to a rank (SLURM_CPUS_PER_TASK) and, shared by the machine's ranks, to
// the job here (SLURM_CPUS_ON_NODE): it may have bound none of them.
core_share cores_cap(core_share s, int ranks);

// Whole cores for one of `ranks` that share what this process may use of the machine; at least 1.
// Without asking the others. Local.
int cores_here(int ranks);
// NUMA domains by their numbers, a bit each.
enum { CORES_DOMAINS = 256 };
typedef struct domain_set {
    uint64_t bits[CORES_DOMAINS / 64];
} domain_set;

// Those that the CPUs which this process may run on are in; none where that is not known. Local.
domain_set cores_domains(void);
int domain_count(const domain_set *s);
// The machine's cores, or as many as Slurm gave to the job here.
int cores_machine(void);

#endif

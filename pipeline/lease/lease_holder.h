// SPDX-License-Identifier: Apache-2.0
// Who holds a lease: what its file says, and whether that run is still alive. Local.
#ifndef PIPELINE_LEASE_LEASE_HOLDER_H
#define PIPELINE_LEASE_LEASE_HOLDER_H

#include <stdbool.h>
#include <stddef.h>

// The file is lines "name value"; its last line is the beat, of fixed width.
#define HOLDER_BEAT "beat %010llu\n"
#define LEASE_ID    64 // bytes of what tells one run from every other
enum { HOLDER_BEAT_BYTES = 16, HOLDER_FILE = 2048 };

typedef struct holder {
    char text[HOLDER_FILE]; // the whole file
    char id[LEASE_ID], host[256], boot[64], space[64], job[64], restart[32], since[64];
    long long pid, start;
    unsigned long long beat;
} holder;

// This process. Its start time, machine and Slurm job are looked up.
void lease_holder_self(holder *h);

// Reads the lease file; false when there is none (or it cannot be read). One half written or of
// another program gives a holder without an id.
bool lease_holder_read(const char *path, holder *h);

typedef enum holder_life { HOLDER_DEAD, HOLDER_ALIVE, HOLDER_UNKNOWN } holder_life;

// Is it alive, as far as `self` can tell at once? Asks /proc on the same machine, and else Slurm
// (starts squeue; call it now and then only).
holder_life lease_holder_judge(const holder *h, const holder *self);

// "process 12 on node7 (Slurm job 34), since 2026-01-31 23:59:59".
void lease_holder_describe(const holder *h, char *out, size_t n);

#endif

// SPDX-License-Identifier: Apache-2.0
// The ranks of a run and the nodes they sit on: the engine's only way to MPI, with the other files
// of this folder (and main.c, which starts it). Everything here is called by the thread that
// started MPI; what is collective also by a thread that stands in for it, while it calls nothing
// that is (pipeline/schedule/cuts.h).
#ifndef PIPELINE_COMM_COMM_H
#define PIPELINE_COMM_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/partial.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"
#include "pipeline/comm/mailbox.h"
#include "pipeline/comm/team.h"
#include "pipeline/comm/verdict.h"

typedef struct comm comm;

// Duplicates the communicator whose Fortran handle (MPI_Comm_c2f) is given, and groups its ranks by
// node: those that can share memory. The environment variable SULCUS_NODES=N splits each machine
// into N "nodes", to test what happens between nodes on one machine. Collective on the
// communicator. Owned by the caller.
status comm_new(int fortran_handle, comm **out);
// Collective. NULL is a no-op.
void comm_free(comm *c);

// The name of this rank's machine; the environment variable SULCUS_HOST gives it another, to test
// what machines say of each other. Borrowed.
const char *comm_host(const comm *c);
int comm_rank(const comm *c);
int comm_ranks(const comm *c);
int comm_node(const comm *c); // of this rank, in [0, comm_nodes)
int comm_nodes(const comm *c);
int comm_node_of(const comm *c, int rank);
int comm_first_of(const comm *c, int node); // its first rank
// This rank's place among all ranks of its machine, whatever SULCUS_NODES makes of them.
int comm_machine_rank(const comm *c);
// How many ranks say the same number (of which 31 bits are looked at), this one among them. Collective.
int comm_alike(const comm *c, uint64_t number);
// This rank's place when all ranks are sorted by node and, within it, by their rank there
// (comm_share's `rank`).
int comm_position(const comm *c);

// How many threads this rank may use without crowding others: the cores the launcher bound it to,
// each divided by the number of ranks bound to that core; no more than Slurm gave a rank; at least
// 1.
int comm_cores(const comm *c);
// The same in CPUs, of which a core may have several, as it comes out: less than 1 where there are
// more ranks than CPUs.
double comm_cpu_share(const comm *c);
// The CPUs that its threads can be kept on, one of each core: how many, and *cpu, borrowed from the
// communicator; 0 where the launcher gave it none of its own.
int comm_own_cores(const comm *c, const int32_t **cpu);

// May several threads call MPI at once? Local.
bool comm_threaded(void);

// Sends n bytes of rank `root` to all; MPI may write them anew there too. Collective.
void comm_broadcast(const comm *c, int root, void *bytes, size_t n);
// The same for a block whose size only the root knows: elsewhere *bytes is allocated and owned by
// the caller. Collective. A rank that has no memory may fail alone, hence a vote must follow.
status comm_broadcast_block(const comm *c, int root, void **bytes, size_t *n);

enum { COMM_SMALL = 8000 }; // bytes of one message that takes hardly longer than one byte
// A block of the rank `root`; its size is the same on all ranks. One of COMM_SMALL at most may be
// NULL where a rank has no room for it.
typedef struct comm_block {
    int root;
    void *bytes;
    size_t size;
} comm_block;
// Sends n blocks, each of its own root, to all: small ones together, over a slow network in the
// time of one. Collective.
void comm_broadcast_each(const comm *c, size_t n, const comm_block *b);

// The vote: after all ranks have come, returns on all of them the status and the text of the lowest
// rank that failed; a rank that was only interrupted counts where none failed otherwise. Where the
// ranks sit on several machines, and not all have failed, the text of what may be one machine's
// fault (input, output, memory) begins with its name: "on node17: …". Collective.
status comm_agree(const comm *c, status st);
// The same for n verdicts at once, each by itself. With each go `numbers` numbers of `least` (0 to
// 2; NULL: none), which become the smallest of all ranks'. Collective, n alike on all ranks.
void comm_agree_each(const comm *c, size_t n, verdict *const *v, int numbers, int64_t *least);
// What this rank alone has found and will tell: names its machine alike. Local.
status comm_name_host(const comm *c, status st);

// The largest value of all ranks; the smallest; the sum. Collective.
int64_t comm_largest(const comm *c, int64_t x);
int64_t comm_smallest(const comm *c, int64_t x);
int64_t comm_sum(const comm *c, int64_t x);
// The sums of n numbers, each by itself. Collective.
void comm_sum_each(const comm *c, size_t n, int64_t *x);
// The same of a few, where others compute meanwhile: who waits sleeps. Collective.
void comm_sum_patiently(const comm *c, size_t n, int64_t *x);

// An alarm: tells the other nodes, while all compute, that they should stop and come to the vote.
// Local, does not wait.
void comm_alarm(comm *c);
// Has one arrived at this node? Asked by the first rank of a node, between units; false elsewhere.
// Local.
bool comm_alarmed(comm *c);
// How many this rank has sent since the last clear. Local.
int64_t comm_alarms(const comm *c);
// Ends it: takes in the alarms that are still under way, of `sent` on all ranks. Collective on each
// node.
void comm_alarm_clear(comm *c, int64_t sent);

// Small messages while all compute. Borrowed, valid until comm_free.
mailbox *comm_mailbox(comm *c);

// The node's shared memory (pipeline/base/share.h), whose functions are collective on the node. Borrowed,
// valid until comm_free.
share *comm_share(comm *c);

// Groups the ranks into teams of n, which divides their number (pipeline/comm/team.h); called once, n
// > 1. Collective. ERR_USAGE where MPI cannot.
status comm_form_teams(comm *c, int n);
// NULL until comm_form_teams. Borrowed, valid until comm_free.
team *comm_team(const comm *c);

// Adds up the nodes' partials of one round, each in its node's shared memory, into that of the node
// `root`; what the other nodes hold is undefined then. Collective. ERR_NUMERIC on the ranks of that
// node alone when a sum overflows, naming the field: a vote must follow.
status comm_reduce(const comm *c, int root, partial *p);
// The same for n words of bits, in each node's shared memory: those set on any node. The other
// ranks of the root's node see the result after the next comm_reduce.
void comm_reduce_bits(const comm *c, int root, uint64_t *words, size_t n);

#endif

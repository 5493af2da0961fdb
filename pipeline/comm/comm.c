// SPDX-License-Identifier: Apache-2.0
// Sums are reduced in two steps: a node's ranks have already added into one block of shared memory,
// so only the nodes' first ranks exchange them. MPI has no 128-bit integers, hence the operation of
// our own on pairs of words.
#include "pipeline/comm/comm.h"

#include <limits.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"
#include "pipeline/comm/node_share.h"
#include "pipeline/comm/rank_cores.h"
#include "pipeline/comm/vote.h"

enum {
    CHUNK = 1 << 30,       // bytes of one broadcast: MPI counts are ints
    ALARM = 1,             // a message's tag
    REDUCE_BLOCK = 1 << 18 // values of one reduction, so that MPI's own buffers stay small
};

struct comm {
    MPI_Comm all, node, leaders; // leaders: rank 0 of each node, in node order; null elsewhere
    int rank, ranks, node_index, nodes;
    int machine_rank;
    char host[256];   // this rank's machine
    bool hosts;       // there are several
    rank_cores cores; // owned
    int *node_of;     // of each rank; owned
    int *first_of;    // the first rank of each node; owned
    share *share;     // owned
    mailbox *mailbox; // owned
    team *team;       // owned; NULL with teams of one
    MPI_Datatype sum_type;
    MPI_Op merge_counts, merge_sums;
    void *own; // what the root of a reduction adds itself: a block; owned, NULL with one node
    int64_t alarms_sent, alarms_received; // by this rank, since the last clear
};

// --- Votes

status comm_agree(const comm *c, status st)
{
    verdict v = {OK, ""};
    verdict_add(&v, st);
    comm_agree_each(c, 1, &(verdict *){&v}, 0, NULL);
    return verdict_get(&v);
}

void comm_agree_each(const comm *c, size_t n, verdict *const *v, int numbers, int64_t *least)
{
    vote_each(c->all, c->hosts ? c->host : NULL, n, v, numbers, least);
}

status comm_name_host(const comm *c, status st)
{
    verdict v = {OK, ""};
    verdict_add(&v, st);
    if (c->hosts)
        verdict_name_host(&v, c->host);
    return verdict_get(&v);
}

// --- The communicator

share *comm_share(comm *c)
{
    return c->share;
}

static void merge_counts(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    partial_merge(PARTIAL_COUNT, inout, in, *n);
}

static void merge_sums(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    partial_merge(PARTIAL_SUM, inout, in, *n);
}

// Sets c->host and c->hosts. SULCUS_HOST gives a rank's machine another name.
static void name_host(comm *c)
{
    char first[sizeof c->host];
    const char *given = getenv("SULCUS_HOST");
    if (given)
        snprintf(c->host, sizeof c->host, "%s", given);
    else
        gethostname(c->host, sizeof c->host - 1);
    memcpy(first, c->host, sizeof first);
    comm_broadcast(c, 0, first, sizeof first);
    c->hosts = comm_largest(c, strcmp(first, c->host) != 0) != 0;
}

// Sets c->node, from the machines' ranks or a part of them.
static void split_nodes(comm *c)
{
    MPI_Comm machine;
    int ranks;
    // A machine's ranks share its cores and devices, whatever SULCUS_NODES makes of them.
    MPI_Comm_split_type(c->all, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
    MPI_Comm_rank(machine, &c->machine_rank);
    MPI_Comm_size(machine, &ranks);
    c->cores = rank_cores_find(machine);
    const char *wanted = getenv("SULCUS_NODES");
    int parts = wanted ? atoi(wanted) : 1;
    if (parts < 1)
        parts = 1;
    MPI_Comm_split(machine, (int)((int64_t)c->machine_rank * parts / ranks), 0, &c->node);
    MPI_Comm_free(&machine);
}

status comm_new(int fortran_handle, comm **out)
{
    MPI_Comm given = MPI_Comm_f2c(fortran_handle);
    comm *c = checked_calloc(1, sizeof *c);
    status st = vote(given, c ? OK : status_no_memory("the communicator"));
    if (st != OK) {
        free(c);
        return st;
    }
    MPI_Comm_dup(given, &c->all);
    MPI_Comm_rank(c->all, &c->rank);
    MPI_Comm_size(c->all, &c->ranks);
    name_host(c);
    split_nodes(c);
    int node_rank;
    MPI_Comm_rank(c->node, &node_rank);
    bool leads = node_rank == 0;
    MPI_Comm_split(c->all, leads ? 0 : MPI_UNDEFINED, 0, &c->leaders);
    if (leads)
        MPI_Comm_rank(c->leaders, &c->node_index);
    MPI_Bcast(&c->node_index, 1, MPI_INT, 0, c->node);
    c->nodes = (int)comm_largest(c, c->node_index) + 1;
    MPI_Type_contiguous(sizeof(fixed), MPI_BYTE, &c->sum_type);
    MPI_Type_commit(&c->sum_type);
    MPI_Op_create(merge_counts, 1, &c->merge_counts);
    MPI_Op_create(merge_sums, 1, &c->merge_sums);
    TRY(comm_agree(c, node_share_new(c->node, &c->share)));
    TRY(mailbox_new(MPI_Comm_c2f(c->all), MPI_Comm_c2f(c->leaders), &c->mailbox));
    c->node_of = checked_calloc((size_t)c->ranks, sizeof *c->node_of);
    c->first_of = checked_calloc((size_t)c->nodes, sizeof *c->first_of);
    if (c->nodes > 1)
        c->own = checked_calloc(REDUCE_BLOCK, sizeof(fixed));
    TRY(comm_agree(c, c->node_of && c->first_of && (c->own || c->nodes == 1)
                          ? OK
                          : status_no_memory("the communicator")));
    MPI_Allgather(&c->node_index, 1, MPI_INT, c->node_of, 1, MPI_INT, c->all);
    for (int r = c->ranks; r-- > 0;)
        c->first_of[c->node_of[r]] = r;
    *out = c;
    c = NULL;
done:
    comm_free(c);
    return st;
}

void comm_free(comm *c)
{
    if (!c)
        return;
    team_free(c->team);
    node_share_free(c->share);
    mailbox_free(c->mailbox);
    MPI_Op_free(&c->merge_counts);
    MPI_Op_free(&c->merge_sums);
    MPI_Type_free(&c->sum_type);
    if (c->leaders != MPI_COMM_NULL)
        MPI_Comm_free(&c->leaders);
    MPI_Comm_free(&c->node);
    MPI_Comm_free(&c->all);
    free(c->own);
    free(c->cores.cpu);
    free(c->node_of);
    free(c->first_of);
    free(c);
}

status comm_form_teams(comm *c, int n)
{
    return team_new(MPI_Comm_c2f(c->all), MPI_Comm_c2f(c->node), comm_position(c), n, &c->team);
}

team *comm_team(const comm *c)
{
    return c->team;
}

const char *comm_host(const comm *c)
{
    return c->host;
}

int comm_rank(const comm *c)
{
    return c->rank;
}

int comm_ranks(const comm *c)
{
    return c->ranks;
}

int comm_node(const comm *c)
{
    return c->node_index;
}

int comm_nodes(const comm *c)
{
    return c->nodes;
}

int comm_node_of(const comm *c, int rank)
{
    return c->node_of[rank];
}

int comm_first_of(const comm *c, int node)
{
    return c->first_of[node];
}

int comm_machine_rank(const comm *c)
{
    return c->machine_rank;
}

int comm_alike(const comm *c, uint64_t number)
{
    MPI_Comm alike;
    int ranks;
    MPI_Comm_split(c->all, (int)((number ^ number >> 32) & INT_MAX), 0, &alike);
    MPI_Comm_size(alike, &ranks);
    MPI_Comm_free(&alike);
    return ranks;
}

mailbox *comm_mailbox(comm *c)
{
    return c->mailbox;
}

int comm_position(const comm *c)
{
    int before = c->share->rank;
    for (int r = 0; r < c->ranks; r++)
        before += c->node_of[r] < c->node_index;
    return before;
}

int comm_cores(const comm *c)
{
    return c->cores.share.cores < 1 ? 1 : (int)(c->cores.share.cores + 1e-9);
}

int comm_own_cores(const comm *c, const int32_t **cpu)
{
    *cpu = c->cores.cpu;
    return c->cores.own;
}

double comm_cpu_share(const comm *c)
{
    return c->cores.share.cpus;
}

bool comm_threaded(void)
{
    int given;
    MPI_Query_thread(&given);
    return given >= MPI_THREAD_MULTIPLE;
}

// --- Alarms: empty messages, so that nothing must be kept until they have arrived

void comm_alarm(comm *c)
{
    for (int other = 0; other < c->nodes; other++) {
        MPI_Request sent;
        if (other == c->node_index)
            continue;
        MPI_Isend(NULL, 0, MPI_BYTE, c->first_of[other], ALARM, c->all, &sent);
        MPI_Request_free(&sent);
        c->alarms_sent++;
    }
}

bool comm_alarmed(comm *c)
{
    int here = 0;
    if (c->leaders == MPI_COMM_NULL || c->nodes == 1)
        return false;
    MPI_Iprobe(MPI_ANY_SOURCE, ALARM, c->all, &here, MPI_STATUS_IGNORE);
    if (here) {
        MPI_Recv(NULL, 0, MPI_BYTE, MPI_ANY_SOURCE, ALARM, c->all, MPI_STATUS_IGNORE);
        c->alarms_received++;
    }
    return here;
}

int64_t comm_alarms(const comm *c)
{
    return c->alarms_sent;
}

void comm_alarm_clear(comm *c, int64_t sent)
{
    int64_t here = 0;
    if (c->nodes == 1)
        return;
    // Every alarm goes to all other nodes: this one's share is a node's part of what they sent.
    MPI_Allreduce(&c->alarms_sent, &here, 1, MPI_INT64_T, MPI_SUM, c->node);
    int64_t expected = (sent - here) / (c->nodes - 1);
    while (c->leaders != MPI_COMM_NULL && c->alarms_received < expected) {
        MPI_Recv(NULL, 0, MPI_BYTE, MPI_ANY_SOURCE, ALARM, c->all, MPI_STATUS_IGNORE);
        c->alarms_received++;
    }
    c->alarms_sent = c->alarms_received = 0;
}

// --- Data

static void broadcast_bytes(MPI_Comm ranks, int root, void *bytes, size_t n)
{
    for (size_t at = 0; at < n; at += CHUNK) {
        int m = (int)(n - at < CHUNK ? n - at : CHUNK);
        MPI_Bcast((char *)bytes + at, m, MPI_BYTE, root, ranks);
    }
}

void comm_broadcast(const comm *c, int root, void *bytes, size_t n)
{
    broadcast_bytes(c->all, root, bytes, n);
}

status comm_broadcast_block(const comm *c, int root, void **bytes, size_t *n)
{
    struct {
        uint64_t size;
        unsigned char bytes[COMM_SMALL]; // all of it, where it goes in
    } head;
    const bool own = c->rank == root;
    if (own) {
        head.size = *n;
        memset(head.bytes, 0, sizeof head.bytes);
        if (*n > 0 && *n <= COMM_SMALL)
            memcpy(head.bytes, *bytes, *n);
    }
    broadcast_bytes(c->all, root, &head, sizeof head);
    void *mine = own ? *bytes : checked_calloc(head.size, 1);
    status st = own || mine ? OK : status_no_memory("a message of another rank");
    if (head.size > COMM_SMALL) {
        st = comm_agree(c, st);
        if (st == OK)
            broadcast_bytes(c->all, root, mine, head.size);
    } else if (!own && mine) {
        memcpy(mine, head.bytes, head.size);
    }
    if (st == OK) {
        *bytes = mine;
        *n = head.size;
    } else if (!own) {
        free(mine);
    }
    return st;
}

// Blocks that go into one message, from the one at `first`; returns where they end, and what they
// take.
static size_t count_together(size_t n, const comm_block *b, size_t first, size_t *bytes)
{
    size_t end = first;
    for (*bytes = 0; end < n && b[end].size <= COMM_SMALL - *bytes; end++)
        *bytes += b[end].size;
    return end;
}

void comm_broadcast_each(const comm *c, size_t n, const comm_block *b)
{
    for (size_t first = 0, end; first < n; first = end) {
        unsigned char all[COMM_SMALL] = {0};
        size_t bytes, at = 0;
        bool one_root = true;
        end = count_together(n, b, first, &bytes);
        if (end == first) {
            comm_broadcast(c, b[first].root, b[first].bytes, b[first].size);
            end++;
            continue;
        }
        for (size_t i = first; i < end; at += b[i++].size) {
            one_root &= b[i].root == b[first].root;
            if (b[i].root == c->rank && b[i].size > 0)
                memcpy(all + at, b[i].bytes, b[i].size);
        }
        if (one_root)
            comm_broadcast(c, b[first].root, all, bytes);
        else // who has no part in a byte adds zeros to it
            MPI_Allreduce(MPI_IN_PLACE, all, (int)bytes, MPI_BYTE, MPI_BOR, c->all);
        at = 0;
        for (size_t i = first; i < end; at += b[i++].size)
            if (b[i].root != c->rank && b[i].bytes && b[i].size > 0)
                memcpy(b[i].bytes, all + at, b[i].size);
    }
}

static int64_t all_reduce(const comm *c, int64_t x, MPI_Op op)
{
    MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_INT64_T, op, c->all);
    return x;
}

int64_t comm_largest(const comm *c, int64_t x)
{
    return all_reduce(c, x, MPI_MAX);
}

int64_t comm_smallest(const comm *c, int64_t x)
{
    return all_reduce(c, x, MPI_MIN);
}

int64_t comm_sum(const comm *c, int64_t x)
{
    return all_reduce(c, x, MPI_SUM);
}

void comm_sum_each(const comm *c, size_t n, int64_t *x)
{
    for (size_t at = 0; at < n; at += REDUCE_BLOCK)
        MPI_Allreduce(MPI_IN_PLACE, x + at, (int)(n - at < REDUCE_BLOCK ? n - at : REDUCE_BLOCK),
                      MPI_INT64_T, MPI_SUM, c->all);
}

void comm_sum_patiently(const comm *c, size_t n, int64_t *x)
{
    enum { SHORTEST_NS = 20000, LONGEST_NS = 1000000 };
    MPI_Request under_way;
    int done;
    MPI_Iallreduce(MPI_IN_PLACE, x, (int)n, MPI_INT64_T, MPI_SUM, c->all, &under_way);
    MPI_Test(&under_way, &done, MPI_STATUS_IGNORE);
    for (long nap = SHORTEST_NS; !done; nap = nap < LONGEST_NS ? 2 * nap : LONGEST_NS) {
        nanosleep(&(struct timespec){0, nap}, NULL);
        MPI_Test(&under_way, &done, MPI_STATUS_IGNORE);
    }
}

// Between the nodes' first ranks. Not in place: of some versions of MPICH the root crashes then.
static void reduce_values(const comm *c, int root, void *values, int64_t n, size_t size,
                          MPI_Datatype type, MPI_Op op)
{
    const bool here = c->node_index == root;
    for (int64_t at = 0; at < n; at += REDUCE_BLOCK) {
        int m = (int)(n - at < REDUCE_BLOCK ? n - at : REDUCE_BLOCK);
        void *part = (char *)values + (size_t)at * size;
        if (here)
            memcpy(c->own, part, (size_t)m * size);
        MPI_Reduce(here ? c->own : part, here ? part : NULL, m, type, op, root, c->leaders);
    }
}

status comm_reduce(const comm *c, int root, partial *p)
{
    const partial_shape *shape = partial_get_shape(p);
    const bool first = c->leaders != MPI_COMM_NULL, here = c->node_index == root;
    for (int f = 0; first && f < shape->fields && c->nodes > 1; f++) {
        bool counts = shape->field[f].type == PARTIAL_COUNT;
        reduce_values(c, root, partial_values(p, f), shape->field[f].length,
                      counts ? sizeof(int64_t) : sizeof(fixed), counts ? MPI_INT64_T : c->sum_type,
                      counts ? c->merge_counts : c->merge_sums);
    }
    return here ? vote(c->node, first ? partial_check(p) : OK) : OK;
}

void comm_reduce_bits(const comm *c, int root, uint64_t *words, size_t n)
{
    if (c->leaders != MPI_COMM_NULL && c->nodes > 1)
        reduce_values(c, root, words, (int64_t)n, sizeof *words, MPI_UINT64_T, MPI_BOR);
}

static void add_mpi_version(text *found)
{
    char line[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    MPI_Get_library_version(line, &length); // may be asked before MPI starts
    text_add_bytes(found, line, strcspn(line, "\n"));
}

const version_def library_mpi = {"MPI", add_mpi_version};

// SPDX-License-Identifier: Apache-2.0
// Nodes know of each other only what messages said, so each message carries all that its sender
// knows, with version numbers: the newer of two statements is the larger number. A rank that asked
// everywhere in vain gives up; a meeting at the end makes sure that no unit is on its way.
#include "pipeline/schedule/steal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"
#include "pipeline/comm/mailbox.h"

enum { ASK = 1, GIVE }; // kinds of messages; both end with what the sender knows (write_known)
enum { ASK_IDLE, ASK_VALUES }; // of ASK: does the rank wait, or still work?
enum { GIVE_FIRST, GIVE_END, GIVE_VALUES };
enum { TRIES = 16 }; // more asks in vain than there are nodes, before a rank gives up

// What a node has left, as far as another one knows: how often it was heard of, and then its units,
// in one number, so that the larger of two is the newer. 0: never heard of.
typedef uint64_t known;

static known known_as(uint64_t version, int64_t left)
{
    return version << 32 | (uint64_t)left;
}

static uint64_t version_of(known k)
{
    return k >> 32;
}

static int64_t left_of(known k)
{
    return k ? (int64_t)(k & UINT32_MAX) : WORK_QUEUE_UNITS;
}

// What the ranks of a node know together.
typedef struct node_view {
    _Alignas(64) atomic_int asking; // ranks that wait for an answer
    atomic_int gone;                // ranks that have come to the meeting
    atomic_uint_least64_t known[];  // of each node
} node_view;

struct steal {
    comm *comm;
    mailbox *mailbox;
    work_queue *queue;
    int mine; // this rank's share of the queue
    node_view *view;
    bool first;          // of the node's ranks: the one that answers
    bool waiting, ahead; // for an answer; asked before it was idle, since something came
    int tries;           // how often it asked in vain since then
    rng rng;             // whom to ask, among equals
    uint64_t drawn;
    int64_t fetched;
};

// Long enough to leave the core to who computes, short against a unit.
static void nap(void)
{
    nanosleep(&(struct timespec){0, 100000}, NULL);
}

size_t steal_bytes(int nodes)
{
    return (sizeof(node_view) + (size_t)nodes * sizeof(known) + 63) / 64 * 64;
}

status steal_new(comm *c, void *block, work_queue *list, steal **out)
{
    steal *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("the list of units");
    *s = (steal){.comm = c,
                 .mailbox = comm_mailbox(c),
                 .queue = list,
                 .mine = comm_share(c)->rank,
                 .view = block,
                 .first = comm_share(c)->rank == 0,
                 .rng = rng_new((uint64_t)comm_rank(c), "steal")};
    *out = s;
    return OK;
}

void steal_free(steal *s)
{
    free(s);
}

int64_t steal_fetched(const steal *s)
{
    return s->fetched;
}

// --- What nodes know of each other

// By chance, so that not all do the same. In [0, n).
static int64_t draw_number(steal *s, int64_t n)
{
    return (int64_t)rng_below(&s->rng, s->drawn++, (uint64_t)n);
}

static void learn_left(steal *s, int node, known k)
{
    uint64_t now = atomic_load(&s->view->known[node]);
    while (k > now && !atomic_compare_exchange_weak(&s->view->known[node], &now, k))
        ;
}

// This node's own number is made anew for each message, and newer than all that was said of it.
static void look_at_own(steal *s)
{
    const int own = comm_node(s->comm);
    known now = atomic_load(&s->view->known[own]);
    learn_left(s, own, known_as(version_of(now) + 1, work_queue_left(s->queue)));
}

// Writes at `values` the first of the nodes that follow, and of as many as go into a message what
// is known; returns the message's length. Where there are more nodes, each message tells of others.
static int write_known(steal *s, int64_t values[MAILBOX_VALUES], int at)
{
    const int nodes = comm_nodes(s->comm), room = MAILBOX_VALUES - at - 1;
    const int n = nodes < room ? nodes : room;
    const int begin = n < nodes ? (int)draw_number(s, nodes) : 0;
    look_at_own(s);
    values[at++] = begin;
    for (int i = 0; i < n; i++)
        values[at++] = (int64_t)atomic_load(&s->view->known[(begin + i) % nodes]);
    return at;
}

static void read_known(steal *s, const int64_t values[MAILBOX_VALUES], int at, int n)
{
    const int64_t begin = values[at++];
    for (int64_t i = 0; at < n; i++)
        learn_left(s, (int)((begin + i) % comm_nodes(s->comm)), (known)values[at++]);
}

// --- The node that is asked: its first rank

// Units for one rank more than there are here: none when that one still works and those here can
// take them at once.
static void answer_ask(steal *s, int from, bool idle)
{
    int64_t values[MAILBOX_VALUES] = {0};
    const int64_t here = comm_share(s->comm)->ranks;
    const int node = comm_node_of(s->comm, from);
    if ((idle || work_queue_left(s->queue) > here) &&
        work_queue_give(s->queue, work_queue_cost_left(s->queue) / (here + 1), &values[GIVE_FIRST],
                        &values[GIVE_END]) > 0) {
        known now = atomic_load(&s->view->known[node]);
        learn_left(s, node, known_as(version_of(now) + 1, values[GIVE_END] - values[GIVE_FIRST]));
    }
    const int n = write_known(s, values, GIVE_VALUES);
    mailbox_send(s->mailbox, from, GIVE, values, n);
}

static void serve_others(steal *s)
{
    int64_t values[MAILBOX_VALUES];
    int from, n;
    while (mailbox_take(s->mailbox, ASK, &from, values, &n)) {
        read_known(s, values, ASK_VALUES, n);
        answer_ask(s, from, values[ASK_IDLE] != 0);
    }
}

// --- A rank that asks

static void take_answer(steal *s)
{
    int64_t values[MAILBOX_VALUES];
    int from, n;
    if (!s->waiting || !mailbox_take(s->mailbox, GIVE, &from, values, &n))
        return;
    read_known(s, values, GIVE_VALUES, n);
    if (values[GIVE_FIRST] < values[GIVE_END]) {
        work_queue_put(s->queue, s->mine, values[GIVE_FIRST], values[GIVE_END]);
        s->fetched += values[GIVE_END] - values[GIVE_FIRST];
        s->tries = 0;
        s->ahead = false;
    }
    s->waiting = false;
    atomic_fetch_sub(&s->view->asking, 1); // last: who sees none waiting sees what came
}

void steal_serve(steal *s)
{
    if (s->first)
        serve_others(s);
    take_answer(s);
}

// The node that has most left as far as is known, one of them by chance; those never heard of come
// first. -1: nobody has any.
static int find_victim(steal *s)
{
    const int nodes = comm_nodes(s->comm), own = comm_node(s->comm);
    int64_t most = 0, equals = 0;
    int best = -1;
    for (int node = 0; node < nodes; node++) {
        const int64_t left = node == own ? 0 : left_of(atomic_load(&s->view->known[node]));
        if (left == 0 || left < most)
            continue;
        equals = left > most ? 1 : equals + 1;
        most = left;
        if (draw_number(s, equals) == 0)
            best = node;
    }
    return best;
}

static bool ask_node(steal *s, bool idle)
{
    int64_t values[MAILBOX_VALUES] = {idle};
    const int victim = find_victim(s);
    if (victim < 0)
        return false;
    s->waiting = true;
    atomic_fetch_add(&s->view->asking, 1);
    const int n = write_known(s, values, ASK_VALUES);
    mailbox_send(s->mailbox, comm_first_of(s->comm, victim), ASK, values, n);
    return true;
}

void steal_ahead(steal *s)
{
    if (s->waiting || s->ahead || work_queue_left(s->queue) > 0)
        return;
    s->ahead = true;
    ask_node(s, false);
}

bool steal_ask(steal *s)
{
    const bool others = atomic_load(&s->view->asking) > 0;
    if (s->waiting || work_queue_left(s->queue) > 0)
        return true;
    if (s->tries++ <= comm_nodes(s->comm) + TRIES && ask_node(s, true))
        return true;
    return others; // one of this node may bring something
}

// --- The meeting

void steal_meet(steal *s)
{
    while (s->waiting) {
        steal_serve(s);
        nap();
    }
    s->ahead = false;
    s->tries = 0;
    atomic_fetch_add(&s->view->gone, 1);
    if (!s->first)
        return;
    // The first rank goes last: as long as one waits for an answer, its node has not arrived.
    while (atomic_load(&s->view->gone) < comm_share(s->comm)->ranks) {
        serve_others(s);
        nap();
    }
    mailbox_arrive(s->mailbox);
    while (!mailbox_all_arrived(s->mailbox)) {
        serve_others(s);
        nap();
    }
    atomic_store(&s->view->gone, 0);
    for (int node = 0; node < comm_nodes(s->comm); node++)
        atomic_store(&s->view->known[node], 0);
}

// SPDX-License-Identifier: Apache-2.0
#include "pipeline/steal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "pipeline/base/checked.h"
#include "pipeline/letters.h"

enum { ASK = 1, GIVE, EMPTY }; // kinds of letters
enum { ASK_IDLE, ASK_VALUES }; // of ASK: does the rank wait, or still work?
enum { GIVE_HINT, GIVE_LEFT, GIVE_FIRST, GIVE_END, GIVE_VALUES }; // of GIVE: see answer
enum { TRIES = 8 }; // more asks than there are nodes, before a rank gives up

// What the ranks of a node know together.
typedef struct node_view {
    _Alignas(64) atomic_int asking; // ranks that wait for an answer
    atomic_int gone;                // ranks that have come to the meeting
    atomic_bool told;               // the others know that there is nothing left here
    atomic_uchar empty[];           // of each node: has it said so?
} node_view;

struct steal {
    comm *comm;
    letters *letters;
    claims *claims;
    int mine; // this rank's share of the claims
    node_view *view;
    bool first;          // of the node's ranks: the one that answers
    bool waiting, ahead; // for an answer; asked before it was idle, since something came
    int tries;           // how often it asked in vain since then
    int last_given;      // the first rank's: the node that got units last, or -1
    int64_t empty_taken; // the first rank's: letters since the last meeting
    int64_t fetched;
};

// Long enough to leave the core to who computes, short against a unit.
static void nap(void)
{
    nanosleep(&(struct timespec){0, 100000}, NULL);
}

size_t steal_bytes(int nodes)
{
    return (sizeof(node_view) + (size_t)nodes + 63) / 64 * 64;
}

status steal_new(comm *c, void *block, claims *list, steal **out)
{
    steal *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("the list of units");
    *s = (steal){.comm = c,
                 .letters = comm_letters(c),
                 .claims = list,
                 .mine = comm_share(c)->rank,
                 .view = block,
                 .first = comm_share(c)->rank == 0,
                 .last_given = -1};
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

// --- The node that is asked: its first rank

// Units for one rank more than there are here: none when that one still works and those here can
// take them at once. Tells who got some last, where there are none.
static void answer(steal *s, int from, bool idle)
{
    int64_t values[GIVE_VALUES] = {s->last_given, claims_left(s->claims), 0, 0};
    int64_t here = comm_share(s->comm)->ranks;
    if ((idle || values[GIVE_LEFT] > here) &&
        claims_give(s->claims, claims_cost_left(s->claims) / (here + 1), &values[GIVE_FIRST],
                    &values[GIVE_END]) > 0)
        s->last_given = comm_node_of(s->comm, from);
    letters_send(s->letters, from, GIVE, values, GIVE_VALUES);
}

static void serve_others(steal *s)
{
    int64_t values[LETTER_VALUES];
    int from, n;
    while (letters_take(s->letters, EMPTY, &from, values, &n)) {
        atomic_store(&s->view->empty[comm_node_of(s->comm, from)], 1);
        s->empty_taken++;
    }
    while (letters_take(s->letters, ASK, &from, values, &n))
        answer(s, from, values[ASK_IDLE] != 0);
}

// --- A rank that asks

static void take_answer(steal *s)
{
    int64_t values[LETTER_VALUES];
    int from, n;
    if (!s->waiting || !letters_take(s->letters, GIVE, &from, values, &n))
        return;
    if (values[GIVE_FIRST] < values[GIVE_END]) {
        claims_put(s->claims, s->mine, values[GIVE_FIRST], values[GIVE_END]);
        s->fetched += values[GIVE_END] - values[GIVE_FIRST];
        s->tries = 0;
        s->ahead = false;
    } else if (values[GIVE_LEFT] == 0) {
        atomic_store(&s->view->empty[comm_node_of(s->comm, from)], 1);
        if (values[GIVE_HINT] >= 0 && values[GIVE_HINT] != comm_node(s->comm))
            atomic_store(&s->view->empty[values[GIVE_HINT]], 0);
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

// Once between two meetings: nobody needs to ask here any more.
static void tell_empty(steal *s)
{
    int64_t none = 0;
    if (atomic_exchange(&s->view->told, true))
        return;
    for (int node = 0; node < comm_nodes(s->comm); node++)
        if (node != comm_node(s->comm))
            letters_send(s->letters, comm_first_of(s->comm, node), EMPTY, &none, 1);
}

// The next node after this one that may have something; -1: none.
static int find_victim(const steal *s)
{
    int nodes = comm_nodes(s->comm), own = comm_node(s->comm);
    for (int i = 1; i < nodes; i++)
        if (!atomic_load(&s->view->empty[(own + i) % nodes]))
            return (own + i) % nodes;
    return -1;
}

static bool ask(steal *s, int64_t idle)
{
    int victim = find_victim(s);
    if (victim < 0)
        return false;
    s->waiting = true;
    atomic_fetch_add(&s->view->asking, 1);
    letters_send(s->letters, comm_first_of(s->comm, victim), ASK, &idle, ASK_VALUES);
    return true;
}

void steal_ahead(steal *s)
{
    if (s->waiting || s->ahead || claims_left(s->claims) > 0)
        return;
    s->ahead = true;
    ask(s, false);
}

bool steal_ask(steal *s)
{
    bool others = atomic_load(&s->view->asking) > 0;
    tell_empty(s);
    nap();
    if (s->waiting || claims_left(s->claims) > 0)
        return true;
    if (s->tries++ <= comm_nodes(s->comm) + TRIES && ask(s, true))
        return true;
    return others; // one of this node may bring something
}

// --- The meeting

// Takes what was sent to this node's first rank and has not been looked at; nothing more comes.
static void take_rest(steal *s)
{
    int64_t told = atomic_load(&s->view->told);
    int64_t expected = letters_sum(s->letters, told) - told;
    while (s->empty_taken < expected)
        serve_others(s);
    s->empty_taken = 0;
    s->last_given = -1;
    atomic_store(&s->view->told, false);
    atomic_store(&s->view->gone, 0);
    for (int node = 0; node < comm_nodes(s->comm); node++)
        atomic_store(&s->view->empty[node], 0);
}

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
    letters_arrive(s->letters);
    while (!letters_all_arrived(s->letters)) {
        serve_others(s);
        nap();
    }
    take_rest(s);
}

// SPDX-License-Identifier: Apache-2.0
// Nothing is sent while things move, but once at the start, by which the first node learns the
// others' names, and the way to them is open when it is needed. A node that is silent takes no
// message: so it is asked once, and not again until it has answered.
#include "pipeline/schedule/roll_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/progress.h"
#include "pipeline/base/text.h"

enum { ASK = 11, ANSWER };      // kinds of messages; those of steal.c are others
enum { NAME = MAILBOX_VALUES }; // bytes of a host's name, in an answer
enum { VALUES = NAME / sizeof(int64_t) };

typedef struct asked_node {
    char host[NAME];
    double asked; // when; 0: no answer is awaited
} asked_node;

struct roll_call {
    comm *comm;       // borrowed
    mailbox *mailbox; // owned
    bool first;       // of the node's ranks: the one that speaks
    bool greeted;     // the others know its name
    int64_t received;
    int64_t *sent; // to each node; owned
    asked_node node[];
};

static void send_name(roll_call *r, int node)
{
    char name[NAME] = "";
    int64_t values[VALUES];
    snprintf(name, sizeof name, "%s", comm_host(r->comm));
    memcpy(values, name, sizeof name);
    mailbox_send(r->mailbox, comm_first_of(r->comm, node), ANSWER, values, VALUES);
    r->sent[node]++;
}

// The nodes that this one asks are those from *begin to *end.
static void find_asked(const roll_call *r, int *begin, int *end)
{
    const bool asks_all = comm_node(r->comm) == 0;
    *begin = asks_all ? 1 : 0;
    *end = asks_all ? comm_nodes(r->comm) : 1;
}

status roll_call_new(comm *c, roll_call **out)
{
    const int nodes = comm_nodes(c);
    status st = OK;
    *out = NULL;
    if (nodes == 1)
        return OK;
    roll_call *r = checked_calloc(1, sizeof *r + (size_t)nodes * sizeof *r->node);
    int64_t *sent = checked_calloc((size_t)nodes, sizeof *sent);
    TRY(r && sent ? OK : status_no_memory("the watchdog"));
    *r = (roll_call){.comm = c, .first = comm_share(c)->rank == 0, .sent = sent};
    TRY(mailbox_beside(comm_mailbox(c), &r->mailbox));
    if (!r->mailbox)
        goto done;
    *out = r;
    return OK;
done:
    free(sent);
    free(r);
    return st;
}

// Takes a message that has come; false where there is none.
static bool take_message(roll_call *r, int kind, int *node, int64_t values[MAILBOX_VALUES])
{
    int from, n;
    if (!mailbox_take(r->mailbox, kind, &from, values, &n))
        return false;
    *node = comm_node_of(r->comm, from);
    r->received++;
    return true;
}

static void greet(roll_call *r)
{
    int begin, end;
    find_asked(r, &begin, &end);
    for (int node = begin; node < end; node++)
        send_name(r, node);
    r->greeted = true;
}

void roll_call_serve(roll_call *r)
{
    int node;
    int64_t values[MAILBOX_VALUES];
    if (!r->first)
        return;
    if (!r->greeted)
        greet(r);
    while (take_message(r, ASK, &node, values))
        send_name(r, node);
    while (take_message(r, ANSWER, &node, values)) {
        memcpy(r->node[node].host, values, NAME);
        r->node[node].asked = 0;
    }
}

void roll_call_finish(roll_call *r)
{
    int node;
    int64_t values[MAILBOX_VALUES];
    if (!r)
        return;
    // No thread sends any more, so that what is under way to a node is known.
    comm_sum_each(r->comm, (size_t)comm_nodes(r->comm), r->sent);
    while (r->first && r->received < r->sent[comm_node(r->comm)])
        (void)(take_message(r, ASK, &node, values) || take_message(r, ANSWER, &node, values));
}

void roll_call_free(roll_call *r)
{
    if (!r)
        return;
    mailbox_free(r->mailbox);
    free(r->sent);
    free(r);
}

void roll_call_ask(roll_call *r)
{
    int begin, end;
    find_asked(r, &begin, &end);
    for (int node = begin; r->first && node < end; node++) {
        if (r->node[node].asked > 0)
            continue;
        mailbox_send(r->mailbox, comm_first_of(r->comm, node), ASK, &(int64_t){0}, 1);
        r->sent[node]++;
        r->node[node].asked = progress_clock();
    }
}

// "rank 2", "ranks 2 to 5", "ranks 1, 4 to 5, 9".
static void add_ranks(const roll_call *r, int node, text *to)
{
    const int ranks = comm_ranks(r->comm);
    const char *before = "";
    int n = 0;
    for (int rank = 0; rank < ranks; rank++)
        n += comm_node_of(r->comm, rank) == node;
    text_add(to, n == 1 ? "rank " : "ranks ");
    for (int rank = 0, last; rank < ranks; rank = last + 1) {
        for (last = rank; last < ranks && comm_node_of(r->comm, last) == node;)
            last++;
        if (last-- == rank) {
            last = rank;
            continue;
        }
        text_addf(to, last > rank ? "%s%d to %d" : "%s%d", before, rank, last);
        before = ", ";
    }
}

void roll_call_say(const roll_call *r, double seconds)
{
    int begin, end;
    const double now = progress_clock();
    find_asked(r, &begin, &end);
    for (int node = begin; r->first && node < end; node++) {
        const asked_node *of = &r->node[node];
        text ranks = {0};
        if (of->asked == 0 || now - of->asked < seconds)
            continue;
        add_ranks(r, node, &ranks);
        fprintf(stderr, "sulcus: nothing moves: %s does not answer (%s), for %.0f s\n",
                of->host[0] ? of->host : "a node", text_get(&ranks), now - of->asked);
        text_free(&ranks);
    }
}

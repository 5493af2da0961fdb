// SPDX-License-Identifier: Apache-2.0
// What was sent stays allocated until MPI says that it left: a message is sent while both sides
// compute, and nobody waits for it.
#include "pipeline/comm/mailbox.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/comm/vote.h"

// A message under way: its values stay until MPI has taken them.
typedef struct under_way {
    struct under_way *next;
    MPI_Request request;
    int64_t values[MAILBOX_VALUES];
} under_way;

struct mailbox {
    MPI_Comm all, leaders;
    bool beside; // `all` is another's
    MPI_Request meeting;
    under_way *sent; // owned
    int64_t count;
};

status mailbox_new(int all, int leaders, mailbox **out)
{
    mailbox *l = checked_calloc(1, sizeof *l);
    status st = vote(MPI_Comm_f2c(all), l ? OK : status_no_memory("the mailbox"));
    if (st != OK) {
        free(l);
        return st;
    }
    MPI_Comm_dup(MPI_Comm_f2c(all), &l->all);
    l->leaders = MPI_Comm_f2c(leaders);
    if (l->leaders != MPI_COMM_NULL) // another thread may be in what is collective on theirs
        MPI_Comm_dup(MPI_Comm_f2c(leaders), &l->leaders);
    l->meeting = MPI_REQUEST_NULL;
    *out = l;
    return OK;
}

status mailbox_beside(const mailbox *of, mailbox **out)
{
    int given;
    *out = NULL;
    MPI_Query_thread(&given);
    if (given < MPI_THREAD_MULTIPLE)
        return OK;
    mailbox *l = checked_calloc(1, sizeof *l);
    if (!l)
        return status_no_memory("the mailbox");
    *l = (mailbox){
        .all = of->all, .leaders = MPI_COMM_NULL, .beside = true, .meeting = MPI_REQUEST_NULL};
    *out = l;
    return OK;
}

static void forget_sent(mailbox *l, bool wait)
{
    for (under_way **at = &l->sent; *at;) {
        under_way *u = *at;
        int done = 1;
        if (wait)
            MPI_Wait(&u->request, MPI_STATUS_IGNORE);
        else
            MPI_Test(&u->request, &done, MPI_STATUS_IGNORE);
        if (!done) {
            at = &u->next;
            continue;
        }
        *at = u->next;
        free(u);
    }
}

void mailbox_free(mailbox *l)
{
    if (!l)
        return;
    forget_sent(l, true);
    if (!l->beside)
        MPI_Comm_free(&l->all);
    if (l->leaders != MPI_COMM_NULL)
        MPI_Comm_free(&l->leaders);
    free(l);
}

void mailbox_send(mailbox *l, int to, int kind, const int64_t *values, int n)
{
    under_way *u = checked_calloc(1, sizeof *u);
    l->count++;
    if (!u) { // what is short leaves at once, whoever listens
        MPI_Send(values, n, MPI_INT64_T, to, kind, l->all);
        return;
    }
    memcpy(u->values, values, (size_t)n * sizeof *values);
    MPI_Isend(u->values, n, MPI_INT64_T, to, kind, l->all, &u->request);
    u->next = l->sent;
    l->sent = u;
    forget_sent(l, false);
}

bool mailbox_take(mailbox *l, int kind, int *from, int64_t values[MAILBOX_VALUES], int *n)
{
    MPI_Status found;
    int here = 0;
    forget_sent(l, false);
    MPI_Iprobe(MPI_ANY_SOURCE, kind, l->all, &here, &found);
    if (!here)
        return false;
    MPI_Recv(values, MAILBOX_VALUES, MPI_INT64_T, found.MPI_SOURCE, kind, l->all, &found);
    MPI_Get_count(&found, MPI_INT64_T, n);
    *from = found.MPI_SOURCE;
    return true;
}

int64_t mailbox_sent(const mailbox *l)
{
    return l->count;
}

void mailbox_arrive(mailbox *l)
{
    MPI_Ibarrier(l->leaders, &l->meeting);
}

bool mailbox_all_arrived(mailbox *l)
{
    int all;
    MPI_Test(&l->meeting, &all, MPI_STATUS_IGNORE);
    return all;
}

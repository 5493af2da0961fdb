// SPDX-License-Identifier: Apache-2.0
// Small messages between ranks that compute: sent without waiting, taken between units. And a
// meeting of the first ranks of the nodes, at which they arrive without waiting. Over TCP a message
// moves only while its ranks are inside these functions, so they are called often.
#ifndef PIPELINE_COMM_MAILBOX_H
#define PIPELINE_COMM_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/status.h"

enum { MAILBOX_VALUES = 64 }; // of a message, at most

typedef struct mailbox mailbox;

// On ranks `all` (MPI_Comm_c2f); `leaders` are the first ranks of the nodes, known there only.
// Collective on both. Owned by the caller.
status mailbox_new(int all, int leaders, mailbox **out);
// One for another thread, between the ranks of `of`, which it borrows: for kinds of messages that
// nobody takes from there, and for no meeting. *out is NULL where MPI was not started for several
// threads. Local. Owned by the caller.
status mailbox_beside(const mailbox *of, mailbox **out);
// Collective. All messages must have been taken. NULL is a no-op.
void mailbox_free(mailbox *l);

// Sends n values to a rank. Local.
void mailbox_send(mailbox *l, int to, int kind, const int64_t *values, int n);
// Takes a message of a kind that has arrived: from whom, and its n values. False where there is
// none. Local.
bool mailbox_take(mailbox *l, int kind, int *from, int64_t values[MAILBOX_VALUES], int *n);
// Messages sent by this rank so far.
int64_t mailbox_sent(const mailbox *l);

// First ranks only: arrives at the meeting; have all? Once they have, it is over. Local.
void mailbox_arrive(mailbox *l);
bool mailbox_all_arrived(mailbox *l);

#endif

// SPDX-License-Identifier: Apache-2.0
// Messages from each rank of a communicator to the next, moved by a thread of their own while all
// others compute. They are of lanes, and those of one lane stay in order. For team.c only: this header needs mpi.h.
#ifndef PIPELINE_COMM_STREAM_H
#define PIPELINE_COMM_STREAM_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/relay.h"
#include "pipeline/base/status.h"

typedef struct stream stream;

// Both go into an MPI tag, of which there are 32768 everywhere.
enum { STREAM_TAGS = 8, STREAM_LANES = 4096 };

typedef struct message {
    relay_block block; // first: a relay_block * is a message *
    int lane, tag;     // of the caller: whose it is, and what
    // The stream's own.
    size_t capacity;
    MPI_Request request;
    struct message *next;
} message;

// `ranks` is borrowed. Local. Owned by the caller.
status stream_new(MPI_Comm ranks, stream **out);
void stream_free(stream *s); // local; NULL is a no-op

// Starts the thread; of either direction, `depth` messages of tag `counted`, the large ones, may be
// held at once. Local. ERR_INTERNAL.
status stream_begin(stream *s, int counted, int depth);
// Waits until all is sent, and ends the thread; where it could not be started, a no-op. Local.
void stream_finish(stream *s);

// Any thread may call what follows.
//
// A message of n bytes (a multiple of 4) to fill for the next rank; waits while too many are held.
// Lanes are in [0, STREAM_LANES), tags in [0, STREAM_TAGS). NULL: no memory.
message *stream_reserve(stream *s, int lane, int tag, size_t n);
// Sends it; it is the stream's again. Does not wait.
void stream_send(stream *s, message *m);
// Waits for the lane's next message of the previous rank. True: it has this tag, and *out is it,
// until stream_drop. False: it has another, *out shows it, and it stays the next.
bool stream_take(stream *s, int lane, int tag, message **out);
void stream_drop(stream *s, message *m);
// Seconds that threads have waited so far, all of them together, in stream_reserve and stream_take.
double stream_waited(stream *s);

#endif

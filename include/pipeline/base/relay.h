// SPDX-License-Identifier: Apache-2.0
// A team of ranks that hold the layers of a model between them, as the model runtime sees it: no
// MPI here. Member 0 holds the first layers; what it computes goes, block by block, to member 1,
// and so on. A NULL relay means one process that holds all of them.
//
// All of a team's members run the same passes (model_forward), each in a lane of its own: passes of
// one lane follow each other, those of several go side by side. A pass's blocks come in the order
// in which they were sent, whichever threads take them.
#ifndef PIPELINE_BASE_RELAY_H
#define PIPELINE_BASE_RELAY_H

#include <stddef.h>

#include "pipeline/base/status.h"

typedef struct relay_block {
    void *at; // 64-byte aligned
    size_t bytes;
} relay_block;

typedef struct relay relay;
struct relay {
    int rank, ranks; // of this process in its team
    // Each is called by any thread.
    //
    // A block of `bytes` to fill for that lane of the next member; waits while too many are under
    // way.
    status (*reserve)(relay *self, int lane, size_t bytes, relay_block **out);
    // Sends a block of reserve, which is the relay's again. Does not wait.
    void (*send)(relay *self, relay_block *block);
    // Takes the lane's next block of the previous member; waits for it. Where that member has ended the
    // pass, because it failed or was stopped, fails with its status and text.
    status (*receive)(relay *self, int lane, relay_block **out);
    // Gives a block of receive back.
    void (*release)(relay *self, relay_block *block);
};

#endif

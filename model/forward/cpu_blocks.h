// SPDX-License-Identifier: Apache-2.0
// The blocks on this machine's processors (blocks.h), for one thread.
#ifndef MODEL_FORWARD_CPU_BLOCKS_H
#define MODEL_FORWARD_CPU_BLOCKS_H

#include "model/forward/block_set.h"

extern const block_set cpu_blocks;

// The rows [p->rows, H] that the last norm made. Borrowed from the pass.
operand cpu_normed(const pass *p);

#endif

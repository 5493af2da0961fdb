// SPDX-License-Identifier: Apache-2.0
// Which of many pieces does a text begin with? All that it does, the shorter ones first.
#ifndef DATA_TOKENIZER_PREFIX_INDEX_H
#define DATA_TOKENIZER_PREFIX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

typedef struct prefix_index prefix_index;

status prefix_index_new(prefix_index **out);
void prefix_index_free(prefix_index *x); // NULL is a no-op
// Adds a piece of n > 0 bytes, which are borrowed while the index lives; no two are equal.
status prefix_index_add(prefix_index *x, const char *bytes, size_t n, int32_t id);
// After all adds; threads may share it from then on.
void prefix_index_ready(prefix_index *x);

// Where a search has come to: {0} at first.
typedef struct prefix_walk {
    size_t low, high, depth;
} prefix_walk;

// The next longer piece that the n bytes begin with; false when there is none.
bool prefix_index_next(const prefix_index *x, prefix_walk *w, const char *bytes, size_t n,
                       size_t *length, int32_t *id);

#endif

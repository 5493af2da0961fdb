// SPDX-License-Identifier: Apache-2.0
// What units that run side by side have in common, by number (a mask, a layer's rows): made by the
// first that needs it, while the others that do wait, and kept until its place is wanted.
#ifndef STAGES_COMMON_SHELF_H
#define STAGES_COMMON_SHELF_H

#include <stdint.h>

#include "pipeline/base/pool.h"
#include "pipeline/base/status.h"

typedef struct shelf shelf;

// Makes item `number`; *item is the shelf's. May run a loop of the pool.
typedef status shelf_make(void *context, int64_t number, void **item);

// Holds at most `most` items (> 0) at once, freed by `drop`. Borrows pool (may be NULL) and
// context. Local. Owned by the caller.
status shelf_new(int most, pool *p, shelf_make *make, void (*drop)(void *item), void *context,
                 shelf **out);
// None may be taken. NULL is a no-op.
void shelf_free(shelf *s);

// Takes an item, until it is given back; waits for a place, or for who makes it, and helps in the
// pool's loops meanwhile. A unit takes one at a time. Any thread of the pool may call it. Fails as
// `make`.
status shelf_take(shelf *s, int64_t number, void **item);
void shelf_give(shelf *s, int64_t number);
// Drops all items, since numbers mean others from now on. None may be taken.
void shelf_clear(shelf *s);

#endif

// SPDX-License-Identifier: Apache-2.0
// A partial: what units contribute to a task's round, as vectors of integers that merge by addition
// (docs/design.md, Units and partials). Starts as zeros. The one mechanism behind reduction, checkpoint and
// resume.
#ifndef PIPELINE_BASE_PARTIAL_H
#define PIPELINE_BASE_PARTIAL_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/fixed.h"
#include "pipeline/base/status.h"

typedef enum partial_type {
    PARTIAL_COUNT, // int64_t
    PARTIAL_SUM,   // fixed (128 bits, unit 2^-60)
} partial_type;

typedef struct partial_field {
    const char *name; // for messages; borrowed for as long as the partial lives
    partial_type type;
    int64_t length;
} partial_field;

enum { PARTIAL_MAX_FIELDS = 16 };

typedef struct partial_shape {
    int fields;
    partial_field field[PARTIAL_MAX_FIELDS];
} partial_shape;

typedef struct partial partial;

// All zeros. Owned by the caller.
status partial_new(const partial_shape *shape, partial **out);
void partial_free(partial *p); // NULL is a no-op
// The memory a partial of this shape takes; SIZE_MAX when it does not fit into a size_t.
size_t partial_bytes(const partial_shape *shape);
const partial_shape *partial_get_shape(const partial *p);

// Adds n values to field `field` from `offset`. Safe from several threads, and from several
// processes on views of the same block. ERR_NUMERIC on overflow, naming the field.
status partial_add_counts(partial *p, int field, int64_t offset, int64_t n, const int64_t *values);
status partial_add_sums(partial *p, int field, int64_t offset, int64_t n, const fixed *values);

// The values of a field. Borrowed.
const int64_t *partial_counts(const partial *p, int field);
const fixed *partial_sums(const partial *p, int field);

// --- For the engine

// A partial in memory of the caller: partial_bytes zeroed bytes, aligned to 64, which several
// processes of a node may share, each with its own view. The block is borrowed. The view is owned
// by the caller (partial_free).
status partial_view(const partial_shape *shape, void *block, partial **out);

// The bytes of a field, to be merged by partial_merge, or to be stored. Borrowed.
void *partial_values(partial *p, int field);
const void *partial_data(const partial *p, int field);
// Sets all values to zero. Nobody may be adding.
void partial_clear(partial *p);
// Adds n values of `from` to those of `into` (any alignment). A sum that overflows leaves a mark
// that no valid sum has and that every further merge keeps.
void partial_merge(partial_type type, void *into, const void *from, int64_t n);
// ERR_NUMERIC, naming the field, when a merge left the mark of an overflow.
status partial_check(const partial *p);

#endif

// SPDX-License-Identifier: Apache-2.0
// Small numbers as Parquet packs them: runs of one value and groups packed in bits (levels, indices
// into a dictionary, booleans); the old form of levels, bits alone; and differences in blocks.
// Numbers come one by one, so that a few bytes that stand for a billion take no memory.
#ifndef DATA_PARQUET_RUNS_H
#define DATA_PARQUET_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Unsigned numbers of `width` bits, up to 32.
typedef struct runs {
    const uint8_t *at, *end;
    int width;
    bool alone;          // no runs: bits alone, each byte's from its high end (BIT_PACKED)
    bool packed;         // a group, no run
    uint64_t left;       // of the run or group
    uint32_t value;      // of the run
    const uint8_t *bits; // of the group
    uint64_t bit;        // the next one in it
} runs;

// Begins reading n bytes. False when `width` is more than 32.
bool runs_open(runs *r, const uint8_t *bytes, size_t n, int width);
bool runs_open_alone(runs *r, const uint8_t *bytes, size_t n, int width);
// The next number; false when the bytes are at their end or broken.
bool runs_next(runs *r, uint32_t *value);

// Integers as differences (DELTA_BINARY_PACKED).
typedef struct deltas {
    const uint8_t *at, *end; // behind what has been read of the current block
    uint64_t total, read;    // numbers
    uint64_t per_part, parts;
    uint64_t value, least;
    const uint8_t *widths; // [parts] of the block
    uint64_t part, in_part;
    const uint8_t *bits; // of the part
} deltas;

// Begins reading. False when it is broken.
bool deltas_open(deltas *d, const uint8_t *bytes, size_t n);
// The next number; false when there are no more, or what is left is broken.
bool deltas_next(deltas *d, int64_t *value);
// Where the bytes end that hold the numbers; NULL when they are broken. Reads none of them.
const uint8_t *deltas_end(const deltas *d);

#endif

// SPDX-License-Identifier: Apache-2.0
// Packed numbers are taken from where they lie, up to eight bytes at once; what would lie behind the
// end counts as broken, not as zero.
#include "data/parquet/runs.h"

#include <string.h>

enum { WIDTH_MAX = 32, DELTA_WIDTH_MAX = 64, PER_BLOCK_MAX = 1 << 20 };

// The number of `width` bits, at most 57, that begins at `bit`; the caller has checked the end.
static uint64_t take_bits(const uint8_t *bytes, const uint8_t *end, uint64_t bit, int width)
{
    const uint8_t *from = bytes + bit / 8;
    size_t n = (size_t)(end - from) < 8 ? (size_t)(end - from) : 8;
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)from[i] << (8 * i);
    return word >> bit % 8 & (((uint64_t)1 << width) - 1);
}

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

// --- Runs

bool runs_open(runs *r, const uint8_t *bytes, size_t n, int width)
{
    *r = (runs){.at = bytes, .end = bytes + n, .width = width};
    return width >= 0 && width <= WIDTH_MAX;
}

bool runs_open_alone(runs *r, const uint8_t *bytes, size_t n, int width)
{
    bool well = runs_open(r, bytes, n, width);
    r->alone = true;
    return well;
}

static bool begin_run(runs *r)
{
    uint64_t head;
    if (!read_varint(&r->at, r->end, &head))
        return false;
    size_t left = (size_t)(r->end - r->at), n = (size_t)(r->width + 7) / 8;
    r->packed = head & 1;
    r->left = head >> 1;
    if (r->packed) {
        if (r->left > UINT32_MAX)
            return false;
        // The last group may lack the bytes of numbers that nobody asks for.
        size_t all = (size_t)r->left * (size_t)r->width;
        r->bits = r->at;
        r->bit = 0;
        r->left *= 8;
        r->at += all < left ? all : left;
        return true;
    }
    if (left < n)
        return false;
    r->value = 0;
    for (size_t i = 0; i < n; i++)
        r->value |= (uint32_t)r->at[i] << (8 * i);
    r->at += n;
    return r->width == WIDTH_MAX || r->value >> r->width == 0;
}

// Bits that begin at the high end of each byte, for a number whose high bit comes first.
static bool next_high_first(runs *r, uint32_t *value)
{
    uint64_t have = (uint64_t)(r->end - r->at) * 8;
    if (r->bit + (uint64_t)r->width > have)
        return false;
    *value = 0;
    for (int i = 0; i < r->width; i++, r->bit++)
        *value = *value << 1 | (r->at[r->bit / 8] >> (7 - r->bit % 8) & 1);
    return true;
}

bool runs_next(runs *r, uint32_t *value)
{
    if (r->alone)
        return next_high_first(r, value);
    while (r->left == 0)
        if (!begin_run(r))
            return false;
    if (r->packed) {
        uint64_t have = (uint64_t)(r->at - r->bits) * 8;
        if (r->bit + (uint64_t)r->width > have)
            return false;
        *value = (uint32_t)take_bits(r->bits, r->at, r->bit, r->width);
        r->bit += (uint64_t)r->width;
    } else {
        *value = r->value;
    }
    r->left--;
    return true;
}

// --- Differences

static uint64_t read_zigzag(const uint8_t **at, const uint8_t *end, bool *well)
{
    uint64_t value;
    *well = read_varint(at, end, &value);
    return value >> 1 ^ (0 - (value & 1));
}

bool deltas_open(deltas *d, const uint8_t *bytes, size_t n)
{
    uint64_t block;
    bool well;
    *d = (deltas){.at = bytes, .end = bytes + n};
    if (!read_varint(&d->at, d->end, &block) || !read_varint(&d->at, d->end, &d->parts) ||
        !read_varint(&d->at, d->end, &d->total))
        return false;
    d->value = read_zigzag(&d->at, d->end, &well);
    if (!well || d->parts == 0 || block > PER_BLOCK_MAX || block % d->parts != 0)
        return false;
    d->per_part = block / d->parts;
    d->part = d->parts; // the next number begins a block
    return d->per_part > 0 && d->per_part % 8 == 0;
}

// Begins the next part, and before its first the next block.
static bool begin_part(deltas *d)
{
    bool well = true;
    if (d->part == d->parts) {
        d->least = read_zigzag(&d->at, d->end, &well);
        if (!well || d->parts > (size_t)(d->end - d->at))
            return false;
        d->widths = d->at;
        d->at += d->parts;
        d->part = 0;
    }
    if (d->widths[d->part] > DELTA_WIDTH_MAX)
        return false;
    size_t n = (size_t)(d->per_part / 8 * d->widths[d->part]), left = (size_t)(d->end - d->at);
    if (n > left)
        return false;
    d->bits = d->at;
    d->at += n;
    d->part++;
    d->in_part = 0;
    return true;
}

static uint64_t take_delta(const deltas *d)
{
    int width = d->widths[d->part - 1], low = width > 32 ? 32 : width;
    uint64_t bit = d->in_part * (uint64_t)width, value = take_bits(d->bits, d->at, bit, low);
    if (width > 32)
        value |= take_bits(d->bits, d->at, bit + 32, width - 32) << 32;
    return value;
}

bool deltas_next(deltas *d, int64_t *value)
{
    if (d->read == d->total)
        return false;
    if (d->read > 0) {
        if ((d->bits == NULL || d->in_part == d->per_part) && !begin_part(d))
            return false;
        d->value += d->least + take_delta(d);
        d->in_part++;
    }
    d->read++;
    *value = (int64_t)d->value;
    return true;
}

const uint8_t *deltas_end(const deltas *d)
{
    deltas rest = *d;
    uint64_t left = d->total > 0 ? d->total - 1 : 0;
    while (left > 0) {
        if (!begin_part(&rest))
            return NULL;
        left -= left < rest.per_part ? left : rest.per_part;
    }
    return rest.at;
}

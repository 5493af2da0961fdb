// SPDX-License-Identifier: Apache-2.0
// A page of a column: its head as it lies in the file, and its body unpacked.
#ifndef DATA_PARQUET_PAGE_H
#define DATA_PARQUET_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// As Parquet numbers them.
typedef enum page_kind {
    PAGE_DATA,
    PAGE_INDEX,
    PAGE_DICTIONARY,
    PAGE_DATA_2,
    PAGE_KINDS
} page_kind;

enum {
    ENCODING_PLAIN = 0,
    ENCODING_PLAIN_DICTIONARY = 2,
    ENCODING_RLE = 3,
    ENCODING_BITS = 4,
    ENCODING_DELTA = 5,
    ENCODING_DELTA_LENGTH = 6,
    ENCODING_DELTA_BYTES = 7,
    ENCODING_DICTIONARY = 8,
};

typedef struct page_head {
    page_kind kind;
    size_t head;           // bytes of the head itself
    size_t size, unpacked; // of the body
    bool has_sum;
    uint32_t sum; // CRC-32 of the body as it lies in the file
    int64_t entries;
    int encoding;                                 // of the values
    int definition_encoding, repetition_encoding; // PAGE_DATA
    size_t definition_bytes, repetition_bytes;    // PAGE_DATA_2: these lie unpacked in front
    bool is_packed;
} page_head;

// Reads a head. False when it is broken, or the bytes end inside it. Local.
bool page_read_head(const uint8_t *bytes, size_t n, page_head *out);

// Whether the body lies in the file as it is in memory. `codec` as Parquet numbers them.
bool page_is_plain(const page_head *head, int codec);
// Unpacks a body of head->size bytes into `out`, which has head->unpacked; of a plain one both may be
// the same. NULL when that went well, otherwise what is wrong with the page (static).
const char *page_unpack(const page_head *head, int codec, const uint8_t *body, uint8_t *out);

#endif

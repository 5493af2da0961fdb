// SPDX-License-Identifier: Apache-2.0
// One block of packed bytes in memory whose unpacked size is known: how columnar files keep their
// pages. Streams of unknown size are byte_stream.h's.
#ifndef DATA_BYTES_PACKED_BLOCK_H
#define DATA_BYTES_PACKED_BLOCK_H

#include <stddef.h>

typedef enum packed_kind {
    PACKED_NOT,
    PACKED_SNAPPY,
    PACKED_GZIP,
    PACKED_ZSTD,
    PACKED_LZ4,        // one block
    PACKED_LZ4_HADOOP, // blocks, each behind its two sizes; or, as some write it, one block
} packed_kind;

// Unpacks n bytes into exactly `size` bytes at `out`. NULL when that went well, otherwise what is
// wrong (static, to stand behind "the page"): broken, of another size, or of a kind that this
// program was built without. Local, thread-safe.
const char *packed_block_unpack(packed_kind kind, const unsigned char *bytes, size_t n,
                                unsigned char *out, size_t size);

#endif

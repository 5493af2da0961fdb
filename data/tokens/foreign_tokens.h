// SPDX-License-Identifier: Apache-2.0
// Files of token ids that other tools wrote: told by their first bytes, since every byte could be an
// id.
#ifndef DATA_TOKENS_FOREIGN_TOKENS_H
#define DATA_TOKENS_FOREIGN_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

// A header that is passed over.
typedef struct foreign_header {
    const char *from; // whose it is; NULL: there is none
    uint64_t begin;   // where the ids begin
    int64_t ids;
    int width; // bytes of an id
} foreign_header;

// Of a file without a .npy header: its first `n` bytes, and its size, where ids of `width` bytes are
// expected. ERR_INPUT, saying what it is and what to do, for what is another tool's or plainly no such
// ids; also where an index that Megatron wrote lies beside and says another width.
status foreign_tokens_look(const char *path, const char *bytes, size_t n, size_t size, int width,
                           foreign_header *out);

#endif

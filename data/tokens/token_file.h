// SPDX-License-Identifier: Apache-2.0
// A file of token ids: .npy (NumPy's format 1 to 3; one or two dimensions, C order, little-endian
// integers of 2, 4 or 8 bytes), told by its first bytes, or bare little-endian integers, behind the
// header of the trainers in plain C or without one. Other tools' files are refused (foreign_tokens.h).
#ifndef DATA_TOKENS_TOKEN_FILE_H
#define DATA_TOKENS_TOKEN_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/status.h"

typedef struct token_file {
    uint64_t begin;        // where the ids begin in the file
    int64_t rows, columns; // columns 0: one dimension, `rows` ids
    int width;             // bytes an id
    bool is_signed;
    bool is_npy;      // the header said all of this
    const char *from; // whose header was passed over; NULL: nobody's
} token_file;

// Reads the header and checks it against the file's size. `width`: bytes of a bare integer. Local.
// ERR_INPUT: a header that is malformed or of another kind, a size that is not whole, no ids.
status token_file_open(const char *path, int width, token_file *out);

#endif

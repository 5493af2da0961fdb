// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>

#include "data/bytes/utf8.h"
#include "data/tokenizer/tokenizer_rules.h"

// Bytes that are printable in Latin-1 stand for themselves; the others, in order, for U+0100
// onwards.
static bool is_printable(int byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

static int find_byte(int32_t code)
{
    if (code < 256)
        return is_printable(code) ? code : -1;
    int32_t rank = code - 256;
    for (int byte = 0; byte < 256; byte++)
        if (!is_printable(byte) && rank-- == 0)
            return byte;
    return -1;
}

int64_t byte_alphabet_decode(const char *piece, size_t n, char *out)
{
    int64_t written = 0;
    for (size_t at = 0, length; at < n; at += length) {
        int byte = find_byte(utf8_decode(piece + at, &length));
        if (byte < 0)
            return -1;
        out[written++] = (char)byte;
    }
    return written;
}

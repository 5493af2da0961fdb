// SPDX-License-Identifier: Apache-2.0
// The format is chosen by magic bytes alone: image sets hold JPEG files named .png.
#include "data/image/decode.h"

#include <string.h>

#include "data/image/decode_jpeg.h"
#include "data/image/decode_png.h"
#include "data/image/decode_webp.h"

static bool begins_with(const uint8_t *bytes, size_t n, const char *magic, size_t length)
{
    return n >= length && memcmp(bytes, magic, length) == 0;
}

static bool is_jpeg(const uint8_t *bytes, size_t n)
{
    return begins_with(bytes, n, "\xff\xd8\xff", 3);
}

static bool is_png(const uint8_t *bytes, size_t n)
{
    return begins_with(bytes, n, "\x89PNG\r\n\x1a\n", 8);
}

static bool is_webp(const uint8_t *bytes, size_t n)
{
    return n >= 12 && begins_with(bytes, n, "RIFF", 4) && begins_with(bytes + 8, n - 8, "WEBP", 4);
}

bool decode_knows(const uint8_t *bytes, size_t n)
{
    return is_jpeg(bytes, n) || is_png(bytes, n) || is_webp(bytes, n);
}

bool decode_ends(const uint8_t *begin, const uint8_t *end, size_t n, size_t size)
{
    if (is_webp(begin, DECODE_MAGIC)) { // it says how many bytes follow the first eight
        const size_t follow =
            begin[4] | (size_t)begin[5] << 8 | (size_t)begin[6] << 16 | (size_t)begin[7] << 24;
        return size >= 8 && size - 8 >= follow;
    }
    return is_jpeg(begin, DECODE_MAGIC) ? memmem(end, n, "\xff\xd9", 2) != NULL
                                        : memmem(end, n, "IEND", 4) != NULL;
}

status decode(const uint8_t *bytes, size_t n, const char *where, image *out)
{
    if (is_jpeg(bytes, n))
        return decode_jpeg(bytes, n, where, out);
    if (is_png(bytes, n))
        return decode_png(bytes, n, where, out);
    if (is_webp(bytes, n))
        return decode_webp(bytes, n, where, out);
    return status_fail(ERR_INPUT, where, "is neither JPEG, PNG nor WebP; remove it or convert it");
}

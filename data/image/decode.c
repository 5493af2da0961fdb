// SPDX-License-Identifier: Apache-2.0
#include "data/image/decode.h"

#include <string.h>

#include "pipeline/base/checked.h"

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

bool decode_knows(const uint8_t *bytes, size_t n)
{
    return is_jpeg(bytes, n) || is_png(bytes, n);
}

status decode(const uint8_t *bytes, size_t n, const char *where, image *out)
{
    if (is_jpeg(bytes, n))
        return decode_jpeg(bytes, n, where, out);
    if (is_png(bytes, n))
        return decode_png(bytes, n, where, out);
    return status_fail(ERR_INPUT, where, "is neither JPEG nor PNG; remove it or convert it");
}

status decode_check_size(size_t height, size_t width, size_t n, size_t most, const char *where)
{
    size_t pixels, limit;
    if (height == 0 || width == 0)
        return status_fail(ERR_INPUT, where, "is an image of %zu×%zu pixels", width, height);
    if (!checked_mul(height, width, &pixels) || pixels > IMAGE_PIXELS_MAX)
        return status_fail(ERR_INPUT, where, "is an image of %zu×%zu pixels; at most %zu are read",
                           width, height, IMAGE_PIXELS_MAX);
    if (checked_mul(n, most, &limit) && pixels > limit)
        return status_fail(ERR_INPUT, where,
                           "announces %zu×%zu pixels, more than its %zu bytes can "
                           "hold; fetch it again",
                           width, height, n);
    return OK;
}

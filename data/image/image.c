// SPDX-License-Identifier: Apache-2.0
// An image is used again from sample to sample, so its memory only grows. Colours are converted in
// Pillow's fixed point, not in floating point: what a model sees is compared bit for bit.
#include "data/image/image.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"

status image_shape(image *i, int height, int width, int channels)
{
    size_t need;
    if (!checked_mul((size_t)height, (size_t)width, &need) ||
        !checked_mul(need, (size_t)channels, &need) ||
        !checked_grow(&i->pixels, &i->capacity, need, 1))
        return status_no_memory("an image");
    i->height = height;
    i->width = width;
    i->channels = channels;
    return OK;
}

void image_free(image *i)
{
    free(i->pixels);
    *i = (image){0};
}

status image_convert(image *i, int channels)
{
    size_t n = (size_t)i->height * (size_t)i->width;
    if (i->channels == channels)
        return OK;
    if (channels == 1) {
        for (size_t at = 0; at < n; at++) {
            const uint8_t *p = i->pixels + 3 * at;
            i->pixels[at] = (uint8_t)((p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16);
        }
        i->channels = 1;
        return OK;
    }
    status st = image_shape(i, i->height, i->width, channels);
    if (st != OK)
        return st;
    for (size_t at = n; at-- > 0;) // from the end, so that nothing is overwritten before it is read
        i->pixels[3 * at] = i->pixels[3 * at + 1] = i->pixels[3 * at + 2] = i->pixels[at];
    return OK;
}

status image_check_size(size_t height, size_t width, size_t n, size_t most, const char *where)
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

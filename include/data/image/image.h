// SPDX-License-Identifier: Apache-2.0
// An 8-bit image in memory.
#ifndef DATA_IMAGE_IMAGE_H
#define DATA_IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

#define IMAGE_PIXELS_MAX ((size_t)1 << 28) // larger images are refused

// {0} is the empty image.
typedef struct image {
    int height, width, channels; // channels: 1 grey, 3 red-green-blue
    uint8_t *pixels;             // [height, width, channels], owned
    size_t capacity;             // bytes at `pixels`
} image;

// Gives an image this shape, reusing its memory where it suffices; the pixels are not set.
// ERR_INTERNAL when out of memory.
status image_shape(image *i, int height, int width, int channels);
void image_free(image *i); // frees and empties; safe on {0}

// Turns grey into colour (the grey three times) or colour into grey (ITU-R 601-2 luma in 16-bit
// fixed point, as Pillow's convert("L")), in place; nothing where the channels are right already.
// ERR_INTERNAL when out of memory.
status image_convert(image *i, int channels);

// Checks the size that a file of n bytes announces, before memory is taken for it; `most` is the
// number of pixels that a byte of such a file can hold. ERR_INPUT, naming `where`: no pixels, more
// than IMAGE_PIXELS_MAX, or more than the file can hold.
status image_check_size(size_t height, size_t width, size_t n, size_t most, const char *where);

#endif

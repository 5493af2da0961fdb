// SPDX-License-Identifier: Apache-2.0
// Input images by the recipe of tests/reference/make_images.py, and its lists of cases.
#ifndef TESTS_UNIT_DATA_RECIPE_H
#define TESTS_UNIT_DATA_RECIPE_H

#include "scratch.h"

#include "data/image/image.h"

#define REFERENCE "tests/reference/images/"

static inline void recipe_image(unsigned seed, int height, int width, int channels, image *out)
{
    assert_int_equal(image_shape(out, height, width, channels), OK);
    for (uint32_t i = 0; i < (uint32_t)(height * width * channels); i++) {
        uint8_t byte = (uint8_t)(((i + 1) * 2654435761u + seed * 2246822519u) >> 24);
        out->pixels[i] = seed % 3 == 2 ? (byte > 127 ? 255 : 0) : byte;
    }
}

static inline FILE *reference_list(const char *name)
{
    char *path = file_join(REFERENCE, name);
    FILE *f = fopen(path, "r");
    free(path);
    assert_non_null(f);
    return f;
}

#ifdef SULCUS_WEBP
enum { REFERENCE_IMAGES = 34 };
#else
enum { REFERENCE_IMAGES = 30 };
#endif

// The next image of decode.txt that this build can read.
static inline bool reference_image(FILE *list, char name[64], int *height, int *width)
{
    while (fscanf(list, "%63s %d %d", name, height, width) == 3) {
#ifndef SULCUS_WEBP
        if (strstr(name, ".webp"))
            continue;
#endif
        return true;
    }
    return false;
}

static inline uint32_t crc_of(const void *bytes, size_t n)
{
    return (uint32_t)crc32(0, bytes, (unsigned)n);
}

#endif

// SPDX-License-Identifier: Apache-2.0
// A JPEG or PNG file, decoded, resized as a model would have it, and its colours changed. The sums
// of a PNG's chunks are made right first: behind a wrong one libpng looks at nothing.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "data/image/decode.h"
#include "data/image/resize.h"

enum { PIXELS_MAX = 1 << 18, MAGIC = 8, IHDR = 16 };

static size_t number_at(const uint8_t *b)
{
    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

// length, type, data, sum: length counts the data only.
static void mend_sums(uint8_t *bytes, size_t n)
{
    for (size_t at = MAGIC; n - at >= 12;) {
        const size_t length = number_at(bytes + at);
        if (length > n - at - 12)
            return;
        uint8_t *to = bytes + at + 8 + length;
        const unsigned long sum = crc32(0, bytes + at + 4, (unsigned)length + 4);
        for (int i = 0; i < 4; i++)
            to[i] = (uint8_t)(sum >> (24 - 8 * i));
        at += length + 12;
    }
}

static status resize_image(const image *in, int filter, int height, int width)
{
    image out = {0};
    status st = resize(in, resize_find(filter), height, width, &out);
    if (st == OK)
        fuzz_touch(out.pixels, (size_t)out.height * (size_t)out.width * (size_t)out.channels);
    image_free(&out);
    return st;
}

static status read_image(const uint8_t *bytes, size_t n)
{
    status st;
    image i = {0};
    TRY(decode(bytes, n, "the input", &i));
    fuzz_touch(i.pixels, (size_t)i.height * (size_t)i.width * (size_t)i.channels);
    if ((size_t)i.height * (size_t)i.width > PIXELS_MAX)
        goto done;
    TRY(resize_image(&i, 2, 9, 7));
    TRY(resize_image(&i, 3, 33, i.width));
    TRY(image_convert(&i, 4 - i.channels));
    TRY(image_convert(&i, 4 - i.channels));
done:
    image_free(&i);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char png[MAGIC] = "\x89PNG\r\n\x1a\n";
    uint8_t *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    const bool is_png = n >= IHDR + 8 && memcmp(copy, png, MAGIC) == 0;
    if (is_png)
        mend_sums(copy, n);
    // Large ones are right, and take their time.
    if (!is_png || number_at(copy + IHDR) * number_at(copy + IHDR + 4) <= 16 * PIXELS_MAX)
        fuzz_end(read_image(copy, n));
    free(copy);
    return 0;
}

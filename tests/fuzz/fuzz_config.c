// SPDX-License-Identifier: Apache-2.0
// A model's config.json, read by the architecture it names, and the same bytes as a
// preprocessor_config.json: jansson parses both, and their readers know each other's keys as
// unknown ones.
#include "fuzz.h"

#include <stdlib.h>

#include "data/image/image_processor.h"
#include "model/model.h"

enum { PIXELS_MAX = 1 << 16 };

// Prepares an image of height × width where what comes out is not too much for a fuzzer.
static status run_processor(const image_processor *p, int height, int width)
{
    status st = OK;
    int out_height, out_width;
    image in = {0};
    image_processor_size(p, height, width, &out_height, &out_width);
    if (out_height < 1 || out_width < 1)
        abort();
    if (out_height > PIXELS_MAX / out_width || width > PIXELS_MAX)
        return OK;
    const size_t n = 3 * (size_t)out_height * (size_t)out_width;
    float *pixels = calloc(n, sizeof *pixels);
    TRY(image_shape(&in, height, width, 3));
    for (size_t i = 0; i < 3 * (size_t)height * (size_t)width; i++)
        in.pixels[i] = (uint8_t)(i * 37);
    TRY(image_processor_run(p, &in, "an image", pixels));
    fuzz_touch(pixels, n * sizeof *pixels);
done:
    image_free(&in);
    free(pixels);
    return st;
}

static status open_processor(const char *folder)
{
    status st;
    image_processor *p = NULL;
    TRY(image_processor_open(folder, 3, &p));
    TRY(run_processor(p, 5, 7));
    TRY(run_processor(p, 1, 40));
    TRY(run_processor(p, 1, IMAGE_PIXELS_MAX)); // its size only
done:
    image_processor_close(p);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    model *m = NULL;
    const model_options options = {.path = fuzz_folder(), .random = true, .light = true};
    fuzz_write("config.json", bytes, n);
    fuzz_write("preprocessor_config.json", bytes, n);
    status st = model_open(&options, NULL, &m);
    if (st == OK) {
        const model_info *info = model_get_info(m);
        (void)(model_operations(info, 1, 16) + (double)model_tile_rows(info));
    }
    model_close(m);
    fuzz_end(st);
    fuzz_end(open_processor(fuzz_folder()));
    return 0;
}

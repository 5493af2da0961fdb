// SPDX-License-Identifier: Apache-2.0
// A vision model's own preprocessing, as its preprocessor_config.json describes it: resize, centre
// crop, rescale, normalise; equal to the Pillow and NumPy path of transformers' image processors
// of ViT, DeiT, Bit (DINOv2's), CLIP and SigLIP. Models of timm have it in their config.json instead (timm_words.h).
//
// Keys: do_resize, size (a number, {height, width} or {shortest_edge}), default_to_square, resample
// (2 or 3), do_center_crop, crop_size, do_rescale, rescale_factor, do_normalize, image_mean,
// image_std (a number or one a channel), do_convert_rgb, and the processor's type, one of those.
// A key that is absent has that class's default. Any other key is refused by name unless it is
// null or false, or known not to change pixels.
#ifndef DATA_IMAGE_IMAGE_PROCESSOR_H
#define DATA_IMAGE_IMAGE_PROCESSOR_H

#include "data/image/image.h"
#include "pipeline/base/status.h"

typedef struct image_processor image_processor;

// Reads FOLDER/preprocessor_config.json, or timm's config.json where there is none, for images of 1
// or 3 channels. Local. ERR_INPUT when it is missing, malformed or asks for what is not supported,
// naming the key.
status image_processor_open(const char *folder, int channels, image_processor **out);
void image_processor_close(image_processor *p); // NULL is a no-op

// The size of what comes out for an image of this size.
void image_processor_size(const image_processor *p, int height, int width, int *out_height,
                          int *out_width);

// Resizes, crops and normalises `in` (of the channels given at open) into pixels [channels,
// out_height, out_width], which image_processor_size has given. Local, thread-safe. ERR_INPUT when
// the crop is larger than the image; the caller knows whose image it is and gives its name as
// `where`.
status image_processor_run(const image_processor *p, const image *in, const char *where,
                           float *pixels);

#endif

// SPDX-License-Identifier: Apache-2.0
// JPEG files, read by libjpeg-turbo with Pillow's defaults: the accurate integer transform and
// smooth chroma upsampling. CMYK and YCCK are taken as Adobe writes them (inverted) and turned into
// RGB by Pillow's plain formula. EXIF orientation and colour profiles are not applied. A file that
// ends early is refused; damage that libjpeg only warns about is passed over, as in Pillow.
#ifndef DATA_IMAGE_DECODE_JPEG_H
#define DATA_IMAGE_DECODE_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "data/image/image.h"
#include "pipeline/base/status.h"

// As decode, of a file that begins as JPEG does.
status decode_jpeg(const uint8_t *bytes, size_t n, const char *where, image *out);

#endif

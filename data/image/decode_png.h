// SPDX-License-Identifier: Apache-2.0
// PNG files, read by libpng: palettes are looked up, transparency is dropped, 16-bit colour keeps
// its high byte. Grey of 16 bits is cut at 255, as Pillow does it. Gamma and colour profiles are
// not applied.
#ifndef DATA_IMAGE_DECODE_PNG_H
#define DATA_IMAGE_DECODE_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "data/image/image.h"
#include "pipeline/base/status.h"

// As decode, of a file that begins as PNG does.
status decode_png(const uint8_t *bytes, size_t n, const char *where, image *out);

#endif

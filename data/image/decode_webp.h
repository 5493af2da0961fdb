// SPDX-License-Identifier: Apache-2.0
// WebP files, read by libwebp: transparency is dropped, as Pillow's convert("RGB") does. Animations
// are refused.
#ifndef DATA_IMAGE_DECODE_WEBP_H
#define DATA_IMAGE_DECODE_WEBP_H

#include <stddef.h>
#include <stdint.h>

#include "data/image/image.h"
#include "pipeline/base/status.h"

// As decode, of a file that begins as WebP does. ERR_INPUT too where this build is without libwebp.
status decode_webp(const uint8_t *bytes, size_t n, const char *where, image *out);

#endif

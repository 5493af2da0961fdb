// SPDX-License-Identifier: Apache-2.0
// JPEG, PNG and WebP files into 8-bit images, as Pillow's Image.open(…).convert("RGB") reads them; told
// apart by their first bytes, never by a name. Grey files give one channel, all others three.
#ifndef DATA_IMAGE_DECODE_H
#define DATA_IMAGE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/image/image.h"
#include "pipeline/base/status.h"

#define DECODE_MAGIC 12 // bytes that decode_knows looks at

// Whether these first bytes of a file (n of them) are those of a JPEG, PNG or WebP file.
bool decode_knows(const uint8_t *bytes, size_t n);

#define DECODE_END 32 // bytes that decode_ends looks at

// Whether the last bytes (n of them) of a file of `size` bytes that begins so (one that decode_knows)
// are those of a whole one.
// False is no proof: some programs leave something behind an image.
bool decode_ends(const uint8_t *begin, const uint8_t *end, size_t n, size_t size);

// Decodes a file's bytes into `out`, reusing its memory; `where` names the file in errors. Local,
// thread-safe. ERR_INPUT when it is neither format, broken, empty, has more than IMAGE_PIXELS_MAX
// pixels, or more than a file of its size can hold (a header alone must not take memory).
status decode(const uint8_t *bytes, size_t n, const char *where, image *out);

#endif

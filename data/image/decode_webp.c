// SPDX-License-Identifier: Apache-2.0
// The size that a file announces is checked before libwebp may take memory for it; it then writes
// straight into the image.
#include "data/image/decode_webp.h"

#ifdef SULCUS_WEBP

#include <webp/decode.h>

#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

// A lossless file of one colour holds 16,383 × 16,383 pixels in some hundred bytes.
#define PIXELS_A_BYTE ((size_t)1 << 22)

static status fail_decode(const char *where)
{
    return status_fail(ERR_INPUT, where, "is not a readable WebP file; fetch it again");
}

status decode_webp(const uint8_t *bytes, size_t n, const char *where, image *out)
{
    status st;
    WebPBitstreamFeatures found;
    if (WebPGetFeatures(bytes, n, &found) != VP8_STATUS_OK)
        return fail_decode(where);
    if (found.has_animation)
        return status_fail(ERR_INPUT, where, "is an animation; save one image of it");
    TRY(image_check_size((size_t)found.height, (size_t)found.width, n, PIXELS_A_BYTE, where));
    TRY(image_shape(out, found.height, found.width, 3));
    const int stride = found.width * 3;
    if (!WebPDecodeRGBInto(bytes, n, out->pixels, (size_t)stride * (size_t)found.height, stride))
        st = fail_decode(where);
done:
    return st;
}

static void add_webp_version(text *found)
{
    const int v = WebPGetDecoderVersion();
    text_addf(found, "%d.%d.%d", v >> 16, v >> 8 & 255, v & 255);
}

const version_def library_webp = {"libwebp", add_webp_version};

#else

status decode_webp(const uint8_t *bytes, size_t n, const char *where, image *out)
{
    (void)bytes, (void)n, (void)out;
    return status_fail(ERR_INPUT, where,
                       "is a WebP image, which this program was built without (libwebp-dev)");
}

#endif

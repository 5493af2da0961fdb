// SPDX-License-Identifier: Apache-2.0
// As decode_jpeg.c: settings that decide pixels are made here, and errors jump out of libpng. Grey
// of 16 bits is the one case in which libpng cannot do what Pillow does; it is cut here.
#include "data/image/decode_png.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

// Deflate packs at most 1,032 bytes into one, and a byte of a row holds at most 8 pixels.
#define PIXELS_A_BYTE (1032 * 8)

// One file being read. libpng reports an error by a call that must not return: it is recorded here
// and jumped out of.
typedef struct reader {
    png_structp png;
    png_infop info;
    jmp_buf escape;
    const char *where;
    const uint8_t *bytes; // what is left of the file
    size_t n;
    status failed;
    bool is_deep;    // grey of 16 bits, which is cut here, not by libpng
    uint8_t *deep;   // owned: such an image
    png_bytep *rows; // owned
} reader;

static void on_error(png_structp png, png_const_charp message)
{
    reader *r = png_get_error_ptr(png);
    r->failed = status_fail(ERR_INPUT, r->where, "is not a readable PNG file: %s", message);
    longjmp(r->escape, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    reader *r = png_get_io_ptr(png);
    if (n > r->n)
        png_error(png, "the file ends early");
    memcpy(to, r->bytes, n);
    r->bytes += n;
    r->n -= n;
}

// Reads the header and sets libpng's conversions.
static status read_header(reader *r, image *out)
{
    size_t size = r->n, least;
    png_read_info(r->png, r->info);
    png_uint_32 width = png_get_image_width(r->png, r->info);
    png_uint_32 height = png_get_image_height(r->png, r->info);
    int depth = png_get_bit_depth(r->png, r->info), type = png_get_color_type(r->png, r->info);
    status st = image_check_size(height, width, size, PIXELS_A_BYTE, r->where);
    if (st != OK)
        return st;
    if (!checked_mul(png_get_rowbytes(r->png, r->info), height, &least) || least / 1032 > size)
        return status_fail(ERR_INPUT, r->where,
                           "announces %u×%u pixels, more than its %zu bytes can "
                           "hold; fetch it again",
                           width, height, size);
    bool grey = !(type & PNG_COLOR_MASK_COLOR);
    r->is_deep = type == PNG_COLOR_TYPE_GRAY && depth == 16;
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(r->png);
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8)
        png_set_expand_gray_1_2_4_to_8(r->png);
    if (depth == 16 && !r->is_deep)
        png_set_strip_16(r->png);
    png_set_strip_alpha(r->png);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    return image_shape(out, (int)height, (int)width, grey ? 1 : 3);
}

static status read_rows(reader *r, image *out)
{
    bool deep = r->is_deep;
    size_t stride = png_get_rowbytes(r->png, r->info), height = (size_t)out->height;
    size_t n = height * (size_t)out->width;
    if (stride != (size_t)out->width * (size_t)out->channels * (deep ? 2 : 1))
        return status_fail(ERR_INTERNAL, r->where, "libpng gives rows of %zu bytes", stride);
    r->rows = checked_calloc(height, sizeof *r->rows);
    r->deep = deep ? checked_calloc(n, 2) : NULL;
    if (!r->rows || (deep && !r->deep))
        return status_no_memory(r->where);
    for (size_t y = 0; y < height; y++)
        r->rows[y] = (deep ? r->deep : out->pixels) + y * stride;
    png_read_image(r->png, r->rows);
    for (size_t i = 0; deep && i < n; i++)
        out->pixels[i] = r->deep[2 * i] ? 255 : r->deep[2 * i + 1];
    return OK;
}

status decode_png(const uint8_t *bytes, size_t n, const char *where, image *out)
{
    // On the heap: what changes between setjmp and longjmp must not live in registers.
    reader *r = checked_calloc(1, sizeof *r);
    if (!r)
        return status_no_memory(where);
    r->where = where;
    r->bytes = bytes;
    r->n = n;
    r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, on_error, on_warning);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    if (!r->info) {
        r->failed = status_no_memory(where);
    } else if (setjmp(r->escape) == 0) {
        png_set_read_fn(r->png, r, on_read);
        r->failed = read_header(r, out);
        if (r->failed == OK)
            r->failed = read_rows(r, out);
    }
    png_destroy_read_struct(&r->png, &r->info, NULL);
    free(r->deep);
    free(r->rows);
    status st = r->failed;
    free(r);
    return st;
}

static void add_png_version(text *found)
{
    text_add(found, png_get_libpng_ver(NULL));
}

const version_def library_png = {"libpng", add_png_version};

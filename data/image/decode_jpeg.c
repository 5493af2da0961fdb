// SPDX-License-Identifier: Apache-2.0
// Pixels must be Pillow's, so every setting of libjpeg that decides them is made here and none left
// to the library's default. libjpeg reports errors by a call that must not return: they are
// recorded and jumped out of, so all that must then be freed hangs on the reader.
#include "data/image/decode_jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jerror.h>
#include <jpeglib.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

// Every 8×8 block takes at least a bit of its file.
#define PIXELS_A_BYTE (8 * 8 * 8)
// Passes of a progressive file; encoders use about ten, and each costs a pass over the whole image.
#define SCANS_MAX 500

// One file being read. libjpeg reports an error by a call that must not return: it is recorded here
// and jumped out of.
typedef struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    const char *where;
    status failed;
    uint8_t *row; // owned: a CMYK row
} reader;

static void on_error(j_common_ptr common)
{
    reader *r = common->client_data;
    char message[JMSG_LENGTH_MAX];
    common->err->format_message(common, message);
    r->failed = common->err->msg_code == JERR_OUT_OF_MEMORY
                    ? status_no_memory(r->where)
                    : status_fail(ERR_INPUT, r->where, "is not a readable JPEG file: %s", message);
    longjmp(r->escape, 1);
}

// Warnings are passed over, but not the one about a file that ends early.
static void on_message(j_common_ptr common, int level)
{
    if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF)
        on_error(common);
}

static void on_progress(j_common_ptr common)
{
    reader *r = common->client_data;
    if (r->jpeg.input_scan_number <= SCANS_MAX)
        return;
    r->failed = status_fail(ERR_INPUT, r->where,
                            "has more than %d progressive scans; save it again", SCANS_MAX);
    longjmp(r->escape, 1);
}

// a × b / 255, rounded.
static unsigned multiply_bytes(unsigned a, unsigned b)
{
    unsigned product = a * b + 128;
    return (product / 256 + product) / 256;
}

// Adobe stores 255 less the ink, so what is stored is paper: red = paper of cyan, less what black
// takes.
static void cmyk_to_rgb(const uint8_t *in, uint8_t *out, size_t width)
{
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < 3; c++) {
            int red = in[4 * x + 3] - (int)multiply_bytes(255u - in[4 * x + c], in[4 * x + 3]);
            out[3 * x + c] = (uint8_t)(red < 0 ? 0 : red);
        }
}

// Reads the header and decides on the output's colours.
static status read_header(reader *r, const uint8_t *bytes, size_t n, image *out)
{
    j_decompress_ptr j = &r->jpeg;
    jpeg_mem_src(j, bytes, n);
    jpeg_read_header(j, TRUE);
    status st = image_check_size(j->image_height, j->image_width, n, PIXELS_A_BYTE, r->where);
    if (st != OK)
        return st;
    if (j->num_components == 1)
        j->out_color_space = JCS_GRAYSCALE;
    else if (j->num_components == 3)
        j->out_color_space = JCS_RGB;
    else if (j->num_components == 4)
        j->out_color_space = JCS_CMYK;
    else
        return status_fail(ERR_INPUT, r->where, "has %d colour components; save it as RGB",
                           j->num_components);
    j->dct_method = JDCT_ISLOW;
    j->do_fancy_upsampling = TRUE;
    jpeg_start_decompress(j);
    if (j->num_components == 4 && !(r->row = checked_calloc(j->output_width, 4)))
        return status_no_memory(r->where);
    return image_shape(out, (int)j->output_height, (int)j->output_width,
                       j->num_components == 1 ? 1 : 3);
}

static void read_rows(reader *r, image *out)
{
    j_decompress_ptr j = &r->jpeg;
    size_t stride = (size_t)out->width * (size_t)out->channels;
    while (j->output_scanline < j->output_height) {
        uint8_t *to = out->pixels + (size_t)j->output_scanline * stride;
        JSAMPROW row = r->row ? r->row : to;
        jpeg_read_scanlines(j, &row, 1);
        if (r->row)
            cmyk_to_rgb(r->row, to, (size_t)out->width);
    }
}

status decode_jpeg(const uint8_t *bytes, size_t n, const char *where, image *out)
{
    // On the heap: what changes between setjmp and longjmp must not live in registers.
    reader *r = checked_calloc(1, sizeof *r);
    if (!r)
        return status_no_memory(where);
    r->where = where;
    r->jpeg.err = jpeg_std_error(&r->errors);
    r->jpeg.client_data = r;
    r->errors.error_exit = on_error;
    r->errors.emit_message = on_message;
    r->progress.progress_monitor = on_progress;
    if (setjmp(r->escape) == 0) {
        jpeg_create_decompress(&r->jpeg);
        r->jpeg.progress = &r->progress;
        r->failed = read_header(r, bytes, n, out);
        if (r->failed == OK)
            read_rows(r, out);
    }
    jpeg_destroy_decompress(&r->jpeg);
    free(r->row);
    status st = r->failed;
    free(r);
    return st;
}

// The library does not say its version; that of the headers is all there is to tell.
static void add_jpeg_version(text *found)
{
#ifdef LIBJPEG_TURBO_VERSION_NUMBER
    const int n = LIBJPEG_TURBO_VERSION_NUMBER;
    text_addf(found, "turbo %d.%d.%d (headers)", n / 1000000, n / 1000 % 1000, n % 1000);
#else
    text_addf(found, "%d (headers)", JPEG_LIB_VERSION);
#endif
}

const version_def library_jpeg = {"libjpeg", add_jpeg_version};

// SPDX-License-Identifier: Apache-2.0
// Two tiles by two of results take four of the eight registers, and each load from memory then
// serves two multiplications. A block of weights is cut into steps of inputs that stay in the
// nearest cache while all rows go by; sums wait in y between two steps, which changes no bit. What
// fills no tile is copied into one that has zeros beside it.
#include "model/kernels/products_amx.h"

#include <string.h>

#include "model/kernels/bfloat16.h"
#include "model/kernels/product_finish.h"
#include "model/kernels/products_avx512.h"

// A test has another header of tiles, and another name for the engine.
#ifndef AMX_TILES
#define AMX_TILES  "model/kernels/amx_tiles.h"
#define AMX_ENGINE products_amx
#define AMX_ROUND  products_avx512_round
#endif
#include AMX_TILES

#ifdef TILES

// A tile of x is 16 rows by 32 inputs, one of weights 16 pairs of inputs by 16 outputs, one of sums
// 16 rows by 16 outputs.
enum { TILE = 16, TILE_INPUTS = 32, TALL = 2 * TILE, STEP = 256 };

#define INLINE static inline __attribute__((always_inline))

// How a tile of sums begins.
typedef enum beginning { BEGIN_ZERO, BEGIN_BIAS, BEGIN_Y } beginning;

// Some rows by a block of outputs, over a step of inputs.
typedef struct rows_step {
    beginning beginning;
    bool add_bias;     // to y, before
    const float *bias; // [PACK_OUTPUTS]
    int groups;        // of TILE_INPUTS inputs
    const uint16_t *x;
    int64_t x_stride; // bytes, as are the others that tiles are loaded by
    const uint16_t *w;
    float *y;
    int64_t y_stride;
} rows_step;

// The register is a number in the code.
#define BEGIN_TILE(t, s, at, bias)                                                                 \
    do {                                                                                           \
        if ((s)->beginning == BEGIN_Y)                                                             \
            tile_load(t, at, (s)->y_stride);                                                       \
        else if ((s)->beginning == BEGIN_BIAS)                                                     \
            tile_load(t, bias, 0); /* the same for each row */                                     \
        else                                                                                       \
            tile_zero(t);                                                                          \
    } while (0)

// One or two tiles of rows by one or two of outputs, from the block's output `first` on. Sums are
// in registers 0 to 3, x in 4 and 5, weights in 6 and 7.
TILES INLINE void square(const rows_step *s, int first, bool tall, bool wide)
{
    enum { WEIGHT_ROW = PACK_OUTPUTS * 4 }; // bytes of a pair of inputs
    float *y = s->y + first, *below = y + TILE * (s->y_stride / (int64_t)sizeof *y);
    const float *bias = s->bias + first;
    const char *x = (const char *)s->x, *x_below = x + TILE * s->x_stride;
    const char *w = (const char *)s->w + 4 * first;
    TILES_FENCE();
    BEGIN_TILE(0, s, y, bias);
    if (wide)
        BEGIN_TILE(1, s, y + TILE, bias + TILE);
    if (tall)
        BEGIN_TILE(2, s, below, bias);
    if (tall && wide)
        BEGIN_TILE(3, s, below + TILE, bias + TILE);
    for (int g = 0; g < s->groups; g++) {
        tile_load(4, x, s->x_stride);
        tile_load(6, w, WEIGHT_ROW);
        tile_multiply_add(0, 4, 6);
        if (wide) {
            tile_load(7, w + 4 * TILE, WEIGHT_ROW);
            tile_multiply_add(1, 4, 7);
        }
        if (tall) {
            tile_load(5, x_below, s->x_stride);
            tile_multiply_add(2, 5, 6);
        }
        if (tall && wide)
            tile_multiply_add(3, 5, 7);
        x += TILE_INPUTS * 2;
        x_below += TILE_INPUTS * 2;
        w += TILE * WEIGHT_ROW;
    }
    tile_store(0, y, s->y_stride);
    if (wide)
        tile_store(1, y + TILE, s->y_stride);
    if (tall)
        tile_store(2, below, s->y_stride);
    if (tall && wide)
        tile_store(3, below + TILE, s->y_stride);
    TILES_FENCE();
}

TILES static void run_tiles(const rows_step *s, bool tall, int outputs)
{
    for (int first = 0; first < outputs; first += TALL) {
        const bool wide = outputs - first > TILE;
        if (tall && wide)
            square(s, first, true, true);
        else if (tall)
            square(s, first, true, false);
        else if (wide)
            square(s, first, false, true);
        else
            square(s, first, false, false);
    }
}

// What is copied where rows, inputs or outputs fill no tile.
typedef struct filled {
    uint16_t x[TILE][STEP];
    float y[TILE][PACK_OUTPUTS];
} filled;

// Copies `rows` rows of `inputs` inputs, with zeros behind them and below them.
static void fill_x(filled *f, rows_step *s, int rows, int inputs)
{
    for (int r = 0; r < TILE; r++) {
        const int there = r < rows ? inputs : 0;
        if (there > 0)
            memcpy(f->x[r], (const char *)s->x + r * s->x_stride, (size_t)there * sizeof *s->x);
        memset(f->x[r] + there, 0, (size_t)(STEP - there) * sizeof *s->x);
    }
    s->x = f->x[0];
    s->x_stride = sizeof f->x[0];
}

static void copy_y(int rows, int outputs, const float *from, int64_t from_stride, float *to,
                   int64_t to_stride)
{
    for (int r = 0; r < rows; r++)
        memcpy(to + r * to_stride, from + r * from_stride, (size_t)outputs * sizeof *to);
}

static void add_bias(int rows, int outputs, const float *bias, float *y, int64_t stride)
{
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < outputs; o++)
            y[r * stride + o] += bias[o];
}

// At most TILE rows by a block's outputs that may fill no tile, from y's first one on.
static void run_filled(filled *f, rows_step s, int rows, int inputs, int outputs)
{
    float *y = s.y;
    const int64_t y_stride = s.y_stride / (int64_t)sizeof *y;
    if (rows < TILE || inputs % TILE_INPUTS != 0)
        fill_x(f, &s, rows, inputs);
    if (s.beginning == BEGIN_Y)
        copy_y(rows, outputs, y, y_stride, f->y[0], PACK_OUTPUTS);
    s.y = f->y[0];
    s.y_stride = sizeof f->y[0];
    run_tiles(&s, false, outputs);
    copy_y(rows, outputs, f->y[0], PACK_OUTPUTS, y, y_stride);
}

// All rows by a block of outputs over a step of inputs, from x, s.w and s.y on; `finish` (NULL:
// none) is the product's.
static void run_step(filled *f, rows_step s, const product_shape *p, int inputs, int outputs,
                     int first, const product_finish *finish)
{
    const bool whole = inputs % TILE_INPUTS == 0 && outputs % TILE == 0;
    for (int r = 0, rows; r < p->rows; r += rows) {
        const int left = p->rows - r;
        const bool tall = whole && left >= TALL;
        rows = tall ? TALL : left < TILE ? left : TILE;
        if (s.add_bias)
            add_bias(rows, outputs, s.bias, s.y, p->y_stride);
        if (whole && rows >= TILE)
            run_tiles(&s, tall, outputs);
        else
            run_filled(f, s, rows, inputs, outputs);
        if (finish) {
            const product_finish here = product_finish_from(finish, r);
            product_finish_rows(&here, AMX_ROUND, rows, first, outputs, s.y, p->y_stride);
        }
        s.x += rows * p->x_stride;
        s.y += rows * p->y_stride;
    }
}

static status run_product(void *kept, const product_shape *p, const void *x, const void *w,
                          const float *bias, float *y)
{
    (void)kept;
    filled f;
    float own_bias[PACK_OUTPUTS];
    const size_t block_bytes = packing_block_bytes(PACKING_BF16, p->in);
    memset(&f.y, 0, sizeof f.y); // sums that nobody reads, but no NaN
    tiles_begin();
    for (int first = 0; first < p->out; first += PACK_OUTPUTS) {
        const int left = p->out - first, outputs = left < PACK_OUTPUTS ? left : PACK_OUTPUTS;
        const char *block = (const char *)w + (size_t)(first / PACK_OUTPUTS) * block_bytes;
        memset(own_bias, 0, sizeof own_bias);
        if (p->bias)
            memcpy(own_bias, bias + first, (size_t)outputs * sizeof *bias);
        for (int input = 0; input < p->in; input += STEP) {
            const int rest = p->in - input, inputs = rest < STEP ? rest : STEP;
            const bool begins = input == 0, ends = inputs == rest;
            const rows_step s = {
                .beginning = p->add || !begins ? BEGIN_Y
                             : p->bias         ? BEGIN_BIAS
                                               : BEGIN_ZERO,
                .add_bias = p->add && p->bias && begins,
                .bias = own_bias,
                .groups = (inputs + TILE_INPUTS - 1) / TILE_INPUTS,
                .x = (const uint16_t *)x + input,
                .x_stride = p->x_stride * (int64_t)sizeof(uint16_t),
                .w = (const uint16_t *)(const void *)block + (size_t)input * PACK_OUTPUTS,
                .y = y + first,
                .y_stride = p->y_stride * (int64_t)sizeof *y,
            };
            run_step(&f, s, p, inputs, outputs, first, ends ? p->finish : NULL);
        }
    }
    tiles_end();
    return OK;
}

static bool has_form(packing form)
{
    return products_avx512_has(form) && form == PACKING_BF16 && tiles_have();
}

#else

static bool has_form(packing form)
{
    (void)form;
    return false;
}

static status run_product(void *kept, const product_shape *p, const void *x, const void *w,
                          const float *bias, float *y)
{
    (void)kept, (void)p, (void)x, (void)w, (void)bias, (void)y;
    return OK;
}

#endif

const product_engine AMX_ENGINE = {
    .name = {[PACKING_BF16] = "sulcus AMX"},
    .own = true,
    .has = has_form,
    .run = run_product,
    .round = AMX_ROUND,
};

// SPDX-License-Identifier: Apache-2.0
// Small whole numbers: their products and sums are exact in every order, so that one wrong bit is
// seen.
#include "model/kernels/product_check.h"

#include <stdlib.h>
#include <string.h>

#include "model/kernels/bfloat16.h"
#include "model/kernels/packed.h"
#include "pipeline/base/checked.h"

// Whole tiles and more, a whole step of inputs and more, odd everywhere.
enum { ROWS = 53, OUT = 83, IN = 301 };

static float value(int i, int j)
{
    return (float)((i * 7 + j * 5) % 9 - 4);
}

typedef struct check {
    float w[OUT * IN], y[ROWS * OUT], bias[OUT];
    uint16_t x[ROWS * IN];
} check;

static void fill(check *c)
{
    float row[IN];
    for (int o = 0; o < OUT; o++) {
        c->bias[o] = value(o, 3);
        for (int i = 0; i < IN; i++)
            c->w[o * IN + i] = value(o, i);
    }
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < IN; i++)
            row[i] = value(i, r);
        bfloat16_round(row, IN, c->x + r * IN);
    }
}

static int count_wrong(const check *c)
{
    int wrong = 0;
    for (int r = 0; r < ROWS; r++)
        for (int o = 0; o < OUT; o++) {
            float sum = 2 * c->bias[o];
            for (int i = 0; i < IN; i++)
                sum += 2 * value(i, r) * value(o, i);
            wrong += c->y[r * OUT + o] != sum;
        }
    return wrong;
}

status product_check(const product_engine *engine)
{
    status st = OK;
    void *kept = NULL, *at = NULL;
    check *c = checked_calloc(1, sizeof *c);
    const packed w = {NULL, PACKING_BF16, OUT, IN};
    product_shape shape = {.form = PACKING_BF16,
                           .rows = ROWS,
                           .out = OUT,
                           .in = IN,
                           .x_stride = IN,
                           .y_stride = OUT,
                           .bias = true};
    if (!c || !(at = checked_aligned(packed_bytes(PACKING_BF16, OUT, IN), 1)))
        TRY(status_no_memory("a check of products"));
    fill(c);
    packed_put(&w, at, 0, OUT, c->w);
    if (engine->create)
        TRY(engine->create(&kept));
    TRY(engine->run(kept, &shape, c->x, at, c->bias, c->y));
    shape.add = true;
    TRY(engine->run(kept, &shape, c->x, at, c->bias, c->y));
    const int wrong = count_wrong(c);
    if (wrong > 0)
        st = status_fail(ERR_INTERNAL, engine->name[PACKING_BF16],
                         "%d of %d sums are wrong on this CPU; set "
                         "DNNL_MAX_CPU_ISA=AVX512_CORE_BF16, which leaves AMX out",
                         wrong, ROWS * OUT);
done:
    if (engine->destroy && kept)
        engine->destroy(kept);
    free(at);
    free(c);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Runs long enough for a stable figure and short enough for `sulcus doctor`; one shape, of the size
// that a layer of a small transformer has.
#include "model/kernels/rates.h"

#include <stdlib.h>
#include <time.h>

#include "model/kernels/blas_check.h"
#include "model/kernels/kernel_set.h"
#include "model/kernels/linear.h"
#include "pipeline/base/checked.h"

enum { ROWS = 512, WIDTH = 768 };
static const double least_seconds = 0.05;

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *make_values(size_t n)
{
    float *v = checked_aligned(n, sizeof *v);
    for (size_t i = 0; v && i < n; i++)
        v[i] = (float)(i % 101) / 101 - 0.5f;
    return v;
}

// GFLOP/s of products with weights of a form.
static status measure_rate(packing form, double *rate)
{
    status st = OK;
    products *p = NULL;
    float *w = make_values((size_t)WIDTH * WIDTH), *x = make_values((size_t)ROWS * WIDTH);
    float *y = make_values((size_t)ROWS * WIDTH);
    void *at = checked_aligned(packed_bytes(form, WIDTH, WIDTH), 1);
    void *copy = checked_aligned(linear_copy_bytes(form, ROWS, WIDTH) + 1, 1);
    if (!w || !x || !y || !at || !copy)
        TRY(status_no_memory("a measurement"));
    linear l = linear_whole(w, NULL, WIDTH, WIDTH);
    if (form != PACKING_NONE) {
        const packed whole = {at, form, WIDTH, WIDTH};
        TRY(products_new(NULL, &p));
        products_begin();
        packed_put(&whole, at, 0, WIDTH, w);
        l = linear_packed(&whole, NULL);
    }
    const operand o = linear_operand(p, form, x, WIDTH, ROWS, WIDTH, copy);
    TRY(linear_apply(p, &l, &o, NULL, y, WIDTH)); // primitives, pages
    double n = 0, begin = now_seconds(), end;
    do {
        TRY(linear_apply(p, &l, &o, NULL, y, WIDTH));
        n++;
    } while ((end = now_seconds()) < begin + least_seconds);
    *rate = 2.0 * n * ROWS * WIDTH * WIDTH / (end - begin) * 1e-9;
done:
    products_free(p);
    free(w);
    free(x);
    free(y);
    free(at);
    free(copy);
    return st;
}

status rates_check(text *found)
{
    status st;
    double rate;
    const bool own = products_float32() == PACKING_F32;
    TRY(blas_check(1));
    TRY(measure_rate(PACKING_NONE, &rate));
    blas_name(found);
    text_addf(found, " %.0f GFLOP/s a thread in float32", rate);
    if (own) {
        TRY(measure_rate(PACKING_F32, &rate));
        text_addf(found, ", %s %.0f (compute: f32 takes it)", products_name(PACKING_F32), rate);
    }
    if (products_check(PACKING_BF16) == OK) {
        TRY(products_verify(PACKING_BF16));
        TRY(measure_rate(PACKING_BF16, &rate));
        text_addf(found, "; bf16 by %s %.0f", products_name(PACKING_BF16), rate);
    } else {
        text_add(found, "; no bf16 instructions: compute: bf16 is refused");
    }
done:
    return st;
}

static void add_f32_products(text *found)
{
    const packing form = products_float32();
    if (form == PACKING_F32)
        text_add(found, products_name(form));
    else
        blas_name(found);
}

static void add_bf16_products(text *found)
{
    text_add(found, products_check(PACKING_BF16) == OK ? products_name(PACKING_BF16) : "none");
}

static void add_other_kernels(text *found)
{
    text_add(found, kernels_avx512() ? "sulcus AVX-512"
                    : kernels_avx2() ? "plain C for AVX2"
                                     : "plain C");
}

static const version_def f32_products = {"float32 products", add_f32_products};
static const version_def bf16_products = {"bf16 products", add_bf16_products};
static const version_def other_kernels = {"other kernels", add_other_kernels};
const version_def *const rates_kernels[] = {&f32_products, &bf16_products, &other_kernels, NULL};

// SPDX-License-Identifier: Apache-2.0
// The choice of an engine, by the CPU's instructions and never by a measurement: a machine must
// give the same bits on every run.
#include "model/kernels/products.h"

#include <stdlib.h>

#include "model/kernels/bfloat16.h"
#include "model/kernels/products_avx512.h"
#include "model/kernels/products_onednn.h"
#include "pipeline/base/checked.h"

#ifdef SULCUS_ONEDNN
static const onednn_engine *const with_onednn = &products_onednn;
#else
static const onednn_engine *const with_onednn = NULL;
#endif

struct products {
    product_engine float32, bf16; // that runs the products of a form
    onednn *onednn;               // owned; made with the first product that it runs
};

// oneDNN is asked too, so that DNNL_MAX_CPU_ISA limits both engines.
static bool has_form(packing form)
{
    return products_avx512_has(form) && (!with_onednn || with_onednn->has(form));
}

static bool has_amx(void)
{
    return with_onednn && with_onednn->has_amx();
}

// Where the CPU has AMX, bf16 is oneDNN's: its tiles are many times as fast as vectors.
static product_engine best_engine(packing form)
{
    const bool amx = form == PACKING_BF16 && has_amx();
    return products_avx512_has(form) && !amx ? ENGINE_AVX512 : ENGINE_ONEDNN;
}

status products_new(product_engine engine, products **out)
{
    if (engine == ENGINE_ONEDNN && !with_onednn)
        return status_fail(ERR_USAGE, "products", "this program was built without oneDNN");
    products *p = checked_calloc(1, sizeof *p);
    if (!p)
        return status_no_memory("products");
    p->float32 = engine == ENGINE_BEST ? best_engine(PACKING_F32) : engine;
    p->bf16 = engine == ENGINE_BEST ? best_engine(PACKING_BF16) : engine;
    *out = p;
    return OK;
}

void products_free(products *p)
{
    if (!p)
        return;
    if (with_onednn)
        with_onednn->destroy(p->onednn);
    free(p);
}

void products_begin(void)
{
    if (with_onednn)
        with_onednn->begin();
}

status products_run(products *p, const product_shape *shape, const void *x, const void *w,
                    const float *bias, float *y)
{
    status st = OK;
    const product_engine engine = shape->form == PACKING_BF16 ? p->bf16 : p->float32;
    if (engine == ENGINE_AVX512) {
        products_avx512_run(shape, x, w, bias, y);
        return OK;
    }
    if (!p->onednn)
        TRY(with_onednn->create(&p->onednn));
    TRY(with_onednn->run(p->onednn, shape, x, w, bias, y));
done:
    return st;
}

void products_round(const products *p, const float *x, size_t n, uint16_t *half)
{
    if (p->bf16 == ENGINE_AVX512)
        products_avx512_round(x, n, half);
    else
        bfloat16_round(x, n, half);
}

bool products_own(product_engine engine, packing form)
{
    return form != PACKING_NONE &&
           (engine == ENGINE_BEST ? best_engine(form) : engine) == ENGINE_AVX512;
}

status products_check(packing form)
{
    if (form != PACKING_BF16 || has_form(form))
        return OK;
    return status_fail(ERR_USAGE, "compute",
                       "bf16 needs a CPU with bfloat16 instructions (AVX-512-BF16 or AMX), and "
                       "this one has none; set `compute: f32`");
}

packing products_float32(void)
{
    return has_form(PACKING_F32) ? PACKING_F32 : PACKING_NONE;
}

const char *products_name(packing form)
{
    if (best_engine(form) == ENGINE_ONEDNN)
        return has_amx() ? "oneDNN AMX" : "oneDNN";
    return form == PACKING_BF16 ? "sulcus AVX-512-BF16" : "sulcus AVX-512";
}

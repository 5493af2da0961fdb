// SPDX-License-Identifier: Apache-2.0
// The choice of an engine, by the CPU's instructions and never by a measurement: a machine must
// give the same bits on every run.
#include "model/kernels/products.h"

#include <stdlib.h>
#include <strings.h>

#include "model/kernels/product_check.h"
#include "model/kernels/product_finish.h"
#include "model/kernels/products_amx.h"
#include "model/kernels/products_avx512.h"
#include "model/kernels/products_onednn.h"
#include "pipeline/base/checked.h"

// The engines of this build, the best first.
static const product_engine *const engines[] = {&products_amx, &products_avx512,
#ifdef SULCUS_ONEDNN
                                                &products_onednn,
#endif
                                                NULL};

enum { FORMS = PACKING_BF16 + 1 };

struct products {
    const product_engine *engine[FORMS];
    void *kept[FORMS]; // owned: by the engines, made with the first product of a form
};

// What DNNL_MAX_CPU_ISA, oneDNN's own variable, leaves of the CPU's instructions: our engines heed
// it as well, in builds without oneDNN too.
typedef enum isa { ISA_LESS, ISA_AVX512, ISA_BF16, ISA_AMX, ISA_UNKNOWN } isa;

static isa allowed_isa(void)
{
    static const struct {
        const char *name;
        isa isa;
    } names[] = {{"ALL", ISA_AMX},
                 {"DEFAULT", ISA_AMX},
                 {"SSE41", ISA_LESS},
                 {"AVX", ISA_LESS},
                 {"AVX2", ISA_LESS},
                 {"AVX2_VNNI", ISA_LESS},
                 {"AVX2_VNNI_2", ISA_LESS},
                 {"AVX512_MIC", ISA_LESS},
                 {"AVX512_MIC_4OPS", ISA_LESS},
                 {"AVX512_CORE", ISA_AVX512},
                 {"AVX512_CORE_VNNI", ISA_AVX512},
                 {"AVX512_CORE_BF16", ISA_BF16},
                 {"AVX512_CORE_FP16", ISA_BF16},
                 {"AVX512_CORE_AMX", ISA_AMX},
                 {"AVX512_CORE_AMX_FP16", ISA_AMX},
                 {"AVX10_1_512", ISA_BF16},
                 {"AVX10_1_512_AMX", ISA_AMX},
                 {"AVX10_1_512_AMX_FP16", ISA_AMX}};
    const char *set = getenv("DNNL_MAX_CPU_ISA");
    if (!set || !*set)
        return ISA_AMX;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(set, names[i].name) == 0)
            return names[i].isa;
    return ISA_UNKNOWN;
}

static bool may_run(const product_engine *e, packing form)
{
    const isa most = allowed_isa();
    const isa least = e == &products_amx ? ISA_AMX : form == PACKING_BF16 ? ISA_BF16 : ISA_AVX512;
    return e->own && e->name[form] && most >= least && e->has(form);
}

const product_engine *products_best(packing form)
{
    for (const product_engine *const *e = engines; *e; e++)
        if (may_run(*e, form))
            return *e;
    return NULL;
}

status products_new(const product_engine *engine, products **out)
{
    products *p = checked_calloc(1, sizeof *p);
    if (!p)
        return status_no_memory("products");
    for (packing form = PACKING_F32; form <= PACKING_BF16; form++)
        p->engine[form] = engine ? engine : products_best(form);
    *out = p;
    return OK;
}

void products_free(products *p)
{
    for (packing form = PACKING_F32; p && form <= PACKING_BF16; form++)
        if (p->kept[form])
            p->engine[form]->destroy(p->kept[form]);
    free(p);
}

void products_begin(void)
{
    for (const product_engine *const *e = engines; *e; e++)
        if ((*e)->begin)
            (*e)->begin();
}

status products_run(products *p, const product_shape *shape, const void *x, const void *w,
                    const float *bias, float *y)
{
    status st = OK;
    const product_engine *e = p->engine[shape->form];
    void **kept = &p->kept[shape->form];
    if (e->create && !*kept)
        TRY(e->create(kept));
    TRY(e->run(*kept, shape, x, w, bias, y));
    if (shape->finish && !e->own)
        product_finish_rows(shape->finish, e->round, shape->rows, 0, shape->out, y,
                            shape->y_stride);
done:
    return st;
}

void products_run_own(const products *p, const product_shape *shape, const void *x, const void *w,
                      float *y)
{
    const product_engine *e = p->engine[shape->form];
    e = e->own ? e : &products_avx512;
    (void)e->run(NULL, shape, x, w, NULL, y); // ours cannot fail
}

void products_round(const products *p, const float *x, size_t n, uint16_t *half)
{
    p->engine[PACKING_BF16]->round(x, n, half);
}

bool products_own(const product_engine *engine, packing form)
{
    const product_engine *e = form == PACKING_NONE ? NULL : engine ? engine : products_best(form);
    return e && e->own;
}

status products_check(packing form)
{
    if (allowed_isa() == ISA_UNKNOWN)
        return status_fail(ERR_USAGE, "DNNL_MAX_CPU_ISA",
                           "\"%s\" is not known; AVX2, AVX512_CORE, AVX512_CORE_BF16 and "
                           "AVX512_CORE_AMX are",
                           getenv("DNNL_MAX_CPU_ISA"));
    if (form != PACKING_BF16 || products_best(form))
        return OK;
    return status_fail(ERR_USAGE, "compute",
                       "bf16 needs a CPU with bfloat16 instructions (AVX-512-BF16 or AMX), and "
                       "this one has none; set `compute: f32`");
}

status products_verify(packing form)
{
    return form == PACKING_BF16 && products_best(form) == &products_amx
               ? product_check(&products_amx)
               : OK;
}

packing products_float32(void)
{
    return products_best(PACKING_F32) ? PACKING_F32 : PACKING_NONE;
}

const char *products_name(packing form)
{
    const product_engine *e = products_best(form);
    return e ? e->name[form] : "none";
}

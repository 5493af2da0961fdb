// SPDX-License-Identifier: Apache-2.0
#include "model/products.h"

#include <dlfcn.h>
#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

// A primitive, and the memory objects that its arguments are put into.
typedef struct product {
    product_shape shape;
    dnnl_primitive_t primitive;
    dnnl_memory_t x, w, bias, y, scratchpad;
    void *scratch;
} product;

struct products {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    product *made;
    size_t n, capacity, last; // last: found last, and likely next
};

static status failed(const char *what, dnnl_status_t code)
{
    if (code == dnnl_out_of_memory)
        return status_no_memory("a product");
    return status_fail(ERR_INTERNAL, "oneDNN", "%s failed with status %d", what, (int)code);
}

// Runs a call of oneDNN; leaves the function on failure.
#define DNNL(call)                                                                                 \
    do {                                                                                           \
        dnnl_status_t code = (call);                                                               \
        if (code != dnnl_success) {                                                                \
            st = failed(#call, code);                                                              \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

static void product_free(product *p)
{
    dnnl_memory_destroy(p->x);
    dnnl_memory_destroy(p->w);
    dnnl_memory_destroy(p->bias);
    dnnl_memory_destroy(p->y);
    dnnl_memory_destroy(p->scratchpad);
    dnnl_primitive_destroy(p->primitive);
    free(p->scratch);
}

status products_new(products **out)
{
    status st = OK;
    products *p = checked_calloc(1, sizeof *p);
    if (!p)
        return status_no_memory("products");
    DNNL(dnnl_engine_create(&p->engine, dnnl_cpu, 0));
    DNNL(dnnl_stream_create(&p->stream, p->engine, dnnl_stream_in_order));
    *out = p;
    p = NULL;
done:
    products_free(p);
    return st;
}

void products_free(products *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        product_free(&p->made[i]);
    free(p->made);
    dnnl_stream_destroy(p->stream);
    dnnl_engine_destroy(p->engine);
    free(p);
}

// oneDNN is built on OpenMP: which one is its own affair, so the setting is asked of whatever is
// loaded.
void products_begin(void)
{
    union {
        void *symbol;
        void (*set)(int);
    } threads = {dlsym(RTLD_DEFAULT, "omp_set_num_threads")};
    if (threads.symbol)
        threads.set(1);
}

typedef struct layouts {
    dnnl_memory_desc_t x, w, bias, y;
} layouts;

static status describe(const product_shape *s, layouts *out)
{
    status st = OK;
    const bool half = s->form == PACKING_BF16;
    const dnnl_data_type_t type = half ? dnnl_bf16 : dnnl_f32;
    const dnnl_dims_t x = {s->rows, s->in}, w = {s->in, s->out}, y = {s->rows, s->out};
    const dnnl_dims_t bias = {1, s->out};
    DNNL(dnnl_memory_desc_init_by_tag(&out->x, 2, x, type, dnnl_ab));
    DNNL(dnnl_memory_desc_init_by_tag(&out->w, 2, w, type, half ? dnnl_BA16a64b2a : dnnl_BA16a64b));
    DNNL(dnnl_memory_desc_init_by_tag(&out->bias, 2, bias, dnnl_f32, dnnl_ab));
    DNNL(dnnl_memory_desc_init_by_tag(&out->y, 2, y, dnnl_f32, dnnl_ab));
done:
    return st;
}

static status make_primitive(products *p, const product_shape *s, const layouts *l,
                             dnnl_primitive_desc_t *description, dnnl_primitive_t *out)
{
    status st = OK;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    dnnl_matmul_desc_t matmul;
    const char *name;
    DNNL(dnnl_primitive_attr_create(&attributes));
    DNNL(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
    if (s->add) {
        DNNL(dnnl_post_ops_create(&after));
        DNNL(dnnl_post_ops_append_sum(after, 1));
        DNNL(dnnl_primitive_attr_set_post_ops(attributes, after));
    }
    DNNL(dnnl_matmul_desc_init(&matmul, &l->x, &l->w, s->bias ? &l->bias : NULL, &l->y));
    DNNL(dnnl_primitive_desc_create(description, &matmul, attributes, p->engine, NULL));
    DNNL(dnnl_primitive_desc_query(*description, dnnl_query_impl_info_str, 0, &name));
    if (strncmp(name, "ref", 3) == 0) { // a plain loop, hundreds of times slower
        st = status_fail(ERR_INTERNAL, "oneDNN", "has no fast product for [%d, %d] x [%d, %d]",
                         s->rows, s->in, s->in, s->out);
        goto done;
    }
    DNNL(dnnl_primitive_create(out, *description));
done:
    dnnl_post_ops_destroy(after);
    dnnl_primitive_attr_destroy(attributes);
    return st;
}

static status make(products *p, const product_shape *s, product *out)
{
    status st;
    layouts l;
    product made = {.shape = *s};
    dnnl_primitive_desc_t description = NULL;
    TRY(describe(s, &l));
    TRY(make_primitive(p, s, &l, &description, &made.primitive));
    const dnnl_memory_desc_t *scratch =
        dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    made.scratch = checked_aligned(dnnl_memory_desc_get_size(scratch) + 1, 1);
    TRY(made.scratch ? OK : status_no_memory("a product"));
    DNNL(dnnl_memory_create(&made.x, &l.x, p->engine, DNNL_MEMORY_NONE));
    DNNL(dnnl_memory_create(&made.w, &l.w, p->engine, DNNL_MEMORY_NONE));
    DNNL(dnnl_memory_create(&made.bias, &l.bias, p->engine, DNNL_MEMORY_NONE));
    DNNL(dnnl_memory_create(&made.y, &l.y, p->engine, DNNL_MEMORY_NONE));
    DNNL(dnnl_memory_create(&made.scratchpad, scratch, p->engine, made.scratch));
    *out = made;
    made = (product){0};
done:
    dnnl_primitive_desc_destroy(description);
    product_free(&made);
    return st;
}

static bool same(const product_shape *a, const product_shape *b)
{
    return a->form == b->form && a->rows == b->rows && a->out == b->out && a->in == b->in &&
           a->add == b->add && a->bias == b->bias;
}

// Finds the shape's primitive, or makes it.
static status find(products *p, const product_shape *s, product **out)
{
    status st = OK;
    for (size_t i = 0; i < p->n; i++) { // from the one behind the last: shapes come in turns
        size_t at = (p->last + 1 + i) % p->n;
        if (same(&p->made[at].shape, s)) {
            p->last = at;
            *out = &p->made[at];
            return OK;
        }
    }
    if (!checked_grow(&p->made, &p->capacity, p->n + 1, sizeof *p->made))
        return status_no_memory("a product");
    TRY(make(p, s, &p->made[p->n]));
    p->last = p->n++;
    *out = &p->made[p->last];
done:
    return st;
}

// oneDNN takes all memory as writable.
static void *writable(const void *at)
{
    union {
        const void *from;
        void *to;
    } v = {at};
    return v.to;
}

status products_run(products *p, const product_shape *shape, const void *x, const void *w,
                    const float *bias, float *y)
{
    status st;
    product *own = NULL;
    TRY(find(p, shape, &own));
    DNNL(dnnl_memory_set_data_handle(own->x, writable(x)));
    DNNL(dnnl_memory_set_data_handle(own->w, writable(w)));
    DNNL(dnnl_memory_set_data_handle(own->bias, shape->bias ? writable(bias) : NULL));
    DNNL(dnnl_memory_set_data_handle(own->y, y));
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, own->x},
                                         {DNNL_ARG_WEIGHTS, own->w},
                                         {DNNL_ARG_DST, own->y},
                                         {DNNL_ARG_SCRATCHPAD, own->scratchpad},
                                         {DNNL_ARG_BIAS, own->bias}};
    DNNL(dnnl_primitive_execute(own->primitive, p->stream, shape->bias ? 5 : 4, arguments));
done:
    return st;
}

static bool has(dnnl_cpu_isa_t isa)
{
    return ((unsigned)dnnl_get_effective_cpu_isa() & (unsigned)isa) == (unsigned)isa;
}

status products_check(packing form)
{
    if (form != PACKING_BF16 || has(dnnl_cpu_isa_avx512_core_bf16))
        return OK;
    return status_fail(ERR_USAGE, "compute",
                       "bf16 needs a CPU with bfloat16 instructions (AVX-512-BF16 or AMX), and "
                       "this one has none; set `compute: f32`");
}

packing products_float32(void)
{
    return has(dnnl_cpu_isa_avx512_core) ? PACKING_F32 : PACKING_NONE;
}

const char *products_instructions(void)
{
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = {{dnnl_cpu_isa_avx512_core_amx, "AMX"},
                 {dnnl_cpu_isa_avx512_core_bf16, "AVX-512-BF16"},
                 {dnnl_cpu_isa_avx512_core, "AVX-512"},
                 {dnnl_cpu_isa_avx2, "AVX2"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (has(names[i].isa))
            return names[i].name;
    return "SSE";
}

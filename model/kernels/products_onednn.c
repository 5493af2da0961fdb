// SPDX-License-Identifier: Apache-2.0
// A primitive takes far longer to make than to run, so shapes are rounded up to whole groups of
// rows and primitives are found again. All of it belongs to one thread, and oneDNN must not start
// others. Versions 2 and 3 of it differ in how layouts and products are described, which one
// section below hides.
#include "model/kernels/products_onednn.h"

#include <dlfcn.h>
#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "model/kernels/bfloat16.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

// A primitive, and the memory objects that its arguments are put into.
typedef struct product {
    product_shape shape;
    dnnl_primitive_t primitive;
    dnnl_memory_t x, w, bias, y, scratchpad;
    void *scratch;
} product;

// Primitives are made for whole groups of rows, so that there are few of them, and for no more than
// gives the best rate.
enum { ROW_GROUP = 32, ROWS_AT_ONCE = 256 };

typedef struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    product *made;
    size_t n, capacity, last; // last: found last, and likely next
    char *x, *y;              // owned: rows without gaps, of a product whose rows have some
    size_t x_bytes, y_bytes;
} onednn;

static status fail_call(const char *what, dnnl_status_t code)
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
            st = fail_call(#call, code);                                                           \
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

static void onednn_free(void *kept)
{
    onednn *p = kept;
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        product_free(&p->made[i]);
    free(p->made);
    free(p->x);
    free(p->y);
    dnnl_stream_destroy(p->stream);
    dnnl_engine_destroy(p->engine);
    free(p);
}

static status onednn_new(void **out)
{
    status st = OK;
    onednn *p = checked_calloc(1, sizeof *p);
    if (!p)
        return status_no_memory("products");
    DNNL(dnnl_engine_create(&p->engine, dnnl_cpu, 0));
    DNNL(dnnl_stream_create(&p->stream, p->engine, dnnl_stream_in_order));
    *out = p;
    p = NULL;
done:
    onednn_free(p);
    return st;
}

// oneDNN is built on OpenMP: which one is its own affair, so the setting is asked of whatever is
// loaded.
static void begin_products(void)
{
    union {
        void *symbol;
        void (*set)(int);
    } threads = {dlsym(RTLD_DEFAULT, "omp_set_num_threads")};
    if (threads.symbol)
        threads.set(1);
}

// --- Versions 2 and 3: a layout is a struct there, a handle here, and products are described in
// two steps there.

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t layout;
#define LAYOUT_AT(l) (l)

static void layout_free(dnnl_memory_desc_t l)
{
    dnnl_memory_desc_destroy(l);
}

static dnnl_status_t layout_set(dnnl_memory_desc_t *l, const dnnl_dims_t size,
                                dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(l, 2, size, type, tag);
}

static dnnl_status_t append_sum(dnnl_post_ops_t after)
{
    return dnnl_post_ops_append_sum(after, 1, 0, dnnl_data_type_undef);
}

static dnnl_status_t describe_product(const onednn *p, layout x, layout w, layout bias, layout y,
                                      dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *out)
{
    return dnnl_matmul_primitive_desc_create(out, p->engine, x, w, bias, y, attributes);
}
#else
typedef const dnnl_memory_desc_t *layout;
#define LAYOUT_AT(l) (&(l))

static void layout_free(dnnl_memory_desc_t l)
{
    (void)l;
}

static dnnl_status_t layout_set(dnnl_memory_desc_t *l, const dnnl_dims_t size,
                                dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(l, 2, size, type, tag);
}

static dnnl_status_t append_sum(dnnl_post_ops_t after)
{
    return dnnl_post_ops_append_sum(after, 1);
}

static dnnl_status_t describe_product(const onednn *p, layout x, layout w, layout bias, layout y,
                                      dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *out)
{
    dnnl_matmul_desc_t matmul;
    const dnnl_status_t code = dnnl_matmul_desc_init(&matmul, x, w, bias, y);
    return code == dnnl_success
               ? dnnl_primitive_desc_create(out, &matmul, attributes, p->engine, NULL)
               : code;
}
#endif

// --- Products

typedef struct layouts {
    dnnl_memory_desc_t x, w, bias, y;
} layouts;

static void layouts_free(layouts *l)
{
    layout_free(l->x);
    layout_free(l->w);
    layout_free(l->bias);
    layout_free(l->y);
}

static status describe_layouts(const product_shape *s, layouts *out)
{
    status st = OK;
    const bool half = s->form == PACKING_BF16;
    const dnnl_data_type_t type = half ? dnnl_bf16 : dnnl_f32;
    const dnnl_dims_t x = {s->rows, s->in}, w = {s->in, s->out}, y = {s->rows, s->out};
    const dnnl_dims_t bias = {1, s->out};
    DNNL(layout_set(&out->x, x, type, dnnl_ab));
    DNNL(layout_set(&out->w, w, type, half ? dnnl_BA16a64b2a : dnnl_BA16a64b));
    DNNL(layout_set(&out->bias, bias, dnnl_f32, dnnl_ab));
    DNNL(layout_set(&out->y, y, dnnl_f32, dnnl_ab));
done:
    return st;
}

static status make_primitive(onednn *p, const product_shape *s, const layouts *l,
                             dnnl_primitive_desc_t *description, dnnl_primitive_t *out)
{
    status st = OK;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    const char *name;
    DNNL(dnnl_primitive_attr_create(&attributes));
    DNNL(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
    if (s->add) {
        DNNL(dnnl_post_ops_create(&after));
        DNNL(append_sum(after));
        DNNL(dnnl_primitive_attr_set_post_ops(attributes, after));
    }
    DNNL(describe_product(p, LAYOUT_AT(l->x), LAYOUT_AT(l->w), s->bias ? LAYOUT_AT(l->bias) : NULL,
                          LAYOUT_AT(l->y), attributes, description));
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

static status make_product(onednn *p, const product_shape *s, product *out)
{
    status st;
    layouts l = {0};
    product made = {.shape = *s};
    dnnl_primitive_desc_t description = NULL;
    TRY(describe_layouts(s, &l));
    TRY(make_primitive(p, s, &l, &description, &made.primitive));
    const layout scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    made.scratch = checked_aligned(dnnl_memory_desc_get_size(scratch) + 1, 1);
    TRY(made.scratch ? OK : status_no_memory("a product"));
    DNNL(dnnl_memory_create(&made.x, LAYOUT_AT(l.x), p->engine, DNNL_MEMORY_NONE));
    DNNL(dnnl_memory_create(&made.w, LAYOUT_AT(l.w), p->engine, DNNL_MEMORY_NONE));
    DNNL(dnnl_memory_create(&made.bias, LAYOUT_AT(l.bias), p->engine, DNNL_MEMORY_NONE));
    DNNL(dnnl_memory_create(&made.y, LAYOUT_AT(l.y), p->engine, DNNL_MEMORY_NONE));
    DNNL(dnnl_memory_create(&made.scratchpad, scratch, p->engine, made.scratch));
    *out = made;
    made = (product){0};
done:
    dnnl_primitive_desc_destroy(description);
    layouts_free(&l);
    product_free(&made);
    return st;
}

static bool same_shape(const product_shape *a, const product_shape *b)
{
    return a->form == b->form && a->rows == b->rows && a->out == b->out && a->in == b->in &&
           a->add == b->add && a->bias == b->bias;
}

// Finds the shape's primitive, or makes it.
static status find_product(onednn *p, const product_shape *s, product **out)
{
    status st = OK;
    for (size_t i = 0; i < p->n; i++) { // from the one behind the last: shapes come in turns
        size_t at = (p->last + 1 + i) % p->n;
        if (same_shape(&p->made[at].shape, s)) {
            p->last = at;
            *out = &p->made[at];
            return OK;
        }
    }
    if (!checked_grow(&p->made, &p->capacity, p->n + 1, sizeof *p->made))
        return status_no_memory("a product");
    TRY(make_product(p, s, &p->made[p->n]));
    p->last = p->n++;
    *out = &p->made[p->last];
done:
    return st;
}

// oneDNN takes all memory as writable.
static void *as_writable(const void *at)
{
    union {
        const void *from;
        void *to;
    } v = {at};
    return v.to;
}

// A product of whole groups of rows without gaps.
static status run_dense(onednn *p, const product_shape *shape, const void *x, const void *w,
                        const float *bias, float *y)
{
    status st;
    product *own = NULL;
    TRY(find_product(p, shape, &own));
    DNNL(dnnl_memory_set_data_handle(own->x, as_writable(x)));
    DNNL(dnnl_memory_set_data_handle(own->w, as_writable(w)));
    DNNL(dnnl_memory_set_data_handle(own->bias, shape->bias ? as_writable(bias) : NULL));
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

static void copy_rows(int rows, size_t bytes, const char *from, size_t from_stride, char *to,
                      size_t to_stride)
{
    for (int r = 0; r < rows; r++, from += from_stride, to += to_stride)
        memcpy(to, from, bytes);
}

// A product of at most ROWS_AT_ONCE rows. oneDNN 2.6 has fast ones only for rows without gaps:
// others are copied there and back, and so are rows that fill no group.
static status run_rows(onednn *p, product_shape s, const char *x, const void *w, const float *bias,
                       float *y)
{
    status st;
    const size_t value = s.form == PACKING_BF16 ? sizeof(uint16_t) : sizeof(float);
    const size_t x_row = (size_t)s.in * value, y_row = (size_t)s.out * sizeof *y;
    const size_t gap = (size_t)s.y_stride * sizeof *y;
    const int rows = s.rows;
    s.rows = (rows + ROW_GROUP - 1) / ROW_GROUP * ROW_GROUP;
    const bool x_dense = rows == s.rows && s.x_stride == s.in;
    const bool y_dense = rows == s.rows && s.y_stride == s.out;
    if ((!x_dense && !checked_grow(&p->x, &p->x_bytes, (size_t)s.rows * x_row, 1)) ||
        (!y_dense && !checked_grow(&p->y, &p->y_bytes, (size_t)s.rows * y_row, 1)))
        return status_no_memory("a product");
    if (!x_dense)
        copy_rows(rows, x_row, x, (size_t)s.x_stride * value, p->x, x_row);
    if (!y_dense && s.add)
        copy_rows(rows, y_row, (const char *)y, gap, p->y, y_row);
    TRY(run_dense(p, &s, x_dense ? x : p->x, w, bias, y_dense ? y : (float *)(void *)p->y));
    if (!y_dense)
        copy_rows(rows, y_row, p->y, y_row, (char *)y, gap);
done:
    return st;
}

static status run_product(void *kept, const product_shape *shape, const void *x, const void *w,
                          const float *bias, float *y)
{
    status st = OK;
    const size_t value = shape->form == PACKING_BF16 ? sizeof(uint16_t) : sizeof(float);
    product_shape part = *shape;
    for (int r = 0; r < shape->rows; r += ROWS_AT_ONCE) {
        const int left = shape->rows - r;
        part.rows = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
        TRY(run_rows(kept, part, (const char *)x + (size_t)(r * shape->x_stride) * value, w, bias,
                     y + r * shape->y_stride));
    }
done:
    return st;
}

static bool has_isa(dnnl_cpu_isa_t isa)
{
    return ((unsigned)dnnl_get_effective_cpu_isa() & (unsigned)isa) == (unsigned)isa;
}

static bool has_form(packing form)
{
    return has_isa(form == PACKING_BF16 ? dnnl_cpu_isa_avx512_core_bf16 : dnnl_cpu_isa_avx512_core);
}

static void add_onednn_version(text *found)
{
    const dnnl_version_t *v = dnnl_version();
    text_addf(found, "%d.%d.%d", v->major, v->minor, v->patch);
}

const product_engine products_onednn = {
    .name = {[PACKING_F32] = "oneDNN", [PACKING_BF16] = "oneDNN"},
    .has = has_form,
    .create = onednn_new,
    .destroy = onednn_free,
    .begin = begin_products,
    .run = run_product,
    .round = bfloat16_round,
};

const version_def library_onednn = {"oneDNN", add_onednn_version};

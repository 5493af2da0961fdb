// SPDX-License-Identifier: Apache-2.0
// Packed weights, and all engines' products, against plain loops, at shapes that fill no block. AMX
// is played where the CPU has none, and held to the bit against its own order of sums.
#include "amx_emulated.h"
#include "fixture.h"
#include "model/kernels/activation.h"
#include "model/kernels/bfloat16.h"
#include "model/kernels/linear.h"
#include "model/kernels/product_check.h"
#include "model/kernels/products.h"
#include "model/kernels/products_amx.h"
#include "model/kernels/products_avx512.h"
#include "model/kernels/products_onednn.h"

static float value(int i, int j)
{
    return (float)((i * 37 + j * 101) % 251 - 125) / 128;
}

static float rounded(float x)
{
    uint16_t half;
    bfloat16_round(&x, 1, &half);
    uint32_t bits = (uint32_t)half << 16;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void test_round(void **state)
{
    (void)state;
    const struct {
        uint32_t from, to;
    } cases[] = {{0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82},
                 {0x3f808001, 0x3f81}, {0x7fffffff, 0x7fc0}, {0xff800001, 0x7fc0},
                 {0x7f800000, 0x7f80}, {0x80000000, 0x8000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float x;
        uint16_t half;
        memcpy(&x, &cases[i].from, sizeof x);
        bfloat16_round(&x, 1, &half);
        assert_int_equal(half, cases[i].to);
    }
}

// The matrix value(o, i), packed. Owned by the caller.
static packed pack(packing form, int out, int in)
{
    packed p = {NULL, form, out, in};
    void *at = aligned_alloc(64, packed_bytes(form, out, in));
    float *rows = malloc((size_t)PACK_OUTPUTS * (size_t)in * sizeof *rows);
    assert_true(at && rows);
    for (int first = 0; first < out; first += PACK_OUTPUTS) {
        int n = out - first < PACK_OUTPUTS ? out - first : PACK_OUTPUTS;
        for (int o = 0; o < n; o++)
            for (int i = 0; i < in; i++)
                rows[o * in + i] = value(first + o, i);
        packed_put(&p, at, first, n, rows);
    }
    free(rows);
    p.at = at;
    return p;
}

static const int shapes[][2] = {{64, 32}, {1, 1}, {100, 27}, {192, 1024}, {130, 2500}, {65, 1025}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

// Are outputs `o` [n_o] and inputs `i` [n_i] (NULL: all) of the matrix what `p` holds?
static bool holds(const packed *p, const int32_t *o, int n_o, const int32_t *i, int n_i)
{
    bool same = true;
    float *row = malloc((size_t)p->in * sizeof *row);
    for (int a = 0; a < p->out; a++) {
        packed_get(p, a, row);
        for (int b = 0; b < p->in; b++) {
            bool filling = a >= n_o || b >= n_i;
            float want = filling ? 0 : value(o ? o[a] : a, i ? i[b] : b);
            same = same && row[b] == (p->form == PACKING_BF16 ? rounded(want) : want);
        }
    }
    free(row);
    return same;
}

static void test_layout(void **state)
{
    (void)state;
    for (packing form = PACKING_F32; form <= PACKING_BF16; form++)
        for (int s = 0; s < SHAPES; s++) {
            const int out = shapes[s][0], in = shapes[s][1];
            packed p = pack(form, out, in);
            assert_true(holds(&p, NULL, out, NULL, in));
            *(uint32_t *)p.at ^= 0x00400040u; // the twin: one wrong word
            assert_false(holds(&p, NULL, out, NULL, in));
            free((void *)p.at);
        }
}

static void test_keep(void **state)
{
    (void)state;
    for (packing form = PACKING_F32; form <= PACKING_BF16; form++)
        for (int s = 0; s < SHAPES; s++) {
            const int out = shapes[s][0], in = shapes[s][1];
            int32_t unit[2500];
            packed p = pack(form, out, in);
            int n = 0;
            for (int u = 0; u < out; u++)
                if (u % 3 != 1)
                    unit[n++] = u;
            int filled = (n + 63) / 64 * 64;
            void *at = aligned_alloc(64, packed_bytes(form, filled, in));
            packed kept = packed_gather_outputs(&p, unit, n, filled, at);
            assert_true(holds(&kept, unit, n, NULL, in));
            free(at);
            n = 0;
            for (int u = 0; u < in; u++)
                if (u % 5 != 2)
                    unit[n++] = u;
            filled = (n + 63) / 64 * 64;
            at = aligned_alloc(64, packed_bytes(form, out, filled));
            kept = packed_gather_inputs(&p, unit, n, filled, at);
            assert_true(holds(&kept, NULL, out, unit, n));
            free(at);
            free((void *)p.at);
        }
}

// y = (or +=) x wᵀ + bias by plain loops; the largest difference from `got`.
static double difference(const packed *p, int rows, const float *x, const float *bias,
                         const float *before, const float *got)
{
    double worst = 0;
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < p->out; o++) {
            double sum = (double)bias[o] + (before ? (double)before[r * p->out + o] : 0);
            for (int i = 0; i < p->in; i++) {
                float a = x[r * p->in + i], b = value(o, i);
                sum += p->form == PACKING_BF16 ? (double)rounded(a) * (double)rounded(b)
                                               : (double)a * (double)b;
            }
            double d = fabs(sum - (double)got[r * p->out + o]);
            worst = d > worst ? d : worst;
        }
    return worst;
}

// Rows, and the rows that are far enough apart for them.
enum { ROWS = 45, GAP = 3 };

// A product of `form` on an engine, then one more that adds, at one shape.
static void check_product(products *p, packing form, int out, int in)
{
    const size_t room = ROWS, wide = (size_t)out + GAP;
    packed w = pack(form, out, in);
    float *x = calloc(room * (size_t)in, sizeof *x), *bias = calloc((size_t)out, 4);
    float *y = calloc(room * wide, sizeof *y), *y2 = calloc(room * wide, 4);
    float *dense = calloc((size_t)(ROWS * out), 4), *dense2 = calloc((size_t)(ROWS * out), 4);
    void *copy = calloc(room * (size_t)in, sizeof *x);
    for (int i = 0; i < ROWS * in; i++)
        x[i] = value(i, 3);
    for (int o = 0; o < out; o++)
        bias[o] = value(o, 7);
    for (size_t i = 0; i < ROWS * wide; i++)
        y[i] = 12345;
    const linear l = linear_packed(&w, bias);
    const operand a = linear_operand(p, form, x, in, ROWS, in, copy);
    assert_ok(linear_apply(p, &l, &a, NULL, y, (int64_t)wide));
    memcpy(y2, y, room * wide * sizeof *y);
    assert_ok(linear_add(p, &l, &a, y2, (int64_t)wide));
    for (int r = 0; r < ROWS; r++) {
        memcpy(dense + r * out, y + (size_t)r * wide, (size_t)out * sizeof *y);
        memcpy(dense2 + r * out, y2 + (size_t)r * wide, (size_t)out * sizeof *y);
        for (int g = 0; g < GAP; g++)
            assert_true(y2[(size_t)r * wide + (size_t)(out + g)] == 12345); // nothing beside
    }
    assert_true(difference(&w, ROWS, x, bias, NULL, dense) < 1e-3);
    assert_true(difference(&w, ROWS, x, bias, dense, dense2) < 1e-3);
    bias[out / 2] += 0.01f; // the twin
    assert_false(difference(&w, ROWS, x, bias, NULL, dense) < 1e-3);
    free(x);
    free(bias);
    free(y);
    free(y2);
    free(dense);
    free(dense2);
    free(copy);
    free((void *)w.at);
}

// All engines that this CPU runs a form with, and the emulated one; NULL ends them.
enum { ENGINES = 8 };
static void list_engines(packing form, const product_engine *out[ENGINES])
{
    static const product_engine *const all[] = {&products_amx, &products_avx512,
#ifdef SULCUS_ONEDNN
                                                &products_onednn,
#endif
                                                NULL};
    int n = 0;
    for (const product_engine *const *e = all; *e; e++)
        if ((*e)->name[form] && (*e)->has(form))
            out[n++] = *e;
    if (products_amx_emulated.name[form])
        out[n++] = &products_amx_emulated;
    out[n] = NULL;
}

static void test_products(void **state)
{
    (void)state;
    for (packing form = PACKING_F32; form <= PACKING_BF16; form++) {
        const product_engine *engines[ENGINES];
        list_engines(form, engines);
        for (int e = 0; engines[e]; e++) {
            products *p;
            assert_ok(products_new(engines[e], &p));
            products_begin();
            for (int s = 0; s < SHAPES; s++)
                check_product(p, form, shapes[s][0], shapes[s][1]);
            products_free(p);
        }
    }
}

// A row of x times an output's weights, as tiles sum it: 32 inputs at a time, their even and odd
// ones apart.
static float tile_sum(const float *x, int output, int in, float sum)
{
    for (int i = 0; i < in; i += 32) {
        float part[2] = {0, 0};
        for (int k = i; k < i + 32 && k < in; k++)
            part[k % 2] += rounded(x[k]) * rounded(value(output, k));
        sum += part[0] + part[1];
    }
    return sum;
}

// Every bit of an AMX engine: with a bias, then added to what is there, with the bias too.
static void check_tiles(const product_engine *engine, int out, int in)
{
    products *p;
    packed w = pack(PACKING_BF16, out, in);
    float *x = calloc((size_t)(ROWS * in), sizeof *x), *y = calloc((size_t)(ROWS * out), sizeof *y);
    float *bias = calloc((size_t)out, sizeof *bias);
    uint16_t *half = calloc((size_t)(ROWS * in), sizeof *half);
    int wrong = 0, wrong_twin = 0;
    for (int i = 0; i < ROWS * in; i++)
        x[i] = value(i, 3) / 3;
    for (int o = 0; o < out; o++)
        bias[o] = value(o, 7) / 3;
    assert_ok(products_new(engine, &p));
    const linear l = linear_packed(&w, bias);
    const operand a = linear_operand(p, PACKING_BF16, x, in, ROWS, in, half);
    assert_ok(linear_apply(p, &l, &a, NULL, y, out));
    assert_ok(linear_add(p, &l, &a, y, out));
    for (int r = 0; r < ROWS; r++)
        for (int o = 0; o < out; o++) {
            const float once = tile_sum(x + r * in, o, in, bias[o]);
            wrong += y[r * out + o] != tile_sum(x + r * in, o, in, once + bias[o]);
            wrong_twin += y[r * out + o] != tile_sum(x + r * in, o, in, bias[o] + bias[o]) + once;
        }
    assert_int_equal(wrong, 0);
    assert_true(wrong_twin > 0 || in < 32); // another order has other bits
    products_free(p);
    free(x);
    free(y);
    free(bias);
    free(half);
    free((void *)w.at);
}

static void test_tiles(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        check_tiles(&products_amx_emulated, shapes[s][0], shapes[s][1]);
        if (products_amx.has(PACKING_BF16))
            check_tiles(&products_amx, shapes[s][0], shapes[s][1]);
    }
}

static status run_wrong(void *kept, const product_shape *shape, const void *x, const void *w,
                        const float *bias, float *y)
{
    const status st = products_amx_emulated.run(kept, shape, x, w, bias, y);
    y[shape->rows * shape->out - 1] += 1;
    return st;
}

// The check before a run: every engine passes it, and one with a wrong sum does not.
static void test_check(void **state)
{
    (void)state;
    const product_engine *engines[ENGINES];
    product_engine wrong = products_amx_emulated;
    wrong.run = run_wrong;
    list_engines(PACKING_BF16, engines);
    for (int e = 0; engines[e]; e++)
        assert_ok(product_check(engines[e]));
    assert_int_equal(product_check(&wrong), ERR_INTERNAL);
    assert_non_null(strstr(status_text(), "1 of 4399 sums are wrong"));
}

// A finish within the product is the same, to the bit, as one behind it.
static void check_finish(const product_engine *engine, packing form, int out, int in)
{
    products *p;
    packed w = pack(form, out, in);
    const size_t outputs = (size_t)(ROWS * out);
    float *x = calloc((size_t)(ROWS * in), sizeof *x), *factor = calloc(outputs, sizeof *factor);
    float *y = calloc(outputs, sizeof *y), *want = calloc(outputs, sizeof *want);
    uint16_t *half = calloc(outputs, sizeof *half), *nearest = calloc(outputs, sizeof *nearest);
    void *copy = calloc((size_t)(ROWS * in), sizeof *x);
    for (int i = 0; i < ROWS * in; i++)
        x[i] = value(i, 3) / 8;
    for (size_t i = 0; i < outputs; i++)
        factor[i] = value((int)i, 5);
    assert_ok(products_new(engine, &p));
    products_begin();
    const linear l = linear_packed(&w, NULL);
    const operand a = linear_operand(p, form, x, in, ROWS, in, copy);
    const activation *relu = activation_find("relu"); // one whose bits do not depend on its place
    const product_finish finish = {.act = relu->apply,
                                   .factor = factor,
                                   .factor_stride = out,
                                   .half = form == PACKING_BF16 ? half : NULL,
                                   .half_stride = out};
    assert_ok(linear_apply(p, &l, &a, &finish, y, out));
    assert_ok(linear_apply(p, &l, &a, NULL, want, out));
    for (size_t i = 0; i < outputs; i++)
        want[i] = (want[i] < 0 ? 0 : want[i]) * factor[i];
    assert_memory_equal(y, want, outputs * sizeof *y);
    if (form == PACKING_BF16) {
        products_round(p, want, outputs, nearest);
        assert_memory_equal(half, nearest, outputs * sizeof *half);
    }
    products_free(p);
    free(x);
    free(factor);
    free(y);
    free(want);
    free(half);
    free(nearest);
    free(copy);
    free((void *)w.at);
}

static void test_finish(void **state)
{
    (void)state;
    for (packing form = PACKING_F32; form <= PACKING_BF16; form++) {
        const product_engine *engines[ENGINES];
        list_engines(form, engines);
        for (int e = 0; engines[e]; e++)
            for (int s = 0; s < SHAPES; s++)
                check_finish(engines[e], form, shapes[s][0], shapes[s][1]);
    }
}

// Ours and the portable one are the same but for denormal values, which products take as 0.
static void test_products_round(void **state)
{
    (void)state;
    enum { N = 1003 };
    products *p;
    float x[N];
    uint16_t plain[N], own[N];
    if (products_check(PACKING_BF16) != OK)
        skip();
    for (int i = 0; i < N; i++) {
        uint32_t bits = (uint32_t)i * 4280557u;
        bits = (bits & 0x7f800000u) == 0 ? 0x3f808000u : bits;
        memcpy(&x[i], &bits, sizeof bits);
    }
    x[5] = NAN;
    x[6] = -INFINITY;
    assert_ok(products_new(&products_avx512, &p));
    bfloat16_round(x, N, plain);
    products_round(p, x, N, own);
    for (int i = 0; i < N; i++)
        assert_true(own[i] == plain[i] || (isnan(x[i]) && (own[i] & 0x7fffu) > 0x7f80u));
    products_free(p);
}

// Runs a fixture in bf16 and keeps its logits; the fixture's own are float32's.
static void run_bf16(int i, int threads, const product_engine *engine, fixture *x)
{
    fixture_open(x, i);
    model_close(x->m);
    assert_ok(model_open(
        &(model_options){.path = fixture_cases[i].model, .compute = COMPUTE_BF16, .engine = engine},
        NULL, &x->m));
    x->info = model_get_info(x->m);
    x->threads = threads;
    x->read = true;
    assert_ok(fixture_run(x, NULL));
}

static void check_model(int i, const product_engine *engine)
{
    fixture one, two;
    run_bf16(i, 1, engine, &one);
    run_bf16(i, 2, engine, &two);
    const size_t n = (size_t)(one.images * one.info->outputs);
    assert_memory_equal(one.logits, two.logits, n * sizeof *one.logits);
    double worst = 0, largest = 0;
    for (size_t k = 0; k < n; k++) {
        double want = (double)expected_values(&one, "logits")[k];
        worst = fmax(worst, fabs((double)one.logits[k] - want));
        largest = fmax(largest, fabs(want));
    }
    assert_true(worst > 1e-6 * largest); // it is bf16
    assert_true(worst < 0.05 * largest);
    fixture_close(&one);
    fixture_close(&two);
}

static void test_model(void **state)
{
    (void)state;
    const product_engine *engines[ENGINES];
    if (products_check(PACKING_BF16) != OK)
        skip();
    list_engines(PACKING_BF16, engines);
    for (int i = 0; i < FIXTURE_CASES; i++)
        for (int e = 0; engines[e]; e++)
            check_model(i, engines[e]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),          cmocka_unit_test(test_layout),
        cmocka_unit_test(test_keep),           cmocka_unit_test(test_products),
        cmocka_unit_test(test_products_round), cmocka_unit_test(test_model),
        cmocka_unit_test(test_tiles),          cmocka_unit_test(test_finish),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Attention in each form against a plain loop in double.
#include "amx_emulated.h"
#include "fixture.h"
#include "model/kernels/attention.h"
#include "model/kernels/bfloat16.h"

typedef struct layout {
    int heads, kv_heads, head_dim, queries, keys;
    bool causal, places; // places: query i is at the key 2 i + 1, as where a head keeps some rows
    int window;
    double cap;
} layout;

static const layout layouts[] = {
    {4, 4, 32, 17, 17, false, false, 0, 0},    {2, 2, 64, 197, 197, false, false, 0, 0},
    {6, 2, 24, 150, 150, true, false, 0, 0},   {3, 1, 80, 70, 70, true, false, 9, 0},
    {2, 1, 128, 130, 130, true, false, 65, 0}, {2, 2, 16, 40, 81, true, true, 0, 0},
    {1, 1, 7, 1, 1, true, false, 0, 0},        {2, 2, 32, 1, 65, false, false, 0, 0},
    {3, 1, 48, 90, 90, true, false, 20, 0.7},  {2, 2, 20, 33, 33, true, false, 0, 5},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

static float value(int i)
{
    return (float)((i * 7919 + i / 13 * 104729) % 2003 - 1001) / 700;
}

static float rounded(packing form, float x)
{
    uint16_t half;
    if (form != PACKING_BF16)
        return x;
    bfloat16_round(&x, 1, &half);
    uint32_t bits = (uint32_t)half << 16;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int64_t place_of(const layout *l, int query)
{
    return l->places ? 2 * query + 1 : query;
}

// One head of one query, from inputs rounded as the form does.
static void attend_plainly(const layout *l, packing form, int query, int head, const float *q,
                           const float *k, const float *v, double *out)
{
    const int d = l->head_dim, kv = l->kv_heads * d, from = head / (l->heads / l->kv_heads) * d;
    const int at = (int)place_of(l, query), end = l->causal ? at + 1 : l->keys;
    const int begin = l->causal && l->window > 0 && at >= l->window ? at - l->window + 1 : 0;
    double sum = 0;
    memset(out, 0, (size_t)d * sizeof *out);
    for (int key = begin; key < end; key++) {
        double score = 0;
        for (int i = 0; i < d; i++)
            score += (double)rounded(form, q[query * l->heads * d + head * d + i]) *
                     (double)rounded(form, k[key * kv + from + i]);
        score /= sqrt(d);
        double weight = exp(l->cap > 0 ? l->cap * tanh(score / l->cap) : score);
        sum += weight;
        for (int i = 0; i < d; i++)
            out[i] += weight * (double)rounded(form, v[key * kv + from + i]);
    }
    for (int i = 0; i < d; i++)
        out[i] /= sum;
}

// The largest difference of `got` from the plain loop; NaN where there is one.
static double error_of(const layout *l, packing form, const float *q, const float *k,
                       const float *v, const float *got)
{
    double out[128], worst = 0;
    for (int query = 0; query < l->queries; query++)
        for (int head = 0; head < l->heads; head++) {
            attend_plainly(l, form, query, head, q, k, v, out);
            for (int i = 0; i < l->head_dim; i++) {
                const int at = (query * l->heads + head) * l->head_dim + i;
                const double error = fabs(out[i] - (double)got[at]);
                worst = error > worst || isnan(error) ? error : worst;
            }
        }
    return worst;
}

static void *workspace_of(size_t bytes)
{
    void *at = aligned_alloc(64, (bytes + 128) / 64 * 64);
    assert_non_null(at);
    memset(at, 0xff, bytes); // NaN: nothing may be read before it is written
    return at;
}

static void check(const layout *l, packing form, const product_engine *engine)
{
    products *p;
    const int d = l->head_dim, width = l->heads * d, kv = l->kv_heads * d;
    const size_t rows = (size_t)l->queries;
    float *q = calloc(rows * (size_t)width, sizeof *q), *was = malloc(rows * (size_t)width * 4);
    float *k = calloc((size_t)(l->keys * kv), 4), *v = calloc((size_t)(l->keys * kv), 4);
    uint16_t *half = calloc(rows * (size_t)width, sizeof *half);
    int64_t *position = calloc((size_t)l->queries, sizeof *position);
    for (int i = 0; i < l->queries * width; i++)
        q[i] = value(i);
    for (int i = 0; i < l->keys * kv; i++) {
        k[i] = value(i + 5000);
        v[i] = value(i + 9000);
    }
    for (int i = 0; i < l->queries; i++)
        position[i] = place_of(l, i);
    memcpy(was, q, rows * (size_t)width * sizeof *q);
    bfloat16_round(q, rows * (size_t)width, half);
    const attention_bytes b = attention_needs(form, d, l->keys);
    const attention_workspace w = {form,
                                   workspace_of(b.scores),
                                   workspace_of(b.half),
                                   workspace_of(b.keys),
                                   workspace_of(b.values),
                                   workspace_of(b.mixed)};
    const attention_shape s = {l->heads,  l->kv_heads,  d, 1 / sqrtf((float)d), l->causal,
                               l->window, (float)l->cap};
    const attention_rows all = {.q = q,
                                .q_half = half,
                                .out_half = form == PACKING_BF16 ? half : NULL, // in its place
                                .queries = l->queries,
                                .position = l->places ? position : NULL,
                                .k = k,
                                .v = v,
                                .keys = l->keys};
    assert_ok(products_new(engine, &p));
    attention_apply(p, &s, &w, &all);
    for (int i = 0; form == PACKING_BF16 && i < l->queries * width; i++) {
        uint16_t nearest;
        products_round(p, &q[i], 1, &nearest);
        assert_int_equal(half[i], nearest);
    }
    products_free(p);
    // In bf16 the softmax is rounded too, to 2^-9 of each weight.
    const double most = form == PACKING_BF16 ? 4e-3 : 1e-5;
    assert_true(error_of(l, form, was, k, v, q) < most);
    q[l->queries * width - 1] += 0.01f; // the twin
    assert_false(error_of(l, form, was, k, v, q) < most);
    free(w.scores);
    free(w.half);
    free(w.keys);
    free(w.values);
    free(w.mixed);
    free(q);
    free(was);
    free(k);
    free(v);
    free(half);
    free(position);
}

static void test_forms(void **state)
{
    (void)state;
    for (packing form = PACKING_NONE; form <= PACKING_BF16; form++) {
        if (products_check(form) != OK || (form == PACKING_F32 && products_float32() != form))
            continue; // not on this CPU
        for (int i = 0; i < LAYOUTS; i++)
            check(&layouts[i], form, NULL);
        for (int i = 0; form == PACKING_BF16 && i < LAYOUTS; i++)
            check(&layouts[i], form, &products_amx_emulated);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

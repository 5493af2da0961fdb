// SPDX-License-Identifier: Apache-2.0
// A block of queries meets the keys that any of them sees, so that scores stay in cache, and a
// window or a causal mask saves products and not only values. With packed products the softmax's
// sums are divided out behind the second one, where there are fewer values.
#include "model/kernels/attention.h"

#include <cblas.h>

#include "model/kernels/kernels.h"
#include "model/kernels/packed.h"

// Keys are filled up to whole groups, whole vectors of scores and groups of packed inputs.
enum { KEY_GROUP = 16 };

// The keys that a query at `position` sees: [first, end).
typedef struct span {
    int64_t first, end;
} span;

// A block of queries: which keys any of them sees.
typedef struct block {
    const products *products;
    const attention_shape *shape;
    const attention_workspace *workspace;
    const attention_rows *rows;
    int64_t first, q_stride;
    int n;
    span all;
} block;

static span keys_seen(const attention_shape *s, const attention_rows *rows, int64_t query)
{
    if (!s->causal)
        return (span){0, rows->keys};
    int64_t at = rows->position ? rows->position[query] : query;
    bool cut = s->window > 0 && at >= s->window;
    return (span){cut ? at - s->window + 1 : 0, at + 1};
}

static int64_t whole_blocks(int64_t keys)
{
    return (keys + PACK_OUTPUTS - 1) / PACK_OUTPUTS * PACK_OUTPUTS;
}

static int whole_groups(int64_t keys)
{
    return (int)((keys + KEY_GROUP - 1) / KEY_GROUP * KEY_GROUP);
}

attention_bytes attention_needs(packing form, int head_dim, int64_t longest)
{
    const size_t width = (size_t)whole_blocks(longest), scores = ATTENTION_BLOCK * width;
    attention_bytes b = {.scores = scores * sizeof(float)};
    if (form == PACKING_NONE)
        return b;
    b.half = form == PACKING_BF16 ? scores * sizeof(uint16_t) : 0;
    b.keys = packing_block_bytes(form, head_dim) * (width / PACK_OUTPUTS);
    b.values =
        packing_block_bytes(form, (int)width) * (size_t)(whole_blocks(head_dim) / PACK_OUTPUTS);
    b.mixed = (size_t)ATTENTION_BLOCK * PACK_OUTPUTS * sizeof(float);
    return b;
}

// The softmax's numerators of the block's scores [n, width], which begin at key all.first, and
// their sums.
static void exp_scores(const block *b, int64_t width, float sum[ATTENTION_BLOCK])
{
    kernel_span own[ATTENTION_BLOCK];
    for (int i = 0; i < b->n; i++) {
        const span keys = keys_seen(b->shape, b->rows, b->first + i);
        own[i].first = (int32_t)(keys.first - b->all.first);
        own[i].end = (int32_t)(keys.end - b->all.first);
    }
    float *scores = b->workspace->scores;
    const attention_shape *s = b->shape;
    if (s->cap > 0)
        kernel_soft_cap(scores, (size_t)b->n * (size_t)width, s->scale, s->cap);
    kernel_exp_spans(scores, b->n, width, own, s->cap > 0 ? 1 : s->scale, sum);
}

static void attend_blas(const block *b, float *q, const float *k, const float *v, int64_t kv_stride)
{
    const int n = b->n, d = b->shape->head_dim, keys = (int)(b->all.end - b->all.first);
    const int width = whole_groups(keys);
    float *scores = b->workspace->scores, sum[ATTENTION_BLOCK];
    const int64_t from = b->all.first * kv_stride;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, keys, d, 1.0f, q, (int)b->q_stride,
                k + from, (int)kv_stride, 0.0f, scores, width);
    exp_scores(b, width, sum);
    for (int64_t i = 0; i < n; i++)
        kernel_scale(scores + i * width, width, 1.0f / sum[i], scores + i * width);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, d, keys, 1.0f, scores, width,
                v + from, (int)kv_stride, 0.0f, q, (int)b->q_stride);
}

// The block's mixed values of some outputs, divided by the sums of their weights: into q, and into
// half where it is wanted.
static void divide_rows(const block *b, const float sum[ATTENTION_BLOCK], int n, int64_t at)
{
    const float *mixed = b->workspace->mixed;
    for (int64_t i = 0; i < b->n; i++, at += b->q_stride) {
        kernel_scale(mixed + i * PACK_OUTPUTS, n, 1.0f / sum[i], b->rows->q + at);
        if (b->rows->out_half)
            products_round(b->products, b->rows->q + at, (size_t)n, b->rows->out_half + at);
    }
}

// With packed keys and values, from a whole block of keys to a whole group: those behind the last
// key are zero. The block's queries of a head begin at `at`.
static void attend_packed(const block *b, int64_t at)
{
    const attention_workspace *w = b->workspace;
    const int d = b->shape->head_dim, width = whole_groups(b->all.end - b->all.first);
    const int64_t blocks = b->all.first / PACK_OUTPUTS;
    const bool half = w->form == PACKING_BF16;
    float sum[ATTENTION_BLOCK];
    const product_shape score = {.form = w->form,
                                 .rows = b->n,
                                 .out = width,
                                 .in = d,
                                 .x_stride = b->q_stride,
                                 .y_stride = width};
    product_shape mix = {
        .form = w->form, .rows = b->n, .in = width, .x_stride = width, .y_stride = PACK_OUTPUTS};
    products_run_own(
        b->products, &score, half ? (const void *)(b->rows->q_half + at) : b->rows->q + at,
        (const char *)w->keys + packing_block_bytes(w->form, d) * (size_t)blocks, w->scores);
    exp_scores(b, width, sum);
    if (half)
        products_round(b->products, w->scores, (size_t)b->n * (size_t)width, w->half);
    const void *weights = half ? (const void *)w->half : w->scores;
    const char *values =
        (const char *)w->values + packing_block_bytes(w->form, PACK_OUTPUTS) * (size_t)blocks;
    const size_t next = packing_block_bytes(w->form, whole_groups(b->rows->keys));
    for (int first = 0; first < d; first += PACK_OUTPUTS, values += next) {
        mix.out = d - first < PACK_OUTPUTS ? d - first : PACK_OUTPUTS;
        products_run_own(b->products, &mix, weights, values, w->mixed);
        divide_rows(b, sum, mix.out, at + first);
    }
}

// Packs the keys and values `k`, `v` of a head.
static void pack_head(const block *b, const float *k, const float *v, int64_t stride)
{
    const attention_workspace *w = b->workspace;
    const int d = b->shape->head_dim, keys = (int)b->rows->keys;
    packed_strip(w->form, keys, d, k, stride, w->keys);
    packed_strip_transposed(w->form, d, keys, whole_groups(keys), v, stride, w->values);
}

// The blocks of queries of the heads that share keys and values `kv`.
static void attend_group(block *b, int kv)
{
    const attention_shape *s = b->shape;
    const attention_rows *rows = b->rows;
    const bool is_packed = b->workspace->form != PACKING_NONE;
    const int64_t kv_stride = (int64_t)s->kv_heads * s->head_dim;
    const float *k = rows->k + kv * s->head_dim, *v = rows->v + kv * s->head_dim;
    const int each = s->heads / s->kv_heads;
    if (is_packed)
        pack_head(b, k, v, kv_stride);
    for (b->first = 0; b->first < rows->queries; b->first += ATTENTION_BLOCK) {
        const int64_t left = rows->queries - b->first;
        b->n = (int)(left < ATTENTION_BLOCK ? left : ATTENTION_BLOCK);
        b->all =
            (span){keys_seen(s, rows, b->first).first, keys_seen(s, rows, b->first + b->n - 1).end};
        if (is_packed)
            b->all.first -= b->all.first % PACK_OUTPUTS;
        for (int head = kv * each; head < (kv + 1) * each; head++) {
            const int64_t at = b->first * b->q_stride + head * s->head_dim;
            if (is_packed)
                attend_packed(b, at);
            else
                attend_blas(b, rows->q + at, k, v, kv_stride);
        }
    }
}

void attention_apply(const products *p, const attention_shape *s,
                     const attention_workspace *workspace, const attention_rows *rows)
{
    block b = {.products = p, .shape = s, .workspace = workspace, .rows = rows};
    b.q_stride = (int64_t)s->heads * s->head_dim;
    for (int kv = 0; kv < s->kv_heads; kv++)
        attend_group(&b, kv);
}

// SPDX-License-Identifier: Apache-2.0
#include "model/attention.h"

#include <cblas.h>
#include <string.h>

#include "model/kernels.h"

// The keys that a query at `position` sees: [first, end).
typedef struct span {
    int64_t first, end;
} span;

static span seen(const attention_shape *s, const int64_t *position, int64_t query, int64_t keys)
{
    if (!s->causal)
        return (span){0, keys};
    int64_t at = position ? position[query] : query;
    bool cut = s->window > 0 && at >= s->window;
    return (span){cut ? at - s->window + 1 : 0, at + 1};
}

// Softmax of each query's scores over what it sees; beyond that, 0. The rows begin at key `from`.
static void softmax_seen(const attention_shape *s, const int64_t *position, int64_t query,
                         int64_t n, int64_t keys, span all, float *scores)
{
    int64_t width = all.end - all.first;
    for (int64_t i = 0; i < n; i++, scores += width) {
        span own = seen(s, position, query + i, keys);
        int64_t begin = own.first - all.first, end = own.end - all.first;
        memset(scores, 0, (size_t)begin * sizeof *scores);
        kernel_softmax(scores + begin, 1, end - begin, width);
        memset(scores + end, 0, (size_t)(width - end) * sizeof *scores);
    }
}

void attention_apply(const attention_shape *s, float *q, int64_t queries, const int64_t *position,
                     const float *k, const float *v, int64_t keys, float *scores)
{
    const blasint d = s->head_dim, q_stride = s->heads * d, kv_stride = s->kv_heads * d;
    const int group = s->heads / s->kv_heads;
    for (int64_t first = 0; first < queries; first += ATTENTION_BLOCK) {
        int64_t left = queries - first;
        blasint n = (blasint)(left < ATTENTION_BLOCK ? left : ATTENTION_BLOCK);
        span all = {seen(s, position, first, keys).first,
                    seen(s, position, first + n - 1, keys).end};
        const blasint width = (blasint)(all.end - all.first);
        for (int head = 0; head < s->heads; head++) {
            float *at = q + first * q_stride + head * d;
            int64_t from = all.first * kv_stride + head / group * d;
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, width, d, s->scale, at,
                        q_stride, k + from, kv_stride, 0.0f, scores, width);
            if (s->causal)
                softmax_seen(s, position, first, n, keys, all, scores);
            else
                kernel_softmax(scores, n, width, width);
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, d, width, 1.0f, scores, width,
                        v + from, kv_stride, 0.0f, at, q_stride);
        }
    }
}

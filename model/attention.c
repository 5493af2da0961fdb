// SPDX-License-Identifier: Apache-2.0
#include "model/attention.h"

#include <cblas.h>

#include "model/kernels.h"

void attention_apply(const attention_shape *s, float *q, int64_t queries, const float *k,
                     const float *v, int64_t keys, float *scores)
{
    const blasint d = s->head_dim, q_stride = s->heads * d, kv_stride = s->kv_heads * d;
    const int group = s->heads / s->kv_heads;
    for (int64_t first = 0; first < queries; first += ATTENTION_BLOCK) {
        int64_t left = queries - first;
        blasint n = (blasint)(left < ATTENTION_BLOCK ? left : ATTENTION_BLOCK);
        for (int head = 0; head < s->heads; head++) {
            float *at = q + first * q_stride + head * d;
            const float *key = k + head / group * d, *value = v + head / group * d;
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, (blasint)keys, d, s->scale, at,
                        q_stride, key, kv_stride, 0.0f, scores, (blasint)keys);
            kernel_softmax(scores, n, keys, keys);
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, d, (blasint)keys, 1.0f,
                        scores, (blasint)keys, value, kv_stride, 0.0f, at, q_stride);
        }
    }
}

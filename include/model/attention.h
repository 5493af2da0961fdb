// SPDX-License-Identifier: Apache-2.0
// Softmax attention of one sample, by blocks of queries, so that no [rows, rows] array is ever
// whole.
#ifndef MODEL_ATTENTION_H
#define MODEL_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

enum { ATTENTION_BLOCK = 256 }; // queries whose scores are held at once

// Heads, and groups of heads that share keys and values (kv_heads divides heads).
typedef struct attention_shape {
    int heads, kv_heads, head_dim;
    float scale;
    bool causal; // a query sees the keys up to its own position
    int window;  // and no more than so many of them; 0: all
} attention_shape;

// q [queries, heads × head_dim] becomes softmax(scale · q kᵀ) v, head by head, with k and v [keys,
// kv_heads × head_dim]. Query i is at position[i], ascending, or i where that is NULL. `scores`
// holds ATTENTION_BLOCK × keys floats. Local.
void attention_apply(const attention_shape *s, float *q, int64_t queries, const int64_t *position,
                     const float *k, const float *v, int64_t keys, float *scores);

#endif

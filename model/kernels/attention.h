// SPDX-License-Identifier: Apache-2.0
// Softmax attention of one sample, by blocks of queries, so that no [rows, rows] array is ever
// whole.
#ifndef MODEL_KERNELS_ATTENTION_H
#define MODEL_KERNELS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/kernels/products.h"

enum { ATTENTION_BLOCK = 48 }; // queries whose scores are held at once: whole tiles of products

// Heads, and groups of heads that share keys and values (kv_heads divides heads).
typedef struct attention_shape {
    int heads, kv_heads, head_dim;
    float scale;
    bool causal; // a query sees the keys up to its own position
    int window;  // and no more than so many of them; 0: all
    float cap;   // scaled scores s become cap · tanh(s / cap); 0: they stay
} attention_shape;

// What a thread works in, each of attention_needs. Borrowed.
typedef struct attention_workspace {
    packing form;
    float *scores;
    uint16_t *half;      // the softmax in bf16; unused in other forms
    void *keys, *values; // of a head, packed; unused with PACKING_NONE
    float *mixed;        // a block of queries by a block of outputs; likewise
} attention_workspace;

// Bytes of each, for samples of at most `longest` rows.
typedef struct attention_bytes {
    size_t scores, half, keys, values, mixed;
} attention_bytes;
attention_bytes attention_needs(packing form, int head_dim, int64_t longest);

// A sample's rows. All borrowed.
typedef struct attention_rows {
    float *q;               // [queries, heads × head_dim]
    const uint16_t *q_half; // q in bf16, in that form; NULL in others
    uint16_t *out_half;     // gets the output in bf16; may be q_half's array; NULL: not wanted
    int64_t queries;
    const int64_t *position; // [queries] ascending; NULL: query i is at i
    const float *k, *v;      // [keys, kv_heads × head_dim]
    int64_t keys;
} attention_rows;

// q becomes softmax(scale · q kᵀ) v, head by head. With PACKING_BF16 both products are in bf16 with
// float32 sums. Packed forms run on an engine of our own: the products are small. `p` is the
// thread's; unused with PACKING_NONE. Local.
void attention_apply(const products *p, const attention_shape *s,
                     const attention_workspace *workspace, const attention_rows *rows);

#endif

// SPDX-License-Identifier: Apache-2.0
// The one narrow table through which a model is computed on a device. Above it stands C that knows
// architectures, tiles and masks (model/cuda); below it, kernels that know none of them: built by
// nvcc as a plug-in, and from the same source as plain C for tests. Read by both, so C and C++.
//
// Rules for all of it:
// - Work is done in the order of the calls. `download` waits for it; nothing else has to.
// - Pointers named `device` memory, float32 unless a type stands beside them, rows without gaps
//   unless a stride does. Structs and arrays named host are read before the call returns.
// - A row's result depends on that row (of attention: its sample; of sums: its segment) alone, not on
//   how many rows there are or where in memory it lies. So sums within a row have one fixed order.
// - Sizes are what the caller has checked; 0 rows are no error and no work.
// - OK; ERR_INTERNAL: out of memory, and a fault of the program or of the plug-in; ERR_INTERRUPTED: a
//   lost device, after which every call fails so. `said` has the line, without a place before it.
#ifndef MODEL_CUDA_OPS_H
#define MODEL_CUDA_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

// Raised whenever what follows changes, so that a plug-in of another build is told apart.
enum { DEVICE_OPS_VERSION = 2 };
// What the plug-in exports: const device_ops *sulcus_device_ops(int version), NULL for another one.
#define DEVICE_OPS_SYMBOL "sulcus_device_ops"

typedef struct device device; // an opened one: its stream, handles, scratch

typedef enum device_type { DEVICE_F32, DEVICE_BF16 } device_type;

// How products sum: float32 as float32; operands of float32 rounded to tf32; operands in bf16. Sums
// are float32 in all.
typedef enum device_compute {
    DEVICE_COMPUTE_F32,
    DEVICE_COMPUTE_TF32,
    DEVICE_COMPUTE_BF16
} device_compute;

typedef enum device_activation { // as model/kernels/activation.h has them
    DEVICE_ACT_NONE,
    DEVICE_ACT_GELU, // x Φ(x)
    DEVICE_ACT_GELU_TANH,
    DEVICE_ACT_QUICK_GELU,
    DEVICE_ACT_SILU,
    DEVICE_ACT_RELU, // keeps NaN
} device_activation;

// y [rows, out] = or += x [rows, in] · wᵀ (+ bias). x and w are bf16 with DEVICE_COMPUTE_BF16, else
// float32; y and bias are float32. rows is a multiple of the device's row_block, and the product is
// run block by block, each alike: so a row's bits do not depend on how many blocks there are. No
// algorithm that splits the sum of one output differently from another's (split-K, stream-K) is used.
typedef struct device_linear {
    device_compute compute;
    const void *x, *w;
    const float *bias; // [out]; NULL: none
    float *y;
    int64_t rows;
    int out, in;
    int64_t x_stride, w_stride, y_stride; // in values
    int add;                              // with both, the bias is added to y first
} device_linear;

// LayerNorm where there is a bias, RMSNorm where there is none, a copy where there is no weight.
typedef struct device_norm {
    const float *x; // [rows, width], x_stride apart; may be `to` or `sum`
    int64_t x_stride, rows;
    int width;
    const float *weight, *bias; // [width]
    float eps;
    void *to; // [rows, width], to_stride apart; NULL: not wanted
    int64_t to_stride;
    device_type type; // of `to`
    float *sum;       // gets the result as float32 too, x_stride apart; NULL: not wanted
    int32_t
        *bad; // becomes 1 where a row holds NaN or infinity, and stays otherwise; NULL: not asked
} device_norm;

// Rotary positions as model/kernels/rotary.h: pairs (x[i], x[i + dims/2]) of each head's first `dims`
// values by row turn[r] of the table [positions, dims]: cosines, then sines.
typedef struct device_rotary {
    float *x; // [rows, heads × head_dim], in place
    int64_t rows;
    int heads, head_dim, dims;
    const float *table;
    const int32_t *turn; // [rows]
} device_rotary;

// Softmax attention within samples: sample s has queries [first_query[s], first_query[s + 1]) and
// keys [first_key[s], first_key[s + 1]). A query sees all keys of its sample; where causal those up to
// its position in it, and with a window > 0 no more than the last `window` of them. Scores s =
// scale · q·k, with a cap > 0 cap · tanh(s / cap). Heads share keys and values in groups. With
// DEVICE_COMPUTE_BF16 both products may be in bf16 with float32 sums.
typedef struct device_attention {
    device_compute compute;
    const float *q, *k, *v; // [queries, heads × head_dim], [keys, kv_heads × head_dim]
    int64_t q_stride, kv_stride;
    float *out; // [queries, heads × head_dim], q_stride apart; may be q
    int samples;
    const int32_t *first_query, *first_key; // [samples + 1]
    const int32_t *position;                // [queries]
    int64_t longest_query, longest_key;     // of any sample
    int heads, kv_heads, head_dim;
    float scale, cap;
    int causal, window;
} device_attention;

// A site: what the activation makes of a product, what a mask leaves of it, and what the next product
// reads. x = act(x), or act(gate) · x; pruned neurons become 0; `to` = x rounded.
typedef struct device_site {
    float *x;          // [rows, neurons], stride apart; becomes the activations
    const float *gate; // likewise; NULL: none
    int64_t rows, stride;
    int neurons;
    device_activation act;
    const uint8_t *pruned; // [neurons], 1: becomes 0; NULL: none
    void *to;              // [rows, neurons], to_stride apart; NULL: not wanted
    int64_t to_stride;
    device_type type; // of `to`
} device_site;

// Rows [first, end) whose sums become integers together.
typedef struct device_segment {
    int32_t first, end;
} device_segment;

enum { DEVICE_MOMENTS = 4, DEVICE_RUN = 16 };

// 128-bit fixed point as include/pipeline/base/fixed.h: unit 2^-60, two's complement.
typedef struct device_fixed {
    uint64_t low;
    int64_t high;
} device_fixed;

// Sums over rows of x, neuron by neuron: |x|, x, x², √|x|, and how many x > 0. Of each segment, sums
// run in row order: float32 sums (no fused multiply-add) over runs of DEVICE_RUN rows from the
// segment's first, each added to a float64 one. That is rounded once (rint(sum · 2^60)) and added to
// sum[m · neurons_apart + u]; counts to positive[u]. As stages/collect/moments.c does, to the bit.
typedef struct device_sums {
    const float *x; // [.., neurons], stride apart
    int64_t stride;
    int neurons;
    const device_segment *segment; // [segments]
    int segments;
    device_fixed *sum; // [DEVICE_MOMENTS, neurons_apart]
    int64_t *positive; // [neurons]
    int64_t neurons_apart;
    int32_t
        *bad; // becomes 1 + the lowest neuron whose sum is NaN or above 2^60 in magnitude, where it
              // is 0 or above that
} device_sums;

// Counts by bin as stages/collect/histogram.h: count[u · 64 + bin] over the rows of all segments.
typedef struct device_histogram {
    const float *x;
    int64_t stride;
    int neurons;
    const device_segment *segment;
    int segments;
    int64_t *count; // [neurons, 64]
} device_histogram;

// Bits of x > 0: bit bit[i] % 56 of word [u, bit[i] / 56], of row row[i]. Bits are only set.
typedef struct device_firing {
    const float *x;
    int64_t stride;
    int neurons;
    const int32_t *row; // [n]
    const int64_t *bit; // [n], all different
    int n;
    int64_t *word; // [neurons, words]
    int64_t words;
} device_firing;

// to[r, :] = or += scale · table[index[r], :]; rows whose index is negative become 0, or stay.
typedef struct device_embed {
    const float *table; // [.., width]
    const int32_t *index;
    int64_t rows;
    int width;
    float scale;
    int add;
    float *to; // [rows, width]
} device_embed;

// Images cut into patches: row `tokens` + p of an image has patch p's pixels, channel by channel and
// line by line; the rows before are 0.
typedef struct device_patches {
    const float *pixels; // [images, channels, height, width]
    int64_t images;
    int channels, height, width, patch_height, patch_width, tokens;
    int rows_per_image;
    void *to; // [images × rows_per_image, channels × patch_height × patch_width]
    device_type type;
} device_patches;

// Row r of each image: += table[r, :], or = it where r < set.
typedef struct device_places {
    float *x;           // [images × rows_per_image, width]
    const float *table; // [rows_per_image, width]
    int64_t images;
    int rows_per_image, width, set;
} device_places;

// to[i, :] = from[row[i], :], for i < n; zeros up to `filled` rows. Not in place.
typedef struct device_gather {
    const void *from;
    int64_t from_stride, to_stride;
    const int32_t *row;
    int64_t n, filled;
    int width;
    device_type type;
    void *to;
} device_gather;

// to[row[i], :] += factor[i] · from[i, :]; all rows different. row NULL: row i; factor NULL: 1. With
// `scale` [width], from is multiplied by it first.
typedef struct device_add {
    const float *from; // [n, width]
    const int32_t *row;
    const float *factor, *scale;
    int64_t n;
    int width;
    float *to; // [.., width]
} device_add;

enum { DEVICE_RANKS = 16 };

// What has been seen of a row's logits, as model/forward/predict.h: the largest ones descending, equal
// ones by index; sum of exp(logit - max).
typedef struct device_answer {
    int32_t target, n;
    float target_logit, max;
    double sum;
    float top[DEVICE_RANKS];
    int32_t id[DEVICE_RANKS];
} device_answer;

// logits = cap · tanh(logits / cap) with a cap > 0, in place; then folded into the answers: outputs
// [first, first + n) of each row. With first 0 the answer begins; `target` is there before.
typedef struct device_fold {
    float *logits; // [rows, n], stride apart
    int64_t rows, stride;
    int first, n;
    float cap;
    device_answer *answer; // [rows]
    int32_t *bad;          // becomes 1 for NaN or infinity before the cap
} device_fold;

// What a device is, for doctor, provenance and refusals.
typedef struct device_info {
    char name[64];    // "NVIDIA H200"
    char driver[64];  // of the driver and the toolkit: "570.86, CUDA 12.8"
    int major, minor; // compute capability
    int multiprocessors;
    size_t memory, free; // bytes
    int row_block;       // rows of a product are a multiple of it
    uint64_t id;         // that no other device, or part of one, has
} device_info;

typedef struct device_ops {
    int version;
    // How many devices this process may use; 0 where there are none.
    status (*count)(int *devices);
    status (*open)(int index, device **out);
    void (*close)(device *d); // NULL is none
    status (*info)(device *d, device_info *out);
    // The last failure's line; `d` NULL: of count and open. Borrowed.
    const char *(*said)(const device *d);

    status (*alloc)(device *d, size_t bytes, void **out); // aligned to 256 bytes
    void (*free)(device *d, void *at);                    // NULL is none
    // Memory of the host that uploads read fastest; they may go on reading it until a download has
    // returned.
    status (*host_alloc)(device *d, size_t bytes, void **out);
    void (*host_free)(device *d, void *at); // NULL is none
    status (*upload)(device *d, const void *host, size_t bytes, void *to);
    status (*download)(device *d, const void *from, size_t bytes, void *host);
    status (*clear)(device *d, void *at, size_t bytes);
    status (*copy)(device *d, const void *from, size_t bytes, void *to);
    // n values to their nearest bf16, ties to even.
    status (*round)(device *d, const float *x, size_t n, void *to);

    status (*linear)(device *d, const device_linear *a);
    status (*norm)(device *d, const device_norm *a);
    status (*rotary)(device *d, const device_rotary *a);
    status (*attention)(device *d, const device_attention *a);
    status (*site)(device *d, const device_site *a);
    status (*sums)(device *d, const device_sums *a);
    status (*histogram)(device *d, const device_histogram *a);
    status (*firing)(device *d, const device_firing *a);
    status (*embed)(device *d, const device_embed *a);
    status (*patches)(device *d, const device_patches *a);
    status (*places)(device *d, const device_places *a);
    status (*gather)(device *d, const device_gather *a);
    status (*add)(device *d, const device_add *a);
    status (*fold)(device *d, const device_fold *a);
} device_ops;

#ifdef __cplusplus
extern "C"
#endif
    const device_ops *
    sulcus_device_ops(int version);

#endif

// SPDX-License-Identifier: Apache-2.0
// The kernels that a pass spends most of its time in beside its products, in three forms: plain C
// that compilers vectorise, for every CPU and for AVX2 with FMA, and by hand for AVX-512. Each is what
// model/kernels/kernels.h says of the function of the same name, which takes the best form that the
// CPU has. All local; no allocation.
#ifndef MODEL_KERNELS_KERNEL_SET_H
#define MODEL_KERNELS_KERNEL_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "model/kernels/kernel_math.h"

typedef struct kernel_set {
    bool (*layer_norm)(const float *x, int64_t rows, int64_t width, const float *weight,
                       const float *bias, float eps, float *out);
    bool (*rms_norm)(const float *x, int64_t x_stride, int64_t rows, int64_t width,
                     const float *weight, float eps, float *out, int64_t out_stride);
    void (*exp_spans)(float *x, int64_t rows, int64_t width, const kernel_span *seen, float scale,
                      float *sum);
    float (*max)(const float *x, int64_t n);
    float (*sum_exp)(const float *x, int64_t n, float shift);
    void (*gelu)(float *x, size_t n);
    void (*silu)(float *x, size_t n);
    void (*transpose)(const uint32_t *from, int64_t stride, uint32_t *to, int64_t to_stride);
} kernel_set;

const kernel_set *kernels_plain(void);
// NULL where the CPU has no AVX2 and FMA; no AVX-512.
const kernel_set *kernels_avx2(void);
const kernel_set *kernels_avx512(void);

#endif

// SPDX-License-Identifier: Apache-2.0
// The activations of MLPs, by the names configurations use:
//   gelu               x Φ(x); also gelu_python
//   gelu_pytorch_tanh  x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))); also gelu_new, gelu_fast
//   quick_gelu         x / (1 + exp(-1.702 x))
//   silu               x / (1 + exp(-x)); also swish
//   relu               max(x, 0)
#ifndef MODEL_KERNELS_ACTIVATION_H
#define MODEL_KERNELS_ACTIVATION_H

#include <stddef.h>

typedef struct activation {
    const char *name;
    // x[i] = act(x[i]), within 3e-7 · max(1, |x|) of the exact function (tested against libm in
    // float64). act(0) is 0 for each, which compacted weights rely on.
    void (*apply)(float *x, size_t n);
} activation;

// The activation of that name, or NULL. Static.
const activation *activation_find(const char *name);
// All names, for messages. Static.
const char *activation_names(void);

#endif

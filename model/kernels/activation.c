// SPDX-License-Identifier: Apache-2.0
// One table of names serves the search and the message that lists them. Loops stay simple enough
// for compilers to make vectors of them.
#include "model/kernels/activation.h"

#include <string.h>

#include "model/kernels/kernels.h"
#include "pipeline/base/simd.h"

SIMD_CLONES static void activate_gelu_tanh(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) { // (1 + tanh u) / 2 = 1 / (1 + exp(-2u))
        float v = x[i], u = v * (1.0f + 0.044715f * v * v);
        x[i] = v / (1.0f + kernel_exp(-1.59576912f * u)); // 2 √(2/π)
    }
}

SIMD_CLONES static void activate_quick_gelu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] / (1.0f + kernel_exp(-1.702f * x[i]));
}

SIMD_CLONES static void activate_relu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0.0f ? 0.0f : x[i]; // keeps NaN
}

#define NAMES(X)                                                                                   \
    X("gelu", kernel_gelu)                                                                         \
    X("gelu_python", kernel_gelu)                                                                  \
    X("gelu_new", activate_gelu_tanh)                                                              \
    X("gelu_pytorch_tanh", activate_gelu_tanh)                                                     \
    X("gelu_fast", activate_gelu_tanh)                                                             \
    X("quick_gelu", activate_quick_gelu)                                                           \
    X("silu", kernel_silu)                                                                         \
    X("swish", kernel_silu)                                                                        \
    X("relu", activate_relu)

#define AS_ENTRY(name, function) {name, function},
#define AS_NAME(name, function)  " " name
static const activation table[] = {NAMES(AS_ENTRY)};

const activation *activation_find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

const char *activation_names(void)
{
    return &NAMES(AS_NAME)[1];
}

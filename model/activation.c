// SPDX-License-Identifier: Apache-2.0
#include "model/activation.h"

#include <string.h>

#include "model/kernels.h"
#include "pipeline/base/simd.h"

// x Φ(x) = x - x Φ(-x) for x > 0, and Φ(-|x|) = exp(-x²/2) g(|x|) with g smooth: a polynomial in t
// = 1 / (1 + 0.3 |x|), fitted to g = erfcx(|x|/√2) / 2 with relative error 1.5e-7 up to |x| = 14.
// So the tail is relatively right too.
SIMD_CLONES static void apply_gelu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float v = x[i], a = v < 0.0f ? -v : v;
        float t = 1.0f / (1.0f + 0.3f * a);
        float g = 0.0356751237f;
        g = g * t - 0.157204471f;
        g = g * t + 0.206355762f;
        g = g * t - 0.0536855810f;
        g = g * t + 0.128562573f;
        g = g * t + 0.0999132301f;
        g = g * t + 0.120753994f;
        g = g * t + 0.119629297f;
        float tail = v * (g * t * kernel_exp(-0.5f * a * a));
        x[i] = v < 0.0f ? tail : v - tail;
    }
}

SIMD_CLONES static void apply_gelu_tanh(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) { // (1 + tanh u) / 2 = 1 / (1 + exp(-2u))
        float v = x[i], u = v * (1.0f + 0.044715f * v * v);
        x[i] = v / (1.0f + kernel_exp(-1.59576912f * u)); // 2 √(2/π)
    }
}

SIMD_CLONES static void apply_silu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] / (1.0f + kernel_exp(-x[i]));
}

SIMD_CLONES static void apply_quick_gelu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] / (1.0f + kernel_exp(-1.702f * x[i]));
}

SIMD_CLONES static void apply_relu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0.0f ? 0.0f : x[i]; // keeps NaN
}

#define NAMES(X)                                                                                   \
    X("gelu", apply_gelu)                                                                          \
    X("gelu_python", apply_gelu)                                                                   \
    X("gelu_new", apply_gelu_tanh)                                                                 \
    X("gelu_pytorch_tanh", apply_gelu_tanh)                                                        \
    X("gelu_fast", apply_gelu_tanh)                                                                \
    X("quick_gelu", apply_quick_gelu)                                                              \
    X("silu", apply_silu)                                                                          \
    X("swish", apply_silu)                                                                         \
    X("relu", apply_relu)

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

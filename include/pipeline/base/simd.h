// SPDX-License-Identifier: Apache-2.0
// One source, the CPU's own vectors: which instructions are used is asked of the CPU, never of the
// build machine.
#ifndef PIPELINE_BASE_SIMD_H
#define PIPELINE_BASE_SIMD_H

// Compiles a function for each of these targets; the loader takes the best one the CPU has. No
// target may change bits: lanes are independent sums, and products are never contracted
// (-ffp-contract=off). Only for static functions: clang 14 misnames others. Sanitizers are not
// ready when the loader asks. A clone is of one feature: x86-64-v3, which GCC knows since 12 and
// clang 14 takes for the name of a CPU, is AVX2 with FMA and what came with them.
#if !defined(__x86_64__) || defined(SULCUS_SANITIZE)
#define SIMD_CLONES
#elif defined(__clang__) || __GNUC__ < 12
#define SIMD_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SIMD_CLONES __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#endif

// For what a cloned function calls: compiled into each clone.
#define SIMD_INLINE static inline __attribute__((always_inline))

#endif

// SPDX-License-Identifier: Apache-2.0
// One source, the CPU's own vectors: which instructions are used is asked of the CPU, never of the
// build machine.
#ifndef PIPELINE_BASE_SIMD_H
#define PIPELINE_BASE_SIMD_H

// Compiles a function for each of these targets; the loader takes the best one the CPU has. No
// target may change bits: lanes are independent sums, and products are never contracted
// (-ffp-contract=off). Only for static functions: clang 14 misnames others. Sanitizers are not
// ready when the loader asks.
#if defined(__x86_64__) && !defined(SULCUS_SANITIZE)
#define SIMD_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SIMD_CLONES
#endif

// For what a cloned function calls: compiled into each clone.
#define SIMD_INLINE static inline __attribute__((always_inline))

#endif

// SPDX-License-Identifier: Apache-2.0
// The artefact of the stage `collect`, for the stages that read it.
//
// For each site asked (prefix `mlp_` or `attn_`), over all tokens of the collect part of each
// subset:
//
//     string  subset(subset)
//     int64   mlp_count(subset)                         tokens
//     double  mlp_mean(subset, layer, unit)             mean of x
//     double  mlp_mean_abs(subset, layer, unit)         mean of |x|
//     double  mlp_mean_square(subset, layer, unit)      mean of x^2
//     double  mlp_mean_sqrt_abs(subset, layer, unit)    mean of sqrt|x|
//     double  mlp_positive(subset, layer, unit)         share of x > 0
//
// `unit` is the dimension of the mlp site; the attn site's is `attn_unit`. With `firing: N` also,
// of the mlp site only and only where mlp is among the sites:
//
//     int64   firing_tokens(subset)                     tokens sampled: N, or all where a subset
//     has fewer ubyte   mlp_firing(layer, unit, subset, byte)     packed bits: is x > 0?
//
// Sampled token t of a subset (0 <= t < firing_tokens(subset), in token order) is bit t % 8 (1 << t
// % 8) of byte t / 8; `byte` is ceil(max(firing_tokens) / 8) long, and bits from firing_tokens on
// are 0. So a neuron's firing vector over all subsets is one contiguous row of subset × byte, and
// any two neurons of one model compare bit by bit.
#ifndef STAGES_COLLECT_COLLECT_H
#define STAGES_COLLECT_COLLECT_H

#include <stdint.h>

// Writes to out[0..n) which tokens of a subset are sampled: one at random of each of n equal runs
// of its `tokens` tokens, so that they ascend and none comes twice. 0 <= n <= tokens. The same on
// every rank. Local.
void collect_sample_tokens(uint64_t seed, const char *subset, int64_t tokens, int64_t n,
                           int64_t *out);

#endif

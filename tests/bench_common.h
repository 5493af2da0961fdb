// SPDX-License-Identifier: Apache-2.0
// What the benchmarks of passes share: a clock, KEY=VALUE arguments, models of known shapes with
// random weights, tiles to put through them, and sums to read them into.
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdint.h>

#include "model/model.h"
#include "stages/collect/moments.h"

enum { BENCH_THREADS = 64, BENCH_REPEATS = 99 };

double bench_now(void); // seconds
// Sorts n values and returns the middle one.
double bench_median(double *v, int n);

// The value of KEY=VALUE among the arguments, or `otherwise`; a number, at most `most`.
const char *bench_value(int argc, char **argv, const char *key, const char *otherwise);
int bench_number(int argc, char **argv, const char *key, const char *otherwise, int most);

// Opens models: a folder; or vit-b (ViT-B/16), smollm2 (SmolLM2-135M), mistral-7b or olmoe
// (OLMoE-1B-7B), random weights of those shapes, with `layers` layers (0: its own) and `width`
// times its hidden size, heads and MLP. `open` gets the options with path and random set.
typedef status bench_open_fn(void *context, const model_options *options);
status bench_open(const char *name, int layers, int width, bench_open_fn *open, void *context);

// n values around zero, `scale` from lowest to highest. NULL when out of memory. Owned.
float *bench_values(size_t n, float scale);

// Tiles of made-up images, or tokens.
typedef struct bench_tiles {
    const model_info *info;
    int64_t samples, length, rows; // of a tile; tokens of a sample
    float *pixels;                 // owned: those of a tile of images
} bench_tiles;

// Tiles of about `rows` rows (0: what model_tile_rows says); a text's samples have `length` tokens.
status bench_tiles_new(const model_info *info, int64_t rows, int64_t length, bench_tiles *out);
void bench_tiles_free(bench_tiles *t);
void bench_tiles_load(const bench_tiles *t, int64_t index, tile *out);

// Sums of one thread, for blocks of up to `units` neurons.
status bench_sums_new(int64_t units, moments *out);
void bench_sums_free(moments *m);

#endif

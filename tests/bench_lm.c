// SPDX-License-Identifier: Apache-2.0
// Prompt throughput of a language model: tokens a second with answers at every token (all logits),
// without the head, and with both sites read as `collect` does. tests/reference/bench_lm.py is the
// same in PyTorch.
//
//   bench_lm MODEL [SAMPLE_TOKENS [THREADS [REPEATS]]]       512, 2, 5
//
// Prints the median of the repeats of each.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/model.h"
#include "pipeline/base/checked.h"
#include "stages/moments.h"

enum { MAX_THREADS = 64, MAX_REPEATS = 99, TILES_PER_THREAD = 2 };

typedef struct bench {
    const model_info *info;
    int64_t tokens, samples; // of a sample, of a tile
    moments sums[MAX_THREADS];
} bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static status load(void *context, int64_t index, int thread, tile *t)
{
    (void)thread;
    const bench *b = context;
    t->samples = b->samples;
    t->rows = b->samples * b->tokens;
    for (int64_t s = 0; s <= t->samples; s++)
        t->first_row[s] = s * b->tokens;
    for (int64_t r = 0; r < t->rows; r++) {
        t->ids[r] = (int32_t)((r * 7919 + index * 104729) % b->info->outputs);
        t->target[r] = (int32_t)((r * 6271) % b->info->outputs);
    }
    return OK;
}

static status read_site(void *context, int64_t index, int thread, const tile *t,
                        const site_block *s)
{
    (void)index, (void)t;
    bench *b = context;
    moments_of_block(s->x, s->rows, s->stride, s->units, &b->sums[thread]);
    return OK;
}

static status take_answers(void *context, int64_t index, int thread, const tile *t,
                           const prediction *p, int64_t n)
{
    (void)context, (void)index, (void)thread, (void)t, (void)p, (void)n;
    return OK;
}

static status prepare(bench *b, int threads)
{
    const size_t mlp = (size_t)b->info->d_mlp;
    const size_t attn = (size_t)model_site_width(b->info, SITE_ATTN),
                 most = mlp > attn ? mlp : attn;
    bool ok = true;
    for (int t = 0; t < threads; t++) {
        double *sums = checked_calloc(MOMENTS * most, sizeof *sums);
        b->sums[t].positive = checked_calloc(most, sizeof *b->sums[t].positive);
        ok = ok && sums && b->sums[t].positive;
        for (int m = 0; ok && m < MOMENTS; m++)
            b->sums[t].sum[m] = sums + (size_t)m * most;
    }
    return ok ? OK : status_no_memory("the benchmark");
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static status measure(model *m, bench *b, int threads, int repeats)
{
    status st;
    pool *p = NULL;
    static const char *const names[] = {"answers", "no head", "statistics"};
    double time[3][MAX_REPEATS];
    forward f = {.context = b,
                 .tiles = (int64_t)threads * TILES_PER_THREAD,
                 .max_samples = b->samples,
                 .max_rows = b->samples * b->tokens,
                 .load = load};
    const int64_t samples = f.tiles * b->samples, rows = samples * b->tokens;
    TRY(pool_new(threads, &p));
    for (int r = -1; r < repeats; r++) // the first is for pages and caches
        for (int way = 0; way < 3; way++) {
            f.result = way == 0 ? take_answers : NULL;
            f.read = way == 0 ? NULL : read_site;
            f.read_sites[SITE_MLP] = f.read_sites[SITE_ATTN] = way == 2;
            double begin = now();
            TRY(model_forward(m, p, &f));
            if (r >= 0)
                time[way][r] = now() - begin;
        }
    for (int way = 0; way < 3; way++) {
        qsort(time[way], (size_t)repeats, sizeof(double), by_value);
        double median = time[way][repeats / 2];
        printf("%-10s %7.0f tokens/s (%.0f to %.0f)", names[way], (double)rows / median,
               (double)rows / time[way][repeats - 1], (double)rows / time[way][0]);
        if (way == 0)
            printf(", %.1f GFLOP/s", model_operations(b->info, samples, rows) / median * 1e-9);
        printf("\n");
    }
done:
    pool_free(p);
    return st;
}

static int argument(int argc, char **argv, int i, int otherwise, int most)
{
    int n = argc > i ? atoi(argv[i]) : otherwise;
    return n < 1 ? otherwise : n < most ? n : most;
}

int main(int argc, char **argv)
{
    status st;
    model *m = NULL;
    bench b = {.tokens = argument(argc, argv, 2, 512, 1 << 16)};
    const int threads = argument(argc, argv, 3, 2, MAX_THREADS);
    const int repeats = argument(argc, argv, 4, 5, MAX_REPEATS);
    if (argc < 2) {
        fprintf(stderr, "bench_lm MODEL [SAMPLE_TOKENS [THREADS [REPEATS]]]\n");
        return (int)ERR_USAGE;
    }
    double begin = now();
    TRY(model_open(&(model_options){.path = argv[1], .threads = threads}, NULL, &m));
    b.info = model_get_info(m);
    b.samples = (model_tile_rows(b.info) + b.tokens - 1) / b.tokens;
    printf("%d threads, tiles of %lld samples of %lld tokens; opened in %.2f s\n", threads,
           (long long)b.samples, (long long)b.tokens, now() - begin);
    TRY(prepare(&b, threads));
    TRY(measure(m, &b, threads, repeats));
done:
    if (st != OK)
        fprintf(stderr, "bench_lm: %s\n", status_text());
    for (int t = 0; t < threads; t++) {
        free(b.sums[t].sum[0]);
        free(b.sums[t].positive);
    }
    model_close(m);
    return (int)st;
}

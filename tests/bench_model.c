// SPDX-License-Identifier: Apache-2.0
// How much of the matrix products' own speed a forward pass reaches: a pass that reads both sites,
// as `collect` does, against its products alone in OpenBLAS, with the same shapes and threads,
// alternating in one process.
//
//   bench_model [MODEL [TILE_ROWS [THREADS [REPEATS]]]]
//
// MODEL is a model folder, or vit-b (the default: ViT-B/16's shapes, 4 layers of them, random
// weights). TILE_ROWS 0 is model_tile_rows. Prints one line a repeat, then the medians.
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/attention.h"
#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "stages/moments.h"

enum { MAX_THREADS = 64, MAX_REPEATS = 99, TILES_PER_THREAD = 2 };

typedef struct bench {
    const model_info *info;
    int64_t samples, rows; // of a tile
    float *pixels;
    moments sums[MAX_THREADS];
    // The products alone: every layer's matrices in one array, and a thread's rows.
    float *weights;
    size_t layer_weights;
    float *rows_in[MAX_THREADS], *rows_out[MAX_THREADS], *scores[MAX_THREADS];
} bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static status load(void *context, int64_t index, int thread, tile *t)
{
    (void)index, (void)thread;
    const bench *b = context;
    t->samples = b->samples;
    memcpy(t->pixels, b->pixels,
           (size_t)b->samples * (size_t)b->info->channels * (size_t)b->info->image_height *
               (size_t)b->info->image_width * sizeof(float));
    memset(t->target, 0, (size_t)b->samples * sizeof *t->target);
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

// y [rows, out] = x [rows, in] · wᵀ
static void product(int64_t rows, int out, int in, const float *x, const float *w, float *y)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, out, in, 1, x, in, w, in, 0,
                y, out);
}

static status products_of_tile(void *context, int64_t item, int thread)
{
    (void)item;
    bench *b = context;
    const model_info *i = b->info;
    const int h = i->hidden_size, a = i->heads * i->head_dim, d = i->head_dim,
              n = i->rows_per_image;
    float *x = b->rows_in[thread], *y = b->rows_out[thread], *scores = b->scores[thread];
    for (int l = 0; l < i->layers; l++) {
        const float *w = b->weights + (size_t)l * b->layer_weights;
        for (int k = 0; k < 4; k++)
            product(b->rows, k < 3 ? a : h, k < 3 ? h : a, x, w + (size_t)k * (size_t)h * (size_t)a,
                    y);
        for (int64_t s = 0; s < b->samples; s++)
            for (int head = 0; head < i->heads; head++) {
                float *at = y + s * n * a + head * d;
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, d, 1, at, a, at, a, 0,
                            scores, n);
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, d, n, 1, scores, n, at, a,
                            0, x, a);
            }
        w += 4 * (size_t)h * (size_t)a;
        product(b->rows, i->d_mlp, h, x, w, y);
        if (l < i->layers - 1) // as the pass: what the last layer's MLP gives is not read
            product(b->rows, h, i->d_mlp, y, w + (size_t)h * (size_t)i->d_mlp, x);
    }
    return OK;
}

static float *make_values(size_t n, float scale)
{
    float *v = checked_aligned(n, sizeof *v);
    for (size_t i = 0; v && i < n; i++)
        v[i] = scale * (float)((i * 7919) % 1009) / 1009 - scale / 2;
    return v;
}

static status prepare(bench *b, int threads)
{
    const model_info *i = b->info;
    const size_t h = (size_t)i->hidden_size, a = (size_t)i->heads * (size_t)i->head_dim;
    const size_t f = (size_t)i->d_mlp, rows = (size_t)b->rows, widest = f > a ? f : a;
    b->layer_weights = 4 * h * a + 2 * h * f;
    b->weights = make_values((size_t)i->layers * b->layer_weights, 0.01f);
    b->pixels = make_values((size_t)b->samples * (size_t)i->channels * (size_t)i->image_height *
                                (size_t)i->image_width,
                            2);
    bool ok = b->weights && b->pixels;
    for (int t = 0; t < threads; t++) {
        b->rows_in[t] = make_values(rows * (h > a ? h : a), 1);
        b->rows_out[t] = make_values(rows * (widest > h ? widest : h), 1);
        b->scores[t] = make_values((size_t)i->rows_per_image * (size_t)i->rows_per_image, 1);
        double *sums = checked_calloc(MOMENTS * widest, sizeof *sums);
        b->sums[t].positive = checked_calloc(widest, sizeof *b->sums[t].positive);
        ok = ok && b->rows_in[t] && b->rows_out[t] && b->scores[t] && sums && b->sums[t].positive;
        for (int m = 0; ok && m < MOMENTS; m++)
            b->sums[t].sum[m] = sums + (size_t)m * widest;
    }
    return ok ? OK : status_no_memory("the benchmark");
}

static void release(bench *b, int threads)
{
    for (int t = 0; t < threads; t++) {
        free(b->rows_in[t]);
        free(b->rows_out[t]);
        free(b->scores[t]);
        free(b->sums[t].sum[0]);
        free(b->sums[t].positive);
    }
    free(b->weights);
    free(b->pixels);
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

static status compare(model *m, bench *b, int threads, int repeats)
{
    status st;
    pool *p = NULL;
    double pass_time[MAX_REPEATS], product_time[MAX_REPEATS], share[MAX_REPEATS];
    const int64_t tiles = (int64_t)threads * TILES_PER_THREAD;
    const forward f = {.context = b,
                       .tiles = tiles,
                       .max_samples = b->samples,
                       .max_rows = b->rows,
                       .load = load,
                       .read = read_site,
                       .read_sites = {true, true}};
    TRY(pool_new(threads, &p));
    TRY(model_forward(m, p, &f)); // pages, caches
    for (int r = 0; r < repeats; r++) {
        double begin = now();
        TRY(model_forward(m, p, &f));
        double middle = now();
        TRY(pool_run(p, tiles, products_of_tile, b));
        pass_time[r] = middle - begin;
        product_time[r] = now() - middle;
        share[r] = product_time[r] / pass_time[r];
    }
    const double rows = (double)(tiles * b->rows);
    const double work = model_operations(b->info, tiles * b->samples, tiles * b->rows);
    const double pass = median(pass_time, repeats), alone = median(product_time, repeats);
    printf(
        "tile %lld rows, %d threads: pass %.0f rows/s (%.1f GFLOP/s), products alone %.0f rows/s; "
        "share %.1f%% (%.1f to %.1f)\n",
        (long long)b->rows, threads, rows / pass, work / pass * 1e-9, rows / alone,
        100 * median(share, repeats), 100 * share[0], 100 * share[repeats - 1]);
done:
    pool_free(p);
    return st;
}

static const char vit_b[] =
    "{\"model_type\": \"vit\", \"hidden_size\": 768, \"num_attention_heads\": 12, "
    "\"intermediate_size\": 3072, \"num_hidden_layers\": 4, \"image_size\": 224, "
    "\"patch_size\": 16, \"num_labels\": 1000}\n";

// Opens a model folder, or ViT-B's shapes from a configuration written for the moment.
static status open_model(const char *path, model **out)
{
    status st;
    char folder[] = "/tmp/bench_model.XXXXXX", config[64];
    if (strcmp(path, "vit-b") != 0)
        return model_open(&(model_options){.path = path}, NULL, out);
    if (!mkdtemp(folder))
        return status_fail_errno(ERR_IO, folder, "cannot make a folder");
    snprintf(config, sizeof config, "%s/config.json", folder);
    TRY(file_write_atomic(config, vit_b, sizeof vit_b - 1));
    TRY(model_open(&(model_options){.path = folder, .random = true, .seed = 1, .threads = 2}, NULL,
                   out));
done:
    unlink(config);
    rmdir(folder);
    return st;
}

static int argument(int argc, char **argv, int i, int otherwise, int most)
{
    int n = argc > i ? atoi(argv[i]) : otherwise;
    return n < most ? n : most;
}

int main(int argc, char **argv)
{
    status st;
    model *m = NULL;
    bench b = {0};
    const int rows = argument(argc, argv, 2, 0, 1 << 20);
    const int threads = argument(argc, argv, 3, 2, MAX_THREADS);
    const int repeats = argument(argc, argv, 4, 7, MAX_REPEATS);
    TRY(open_model(argc > 1 ? argv[1] : "vit-b", &m));
    b.info = model_get_info(m);
    const int64_t wanted = rows > 0 ? rows : model_tile_rows(b.info);
    b.samples = (wanted + b.info->rows_per_image - 1) / b.info->rows_per_image;
    b.rows = b.samples * b.info->rows_per_image;
    TRY(prepare(&b, threads));
    TRY(compare(m, &b, threads, repeats));
done:
    if (st != OK)
        fprintf(stderr, "bench_model: %s\n", status_text());
    release(&b, threads);
    model_close(m);
    return (int)st;
}

// SPDX-License-Identifier: Apache-2.0
// Times balanced k-means: `bench_kmeans ROWS WIDTH CLUSTERS [random|structured] [starts] [threads]
// [file]`. With a file, writes the rows there as float32, so that tests/reference/bench_kmeans.py
// times k-means-constrained on the same ones. One line a start.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_common.h"
#include "model/kernels/blas_check.h"
#include "pipeline/base/checked.h"
#include "stages/cluster/balanced_kmeans.h"
#include "stages/cluster/neuron_rows.h"

// Normal rows; structured ones lie around 1.5 × `clusters` centres of uneven popularity, noise as
// large as the signal.
static void make_rows(float *rows, int64_t n, int64_t width, int clusters, int structured)
{
    rng noise = rng_new(1, "noise"), centre = rng_new(1, "centre"), choice = rng_new(1, "choice");
    uint64_t centres = (uint64_t)clusters * 3 / 2;
    for (int64_t i = 0; i < n; i++) {
        double u = rng_uniform(&choice, (uint64_t)i);
        uint64_t chosen = (uint64_t)(u * u * (double)centres);
        for (int64_t c = 0; c < width; c++) {
            double x = rng_normal(&noise, (uint64_t)(i * width + c));
            if (structured)
                x += rng_normal(&centre, chosen * (uint64_t)width + (uint64_t)c);
            rows[i * width + c] = (float)x;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: bench_kmeans ROWS WIDTH CLUSTERS [random|structured] [starts] "
                        "[threads] [file]\n");
        return 2;
    }
    int64_t n = atoll(argv[1]), width = atoll(argv[2]);
    int k = atoi(argv[3]), structured = argc > 4 && strcmp(argv[4], "structured") == 0;
    int starts = argc > 5 ? atoi(argv[5]) : 1, threads = argc > 6 ? atoi(argv[6]) : 1;
    status st;
    pool *p = NULL;
    balanced_kmeans *km = NULL;
    float *rows = checked_aligned((size_t)(n * width), sizeof *rows);
    int32_t *label = checked_calloc((size_t)n, sizeof *label);
    TRY(blas_check(1)); // and products have one thread
    if (!rows || !label)
        TRY(status_no_memory("rows"));
    make_rows(rows, n, width, k, structured);
    TRY(neuron_rows_prepare(rows, n, width));
    if (argc > 7) {
        FILE *f = fopen(argv[7], "wb");
        if (!f || fwrite(rows, sizeof *rows, (size_t)(n * width), f) != (size_t)(n * width) ||
            fclose(f))
            TRY(status_fail_errno(ERR_IO, argv[7], "cannot write"));
    }
    TRY(pool_new(threads, &p));
    TRY(balanced_kmeans_new(n, width, k, p, &km));
    double begin = bench_now(), best = INFINITY;
    for (int s = 0; s < starts; s++) {
        char name[32];
        snprintf(name, sizeof name, "start=%d", s);
        balanced_kmeans_options options = {rng_new(0, name), 300, 1e-4, NULL, NULL};
        double inertia, from = bench_now();
        int iterations;
        TRY(balanced_kmeans_run(km, rows, &options, label, &iterations));
        TRY(neuron_rows_inertia(rows, n, width, k, label, &inertia));
        best = inertia < best ? inertia : best;
        printf("start %d: inertia %.6f, %d iterations, %.3f s\n", s, inertia, iterations,
               bench_now() - from);
    }
    printf("best inertia %.6f, %.3f s in all\n", best, bench_now() - begin);
done:
    if (st != OK)
        fprintf(stderr, "bench_kmeans: %s\n", status_text());
    balanced_kmeans_free(km);
    pool_free(p);
    free(label);
    free(rows);
    return (int)st;
}

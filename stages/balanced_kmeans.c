// SPDX-License-Identifier: Apache-2.0
#include "stages/balanced_kmeans.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/balanced_assignment.h"
#include "stages/unit_rows.h"

enum { BLOCK = 256 }; // rows of a product: fixed, so that its bits do not depend on who computes it

struct balanced_kmeans {
    int64_t n, width, blocks;
    int k, trials;
    pool *threads; // borrowed
    balanced_assignment *assignment;
    float *centre;      // [k, width]; while seeding, the first `trials` beyond the chosen ones are
                        // candidates
    float *centre_norm; // [k] squared
    float *row_norm;    // [n] squared
    int32_t *cost;      // [n, k]
    float *product;     // [threads, BLOCK, max(k, trials)]
    double *sum;        // [threads, width]
    double *shift;      // [k] squared, of each centre
    int64_t *member;    // [n] rows by cluster, ascending in each
    int64_t *first;     // [k + 1] where a cluster's members begin
    float *nearest; // [1 + trials, n] squared distance to the nearest centre: now, and with each
                    // candidate
    double *cumulative; // [n] of nearest
    double *potential;  // [blocks, trials]
    int64_t *candidate; // [trials] rows
    double scale;       // cost units per squared distance
    // Of the run:
    const float *rows;
    int32_t *label;
    int centres; // chosen so far
};

static int trials_for(int k)
{
    return 2 + (int)log(k);
}

double balanced_kmeans_bytes(int64_t n, int64_t width, int k, int threads)
{
    double rows = (double)n, columns = (double)width, trials = trials_for(k);
    return rows * (k * 4.0 + trials * 4 + 36) + columns * ((k + trials) * 4.0 + threads * 8.0) +
           8.0 * k * k + threads * BLOCK * 4.0 * (k + trials);
}

status balanced_kmeans_new(int64_t n, int64_t width, int k, pool *p, balanced_kmeans **out)
{
    if (k < 1 || k > n)
        return status_fail(ERR_USAGE, NULL, "%d clusters of %lld rows; ask for 1 to %lld", k,
                           (long long)n, (long long)n);
    status st = OK;
    balanced_kmeans *km = checked_calloc(1, sizeof *km);
    size_t rows = (size_t)n, columns = (size_t)width, clusters = (size_t)k, cells, centre_cells;
    size_t threads = (size_t)pool_threads(p), trials = (size_t)trials_for(k);
    if (!km || !checked_mul(rows, clusters, &cells) ||
        !checked_mul(clusters + trials, columns, &centre_cells)) {
        st = status_no_memory("k-means");
        goto done;
    }
    int64_t blocks = (n + BLOCK - 1) / BLOCK;
    *km = (balanced_kmeans){
        .n = n,
        .width = width,
        .blocks = blocks,
        .k = k,
        .trials = (int)trials,
        .threads = p,
        .centre = checked_aligned(centre_cells, sizeof *km->centre),
        .centre_norm = checked_calloc(clusters + trials, sizeof *km->centre_norm),
        .row_norm = checked_calloc(rows, sizeof *km->row_norm),
        .cost = checked_aligned(cells, sizeof *km->cost),
        .product = checked_aligned(threads * BLOCK * (clusters + trials), sizeof *km->product),
        .sum = checked_aligned(threads * columns, sizeof *km->sum),
        .shift = checked_calloc(clusters, sizeof *km->shift),
        .member = checked_calloc(rows, sizeof *km->member),
        .first = checked_calloc(clusters + 1, sizeof *km->first),
        .nearest = checked_calloc(rows, (1 + trials) * sizeof *km->nearest),
        .cumulative = checked_calloc(rows, sizeof *km->cumulative),
        .potential = checked_calloc((size_t)blocks * trials, sizeof *km->potential),
        .candidate = checked_calloc(trials, sizeof *km->candidate),
    };
    if (!km->centre || !km->centre_norm || !km->row_norm || !km->cost || !km->product || !km->sum ||
        !km->shift || !km->member || !km->first || !km->nearest || !km->cumulative ||
        !km->potential || !km->candidate)
        TRY(status_no_memory("k-means"));
    TRY(balanced_assignment_new(n, k, &km->assignment));
    *out = km;
    km = NULL;
done:
    balanced_kmeans_free(km);
    return st;
}

void balanced_kmeans_free(balanced_kmeans *km)
{
    if (!km)
        return;
    balanced_assignment_free(km->assignment);
    free(km->centre);
    free(km->centre_norm);
    free(km->row_norm);
    free(km->cost);
    free(km->product);
    free(km->sum);
    free(km->shift);
    free(km->member);
    free(km->first);
    free(km->nearest);
    free(km->cumulative);
    free(km->potential);
    free(km->candidate);
    free(km);
}

static int64_t block_rows(const balanced_kmeans *km, int64_t block)
{
    int64_t left = km->n - block * BLOCK;
    return left < BLOCK ? left : BLOCK;
}

// Inner products of a block's rows with `count` centres from `first_centre`: [rows, count] of this
// thread. Borrowed.
static const float *products(const balanced_kmeans *km, int64_t block, int first_centre, int count,
                             int thread)
{
    float *out = km->product + (int64_t)thread * BLOCK * (km->k + km->trials);
    int width = (int)km->width;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)block_rows(km, block), count, width,
                1, km->rows + block * BLOCK * km->width, width,
                km->centre + first_centre * km->width, width, 0, out, count);
    return out;
}

// One block of a seeding step: what the potential would be with each candidate.
static status seed_block(void *context, int64_t block, int thread)
{
    balanced_kmeans *km = context;
    int trials = km->trials;
    const float *product = products(km, block, km->centres, trials, thread);
    int64_t rows = block_rows(km, block);
    for (int t = 0; t < trials; t++) {
        float *with = km->nearest + (1 + t) * km->n + block * BLOCK;
        const float *now = km->nearest + block * BLOCK, *norm = km->row_norm + block * BLOCK;
        float own = km->row_norm[km->candidate[t]];
        double potential = 0;
        for (int64_t i = 0; i < rows; i++) {
            float distance = norm[i] + own - 2 * product[i * trials + t];
            distance = distance > 0 ? distance : 0;
            with[i] = distance < now[i] ? distance : now[i];
        }
        int64_t itself = km->candidate[t] - block * BLOCK;
        if (itself >= 0 && itself < rows)
            with[itself] = 0;
        for (int64_t i = 0; i < rows; i++)
            potential += with[i];
        km->potential[block * trials + t] = potential;
    }
    return OK;
}

// Draws candidate rows with probability proportional to `nearest`; uniformly where all rows are
// centres' doubles.
static void draw_candidates(balanced_kmeans *km, const rng *random)
{
    double total = 0;
    int64_t last = -1; // with a chance
    for (int64_t i = 0; i < km->n; i++) {
        total += km->nearest[i];
        km->cumulative[i] = total;
        last = km->nearest[i] > 0 ? i : last;
    }
    for (int t = 0; t < km->trials; t++) {
        uint64_t draw = (uint64_t)km->centres * (uint64_t)km->trials + (uint64_t)t;
        double target = rng_uniform(random, draw) * total;
        int64_t low = 0, high = last;
        while (low < high) {
            int64_t middle = low + (high - low) / 2;
            if (km->cumulative[middle] > target)
                high = middle;
            else
                low = middle + 1;
        }
        km->candidate[t] =
            last < 0 || isinf(total) ? (int64_t)rng_below(random, draw, (uint64_t)km->n) : low;
        memcpy(km->centre + (km->centres + t) * km->width, km->rows + km->candidate[t] * km->width,
               (size_t)km->width * sizeof(float));
    }
}

static status seed(balanced_kmeans *km, const rng *random)
{
    status st = OK;
    for (int64_t i = 0; i < km->n; i++)
        km->nearest[i] = INFINITY; // no centre yet: the first is drawn uniformly
    for (km->centres = 0; km->centres < km->k; km->centres++) {
        draw_candidates(km, random);
        TRY(pool_run(km->threads, km->blocks, seed_block, km));
        int best = 0;
        double least = INFINITY;
        for (int t = 0; t < (km->centres == 0 ? 1 : km->trials); t++) {
            double potential = 0;
            for (int64_t b = 0; b < km->blocks; b++)
                potential += km->potential[b * km->trials + t];
            if (potential < least) {
                least = potential;
                best = t;
            }
        }
        memcpy(km->nearest, km->nearest + (1 + best) * km->n, (size_t)km->n * sizeof(float));
        memmove(km->centre + km->centres * km->width, km->centre + (km->centres + best) * km->width,
                (size_t)km->width * sizeof(float));
    }
done:
    return st;
}

// One block of the cost matrix: squared distances less the row's own norm, which no label changes.
static status cost_block(void *context, int64_t block, int thread)
{
    balanced_kmeans *km = context;
    int k = km->k;
    const float *product = products(km, block, 0, k, thread);
    float scale = (float)km->scale;
    for (int64_t i = 0; i < block_rows(km, block); i++) {
        int32_t *restrict cost = km->cost + (block * BLOCK + i) * k;
        for (int j = 0; j < k; j++)
            cost[j] = (int32_t)((km->centre_norm[j] - 2 * product[i * k + j]) * scale);
    }
    return OK;
}

// Rows by cluster, ascending in each.
static void list_members(balanced_kmeans *km)
{
    int64_t at = 0;
    for (int j = 0; j < km->k; j++) {
        km->first[j] = at;
        at += balanced_size(km->n, km->k, j);
    }
    km->first[km->k] = km->n;
    for (int64_t i = 0; i < km->n; i++)
        km->member[km->first[km->label[i]]++] = i;
    for (int j = km->k; j > 0; j--)
        km->first[j] = km->first[j - 1];
    km->first[0] = 0;
}

// Moves a cluster's centre to the mean of its rows.
static status move_centre(void *context, int64_t cluster, int thread)
{
    balanced_kmeans *km = context;
    double *restrict sum = km->sum + thread * km->width;
    memset(sum, 0, (size_t)km->width * sizeof *sum);
    for (int64_t m = km->first[cluster]; m < km->first[cluster + 1]; m++) {
        const float *restrict row = km->rows + km->member[m] * km->width;
        for (int64_t c = 0; c < km->width; c++)
            sum[c] += row[c];
    }
    double rows = (double)(km->first[cluster + 1] - km->first[cluster]), shift = 0;
    float *centre = km->centre + cluster * km->width;
    for (int64_t c = 0; c < km->width; c++) {
        float mean = (float)(sum[c] / rows);
        double by = (double)mean - centre[c];
        shift += by * by;
        centre[c] = mean;
    }
    km->shift[cluster] = shift;
    km->centre_norm[cluster] = (float)unit_rows_square(centre, km->width);
    return OK;
}

status balanced_kmeans_run(balanced_kmeans *km, const float *rows,
                           const balanced_kmeans_options *options, int32_t *label, int *iterations)
{
    status st = OK;
    km->rows = rows;
    km->label = label;
    double total = 0, largest = 0; // of squared norms; the rows' mean is 0, so their sum is n × the
                                   // columns' variances
    for (int64_t i = 0; i < km->n; i++) {
        double norm = unit_rows_square(rows + i * km->width, km->width);
        km->row_norm[i] = (float)norm;
        total += norm;
        largest = norm > largest ? norm : largest;
        label[i] = -1;
    }
    if (!isfinite(total))
        return status_fail(ERR_NUMERIC, NULL, "rows to cluster are not finite");
    // |cost| <= 3 R^2 but for float32's rounding, for which one bit is kept free.
    km->scale = largest > 0 ? exp2(floor(log2(BALANCED_COST_MAX / (6 * largest)))) : 1;
    double tolerance = options->tolerance * total / (double)(km->n * km->width);
    balanced_assignment_reset(km->assignment);
    TRY(seed(km, &options->random));
    for (int j = 0; j < km->k; j++)
        km->centre_norm[j] = (float)unit_rows_square(km->centre + j * km->width, km->width);
    int done_iterations = 0;
    for (double shift = INFINITY; shift > tolerance && done_iterations < options->iterations;) {
        if (options->stopping && options->stopping(options->context))
            TRY(status_fail(ERR_INTERRUPTED, NULL, "interrupted; run again to resume"));
        TRY(pool_run(km->threads, km->blocks, cost_block, km));
        balanced_assignment_solve(km->assignment, km->cost, label);
        list_members(km);
        TRY(pool_run(km->threads, km->k, move_centre, km));
        shift = 0;
        for (int j = 0; j < km->k; j++)
            shift += km->shift[j];
        done_iterations++;
    }
    if (iterations)
        *iterations = done_iterations;
done:
    return st;
}

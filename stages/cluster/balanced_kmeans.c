// SPDX-License-Identifier: Apache-2.0
// Costs are products of rows and centres in float32, made integers for the assignment: so equal
// rows cost the same, and the assignment's optimum is exact. What decides whether a step was better
// is not their sum but the explained part of the inertia, in float64 from the rows themselves. A
// row's own norm is left out of its costs, since no label changes it: the integers resolve more.
#include "stages/cluster/balanced_kmeans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/cluster/balanced_assignment.h"
#include "stages/cluster/kmeans_seeding.h"
#include "stages/cluster/neuron_rows.h"

#define LEAST_LEAN (1.0 / 16) // where refinement gives up

struct balanced_kmeans {
    int64_t n, width, blocks;
    int k;
    pool *threads; // borrowed
    balanced_assignment *assignment;
    kmeans_seeding *seeding;
    float *centre;      // [k, width]
    void *packed;       // the same for products
    float *centre_norm; // [k] squared
    float *row_norm;    // [n] squared
    int32_t *cost;      // [n, k]
    float *product;     // [threads, NEURON_ROWS_BLOCK, k]
    double *sum;        // [threads, width]
    double *shift;      // [k] squared, of each centre
    double *explained;  // [k] squared norm of each mean × its rows: what is not inertia
    float *own, *other; // [k] weights of the distances to a row's own centre, and to others
    int32_t *best;      // [n] labels
    int64_t *member;    // [n] rows by cluster, ascending in each
    int64_t *first;     // [k + 1] where a cluster's members begin
};

// One start: what a run is given, and how far it is.
typedef struct kmeans_run {
    balanced_kmeans *km;
    const balanced_kmeans_options *options;
    const float *rows;
    int32_t *label;
    double scale; // cost units per squared distance
    int iterations;
} kmeans_run;

double balanced_kmeans_bytes(int64_t n, int64_t width, int k, int threads)
{
    double rows = (double)n, columns = (double)width;
    return rows * (k * 4.0 + 36) + columns * (k * 4.0 + threads * 8.0) + 8.0 * k * k +
           threads * NEURON_ROWS_BLOCK * 4.0 * k + (double)neuron_rows_packed_bytes(k, width) +
           kmeans_seeding_bytes(n, width, k, threads);
}

status balanced_kmeans_new(int64_t n, int64_t width, int k, pool *p, balanced_kmeans **out)
{
    if (k < 1 || k > n)
        return status_fail(ERR_USAGE, NULL, "%d clusters of %lld rows; ask for 1 to %lld", k,
                           (long long)n, (long long)n);
    status st = OK;
    balanced_kmeans *km = checked_calloc(1, sizeof *km);
    size_t rows = (size_t)n, columns = (size_t)width, clusters = (size_t)k, cells = 0,
           centre_cells = 0;
    size_t threads = (size_t)pool_threads(p);
    if (!km || !checked_mul(rows, clusters, &cells) ||
        !checked_mul(clusters, columns, &centre_cells))
        TRY(status_no_memory("k-means"));
    *km = (balanced_kmeans){
        .n = n,
        .width = width,
        .blocks = neuron_rows_blocks(n),
        .k = k,
        .threads = p,
        .centre = checked_aligned(centre_cells, sizeof *km->centre),
        .packed = checked_aligned(neuron_rows_packed_bytes(k, width) + 1, 1),
        .centre_norm = checked_calloc(clusters, sizeof *km->centre_norm),
        .row_norm = checked_calloc(rows, sizeof *km->row_norm),
        .cost = checked_aligned(cells, sizeof *km->cost),
        .product = checked_aligned(threads * NEURON_ROWS_BLOCK * clusters, sizeof *km->product),
        .sum = checked_aligned(threads * columns, sizeof *km->sum),
        .shift = checked_calloc(clusters, sizeof *km->shift),
        .explained = checked_calloc(clusters, sizeof *km->explained),
        .own = checked_calloc(clusters, sizeof *km->own),
        .other = checked_calloc(clusters, sizeof *km->other),
        .best = checked_calloc(rows, sizeof *km->best),
        .member = checked_calloc(rows, sizeof *km->member),
        .first = checked_calloc(clusters + 1, sizeof *km->first),
    };
    if (!km->centre || !km->packed || !km->centre_norm || !km->row_norm || !km->cost ||
        !km->product || !km->sum || !km->shift || !km->explained || !km->own || !km->other ||
        !km->best || !km->member || !km->first)
        TRY(status_no_memory("k-means"));
    TRY(balanced_assignment_new(n, k, &km->assignment));
    TRY(kmeans_seeding_new(n, width, k, p, &km->seeding));
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
    kmeans_seeding_free(km->seeding);
    free(km->centre);
    free(km->packed);
    free(km->centre_norm);
    free(km->row_norm);
    free(km->cost);
    free(km->product);
    free(km->sum);
    free(km->shift);
    free(km->explained);
    free(km->own);
    free(km->other);
    free(km->best);
    free(km->member);
    free(km->first);
    free(km);
}

// One block of the cost matrix: weighted squared distances, less the row's own norm, which no label
// changes.
static status cost_block(void *context, int64_t block, int thread)
{
    const kmeans_run *run = context;
    balanced_kmeans *km = run->km;
    int k = km->k;
    float *product = km->product + (int64_t)thread * NEURON_ROWS_BLOCK * k;
    int64_t rows = neuron_rows_products(run->rows, km->n, km->width, block, km->centre, km->packed,
                                        k, product);
    const float *restrict norm = km->centre_norm, *restrict weight = km->other;
    float scale = (float)run->scale;
    for (int64_t i = 0; i < rows; i++) {
        int64_t row = block * NEURON_ROWS_BLOCK + i;
        const float *restrict p = product + i * k;
        int32_t *restrict cost = km->cost + row * k;
        float own = km->row_norm[row];
        for (int j = 0; j < k; j++)
            cost[j] = (int32_t)(((own + norm[j] - 2 * p[j]) * weight[j] - own) * scale);
        int32_t at = run->label[row];
        if (at >= 0)
            cost[at] = (int32_t)(((own + norm[at] - 2 * p[at]) * km->own[at] - own) * scale);
    }
    return OK;
}

// Rows by cluster, ascending in each.
static void list_members(const kmeans_run *run)
{
    balanced_kmeans *km = run->km;
    int64_t at = 0;
    for (int j = 0; j < km->k; j++) {
        km->first[j] = at;
        at += balanced_assignment_size(km->n, km->k, j);
    }
    km->first[km->k] = km->n;
    for (int64_t i = 0; i < km->n; i++)
        km->member[km->first[run->label[i]]++] = i;
    for (int j = km->k; j > 0; j--)
        km->first[j] = km->first[j - 1];
    km->first[0] = 0;
}

// Moves a cluster's centre to the mean of its rows.
static status move_centre(void *context, int64_t cluster, int thread)
{
    const kmeans_run *run = context;
    balanced_kmeans *km = run->km;
    double *restrict sum = km->sum + thread * km->width;
    memset(sum, 0, (size_t)km->width * sizeof *sum);
    for (int64_t m = km->first[cluster]; m < km->first[cluster + 1]; m++) {
        const float *restrict row = run->rows + km->member[m] * km->width;
        for (int64_t c = 0; c < km->width; c++)
            sum[c] += row[c];
    }
    double rows = (double)(km->first[cluster + 1] - km->first[cluster]), shift = 0, square = 0;
    float *centre = km->centre + cluster * km->width;
    for (int64_t c = 0; c < km->width; c++) {
        float mean = (float)(sum[c] / rows);
        double by = (double)mean - centre[c];
        square += sum[c] * sum[c];
        shift += by * by;
        centre[c] = mean;
    }
    km->shift[cluster] = shift;
    km->explained[cluster] = square / rows;
    km->centre_norm[cluster] = (float)neuron_rows_square(centre, km->width);
    return OK;
}

static double sum_of(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

// One iteration: labels for the present centres, then centres for the labels. `lean` is how far a
// row's pull on its own centre is taken out of its choice: 0 not at all, 1 as it is for a row that
// moves alone.
static status iterate_once(kmeans_run *run, double lean)
{
    status st = OK;
    balanced_kmeans *km = run->km;
    const balanced_kmeans_options *o = run->options;
    if (o->stopping && o->stopping(o->context))
        TRY(status_fail(ERR_INTERRUPTED, NULL, "interrupted; run again to resume"));
    for (int j = 0; j < km->k; j++) {
        double size = (double)balanced_assignment_size(km->n, km->k, j);
        km->own[j] = (float)(size > 1 ? 1 + lean / (size - 1) : 1);
        km->other[j] = (float)(1 - lean / (size + 1));
    }
    neuron_rows_pack(km->centre, km->k, km->width, km->packed);
    TRY(pool_run(km->threads, km->blocks, cost_block, run));
    balanced_assignment_solve(km->assignment, km->cost, run->label);
    list_members(run);
    TRY(pool_run(km->threads, km->k, move_centre, run));
    run->iterations++;
done:
    return st;
}

// The refinement of the header, from the labels that Lloyd's iteration ended with.
static status refine_labels(kmeans_run *run)
{
    status st = OK;
    balanced_kmeans *km = run->km;
    size_t bytes = (size_t)km->n * sizeof *km->best;
    double best = sum_of(km->explained, km->k);
    memcpy(km->best, run->label, bytes);
    for (double lean = 1; lean >= LEAST_LEAN && run->iterations < run->options->iterations;) {
        TRY(iterate_once(run, lean));
        double now = sum_of(km->explained, km->k);
        if (now > best) {
            best = now;
            memcpy(km->best, run->label, bytes);
            continue;
        }
        lean /= 2;
        memcpy(run->label, km->best, bytes);
        list_members(run);
        TRY(pool_run(km->threads, km->k, move_centre, run));
    }
    memcpy(run->label, km->best, bytes);
done:
    return st;
}

// The rows' norms, the scale of costs, and no label yet. Writes the sum of the squared norms.
static status begin_run(kmeans_run *run, double *total)
{
    balanced_kmeans *km = run->km;
    double sum = 0, largest = 0;
    for (int64_t i = 0; i < km->n; i++) {
        double norm = neuron_rows_square(run->rows + i * km->width, km->width);
        km->row_norm[i] = (float)norm;
        sum += norm;
        largest = norm > largest ? norm : largest;
        run->label[i] = -1;
    }
    if (!isfinite(sum))
        return status_fail(ERR_NUMERIC, NULL, "rows to cluster are not finite");
    // |cost| <= 4 R^2; what is left keeps float32's rounding away from the limit.
    run->scale = largest > 0 ? exp2(floor(log2(BALANCED_COST_MAX / (6 * largest)))) : 1;
    balanced_assignment_reset(km->assignment);
    *total = sum;
    return OK;
}

status balanced_kmeans_run(balanced_kmeans *km, const float *rows,
                           const balanced_kmeans_options *options, int32_t *label, int *iterations)
{
    status st = OK;
    double total = 0;
    kmeans_run run = {.km = km, .options = options, .rows = rows, .label = label};
    TRY(begin_run(&run, &total));
    TRY(kmeans_seeding_run(km->seeding, rows, km->row_norm, &options->random, km->centre));
    for (int j = 0; j < km->k; j++)
        km->centre_norm[j] = (float)neuron_rows_square(km->centre + j * km->width, km->width);
    // The rows' mean is 0: the sum of their squared norms is n times that of the columns'
    // variances.
    double tolerance = options->tolerance * total / (double)(km->n * km->width);
    for (double shift = INFINITY; shift > tolerance && run.iterations < options->iterations;) {
        TRY(iterate_once(&run, 0));
        shift = sum_of(km->shift, km->k);
    }
    TRY(refine_labels(&run));
    if (iterations)
        *iterations = run.iterations;
done:
    return st;
}

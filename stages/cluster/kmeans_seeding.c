// SPDX-License-Identifier: Apache-2.0
// Most of the time goes into the distances of all rows to the candidates, a product of matrices in
// blocks on the pool's threads. A block's potential is summed by itself and the blocks in order, so
// that threads do not change which candidate is best.
#include "stages/cluster/kmeans_seeding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/cluster/neuron_rows.h"

struct kmeans_seeding {
    int64_t n, width;
    int k, trials;
    pool *threads;      // borrowed
    float *candidate;   // [trials, width]
    void *packed;       // the same for products
    int64_t *drawn;     // [trials] the candidates' rows
    float *product;     // [threads, NEURON_ROWS_BLOCK, trials]
    float *nearest;     // [n] squared distance to the nearest centre
    float *with;        // [trials, n] the same if the candidate were a centre too
    double *cumulative; // [n] of nearest
    double *potential;  // [blocks, trials] sums of `with`
};

// The rows that centres are chosen of: what a run is given.
typedef struct seeding_run {
    kmeans_seeding *s;
    const float *rows, *square;
} seeding_run;

static int trials_for(int k)
{
    return 2 + (int)log(k);
}

double kmeans_seeding_bytes(int64_t n, int64_t width, int k, int threads)
{
    double rows = (double)n, trials = trials_for(k);
    return rows * (trials * 4 + 12) +
           trials * 4 * ((double)width + (double)threads * NEURON_ROWS_BLOCK) +
           (double)neuron_rows_packed_bytes((int)trials, width);
}

status kmeans_seeding_new(int64_t n, int64_t width, int k, pool *p, kmeans_seeding **out)
{
    status st = OK;
    size_t rows = (size_t)n, trials = (size_t)trials_for(k), cells = 0;
    size_t threads = (size_t)pool_threads(p), blocks = (size_t)neuron_rows_blocks(n);
    kmeans_seeding *s = checked_calloc(1, sizeof *s);
    if (!s || !checked_mul(trials, (size_t)width, &cells))
        TRY(status_no_memory("k-means++"));
    *s = (kmeans_seeding){
        .n = n,
        .width = width,
        .k = k,
        .trials = (int)trials,
        .threads = p,
        .candidate = checked_aligned(cells, sizeof *s->candidate),
        .packed = checked_aligned(neuron_rows_packed_bytes((int)trials, width) + 1, 1),
        .drawn = checked_calloc(trials, sizeof *s->drawn),
        .product = checked_aligned(threads * NEURON_ROWS_BLOCK * trials, sizeof *s->product),
        .nearest = checked_calloc(rows, sizeof *s->nearest),
        .with = checked_calloc(rows, trials * sizeof *s->with),
        .cumulative = checked_calloc(rows, sizeof *s->cumulative),
        .potential = checked_calloc(blocks, trials * sizeof *s->potential),
    };
    if (!s->candidate || !s->packed || !s->drawn || !s->product || !s->nearest || !s->with ||
        !s->cumulative || !s->potential)
        TRY(status_no_memory("k-means++"));
    *out = s;
    s = NULL;
done:
    kmeans_seeding_free(s);
    return st;
}

void kmeans_seeding_free(kmeans_seeding *s)
{
    if (!s)
        return;
    free(s->candidate);
    free(s->packed);
    free(s->drawn);
    free(s->product);
    free(s->nearest);
    free(s->with);
    free(s->cumulative);
    free(s->potential);
    free(s);
}

// A block's share of what the potential would be with each candidate.
static status try_block(void *context, int64_t block, int thread)
{
    const seeding_run *run = context;
    kmeans_seeding *s = run->s;
    int trials = s->trials;
    int64_t begin = block * NEURON_ROWS_BLOCK;
    float *product = s->product + (int64_t)thread * NEURON_ROWS_BLOCK * trials;
    int64_t rows = neuron_rows_products(run->rows, s->n, s->width, block, s->candidate, s->packed,
                                        trials, product);
    const float *nearest = s->nearest + begin, *square = run->square + begin;
    for (int t = 0; t < trials; t++) {
        float *with = s->with + t * s->n + begin, own = run->square[s->drawn[t]];
        for (int64_t i = 0; i < rows; i++) {
            float distance = square[i] + own - 2 * product[i * trials + t];
            distance = distance > 0 ? distance : 0;
            with[i] = distance < nearest[i] ? distance : nearest[i];
        }
        int64_t itself = s->drawn[t] - begin;
        if (itself >= 0 && itself < rows)
            with[itself] = 0;
        double potential = 0;
        for (int64_t i = 0; i < rows; i++)
            potential += with[i];
        s->potential[block * trials + t] = potential;
    }
    return OK;
}

// Draws the candidates for a centre; uniformly where there is no centre yet, and where every row is
// a double of one.
static void draw_candidates(const seeding_run *run, const rng *random, int centre)
{
    kmeans_seeding *s = run->s;
    double total = 0;
    int64_t last = -1; // with a chance
    for (int64_t i = 0; i < s->n; i++) {
        total += s->nearest[i];
        s->cumulative[i] = total;
        last = s->nearest[i] > 0 ? i : last;
    }
    for (int t = 0; t < s->trials; t++) {
        uint64_t index = (uint64_t)centre * (uint64_t)s->trials + (uint64_t)t;
        double target = rng_uniform(random, index) * total;
        int64_t low = 0, high = last;
        if (last < 0 || isinf(total))
            low = high = (int64_t)rng_below(random, index, (uint64_t)s->n);
        while (low < high) {
            int64_t middle = low + (high - low) / 2;
            if (s->cumulative[middle] > target)
                high = middle;
            else
                low = middle + 1;
        }
        s->drawn[t] = low;
        memcpy(s->candidate + t * s->width, run->rows + low * s->width,
               (size_t)s->width * sizeof(float));
    }
}

// The candidate that leaves the lowest potential; the first of equals.
static int choose_candidate(const kmeans_seeding *s)
{
    int best = 0;
    double least = INFINITY;
    for (int t = 0; t < s->trials; t++) {
        double potential = 0;
        for (int64_t b = 0; b < neuron_rows_blocks(s->n); b++)
            potential += s->potential[b * s->trials + t];
        if (potential < least) {
            least = potential;
            best = t;
        }
    }
    return best;
}

status kmeans_seeding_run(kmeans_seeding *s, const float *rows, const float *square,
                          const rng *random, float *centre)
{
    status st = OK;
    seeding_run run = {s, rows, square};
    for (int64_t i = 0; i < s->n; i++)
        s->nearest[i] = INFINITY;
    for (int c = 0; c < s->k; c++) {
        draw_candidates(&run, random, c);
        neuron_rows_pack(s->candidate, s->trials, s->width, s->packed);
        TRY(pool_run(s->threads, neuron_rows_blocks(s->n), try_block, &run));
        int best = c == 0 ? 0 : choose_candidate(s);
        memcpy(s->nearest, s->with + best * s->n, (size_t)s->n * sizeof *s->nearest);
        memcpy(centre + c * s->width, s->candidate + best * s->width,
               (size_t)s->width * sizeof *centre);
    }
done:
    return st;
}

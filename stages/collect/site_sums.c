// SPDX-License-Identifier: Apache-2.0
// A thread sums a block by itself, in floating point, and adds the rounded sums to what a unit's
// threads share under a lock: integers, so that it does not matter who comes first. Mostly a unit
// is one thread's, and nobody waits.
#include "stages/collect/site_sums.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/collect/histogram.h"

enum { STRIP = 16 }; // neurons

struct site_sums {
    site_shape shape;
    fixed *sum[MOMENTS];
    int64_t *positive, *firing, *histogram, *routed;
    pthread_mutex_t lock; // of all of it
};

struct block_sums {
    moments sums;
    double *sum; // owned: [MOMENTS][width]
};

status block_sums_new(int width, block_sums **out)
{
    block_sums *b = checked_calloc(1, sizeof *b);
    if (!b)
        return status_no_memory("neuron statistics");
    b->sum = checked_calloc((size_t)width, MOMENTS * sizeof *b->sum);
    b->sums.positive = checked_calloc((size_t)width, sizeof *b->sums.positive);
    if (!b->sum || !b->sums.positive) {
        block_sums_free(b);
        return status_no_memory("neuron statistics");
    }
    for (int m = 0; m < MOMENTS; m++)
        b->sums.sum[m] = b->sum + (size_t)m * (size_t)width;
    *out = b;
    return OK;
}

void block_sums_free(block_sums *b)
{
    if (!b)
        return;
    free(b->sum);
    free(b->sums.positive);
    free(b);
}

size_t block_sums_bytes(int width)
{
    return (size_t)width * (MOMENTS * sizeof(double) + sizeof(int64_t));
}

static size_t neurons_of(const site_shape *s)
{
    return (size_t)s->layers * (size_t)s->width;
}

static size_t experts_of(const site_shape *s)
{
    return (size_t)s->layers * (size_t)s->experts;
}

static status make(const site_shape *shape, site_sums **out)
{
    const size_t neurons = neurons_of(shape);
    site_sums *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("neuron statistics");
    *s = (site_sums){.shape = *shape};
    pthread_mutex_init(&s->lock, NULL);
    for (int m = 0; m < MOMENTS; m++)
        s->sum[m] = checked_calloc(neurons, sizeof(fixed));
    s->positive = checked_calloc(neurons, sizeof(int64_t));
    s->firing = checked_calloc(neurons, (size_t)shape->words * sizeof(int64_t));
    s->histogram = checked_calloc(neurons, (size_t)shape->bins * sizeof(int64_t));
    s->routed = checked_calloc(experts_of(shape), sizeof(int64_t));
    for (int m = 0; m < MOMENTS; m++)
        if (!s->sum[m] || !s->positive || !s->firing || !s->histogram || !s->routed) {
            site_sums_free(s);
            return status_no_memory("neuron statistics");
        }
    *out = s;
    return OK;
}

void site_sums_free(site_sums *s)
{
    if (!s)
        return;
    for (int m = 0; m < MOMENTS; m++)
        free(s->sum[m]);
    free(s->positive);
    free(s->firing);
    free(s->histogram);
    free(s->routed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

size_t site_sums_bytes(const site_shape *shape)
{
    size_t neuron = MOMENTS * sizeof(fixed) +
                    (1 + (size_t)shape->words + (size_t)shape->bins) * sizeof(int64_t);
    return neurons_of(shape) * neuron + experts_of(shape) * sizeof(int64_t);
}

static void clear(site_sums *s)
{
    const size_t neurons = neurons_of(&s->shape);
    for (int m = 0; m < MOMENTS; m++)
        memset(s->sum[m], 0, neurons * sizeof(fixed));
    memset(s->positive, 0, neurons * sizeof(int64_t));
    memset(s->firing, 0, neurons * (size_t)s->shape.words * sizeof(int64_t));
    memset(s->histogram, 0, neurons * (size_t)s->shape.bins * sizeof(int64_t));
    memset(s->routed, 0, experts_of(&s->shape) * sizeof(int64_t));
}

status site_sums_begin(const site_shape *shape, site_sums **own)
{
    if (!*own)
        return make(shape, own);
    clear(*own);
    return OK;
}

static status add_sums(site_sums *s, const site_block *b, const moments *block, const char *where)
{
    int64_t first = (int64_t)b->layer * s->shape.width + b->first_neuron;
    for (int m = 0; m < MOMENTS; m++)
        for (int u = 0; u < b->neurons; u++) {
            fixed rounded;
            if (!fixed_from(block->sum[m][u], &rounded))
                return status_fail(ERR_NUMERIC, where,
                                   "%s layer %d unit %d: sum of activations is %g; look for NaN or "
                                   "overflow in the model's weights, or use compute: f32",
                                   site_names[b->site], b->layer, b->first_neuron + u,
                                   block->sum[m][u]);
            s->sum[m][first + u] += rounded;
        }
    for (int u = 0; u < b->neurons; u++)
        s->positive[first + u] += block->positive[u];
    return OK;
}

// An expert's rows come with its first neurons, and again with each further block of them.
static void count_rows(site_sums *s, const site_block *b)
{
    const int experts = s->shape.experts, width = experts ? s->shape.width / experts : 0;
    if (experts && b->first_neuron % width == 0)
        s->routed[b->layer * experts + b->first_neuron / width] += b->rows;
}

// Which of the block's rows a row is, from *at on, which does not pass it; -1 where it has it not.
static int64_t find_row(const site_block *b, int64_t row, int64_t *at)
{
    if (!b->row)
        return row;
    while (*at < b->rows && b->row[*at] < row)
        ++*at;
    return *at < b->rows && b->row[*at] == row ? *at : -1;
}

// Adds the firing of n neurons at a row to a word's bits.
static inline void add_bits(const float *x, int n, uint64_t one, uint64_t bits[STRIP])
{
    for (int u = 0; u < n; u++)
        bits[u] |= -(uint64_t)(x[u] > 0) & one;
}

static void keep_bits(int64_t *word, int64_t words, int n, uint64_t bits[STRIP])
{
    for (int u = 0; u < n; u++, word += words)
        *word = (int64_t)((uint64_t)*word | bits[u]);
    memset(bits, 0, STRIP * sizeof *bits);
}

// A strip of neurons at a time, a line of the cache in each row: their words lie far apart, and are
// touched once for all rows.
static void add_firing(site_sums *s, const site_block *b, const sampled_rows *sampled)
{
    const int64_t words = s->shape.words;
    for (int from = 0; from < b->neurons; from += STRIP) {
        const int n = b->neurons - from < STRIP ? b->neurons - from : STRIP;
        int64_t *first =
            s->firing + ((int64_t)b->layer * s->shape.width + b->first_neuron + from) * words;
        uint64_t bits[STRIP] = {0};
        int64_t at = 0, word = sampled->first_bit / FIRING_BITS,
                bit = sampled->first_bit % FIRING_BITS;
        for (int64_t i = 0; i < sampled->n; i++, bit++) {
            if (bit == FIRING_BITS) {
                keep_bits(first + word, words, n, bits);
                word++;
                bit = 0;
            }
            const int64_t place = find_row(b, sampled->row[i] - sampled->before, &at);
            if (place < 0)
                continue;
            const float *x = b->x + place * b->stride + from;
            const uint64_t one = (uint64_t)1 << bit;
            if (n == STRIP) // of a number that the compiler knows it makes vectors
                add_bits(x, STRIP, one, bits);
            else
                add_bits(x, n, one, bits);
        }
        if (sampled->n > 0)
            keep_bits(first + word, words, n, bits);
    }
}

static void add_histogram(site_sums *s, const site_block *b)
{
    const int64_t first = (int64_t)b->layer * s->shape.width + b->first_neuron;
    if (s->shape.bins > 0)
        histogram_add(b->x, b->rows, b->stride, b->neurons, s->histogram + first * s->shape.bins);
}

status site_sums_add(site_sums *s, block_sums *scratch, const site_block *block,
                     const sampled_rows *sampled, const char *where)
{
    moments_of_block(block->x, block->rows, block->stride, block->neurons, &scratch->sums);
    pthread_mutex_lock(&s->lock);
    status st = add_sums(s, block, &scratch->sums, where);
    if (st == OK) {
        count_rows(s, block);
        add_firing(s, block, sampled);
        add_histogram(s, block);
    }
    pthread_mutex_unlock(&s->lock);
    return st;
}

void site_sums_add_totals(site_sums *s, const site_totals *t)
{
    const int64_t first = (int64_t)t->layer * s->shape.width + t->first_neuron;
    const int64_t words = s->shape.words, bins = s->shape.bins, n = t->neurons;
    const int experts = s->shape.experts;
    pthread_mutex_lock(&s->lock);
    for (int m = 0; m < MOMENTS; m++)
        for (int64_t u = 0; u < n; u++)
            s->sum[m][first + u] += t->sum[m][u];
    for (int64_t u = 0; u < n; u++)
        s->positive[first + u] += t->positive[u];
    for (int64_t i = 0; t->firing && i < n * words; i++)
        s->firing[first * words + i] |= t->firing[i];
    for (int64_t i = 0; t->histogram && i < n * bins; i++)
        s->histogram[first * bins + i] += t->histogram[i];
    if (experts)
        s->routed[t->layer * experts + t->first_neuron / (s->shape.width / experts)] += t->rows;
    pthread_mutex_unlock(&s->lock);
}

const fixed *site_sums_sum(const site_sums *s, moment m)
{
    return s->sum[m];
}

const int64_t *site_sums_routed(const site_sums *s)
{
    return s->routed;
}

const int64_t *site_sums_positive(const site_sums *s)
{
    return s->positive;
}

const int64_t *site_sums_firing(const site_sums *s)
{
    return s->firing;
}

const int64_t *site_sums_histogram(const site_sums *s)
{
    return s->histogram;
}

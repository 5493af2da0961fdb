// SPDX-License-Identifier: Apache-2.0
// Passes of the tests' own on a device, over the samples of a case, which count: sums, firing bits and
// bins as the device makes them, and the same by a loop over what a reader is shown.
#ifndef TESTS_MODEL_DEVICE_SUMS_H
#define TESTS_MODEL_DEVICE_SUMS_H

#include "lm_fixture.h"
#include "model/device/device_model.h"
#include "model/forward/state.h"
#include "naive_device.h"

enum { WORDS = 4 }; // of firing bits: those of three rows of each sample

typedef struct sums {
    lm x;
    int64_t n;         // of one site: neurons of all layers
    fixed *sum[SITES]; // [SITE_MOMENTS, n]
    int64_t *positive[SITES], *rows[SITES];
    int64_t *firing, *histogram[SITES];
    bool backwards; // tiles come in the other order
    double set;     // what pruned neurons become
} sums;

static int64_t neurons_of(const sums *s, site which)
{
    return (int64_t)s->x.info->layers * model_site_width(s->x.info, which);
}

static void sums_open(sums *s, compute c, const char *name)
{
    char path[128];
    *s = (sums){0};
    snprintf(path, sizeof path, LM_MODELS "%s", name);
    lm_open_in(&s->x, c, name, path);
    for (site w = 0; w < SITES; w++) {
        const size_t n = (size_t)neurons_of(s, w);
        s->sum[w] = calloc(SITE_MOMENTS * n + 1, sizeof(fixed));
        s->positive[w] = calloc(n + 1, sizeof(int64_t));
        s->rows[w] = calloc(n + 1, sizeof(int64_t));
        s->histogram[w] = calloc(n * HISTOGRAM_BINS + 1, sizeof(int64_t));
    }
    s->firing = calloc((size_t)neurons_of(s, SITE_MLP) * WORDS, sizeof(int64_t));
}

static void sums_clear(sums *s)
{
    for (site w = 0; w < SITES; w++) {
        const size_t n = (size_t)neurons_of(s, w);
        memset(s->sum[w], 0, SITE_MOMENTS * n * sizeof(fixed));
        memset(s->positive[w], 0, n * sizeof(int64_t));
        memset(s->rows[w], 0, n * sizeof(int64_t));
        memset(s->histogram[w], 0, n * HISTOGRAM_BINS * sizeof(int64_t));
    }
    memset(s->firing, 0, (size_t)neurons_of(s, SITE_MLP) * WORDS * sizeof(int64_t));
}

static void sums_close(sums *s)
{
    for (site w = 0; w < SITES; w++) {
        free(s->sum[w]);
        free(s->positive[w]);
        free(s->rows[w]);
        free(s->histogram[w]);
    }
    free(s->firing);
    lm_close(&s->x);
}

static bool sums_equal(const sums *a, const sums *b)
{
    bool equal = memcmp(a->firing, b->firing,
                        (size_t)neurons_of(a, SITE_MLP) * WORDS * sizeof(int64_t)) == 0;
    for (site w = 0; w < SITES; w++) {
        const size_t n = (size_t)neurons_of(a, w);
        equal = equal && memcmp(a->sum[w], b->sum[w], SITE_MOMENTS * n * sizeof(fixed)) == 0 &&
                memcmp(a->positive[w], b->positive[w], n * sizeof(int64_t)) == 0 &&
                memcmp(a->rows[w], b->rows[w], n * sizeof(int64_t)) == 0 &&
                memcmp(a->histogram[w], b->histogram[w], n * HISTOGRAM_BINS * sizeof(int64_t)) == 0;
    }
    return equal;
}

static int64_t tiles_of(const sums *s)
{
    return (s->x.samples + s->x.tile_samples - 1) / s->x.tile_samples;
}

static status load(void *context, int64_t index, int thread, tile *t)
{
    const sums *s = context;
    return lm_load((void *)&s->x, s->backwards ? tiles_of(s) - 1 - index : index, thread, t);
}

static status add_totals(void *context, int thread, const site_totals *t)
{
    (void)thread;
    sums *s = context;
    const int64_t n = neurons_of(s, t->site);
    const int64_t at = (int64_t)t->layer * model_site_width(s->x.info, t->site) + t->first_neuron;
    pthread_mutex_lock(&s->x.lock);
    for (int u = 0; u < t->neurons; u++) {
        for (int m = 0; m < SITE_MOMENTS; m++)
            s->sum[t->site][m * n + at + u] += t->sum[m][u];
        s->positive[t->site][at + u] += t->positive[u];
        s->rows[t->site][at + u] += t->rows;
    }
    for (int i = 0; t->firing && i < t->neurons * WORDS; i++)
        s->firing[at * WORDS + i] |= t->firing[i];
    for (int i = 0; t->histogram && i < t->neurons * HISTOGRAM_BINS; i++)
        s->histogram[t->site][at * HISTOGRAM_BINS + i] += t->histogram[i];
    pthread_mutex_unlock(&s->x.lock);
    return OK;
}

// Rows 0, 2 and 5 of a sample, where there are so many: bits 3i, 3i + 1, 3i + 2 of sample i. Tiles of
// one sample.
static int64_t list_firing(void *context, int64_t index, int32_t *row, int64_t *bit)
{
    static const int32_t wanted[] = {0, 2, 5};
    const sums *s = context;
    const int64_t i = s->backwards ? tiles_of(s) - 1 - index : index;
    int64_t n = 0;
    for (int k = 0; k < 3; k++)
        if (wanted[k] < s->x.first[i + 1] - s->x.first[i]) {
            row[n] = wanted[k];
            bit[n++] = 3 * i + k;
        }
    return n;
}

// What is counted of one neuron in a block: its bins, and its bits.
static void count_neuron(void *context, int64_t index, const site_block *b, int u,
                         int64_t histogram[HISTOGRAM_BINS], int64_t firing[WORDS])
{
    int32_t row[3];
    int64_t bit[3], n = list_firing(context, index, row, bit);
    for (int64_t r = 0; r < b->rows; r++) {
        const float x = b->x[r * b->stride + u];
        int m = 0;
        while (m < 31 && fabs((double)x) >= exp2((m - 20) / 2.0))
            m++;
        histogram[x > 0 ? 32 + m : 31 - m]++;
        for (int k = 0; k < n; k++)
            if ((b->row ? b->row[r] : r) == row[k] && x > 0)
                firing[bit[k] / FIRING_BITS] |= (int64_t)1 << bit[k] % FIRING_BITS;
    }
}

static status never_read(void *context, int64_t index, int thread, const tile *t,
                         const site_block *block)
{
    (void)context, (void)index, (void)thread, (void)t, (void)block;
    return status_fail(ERR_INTERNAL, "test", "the sums are made elsewhere");
}

// The same sums by a loop over what a reader is shown: each neuron's of a tile, in runs of rows.
static status add_blocks(void *context, int64_t index, int thread, const tile *t,
                         const site_block *b)
{
    (void)t;
    const int64_t width = model_site_width(((sums *)context)->x.info, b->site);
    fixed one[SITE_MOMENTS];
    for (int u = 0; u < b->neurons; u++) {
        double sum[SITE_MOMENTS] = {0};
        int64_t positive = 0;
        assert_true(b->first_neuron + u < width);
        for (int64_t first = 0; first < b->rows; first += 16) {
            float run[SITE_MOMENTS] = {0};
            for (int64_t r = first; r < b->rows && r < first + 16; r++) {
                const float x = b->x[r * b->stride + u];
                run[0] += fabsf(x);
                run[1] += x;
                run[2] += x * x;
                run[3] += sqrtf(fabsf(x));
                positive += x > 0;
            }
            for (int m = 0; m < SITE_MOMENTS; m++)
                sum[m] += (double)run[m];
        }
        for (int m = 0; m < SITE_MOMENTS; m++)
            assert_true(fixed_from(sum[m], &one[m]));
        int64_t histogram[HISTOGRAM_BINS] = {0}, firing[WORDS] = {0};
        count_neuron(context, index, b, u, histogram, firing);
        add_totals(context, thread,
                   &(site_totals){b->site,
                                  b->layer,
                                  b->first_neuron + u,
                                  1,
                                  b->rows,
                                  {&one[0], &one[1], &one[2], &one[3]},
                                  &positive,
                                  b->site == SITE_MLP ? firing : NULL,
                                  histogram});
    }
    return OK;
}

static forward pass_of(sums *s)
{
    int64_t most = 0;
    for (int64_t i = 0; i < s->x.samples; i += s->x.tile_samples) {
        const int64_t end =
            i + s->x.tile_samples < s->x.samples ? i + s->x.tile_samples : s->x.samples;
        most = s->x.first[end] - s->x.first[i] > most ? s->x.first[end] - s->x.first[i] : most;
    }
    return (forward){
        .context = s,
        .tiles = tiles_of(s),
        .max_samples = s->x.tile_samples,
        .max_rows = most,
        .load = load,
        .read = never_read,
        .read_sites = {true, true, s->x.info->experts > 0},
        .totals = add_totals,
        .firing = list_firing,
        .firing_words = WORDS,
        .histogram = true,
    };
}

// A pass in batches of at most `rows` (0: of all there is).
static status run_in(sums *s, const forward *f, int64_t rows)
{
    s->x.m->device->row_limit = rows;
    sums_clear(s);
    return model_forward(s->x.m, NULL, f);
}

#endif

// SPDX-License-Identifier: Apache-2.0
// A measure is a row of a table: what it compares, once corrected and once as published, and which
// statistics that needs, so that `score` reads no others. The published forms are computed from the
// same exact statistics, rounded where the paper's code held float16: that is where it differs.
#include "stages/score/score_measure.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "pipeline/base/rng.h"

const char *const score_measure_statistics[STATISTICS] = {
    [STATISTIC_MEAN_ABS] = "mean_abs",       [STATISTIC_MEAN] = "mean",
    [STATISTIC_MEAN_SQUARE] = "mean_square", [STATISTIC_MEAN_SQRT_ABS] = "mean_sqrt_abs",
    [STATISTIC_POSITIVE] = "positive",
};

// What a measure compares, of neuron i.
typedef double compared(const neuron_statistics *s, int64_t i);

// The corrected and the published definition: what is compared, and the statistics it needs.
typedef struct definition {
    compared *of;
    unsigned needs; // bit s: statistic s
} definition;

struct score_measure {
    const char *name;
    enum { FROM_STATISTICS, FROM_HISTOGRAMS, FROM_WEIGHTS, FROM_NOTHING } from;
    definition corrected, published;                     // one without `of` is not defined
    bool difference;                                     // |f - r| instead of f ÷ (r + eps)
    double (*of_sides)(const score_sides *s, int64_t i); // or this, of `corrected`
    bool norms;                                          // needs those of the output weights
    double eps;
};

// Rounds to the nearest number of IEEE binary16, ties to even; infinity from 65520 on.
static double round_to_half(double x)
{
    if (!(fabs(x) < 65520))
        return isnan(x) ? x : copysign(INFINITY, x);
    int exponent;
    frexp(x, &exponent); // |x| < 2^exponent
    double step = ldexp(1, (exponent < -13 ? -13 : exponent) - 11);
    return rint(x / step) * step;
}

static double variance_of(const neuron_statistics *s, int64_t i)
{
    double mean = s->of[STATISTIC_MEAN][i];
    return fmax(0, s->of[STATISTIC_MEAN_SQUARE][i] - mean * mean);
}

static double corrected_abs(const neuron_statistics *s, int64_t i)
{
    return s->of[STATISTIC_MEAN_ABS][i];
}

static double corrected_rms(const neuron_statistics *s, int64_t i)
{
    return sqrt(s->of[STATISTIC_MEAN_SQUARE][i]);
}

static double corrected_std(const neuron_statistics *s, int64_t i)
{
    return sqrt(variance_of(s, i));
}

static double corrected_sqrt(const neuron_statistics *s, int64_t i)
{
    return s->of[STATISTIC_MEAN_SQRT_ABS][i];
}

static double corrected_freq(const neuron_statistics *s, int64_t i)
{
    return s->of[STATISTIC_POSITIVE][i];
}

static double corrected_mean(const neuron_statistics *s, int64_t i)
{
    return s->of[STATISTIC_MEAN][i];
}

// E|x| as the sum of the masses of the positive and of the negative part, each rounded.
static double published_abs(const neuron_statistics *s, int64_t i)
{
    double a = s->of[STATISTIC_MEAN_ABS][i], m = s->of[STATISTIC_MEAN][i];
    return round_to_half((a + m) / 2) + round_to_half((a - m) / 2);
}

static double published_variance(const neuron_statistics *s, int64_t i)
{
    return round_to_half(variance_of(s, i) * s->tokens / (s->tokens - 1));
}

static double published_rms(const neuron_statistics *s, int64_t i)
{
    return hypot(published_variance(s, i), round_to_half(s->of[STATISTIC_MEAN][i]));
}

static double published_sqrt(const neuron_statistics *s, int64_t i)
{
    return round_to_half(corrected_sqrt(s, i));
}

static double published_freq(const neuron_statistics *s, int64_t i)
{
    return round_to_half(corrected_freq(s, i));
}

static double published_mean(const neuron_statistics *s, int64_t i)
{
    return round_to_half(corrected_mean(s, i));
}

static double welch_t(const score_sides *s, int64_t i)
{
    const neuron_statistics *f = &s->forget, *r = &s->retain;
    // A sample variance over n, from the variance ÷ n of which n - 1 is free.
    const double error = variance_of(f, i) / (f->tokens - 1) + variance_of(r, i) / (r->tokens - 1);
    const double apart = f->of[STATISTIC_MEAN][i] - r->of[STATISTIC_MEAN][i];
    return apart == 0 ? 0 : apart / sqrt(error);
}

static double activation_entropy(const score_sides *s, int64_t i)
{
    const double sum = s->spread.sum[i];
    if (sum == 0)
        return 0;
    return s->forget.of[STATISTIC_POSITIVE][i] / sum *
           fmax(0, log((double)s->spread.subsets) - s->spread.entropy[i]);
}

static double contribution(const score_sides *s, int64_t i)
{
    return (s->forget.of[STATISTIC_MEAN_ABS][i] - s->retain.of[STATISTIC_MEAN_ABS][i]) * s->norm[i];
}

static double weight_norm(const score_sides *s, int64_t i)
{
    return s->norm[i];
}

enum {
    ABS = 1 << STATISTIC_MEAN_ABS,
    MEAN = 1 << STATISTIC_MEAN,
    SQUARE = 1 << STATISTIC_MEAN_SQUARE,
    SQRT = 1 << STATISTIC_MEAN_SQRT_ABS,
    POSITIVE = 1 << STATISTIC_POSITIVE,
};

static const score_measure measures[] = {
    {"abs", 0, {corrected_abs, ABS}, {published_abs, ABS | MEAN}, .eps = 1e-6},
    {"rms", 0, {corrected_rms, SQUARE}, {published_rms, MEAN | SQUARE}, .eps = 1e-6},
    {"std", 0, {corrected_std, MEAN | SQUARE}, {published_variance, MEAN | SQUARE}, .eps = 1e-6},
    {"sqrt", 0, {corrected_sqrt, SQRT}, {published_sqrt, SQRT}, .eps = 1e-6},
    {"freq", 0, {corrected_freq, POSITIVE}, {published_freq, POSITIVE}, .eps = 1e-3},
    {"mean", 0, {corrected_mean, MEAN}, {published_mean, MEAN}, .difference = true},
    {"t", 0, {NULL, MEAN | SQUARE}, {0}, .of_sides = welch_t},
    {"lape", 0, {NULL, POSITIVE}, {0}, .of_sides = activation_entropy},
    {"contribution", 0, {NULL, ABS}, {0}, .of_sides = contribution, .norms = true},
    {.name = "weights", .from = FROM_WEIGHTS, .of_sides = weight_norm, .norms = true},
    {.name = "auc", .from = FROM_HISTOGRAMS},
    {.name = "random", .from = FROM_NOTHING},
};

const score_measure *score_measure_find(const char *name)
{
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        if (strcmp(measures[i].name, name) == 0)
            return &measures[i];
    return NULL;
}

bool score_measure_needs(const score_measure *m, statistic s, bool published)
{
    return (published ? m->published.needs : m->corrected.needs) >> s & 1;
}

bool score_measure_is_random(const score_measure *m)
{
    return m->from == FROM_NOTHING;
}

bool score_measure_is_published(const score_measure *m)
{
    return m->published.of || score_measure_is_random(m);
}

bool score_measure_is_auc(const score_measure *m)
{
    return m->from == FROM_HISTOGRAMS;
}

bool score_measure_is_of_statistics(const score_measure *m)
{
    return m->from == FROM_STATISTICS;
}

bool score_measure_needs_spread(const score_measure *m)
{
    return m->of_sides == activation_entropy;
}

bool score_measure_needs_norms(const score_measure *m)
{
    return m->norms;
}

double score_measure_least_tokens(const score_measure *m)
{
    return m->of_sides == welch_t ? 2 : 1;
}

double score_measure_epsilon(const score_measure *m, bool published, bool attention)
{
    if (published)
        return attention ? 1e-4 : 1e-3;
    return m->eps;
}

void score_measure_apply(const score_measure *m, bool published, double eps, const score_sides *of,
                         int64_t n, double *score)
{
    compared *value = published ? m->published.of : m->corrected.of;
    for (int64_t i = 0; i < n; i++) {
        if (m->of_sides) {
            score[i] = m->of_sides(of, i);
            continue;
        }
        double f = value(&of->forget, i), r = value(&of->retain, i);
        score[i] = m->difference ? fabs(f - r) : f / (r + eps);
    }
}

void score_measure_random(uint64_t seed, const char *subset, int64_t first, int64_t n,
                          double *score)
{
    rng r = rng_new(seed, subset);
    for (int64_t i = 0; i < n; i++)
        score[i] = rng_normal(&r, (uint64_t)(first + i));
}

void score_measure_pool(double weight, const double *value, int64_t n, double *pooled)
{
    for (int64_t i = 0; i < n; i++)
        pooled[i] += weight * value[i];
}

void score_measure_spread(const double *value, int64_t subsets, int64_t n, double *sum,
                          double *entropy)
{
    for (int64_t i = 0; i < n; i++) {
        sum[i] = 0;
        for (int64_t s = 0; s < subsets; s++)
            sum[i] += value[s * n + i] > 0 ? value[s * n + i] : 0;
        entropy[i] = 0;
        for (int64_t s = 0; s < subsets; s++) {
            const double share = sum[i] > 0 ? value[s * n + i] / sum[i] : 0;
            entropy[i] -= share > 0 ? share * log(share) : 0;
        }
    }
}

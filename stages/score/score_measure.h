// SPDX-License-Identifier: Apache-2.0
// How specific neurons are to a subset: scores from activation statistics. No files and no engine
// here.
#ifndef STAGES_SCORE_SCORE_MEASURE_H
#define STAGES_SCORE_SCORE_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

// What the measures are made of, each over all tokens of a subset.
typedef enum statistic {
    STATISTIC_MEAN_ABS,      // E|x|
    STATISTIC_MEAN,          // E x
    STATISTIC_MEAN_SQUARE,   // E x^2
    STATISTIC_MEAN_SQRT_ABS, // E sqrt|x|
    STATISTIC_POSITIVE,      // P(x > 0)
    STATISTICS,
} statistic;

// "mean_abs": what the variables of `collect` end with.
extern const char *const score_measure_statistics[STATISTICS];

typedef struct neuron_statistics {
    double tokens;
    const double *of[STATISTICS]; // [neurons]; borrowed; NULL where the measure needs none
} neuron_statistics;

// A measure. In the corrected definitions a score is f ÷ (r + eps), f and r the same statistic of
// the forget and of the retain subsets: abs E|x|, rms sqrt(E x^2), std the standard deviation (of
// the tokens themselves, ÷ n), sqrt E sqrt|x|, freq P(x > 0): the importance functions of
// "Modularity in Transformers" (arXiv 2408.17324), which uses abs. Apart: mean is |f - r| with E x,
// and random standard normal.
//
// The published definitions are those of the paper's code (docs/published.md): statistics are
// rounded to float16 first; std is a ratio of sample variances; rms is sqrt(v^2 + m^2) with v the
// sample variance and m the mean; abs adds the rounded means of the positive and of the negative
// part.
typedef struct score_measure score_measure;

// The measure of that name, or NULL. Static.
const score_measure *score_measure_find(const char *name);
#define SCORE_MEASURE_NAMES "abs|rms|std|sqrt|freq|mean|random"
bool score_measure_needs(const score_measure *m, statistic s, bool published);
bool score_measure_is_random(const score_measure *m);
// eps where the pipeline file sets none. Published: 1e-3, and 1e-4 for attention neurons, whatever
// the measure.
double score_measure_epsilon(const score_measure *m, bool published, bool attention);

// Writes score[n] of n neurons, from the statistics that the measure needs. Not of `random`. Local.
void score_measure_apply(const score_measure *m, bool published, double eps,
                         const neuron_statistics *forget, const neuron_statistics *retain,
                         int64_t n, double *score);
// Writes score[n] of the measure `random` of neurons [first, first + n): a stream of its own for
// each subset, by name. Local.
void score_measure_random(uint64_t seed, const char *subset, int64_t first, int64_t n,
                          double *score);

// Adds weight · value[n] to pooled[n]. The statistics of several subsets together are their mean
// with the subsets' shares of all tokens as weights. Local.
void score_measure_pool(double weight, const double *value, int64_t n, double *pooled);

#endif

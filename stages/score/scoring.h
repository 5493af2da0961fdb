// SPDX-License-Identifier: Apache-2.0
// How specific neurons are to a subset: scores from activation statistics (DESIGN.md section 7). No
// files and no engine here.
#ifndef STAGES_SCORE_SCORING_H
#define STAGES_SCORE_SCORING_H

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

extern const char *const statistic_names[STATISTICS]; // "mean_abs", as variables of `collect` end

typedef struct neuron_statistics {
    double tokens;
    const double *of[STATISTICS]; // [neurons]; borrowed; NULL where the measure needs none
} neuron_statistics;

// A measure. In the corrected definitions a score is f ÷ (r + eps), f and r the same statistic of
// the forget and of the retain subsets: abs E|x|, rms sqrt(E x^2), std the standard deviation (of
// the tokens themselves, ÷ n), sqrt E sqrt|x|, freq P(x > 0). Apart: mean is |f - r| with E x, and
// random standard normal.
//
// The published definitions (published_behaviour in Modularity in Transformers, arXiv 2408.17324,
// and its code) differ: statistics are rounded to float16 first; std is a ratio of sample
// variances; rms is sqrt(v^2 + m^2) with v the sample variance and m the mean; abs adds the rounded
// means of the positive and of the negative part.
typedef struct measure measure;

// The measure of that name, or NULL. Static.
const measure *measure_find(const char *name);
#define MEASURE_NAMES "abs|rms|std|sqrt|freq|mean|random"
bool measure_needs(const measure *m, statistic s, bool published);
bool measure_is_random(const measure *m);
// Where the pipeline file sets none. Published: 1e-3, and 1e-4 for attention neurons, whatever the
// measure.
double measure_epsilon(const measure *m, bool published, bool attention);

// Scores of n neurons into score[n].
void measure_score(const measure *m, bool published, double eps, const neuron_statistics *forget,
                   const neuron_statistics *retain, int64_t n, double *score);
// Scores of the measure `random` of neurons [first, first + n): a stream of its own for each
// subset, by name.
void measure_random(uint64_t seed, const char *subset, int64_t first, int64_t n, double *score);

// Adds `tokens` · value to pooled[n]: statistics of several subsets pooled by token count, once
// divided by all tokens.
void statistic_pool(double tokens, const double *value, int64_t n, double *pooled);

// Rounds to the nearest number of IEEE binary16, ties to even; infinity from 65520 on.
double round_to_half(double x);

#endif

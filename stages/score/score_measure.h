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

// How a statistic is spread over all subsets, of each neuron: its sum, and the entropy in nats of
// their shares of it. Borrowed.
typedef struct subset_spread {
    int64_t subsets;
    const double *sum, *entropy; // [neurons]; NULL where the measure needs none
} subset_spread;

// A measure. In the corrected definitions a score is f ÷ (r + eps), f and r the same statistic of
// the forget and of the retain subsets: abs E|x|, rms sqrt(E x^2), std the standard deviation (of
// the tokens themselves, ÷ n), sqrt E sqrt|x|, freq P(x > 0): the importance functions of
// "Modularity in Transformers" (arXiv 2408.17324), which uses abs. Apart: mean is |f - r| with E x,
// and random standard normal. Five more have no published definition:
//
// t: Welch's statistic of the two means, (f - r) ÷ sqrt(v_f ÷ n_f + v_r ÷ n_r) with sample
// variances v (B. L. Welch, Biometrika 34, 1947). Tokens count as independent, which those of one
// text are not: it ranks neurons, its size is no p-value. Of one token on a side there is none.
//
// lape: p_s is the share of tokens with x > 0 in subset s, p'_s = p_s ÷ Σ p, H = -Σ p'_s ln p'_s
// its entropy over all S subsets, which is low in neurons that few subsets use ("Language-Specific
// Neurons", arXiv 2402.16438, section 2.2). The score is p'_f (ln S - H): what the neuron tells
// apart, given to the subsets by their shares of it; 0 where x > 0 nowhere.
//
// auc: the chance that x of a token to forget lies above x of another retained token, from
// histograms (stages/score/rank_auc.h): 1/2 is no difference.
//
// contribution: (f - r) ‖w‖ of E|x|, with w the neuron's output weights, its column of the projection
// that reads it: how much more of its size it adds to the hidden states on the tokens to forget. What
// weight pruning takes for a neuron's importance, |x| and weights together ("A Simple and Effective
// Pruning Approach for Large Language Models", arXiv 2306.11695), as a difference: in f ÷ r the norm
// would cancel out.
//
// weights: ‖w‖ alone, the same for all subsets: pruning by magnitude (Han et al., "Learning both
// Weights and Connections for Efficient Neural Networks", arXiv 1506.02626), of whole neurons. What
// knows of no subset is what the others are to be better than.
//
// The published definitions are those of the paper's code (docs/published.md): statistics are
// rounded to float16 first; std is a ratio of sample variances; rms is sqrt(v^2 + m^2) with v the
// sample variance and m the mean; abs adds the rounded means of the positive and of the negative
// part.
typedef struct score_measure score_measure;

// The measure of that name, or NULL. Static.
const score_measure *score_measure_find(const char *name);
#define SCORE_MEASURE_NAMES "abs|rms|std|sqrt|freq|mean|t|lape|auc|contribution|weights|random"
bool score_measure_needs(const score_measure *m, statistic s, bool published);
bool score_measure_is_random(const score_measure *m);
bool score_measure_is_published(const score_measure *m); // is there such a definition of it?
bool score_measure_is_auc(const score_measure *m);
// Is it made of the statistics, so that folds of these give an interval?
bool score_measure_is_of_statistics(const score_measure *m);
// Does it compare all subsets with each other, by the spread of P(x > 0)?
bool score_measure_needs_spread(const score_measure *m);
// Does it need the norms of the neurons' output weights, and so the model?
bool score_measure_needs_norms(const score_measure *m);
// Tokens that either side of a score has at least, or there is none.
double score_measure_least_tokens(const score_measure *m);
// eps where the pipeline file sets none. Published: 1e-3, and 1e-4 for attention neurons, whatever
// the measure.
double score_measure_epsilon(const score_measure *m, bool published, bool attention);

// The two sides of a score, and what lies between all.
typedef struct score_sides {
    neuron_statistics forget, retain;
    subset_spread spread; // where the measure needs it
    const double *norm;   // [neurons] of output weights; borrowed; NULL where it needs none
} score_sides;

// Writes score[n] of n neurons, from the statistics that the measure needs. Not of `random` and `auc`. Local.
void score_measure_apply(const score_measure *m, bool published, double eps, const score_sides *of,
                         int64_t n, double *score);
// Writes score[n] of the measure `random` of neurons [first, first + n): a stream of its own for
// each subset, by name. Local.
void score_measure_random(uint64_t seed, const char *subset, int64_t first, int64_t n,
                          double *score);

// Adds weight · value[n] to pooled[n]. The statistics of several subsets together are their mean
// with the subsets' shares of all tokens as weights. Local.
void score_measure_pool(double weight, const double *value, int64_t n, double *pooled);

// The spread of value[subsets, n], to sum[n] and entropy[n]; NaN has no share of it. Local.
void score_measure_spread(const double *value, int64_t subsets, int64_t n, double *sum,
                          double *entropy);

#endif

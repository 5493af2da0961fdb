// SPDX-License-Identifier: Apache-2.0
#include "stages/prune/answer_measures.h"

#include <math.h>

static double part_of(int64_t some, int64_t all)
{
    return all > 0 ? (double)some / (double)all : NAN;
}

static double mean(fixed sum, const answers *a)
{
    int64_t n = a->count[ANSWERS_SCORED];
    return n > 0 ? fixed_to(sum) / (double)n : NAN;
}

static double top10(const answers *a)
{
    return part_of(a->count[ANSWERS_TOP10], a->count[ANSWERS_SCORED]);
}

static double perplexity(const answers *a)
{
    return exp(mean(a->sum[ANSWERS_LOSS], a));
}

static double published_perplexity(const answers *a)
{
    return mean(a->sum[ANSWERS_EXP_LOSS], a);
}

static double kept(const answers *a)
{
    return part_of(a->count[ANSWERS_COUNTED_CORRECT], a->count[ANSWERS_COUNTED]);
}

static double kept_top10(const answers *a)
{
    return part_of(a->count[ANSWERS_COUNTED_TOP10], a->count[ANSWERS_COUNTED]);
}

const measure measures[MEASURES] = {
    {"accuracy_top10", "Top-10 accuracy", "1", false, false, top10},
    {"perplexity", "perplexity: e to the power of the mean cross-entropy", "1", false, true,
     perplexity},
    {"perplexity_published",
     "perplexity as published: mean over the answers of e to the power of the cross-entropy", "1",
     false, true, published_perplexity},
    {"accuracy_skip", "Top-1 accuracy on targets that are not in the skip list", "1", true, false,
     kept},
    {"accuracy_top10_skip", "Top-10 accuracy on targets that are not in the skip list", "1", true,
     false, kept_top10},
};

// SPDX-License-Identifier: Apache-2.0
// A table, so that a measure is one row and its function: memory, values, names and words of the
// artefact follow it (prune_output.c, prune_artefact.c).
#include "stages/prune/answer_measures.h"

#include <math.h>

static double top10_of(const answers *a)
{
    return answers_share(a, ANSWERS_TOP10, ANSWERS_SCORED);
}

static double perplexity_of(const answers *a)
{
    return exp(answers_mean(a, ANSWERS_LOSS));
}

static double published_perplexity_of(const answers *a)
{
    return answers_mean(a, ANSWERS_EXP_LOSS);
}

static double counted_of(const answers *a)
{
    return answers_share(a, ANSWERS_COUNTED_CORRECT, ANSWERS_COUNTED);
}

static double counted_top10_of(const answers *a)
{
    return answers_share(a, ANSWERS_COUNTED_TOP10, ANSWERS_COUNTED);
}

const answer_measure answer_measures[ANSWER_MEASURES] = {
    {"accuracy_top10", "Top-10 accuracy", "1", false, false, top10_of},
    {"perplexity", "perplexity: e to the power of the mean cross-entropy", "1", false, true,
     perplexity_of},
    {"perplexity_published",
     "perplexity as published: mean over the answers of e to the power of the cross-entropy", "1",
     false, true, published_perplexity_of},
    {"accuracy_skip", "Top-1 accuracy on targets that are not in the skip list", "1", true, false,
     counted_of},
    {"accuracy_top10_skip", "Top-10 accuracy on targets that are not in the skip list", "1", true,
     false, counted_top10_of},
};

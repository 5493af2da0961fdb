// SPDX-License-Identifier: Apache-2.0
// The table, and what it cannot say: measures that want others to compare with, and names.
#include "stages/score/score_params.h"

#include <string.h>

#include "stages/common/foreseen.h"
#include "stages/common/resources.h"
#include "stages/score/score_measure.h"

const param_def score_params[] = {
    {"measure", PARAM_TEXT, "abs", .choices = SCORE_MEASURE_NAMES,
     .help = "the statistic that forget and retain are compared by"},
    {"definition", PARAM_TEXT, "corrected", .choices = "corrected|published",
     .help = "published: as in the code of arXiv 2408.17324, with its quirks"},
    {"retain", PARAM_TEXTS, "[all]",
     .help = "all (the forget subset included), others, or names of subsets"},
    {"eps", PARAM_REAL, .low = 0, .high = 1e300,
     .help = "added to the retain statistic; 1e-6 (freq 1e-3) where absent"},
    {"seed", PARAM_INT, "0", .low = 0, .high = 9e15, .help = "of the measure random"},
    {0},
};

bool score_params_retain(const params *p, const char *word)
{
    return params_count(p, "retain") == 1 && strcmp(params_text_at(p, "retain", 0), word) == 0;
}

status score_params_rest(const task *t, int64_t subsets)
{
    const params *p = task_params(t);
    if (subsets < 2 && score_params_retain(p, "others"))
        return params_fail(p, "retain",
                           "there is one subset only, and no others to retain; "
                           "use retain: all");
    if (subsets < 2 && score_measure_is_auc(score_measure_find(params_text(p, "measure"))))
        return params_fail(p, "measure",
                           "auc compares a subset with others, and there is one only; use another "
                           "measure");
    return OK;
}

status score_params_check(const task *t)
{
    const params *p = task_params(t);
    const score_measure *m = score_measure_find(params_text(p, "measure"));
    if (strcmp(params_text(p, "definition"), "published") == 0 && !score_measure_is_published(m))
        return params_fail(p, "definition", "%s has no published definition; leave it out",
                           params_text(p, "measure"));
    if (score_measure_is_auc(m) && params_count(p, "retain") == 1 &&
        !score_params_retain(p, "all") && !score_params_retain(p, "others"))
        return params_fail(p, "retain",
                           "auc compares %s with what else is retained, and that is nothing; name "
                           "another, or use retain: all",
                           params_text_at(p, "retain", 0));
    if (score_measure_needs_spread(m) && !score_params_retain(p, "all"))
        return params_fail(p, "retain", "%s compares all subsets with each other; use retain: all",
                           params_text(p, "measure"));
    return OK;
}

status score_params_foresee(const task *t)
{
    const params *p = task_params(t);
    const dataset *d = task_resource(t, "data", 0);
    status st = d ? score_params_rest(t, dataset_subsets(d)) : OK;
    if (st != OK)
        return st;
    return score_params_retain(p, "all") || score_params_retain(p, "others")
               ? OK
               : foreseen_subsets(t, "retain");
}

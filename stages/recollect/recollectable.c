// SPDX-License-Identifier: Apache-2.0
// Apart from recollect.c, since nothing is opened for it: `plan` asks it of parameters alone.
#include "stages/recollect/recollectable.h"

#include <string.h>

#include "stages/score/score_measure.h"

static bool same_resource(const task *a, const task *b, const char *param)
{
    const char *x = task_resource_name(a, param, 0), *y = task_resource_name(b, param, 0);
    return x && y && strcmp(x, y) == 0;
}

status recollectable_check(const task *t, size_t i, const char *param)
{
    const params *p = task_params(t);
    const task *scores = task_upstream(t, i);
    const char *label = task_input_label(t, i);
    if (strcmp(task_input_stage(t, i), "score") != 0)
        return params_fail(p, param,
                           "how the scores of %s were made is not known; give a step of the stage "
                           "score",
                           label);
    const char *name = params_text(task_params(scores), "measure");
    const score_measure *m = score_measure_find(name);
    if (!score_measure_is_of_statistics(m) || score_measure_needs_spread(m) ||
        score_measure_needs_norms(m))
        return params_fail(p, param,
                           "scores of measure %s are not made again between steps; use another "
                           "measure, or recollect: false",
                           name);
    const task *collect = task_upstream(scores, 0);
    if (params_has(task_params(collect), "skip_first"))
        return params_fail(p, param,
                           "tokens that skip_first of %s leaves out would count; leave that out, "
                           "or use recollect: false",
                           task_label(collect));
    if (!same_resource(t, collect, "model") || !same_resource(t, collect, "data"))
        return params_fail(p, param,
                           "%s was collected of another model or dataset than is pruned with; "
                           "give those, or recollect: false",
                           label);
    return OK;
}

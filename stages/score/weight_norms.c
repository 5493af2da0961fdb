// SPDX-License-Identifier: Apache-2.0
// Only tasks whose measure needs it open the model and have it in their key, so that all others keep
// theirs. Weights are read rather than collected: they need no data, and old statistics serve.
#include "stages/score/weight_norms.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/common/resources.h"
#include "stages/score/score_measure.h"

bool weight_norms_takes(const task *t, const char *parameter)
{
    return strcmp(parameter, "model") == 0 &&
           score_measure_needs_norms(score_measure_find(params_text(task_params(t), "measure")));
}

status weight_norms_estimate(const task *t, estimate *out)
{
    if (weight_norms_takes(t, "model"))
        out->shared_bytes = stage_model_bytes(t);
    return OK;
}

status weight_norms_read(const task *t, site which, int64_t layers, int64_t width, double **norm)
{
    status st = OK;
    model *m = stage_model(t);
    const model_info *info = model_get_info(m);
    if (info->layers != layers || model_site_width(info, which) != width)
        return status_fail(ERR_INPUT, artefact_path(task_input(t, 0)),
                           "its statistics of %s are not of this model's neurons; run its step "
                           "again",
                           site_names[which]);
    double *of = checked_calloc((size_t)(layers * width), sizeof *of);
    if (!of)
        return status_no_memory("norms of weights");
    for (int64_t l = 0; l < layers; l++)
        TRY(model_output_norms(m, which, (int)l, of + l * width));
    *norm = of;
    of = NULL;
done:
    free(of);
    return st;
}

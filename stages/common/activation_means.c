// SPDX-License-Identifier: Apache-2.0
// Means are pooled from those of subsets by tokens, as scores pool what is retained.
#include "stages/common/activation_means.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

void activation_means_free(activation_means *m)
{
    free(m->mean);
    free(m->weight);
    free(m->subset);
    *m = (activation_means){0};
}

int activation_means_experts(const artefact *from)
{
    variable_type type;
    int dims;
    int64_t length[VARIABLE_MAX_DIMS];
    return artefact_has(from, "expert_tokens") &&
                   artefact_shape(from, "expert_tokens", &type, &dims, length) == OK && dims == 3
               ? (int)length[2]
               : 0;
}

// What is read is as large as the shape that was asked for.
static status check_shape(const artefact *from, site which, int layers, int width, int experts,
                          const char *mean)
{
    status st = OK;
    variable_type type;
    int dims;
    int64_t length[VARIABLE_MAX_DIMS];
    const int found = activation_means_experts(from);
    TRY(artefact_shape(from, mean, &type, &dims, length));
    if (dims != 3 || length[0] != artefact_length(from, "subset") || length[1] != layers ||
        length[2] != width)
        TRY(status_fail(ERR_INPUT, artefact_path(from),
                        "%s is not of (subset, %d layers, %d units); give the activations of the "
                        "model that is pruned",
                        mean, layers, width));
    if (which == SITE_MLP && found != experts)
        TRY(status_fail(ERR_INPUT, artefact_path(from),
                        "%s is of a model whose layers have %d experts, and the pruned one's "
                        "have %d; give the activations of the model that is pruned",
                        mean, found, experts));
done:
    return st;
}

status activation_means_read(const artefact *from, site which, int layers, int width, int experts,
                             activation_means *out)
{
    status st = OK;
    char mean[32], count[32];
    const bool sparse = which == SITE_MLP && experts > 0;
    snprintf(mean, sizeof mean, "%s_mean", site_names[which]);
    snprintf(count, sizeof count, "%s_count", site_names[which]);
    if (!artefact_has(from, mean) || !artefact_has(from, count))
        TRY(status_fail(ERR_INPUT, artefact_path(from),
                        "there is no %s; collect that site, or choose another `site:`", mean));
    TRY(check_shape(from, which, layers, width, experts, mean));
    TRY(artefact_read_texts(from, "subset", &out->subsets, &out->subset));
    out->neurons = (int64_t)layers * width;
    out->weights = sparse ? (int64_t)layers * experts : 1;
    out->mean = checked_calloc((size_t)(out->subsets * out->neurons), sizeof *out->mean);
    out->weight = checked_calloc((size_t)(out->subsets * out->weights), sizeof *out->weight);
    if (!out->mean || !out->weight)
        TRY(status_no_memory("means of activations"));
    TRY(artefact_read(from, mean, VARIABLE_F64, out->mean));
    TRY(artefact_read(from, sparse ? "expert_tokens" : count, VARIABLE_F64, out->weight));
done:
    return st;
}

void activation_means_pool(const activation_means *m, const char *without, float *out)
{
    const int64_t each = m->neurons / m->weights;
    for (int64_t i = 0; i < m->neurons; i++) {
        double sum = 0, tokens = 0;
        for (int64_t s = 0; s < m->subsets; s++) {
            const double n = m->weight[s * m->weights + i / each];
            if (n == 0 || (without && strcmp(m->subset[s], without) == 0))
                continue;
            sum += n * m->mean[s * m->neurons + i];
            tokens += n;
        }
        out[i] = tokens > 0 ? (float)(sum / tokens) : 0;
    }
}

// SPDX-License-Identifier: Apache-2.0
// Neurons are sorted once for each subset to forget; any number pruned is then a prefix of that
// order, which makes a search over numbers a search over nested sets.
#include "stages/prune/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/common/neuron_set.h"
#include "stages/common/scores.h"

static status check_site(const scores *s, int which, const model_info *info, ranking *r)
{
    int neurons = model_site_width(info, which);
    if (s->subsets != r->forgets || s->layers != info->layers || s->width[which] != neurons)
        return status_fail(ERR_INPUT, artefact_path(s->from),
                           "%s_score is not (%lld subsets, %d layers, %d units); give the scores "
                           "of the model that is pruned",
                           site_names[which], (long long)r->forgets, info->layers, neurons);
    r->width[which] = neurons;
    r->neurons += (int64_t)r->layers * neurons;
    return OK;
}

status ranking_open(const artefact *from, const char *sites, const model_info *info, ranking *out)
{
    status st = OK;
    double *score = NULL;
    ranking *r = out;
    scores s;
    *r = (ranking){.layers = info->layers};
    TRY(artefact_read_texts(from, "subset", &r->forgets, &r->forget));
    TRY(scores_open(from, sites, &s));
    for (int k = 0; k < SITES; k++)
        if (s.width[k] > 0)
            TRY(check_site(&s, k, info, r));
    score = checked_calloc((size_t)r->neurons, sizeof *score);
    r->order = checked_calloc((size_t)r->forgets * (size_t)r->neurons, sizeof *r->order);
    if (!score || !r->order)
        TRY(status_no_memory("the order of neurons"));
    for (int64_t f = 0; f < r->forgets; f++) {
        TRY(scores_read(&s, f, 0, r->layers, score));
        TRY(neuron_set_order(score, r->neurons, r->order + f * r->neurons));
    }
done:
    free(score);
    return st;
}

void ranking_free(ranking *r)
{
    free(r->forget);
    free(r->order);
    *r = (ranking){0};
}

void ranking_mask(const ranking *r, const int64_t *order, int64_t k, uint8_t *const pruned[SITES])
{
    int64_t layer_width = r->neurons / r->layers;
    for (int s = 0; s < SITES; s++)
        if (r->width[s] > 0)
            memset(pruned[s], 0, (size_t)r->layers * (size_t)r->width[s]);
    for (int64_t i = 0; i < k; i++) {
        int64_t layer = order[i] / layer_width, neuron = order[i] % layer_width;
        int s = 0;
        while (neuron >= r->width[s])
            neuron -= r->width[s++];
        pruned[s][layer * r->width[s] + neuron] = 1;
    }
}

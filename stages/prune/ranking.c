// SPDX-License-Identifier: Apache-2.0
#include "stages/prune/ranking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/common/neuron_set.h"

static status check_site(const artefact *scores, int which, const model_info *info, ranking *r)
{
    char name[32];
    variable_type type;
    int dims, units = model_site_width(info, which);
    int64_t length[VARIABLE_MAX_DIMS];
    snprintf(name, sizeof name, "%s_score", site_names[which]);
    if (!artefact_has(scores, name))
        return status_fail(ERR_INPUT, artefact_path(scores),
                           "there is no %s; collect and score that site, or choose another `site:`",
                           name);
    status st = artefact_shape(scores, name, &type, &dims, length);
    if (st != OK)
        return st;
    if (dims != 3 || length[0] != r->forgets || length[1] != info->layers || length[2] != units)
        return status_fail(ERR_INPUT, artefact_path(scores),
                           "%s is not (%lld subsets, %d layers, %d units); give the scores of the "
                           "model that is pruned",
                           name, (long long)r->forgets, info->layers, units);
    r->width[which] = units;
    return OK;
}

// Scores of one subset by flat index; `rows` holds one site's [layers, width].
static status read_scores(const artefact *scores, const ranking *r, int64_t forget, double *rows,
                          double *flat)
{
    status st = OK;
    int layer_width = (int)(r->neurons / r->layers), offset = 0;
    for (int k = 0; k < SITES; k++) {
        char name[32];
        if (r->width[k] == 0)
            continue;
        snprintf(name, sizeof name, "%s_score", site_names[k]);
        TRY(artefact_read_rows(scores, name, VARIABLE_F64, forget * r->layers, r->layers, rows));
        for (int l = 0; l < r->layers; l++)
            memcpy(flat + (int64_t)l * layer_width + offset, rows + (int64_t)l * r->width[k],
                   (size_t)r->width[k] * sizeof *flat);
        offset += r->width[k];
    }
done:
    return st;
}

status ranking_open(const artefact *scores, const char *sites, const model_info *info, ranking *out)
{
    status st = OK;
    double *rows = NULL, *flat = NULL;
    ranking *r = out;
    *r = (ranking){.layers = info->layers};
    TRY(artefact_read_texts(scores, "subset", &r->forgets, &r->forget));
    for (int k = 0; k < SITES; k++)
        if (strcmp(sites, "both") == 0 || strcmp(sites, site_names[k]) == 0)
            TRY(check_site(scores, k, info, r));
    for (int k = 0; k < SITES; k++)
        r->neurons += (int64_t)r->layers * r->width[k];
    rows = checked_calloc((size_t)r->neurons, sizeof *rows);
    flat = checked_calloc((size_t)r->neurons, sizeof *flat);
    r->order = checked_calloc((size_t)r->forgets * (size_t)r->neurons, sizeof *r->order);
    if (!rows || !flat || !r->order)
        TRY(status_no_memory("the order of neurons"));
    for (int64_t f = 0; f < r->forgets; f++) {
        TRY(read_scores(scores, r, f, rows, flat));
        TRY(neuron_set_order(flat, r->neurons, r->order + f * r->neurons));
    }
done:
    free(rows);
    free(flat);
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
        int64_t layer = order[i] / layer_width, unit = order[i] % layer_width;
        int s = unit < r->width[SITE_MLP] ? SITE_MLP : SITE_ATTN;
        if (s == SITE_ATTN)
            unit -= r->width[SITE_MLP];
        pruned[s][layer * r->width[s] + unit] = 1;
    }
}

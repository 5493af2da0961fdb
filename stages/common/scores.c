// SPDX-License-Identifier: Apache-2.0
// Scores are one variable a site, because the sites of a layer differ in width; but they are
// ranked together. So a reader sees a layer as one row, and a neuron's index is layer after layer,
// mlp before attn: that is where ties go to the lower one.
#include "stages/common/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

static const char *const variables[SITES] = {
    [SITE_MLP] = "mlp_score", [SITE_ATTN] = "attn_score", [SITE_EXPERT] = "expert_score"};

#define REACHED "expert_reached"

const char *scores_unit(site which)
{
    static const char *const unit[SITES] = {
        [SITE_MLP] = "unit", [SITE_ATTN] = "attn_unit", [SITE_EXPERT] = "expert"};
    return unit[which];
}

status scores_describe_subsets(artefact_writer *w, int64_t subsets, const char *const *subset)
{
    status st = OK;
    TRY(artefact_dim(w, "subset", subsets));
    TRY(artefact_variable(w, &(variable){.name = "subset",
                                         .type = VARIABLE_TEXT,
                                         .dims = 1,
                                         .dim = {"subset"},
                                         .long_name = "class or text domain to forget",
                                         .units = "1",
                                         .data = subset}));
done:
    return st;
}

status scores_describe_site(artefact_writer *w, site which, int64_t layers, int64_t width,
                            const char *long_name, const double *score)
{
    status st = OK;
    const char *unit = scores_unit(which);
    TRY(artefact_dim(w, "layer", layers));
    TRY(artefact_dim(w, unit, width));
    TRY(artefact_variable(w, &(variable){.name = variables[which],
                                         .type = VARIABLE_F64,
                                         .dims = 3,
                                         .dim = {"subset", "layer", unit},
                                         .long_name = long_name,
                                         .units = "1",
                                         .data = score}));
done:
    return st;
}

status scores_describe_reached(artefact_writer *w, const routing_shape *u,
                               const char *const *subset, const int64_t *tokens, int8_t *reached)
{
    status st = OK;
    for (int64_t i = 0; i < u->subsets * u->layers * u->experts; i++)
        reached[i] = tokens[i] > 0;
    TRY(artefact_dim(w, "expert", u->experts));
    TRY(artefact_variable(w, &(variable){.name = REACHED,
                                         .type = VARIABLE_I8,
                                         .dims = 3,
                                         .dim = {"subset", "layer", "expert"},
                                         .long_name = "1: tokens reached the expert; 0: none did, "
                                                      "and its neurons' scores are NaN",
                                         .units = "1",
                                         .data = reached}));
    TRY(unreached_note(u, subset, tokens, w));
done:
    return st;
}

status scores_open(const artefact *from, const char *sites, scores *out)
{
    *out = (scores){.from = from};
    for (int k = 0; k < SITES; k++) {
        variable_type type;
        int dims;
        int64_t length[VARIABLE_MAX_DIMS];
        const bool both = strcmp(sites, "both") == 0 && k != SITE_EXPERT;
        if (!both && strcmp(sites, site_names[k]) != 0)
            continue;
        if (!artefact_has(from, variables[k]))
            return status_fail(ERR_INPUT, artefact_path(from),
                               "there is no %s; collect and score that site, or choose another "
                               "`site:`",
                               variables[k]);
        status st = artefact_shape(from, variables[k], &type, &dims, length);
        if (st != OK)
            return st;
        if (dims != 3 || length[0] < 1 || length[1] < 1 || length[2] < 1 ||
            (out->layers && length[1] != out->layers))
            return status_fail(ERR_INPUT, artefact_path(from),
                               "%s is not (subset, layer, unit); run its step again", variables[k]);
        out->subsets = length[0];
        out->layers = length[1];
        out->width[k] = length[2];
        out->layer_width += length[2];
        out->unknown |= k == SITE_MLP && artefact_has(from, REACHED);
    }
    return OK;
}

int64_t scores_known(const scores *s, const double *score, int64_t n)
{
    int64_t known = 0;
    for (int64_t i = 0; i < n; i++)
        known += !s->unknown || !isnan(score[i]);
    return known;
}

status scores_read(const scores *s, int64_t subset, int64_t first, int64_t layers, double *score)
{
    status st = OK;
    int64_t offset = 0;
    double *rows = checked_calloc((size_t)(layers * s->layer_width), sizeof *rows);
    if (!rows)
        return status_no_memory("scores");
    for (int k = 0; k < SITES; k++) {
        if (s->width[k] == 0)
            continue;
        TRY(artefact_read_rows(s->from, variables[k], VARIABLE_F64, subset * s->layers + first,
                               layers, rows));
        for (int64_t l = 0; l < layers; l++)
            memcpy(score + l * s->layer_width + offset, rows + l * s->width[k],
                   (size_t)s->width[k] * sizeof *rows);
        offset += s->width[k];
    }
done:
    free(rows);
    return st;
}

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

static const char *const lows[SITES] = {[SITE_MLP] = "mlp_score_low",
                                        [SITE_ATTN] = "attn_score_low",
                                        [SITE_EXPERT] = "expert_score_low"};
static const char *const highs[SITES] = {[SITE_MLP] = "mlp_score_high",
                                         [SITE_ATTN] = "attn_score_high",
                                         [SITE_EXPERT] = "expert_score_high"};
static const char *const withouts[SITES] = {[SITE_MLP] = "mlp_score_without",
                                            [SITE_ATTN] = "attn_score_without",
                                            [SITE_EXPERT] = "expert_score_without"};

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

status scores_describe_folds(artefact_writer *w, site which, int64_t folds, const double *low,
                             const double *high, const double *without)
{
    status st = OK;
    const char *unit = scores_unit(which);
    variable v = {.type = VARIABLE_F64, .dims = 3, .dim = {"subset", "layer", unit}, .units = "1"};
    TRY(artefact_dim(w, "fold", folds));
    v.name = lows[which];
    v.long_name = "lower end of the score's 95% interval, by leaving out one fold at a time";
    v.data = low;
    TRY(artefact_variable(w, &v));
    v.name = highs[which];
    v.long_name = "upper end of the score's 95% interval";
    v.data = high;
    TRY(artefact_variable(w, &v));
    TRY(artefact_variable(w, &(variable){.name = withouts[which],
                                         .type = VARIABLE_F64,
                                         .dims = 4,
                                         .dim = {"fold", "subset", "layer", unit},
                                         .long_name = "the score without what was collected on the "
                                                      "fold",
                                         .units = "1",
                                         .data = without}));
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
        if (artefact_has(from, withouts[k]))
            out->folds = artefact_length(from, "fold");
    }
    return OK;
}

status scores_read_subsets(const scores *s, char ***names)
{
    int64_t n;
    status st = artefact_read_texts(s->from, "subset", &n, names);
    if (st == OK && n != s->subsets)
        st = status_fail(ERR_INPUT, artefact_path(s->from),
                         "%lld names for %lld subsets; run its step again", (long long)n,
                         (long long)s->subsets);
    return st;
}

int64_t scores_known(const scores *s, const double *score, int64_t n)
{
    int64_t known = 0;
    if (!s->unknown)
        return n;
    for (int64_t i = 0; i < n; i++)
        known += !isnan(score[i]);
    return known;
}

// Layers of a variable of each site, from row `at` on.
static status read_layers(const scores *s, const char *const name[SITES], int64_t at,
                          int64_t layers, double *score)
{
    status st = OK;
    int64_t offset = 0;
    double *rows = checked_calloc((size_t)(layers * s->layer_width), sizeof *rows);
    if (!rows)
        return status_no_memory("scores");
    for (int k = 0; k < SITES; k++) {
        if (s->width[k] == 0)
            continue;
        TRY(artefact_read_rows(s->from, name[k], VARIABLE_F64, at, layers, rows));
        for (int64_t l = 0; l < layers; l++)
            memcpy(score + l * s->layer_width + offset, rows + l * s->width[k],
                   (size_t)s->width[k] * sizeof *rows);
        offset += s->width[k];
    }
done:
    free(rows);
    return st;
}

status scores_read(const scores *s, int64_t subset, int64_t first, int64_t layers, double *score)
{
    return read_layers(s, variables, subset * s->layers + first, layers, score);
}

status scores_read_without(const scores *s, int64_t fold, int64_t subset, int64_t first,
                           int64_t layers, double *score)
{
    const int64_t row = (fold * s->subsets + subset) * s->layers + first;
    return read_layers(s, withouts, row, layers, score);
}

// Does what comes before a task of scores give those of a site? What is not known here does.
static bool has_site(const task *of, const char *stage, const params *p, const char *which)
{
    if (strcmp(stage, "import") == 0)
        return strcmp(params_text(p, "site"), which) == 0;
    if (strcmp(stage, "score") != 0 || task_inputs(of) != 1 ||
        strcmp(task_input_stage(of, 0), "collect") != 0)
        return true;
    return params_lists(task_input_params(of, 0), "sites", which);
}

status scores_check_sites(const task *t)
{
    const char *asked = params_text(task_params(t), "site");
    const bool both = strcmp(asked, "both") == 0;
    for (size_t i = 0; i < task_inputs(t); i++)
        for (site s = SITE_MLP; s <= SITE_ATTN; s++) {
            const char *name = site_names[s];
            if ((both || strcmp(asked, name) == 0) &&
                !has_site(task_upstream(t, i), task_input_stage(t, i), task_input_params(t, i),
                          name))
                return params_fail(
                    task_params(t), "site",
                    "%s has no scores of site %s; collect it (sites: [mlp, attn]) or "
                    "choose another",
                    task_input_label(t, i), name);
        }
    return OK;
}

// SPDX-License-Identifier: Apache-2.0
// The stage `score`: how specific every neuron is to every subset, from collected statistics.
//   scores: {stage: score, from: activations, measure: abs, retain: all}
// Input: an artefact of `collect`; of measures of output weights, the model it is of. Output, of each
// site that was collected:
//   string subset(subset)                        1  class or text domain to forget
//   double mlp_score(subset, layer, unit)        1  higher: more specific, against what is retained
//   double attn_score(subset, layer, attn_unit)  1  the same
//   double expert_score(subset, layer, expert)   1  the same of a sparse model's experts
//   byte expert_reached(subset, layer, expert)   1  with mlp of a sparse model, see below
// Where statistics are by fold (stages/common/jackknife.h), but for weights and random:
//   double mlp_score_low(subset, layer, unit)                  1  lower end of a 95% interval
//   double mlp_score_high(subset, layer, unit)                 1  upper end
//   double mlp_score_without(fold, subset, layer, unit)        1  the score without a fold
//   double attn_score_low(subset, layer, attn_unit)            1  lower end of a 95% interval
//   double attn_score_high(subset, layer, attn_unit)           1  upper end
//   double attn_score_without(fold, subset, layer, attn_unit)  1  the score without a fold
//   double expert_score_low(subset, layer, expert)             1  lower end of a 95% interval
//   double expert_score_high(subset, layer, expert)            1  upper end
//   double expert_score_without(fold, subset, layer, expert)   1  the score without a fold
// The neurons of a sparse model's expert are compared over the tokens that are routed to it. Where
// no token of the subset is, or none of what it is compared with, expert_reached is 0 and their
// scores are NaN; of measure t so they are where it is one token.
//
// No rounds: it is a few operations a neuron, done where the artefact is written. So the statistics
// of a site are in memory as a whole, those that the measure needs; histograms a layer at a time.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/stage.h"
#include "stages/common/scores.h"
#include "stages/score/score_folds.h"
#include "stages/score/score_measure.h"
#include "stages/score/score_params.h"
#include "stages/score/site_auc.h"
#include "stages/score/weight_norms.h"

// The statistics of one site of all subsets.
typedef struct site_statistics {
    int64_t layers, width, neurons; // of the site: width of a layer
    int64_t group, groups;          // neurons that are over the same tokens, side by side: those of
                                    // an expert, or all
    double *of[STATISTICS];         // [subset, neuron]; NULL where not needed
    double *pooled[STATISTICS];     // [group]
    double *sum, *entropy;          // [neuron] of the spread over subsets; NULL where not needed
    double *norm;                   // [neuron] of output weights; NULL where not needed
    double *tokens;                 // [subset, groups]
    double *score;                  // [subset, neuron]
    int64_t *reached; // [subset, groups] of experts: 0 where a score is not known; else NULL
    int8_t *mark;     // the same as the artefact has it
    score_folds folds;
} site_statistics;

typedef struct score_state {
    const task *task;     // borrowed
    const artefact *from; // borrowed
    const score_measure *measure;
    bool published, others;
    int64_t subsets;
    char **subset;
    bool *retained; // [subsets]; with `others` all but the forget subset are
    site_statistics site[SITES];
    char *modality;
} score_state;

static status choose_retained(score_state *s)
{
    const params *p = task_params(s->task);
    status st = score_params_rest(s->task, s->subsets);
    if (st != OK)
        return st;
    s->others = score_params_retain(p, "others");
    s->retained = checked_calloc((size_t)s->subsets, sizeof *s->retained);
    if (!s->retained)
        return status_no_memory("a list of subsets");
    if (s->others || score_params_retain(p, "all")) {
        memset(s->retained, true, (size_t)s->subsets * sizeof *s->retained);
        return OK;
    }
    for (size_t i = 0; i < params_count(p, "retain"); i++) {
        const char *name = params_text_at(p, "retain", i);
        int64_t at = 0;
        while (at < s->subsets && strcmp(s->subset[at], name) != 0)
            at++;
        if (at < s->subsets) {
            s->retained[at] = true;
            continue;
        }
        const char *near = text_nearest(name, (const char *const *)s->subset, (size_t)s->subsets);
        return params_fail(p, "retain", "there is no subset %s; %s%s", name,
                           near ? "did you mean " : "give all, others or names of subsets of ",
                           near ? near : artefact_path(s->from));
    }
    return OK;
}

static void score_close(void *state)
{
    score_state *s = state;
    if (!s)
        return;
    for (int k = 0; k < SITES; k++) {
        for (int i = 0; i < STATISTICS; i++) {
            free(s->site[k].of[i]);
            free(s->site[k].pooled[i]);
        }
        free(s->site[k].sum);
        free(s->site[k].entropy);
        free(s->site[k].norm);
        free(s->site[k].tokens);
        free(s->site[k].score);
        free(s->site[k].reached);
        free(s->site[k].mark);
        score_folds_free(&s->site[k].folds);
    }
    free(s->subset);
    free(s->retained);
    free(s->modality);
    free(s);
}

static status score_open(const task *t, void **state)
{
    status st = OK;
    const params *p = task_params(t);
    score_state *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("score");
    s->task = t;
    s->from = task_input(t, 0);
    s->measure = score_measure_find(params_text(p, "measure"));
    s->published = strcmp(params_text(p, "definition"), "published") == 0;
    s->modality = artefact_get_attribute(s->from, "modality");
    TRY(artefact_read_texts(s->from, "subset", &s->subsets, &s->subset));
    TRY(choose_retained(s));
    *state = s;
    s = NULL;
done:
    score_close(s);
    return st;
}

// Reads over how many tokens the statistics of a site are.
static status read_tokens(const score_state *s, int which, site_statistics *x)
{
    status st = OK;
    char name[64];
    const int64_t experts = which == SITE_MLP && artefact_has(s->from, "expert_tokens")
                                ? artefact_length(s->from, "expert")
                                : 0;
    if (experts > 0 && x->width % experts != 0)
        return status_fail(ERR_INPUT, artefact_path(s->from),
                           "expert_tokens is not of the experts of mlp; run its step again");
    x->groups = experts > 0 ? x->layers * experts : 1;
    x->group = x->neurons / x->groups;
    const size_t counts = (size_t)s->subsets * (size_t)x->groups;
    x->tokens = checked_calloc(counts, sizeof(double));
    if (experts > 0) {
        x->reached = checked_calloc(counts, sizeof *x->reached);
        x->mark = checked_calloc(counts, sizeof *x->mark);
    }
    if (!x->tokens || (experts > 0 && (!x->reached || !x->mark)))
        return status_no_memory("scores");
    snprintf(name, sizeof name, experts > 0 ? "expert_tokens" : "%s_count", site_names[which]);
    TRY(artefact_read(s->from, name, VARIABLE_F64, x->tokens));
    for (int64_t f = 0; experts == 0 && f < s->subsets; f++)
        if (x->tokens[f] < score_measure_least_tokens(s->measure))
            TRY(status_fail(ERR_INPUT, artefact_path(s->from),
                            "%s has %.0f of the 2 tokens that measure t needs for a variance (site "
                            "%s); collect more, or use another measure",
                            s->subset[f], x->tokens[f], site_names[which]));
done:
    return st;
}

// Reads what the measure needs of a site; *there = false where it was not collected.
static status read_site(const score_state *s, int which, site_statistics *out, bool *there)
{
    status st = OK;
    char name[64];
    variable_type type;
    int dims;
    int64_t length[VARIABLE_MAX_DIMS];
    snprintf(name, sizeof name, "%s_%s", site_names[which], score_measure_statistics[0]);
    *there = artefact_has(s->from, name);
    if (!*there)
        return OK;
    TRY(artefact_shape(s->from, name, &type, &dims, length));
    if (dims != 3 || length[0] != s->subsets)
        return status_fail(ERR_INPUT, artefact_path(s->from),
                           "%s is not (subset, layer, unit); run its step again", name);
    out->layers = length[1];
    out->width = length[2];
    out->neurons = length[1] * length[2];
    size_t values = (size_t)s->subsets * (size_t)out->neurons;
    out->score = checked_calloc(values, sizeof(double));
    if (!out->score)
        return status_no_memory("scores");
    if (score_measure_needs_spread(s->measure)) {
        out->sum = checked_calloc((size_t)out->neurons, sizeof(double));
        out->entropy = checked_calloc((size_t)out->neurons, sizeof(double));
        if (!out->sum || !out->entropy)
            return status_no_memory("scores");
    }
    TRY(read_tokens(s, which, out));
    if (score_measure_needs_norms(s->measure))
        TRY(weight_norms_read(s->task, which, out->layers, out->width, &out->norm));
    for (int i = 0; i < STATISTICS; i++) {
        if (!score_measure_needs(s->measure, i, s->published))
            continue;
        out->of[i] = checked_calloc(values, sizeof(double));
        out->pooled[i] = checked_calloc((size_t)out->group, sizeof(double));
        if (!out->of[i] || !out->pooled[i])
            return status_no_memory("activation statistics");
        snprintf(name, sizeof name, "%s_%s", site_names[which], score_measure_statistics[i]);
        TRY(artefact_read(s->from, name, VARIABLE_F64, out->of[i]));
    }
done:
    return st;
}

// Tokens of a group that a subset's are compared with: of the retained subsets without `left_out`
// (-1: none).
static double retained_tokens(const score_state *s, const site_statistics *x, int64_t group,
                              int64_t left_out)
{
    double tokens = 0;
    for (int64_t r = 0; r < s->subsets; r++)
        tokens += s->retained[r] && r != left_out ? x->tokens[r * x->groups + group] : 0;
    return tokens;
}

// The retained subsets' statistics of a group, pooled by token count.
static neuron_statistics pool_retained(const score_state *s, site_statistics *x, int64_t group,
                                       int64_t left_out)
{
    neuron_statistics pooled = {.tokens = retained_tokens(s, x, group, left_out)};
    for (int i = 0; i < STATISTICS; i++) {
        if (!x->of[i])
            continue;
        memset(x->pooled[i], 0, (size_t)x->group * sizeof(double));
        for (int64_t r = 0; r < s->subsets; r++) {
            const double tokens = x->tokens[r * x->groups + group];
            if (s->retained[r] && r != left_out && tokens > 0)
                score_measure_pool(tokens / pooled.tokens,
                                   x->of[i] + r * x->neurons + group * x->group, x->group,
                                   x->pooled[i]);
        }
        pooled.of[i] = x->pooled[i];
    }
    return pooled;
}

// How the share of tokens with x > 0 is spread over all subsets, where the measure needs it.
static void spread_site(const score_state *s, const site_statistics *x)
{
    if (score_measure_needs_spread(s->measure))
        score_measure_spread(x->of[STATISTIC_POSITIVE], s->subsets, x->neurons, x->sum, x->entropy);
}

static void forget_scores(double *score, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        score[i] = NAN;
}

// The scores of a group for each subset.
static void score_group(const score_state *s, int which, site_statistics *x, int64_t group,
                        double eps)
{
    const params *p = task_params(s->task);
    const int64_t first = group * x->group;
    score_sides sides = {.retain = pool_retained(s, x, group, -1)};
    if (x->sum)
        sides.spread = (subset_spread){s->subsets, x->sum + first, x->entropy + first};
    sides.norm = x->norm ? x->norm + first : NULL;
    for (int64_t f = 0; f < s->subsets; f++) {
        double *score = x->score + f * x->neurons + first;
        sides.forget = (neuron_statistics){.tokens = x->tokens[f * x->groups + group]};
        for (int i = 0; i < STATISTICS; i++)
            sides.forget.of[i] = x->of[i] ? x->of[i] + f * x->neurons + first : NULL;
        if (s->others)
            sides.retain = pool_retained(s, x, group, f);
        const bool known = fmin(sides.forget.tokens, sides.retain.tokens) >=
                           score_measure_least_tokens(s->measure);
        if (x->reached)
            x->reached[f * x->groups + group] = known;
        if (!known)
            forget_scores(score, x->group);
        else if (score_measure_is_random(s->measure))
            score_measure_random((uint64_t)params_int(p, "seed"), s->subset[f],
                                 ((int64_t)which << 40) + first, x->group, score);
        else
            score_measure_apply(s->measure, s->published, eps, &sides, x->group, score);
    }
}

static void score_site(const score_state *s, int which, site_statistics *x)
{
    const params *p = task_params(s->task);
    double eps = params_has(p, "eps")
                     ? params_real(p, "eps")
                     : score_measure_epsilon(s->measure, s->published, which == SITE_ATTN);
    spread_site(s, x);
    for (int64_t group = 0; group < x->groups; group++)
        score_group(s, which, x, group, eps);
}

static fold_site fold_site_of(const score_state *s, int which, const site_statistics *x)
{
    return (fold_site){s->from,  which,     s->subsets,         x->layers,
                       x->width, x->groups, x->reached != NULL, x->tokens};
}

static status auc_of_site(const score_state *s, int which, site_statistics *x)
{
    const auc_site of = {s->from,  which,          s->subsets, x->layers,
                         x->width, x->folds.folds, s->retained};
    const status st = site_auc(&of, x->score, x->folds.without);
    if (st != OK)
        return st;
    for (int64_t i = 0; x->reached && i < s->subsets * x->groups; i++) {
        const int64_t f = i / x->groups, group = i % x->groups;
        x->reached[i] = x->tokens[i] > 0 && retained_tokens(s, x, group, f) > 0;
    }
    return OK;
}

// The scores without each fold: as of the whole, of other statistics over other tokens.
static status score_folds_of_site(const score_state *s, int which, site_statistics *x)
{
    status st = OK;
    const fold_site own = fold_site_of(s, which, x);
    const size_t values = (size_t)s->subsets * (size_t)x->neurons;
    site_statistics y = *x; // and what is not the whole's
    y.reached = NULL;
    memset(y.of, 0, sizeof y.of);
    y.tokens = checked_calloc((size_t)(s->subsets * x->groups), sizeof *y.tokens);
    if (!y.tokens)
        TRY(status_no_memory("scores without folds"));
    for (int i = 0; i < STATISTICS; i++)
        if (x->of[i] && !(y.of[i] = checked_calloc(values, sizeof(double))))
            TRY(status_no_memory("scores without folds"));
    for (int64_t f = 0; f < x->folds.folds; f++) {
        TRY(score_folds_tokens(&own, f, y.tokens));
        for (int i = 0; i < STATISTICS; i++)
            if (x->of[i])
                TRY(score_folds_leave_out(&own, score_measure_statistics[i], f, x->of[i], y.tokens,
                                          y.of[i]));
        y.score = x->folds.without + (size_t)f * values;
        score_site(s, which, &y);
    }
done:
    for (int i = 0; i < STATISTICS; i++)
        free(y.of[i]);
    free(y.tokens);
    return st;
}

// By how many folds the site's scores can be.
static int64_t folds_of(const score_state *s, int which)
{
    if (score_measure_is_auc(s->measure))
        return site_auc_folds(s->from, which);
    return score_measure_is_of_statistics(s->measure) ? score_folds_of(s->from) : 0;
}

static status score_site_and_folds(const score_state *s, int which, site_statistics *x)
{
    status st = OK;
    if (folds_of(s, which) > 0) {
        const fold_site own = fold_site_of(s, which, x);
        TRY(score_folds_new(&own, &x->folds));
    }
    if (score_measure_is_auc(s->measure))
        TRY(auc_of_site(s, which, x));
    else {
        score_site(s, which, x);
        if (x->folds.folds > 0)
            TRY(score_folds_of_site(s, which, x));
    }
done:
    return st;
}

static status describe_reached(const score_state *s, const site_statistics *x, artefact_writer *w)
{
    const routing_shape u = {s->subsets, x->layers, x->groups / x->layers};
    return scores_describe_reached(w, &u, (const char *const *)s->subset, x->reached, x->mark);
}

static status score_finish(void *state, const round_state *finished, const partial *sum,
                           artefact_writer *w)
{
    (void)finished, (void)sum;
    status st = OK;
    score_state *s = state;
    TRY(artefact_attribute(w, "title", "Scores of neurons against subsets of data"));
    if (s->modality)
        TRY(artefact_attribute(w, "modality", s->modality));
    TRY(scores_describe_subsets(w, s->subsets, (const char *const *)s->subset));
    for (int k = 0; k < SITES; k++) {
        bool there;
        TRY(read_site(s, k, &s->site[k], &there));
        if (!there)
            continue;
        site_statistics *x = &s->site[k];
        const fold_site own = fold_site_of(s, k, x);
        TRY(score_site_and_folds(s, k, x));
        TRY(scores_describe_site(w, k, x->layers, x->width,
                                 "how specific the neuron is to the subset, against what is "
                                 "retained; higher is more specific",
                                 x->score));
        if (x->folds.folds > 0)
            TRY(score_folds_describe(&x->folds, &own, x->score, w));
        if (x->reached)
            TRY(describe_reached(s, x, w));
    }
done:
    return st;
}

const stage_def stage_score = {
    .name = "score",
    .version = 1,
    .summary = "how specific every neuron is to every subset",
    .params = score_params,
    .inputs = "collect",
    .inputs_required = true,
    .check = score_params_check,
    .takes = weight_norms_takes,
    .estimate = weight_norms_estimate,
    .foresee = score_params_foresee,
    .open = score_open,
    .finish = score_finish,
    .close = score_close,
};

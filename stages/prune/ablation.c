// SPDX-License-Identifier: Apache-2.0
// Means are of the statistics of a collect step (activation_means.h). Parameter and inputs are looked
// at here too, so that `plan` says what is missing.
#include "stages/prune/ablation.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/common/activation_means.h"

static ablation_value value_of(const params *p)
{
    static const char *const names[ABLATION_VALUES] = {
        [ABLATE_ZERO] = "zero",
        [ABLATE_MEAN] = "mean",
        [ABLATE_RETAIN_MEAN] = "retain_mean",
        [ABLATE_RESAMPLE] = "resample",
    };
    for (ablation_value v = 0; params_has(p, "value") && v < ABLATION_VALUES; v++)
        if (strcmp(params_text(p, "value"), names[v]) == 0)
            return v;
    return ABLATE_ZERO;
}

static bool is_mean(ablation_value v)
{
    return v == ABLATE_MEAN || v == ABLATE_RETAIN_MEAN;
}

static bool is_collect(const task *t, size_t i)
{
    return strcmp(task_input_stage(t, i), "collect") == 0;
}

// The first input that is of the kind, or task_inputs.
static size_t find_input(const task *t, bool collect)
{
    size_t i = 0;
    while (i < task_inputs(t) && is_collect(t, i) != collect)
        i++;
    return i;
}

size_t ablation_scores_at(const task *t)
{
    return find_input(t, false);
}

const artefact *ablation_other_scores(const task *t)
{
    size_t before = 0;
    for (size_t i = 0; i < task_inputs(t); i++)
        if (!is_collect(t, i) && before++ > 0)
            return task_input(t, i);
    return NULL;
}

const artefact *ablation_scores(const task *t)
{
    return task_input(t, find_input(t, false));
}

status ablation_check(const task *t)
{
    const params *p = task_params(t);
    const ablation_value v = value_of(p);
    size_t collects = 0, n = task_inputs(t);
    for (size_t i = 0; i < n; i++)
        collects += is_collect(t, i);
    const size_t wanted = params_lists(p, "random", "resplit") ? 2 : 1;
    if (wanted == 2 && n - collects != 2)
        return params_fail(p, "random",
                           "resplit is by a second step of scores; give from: [scores, others]");
    if (n - collects != wanted)
        return params_fail(p, "from",
                           "%zu scores; give one step of scores (a sweep gives one task "
                           "for each)",
                           n - collects);
    if (is_mean(v) && collects != 1)
        return params_fail(p, "from",
                           "value: %s needs the activations too; give from: [scores, activations]",
                           params_text(p, "value"));
    if (!is_mean(v) && collects > 0)
        return params_fail(p, "from",
                           "activations are for value: mean and retain_mean; leave %s out",
                           task_input_label(t, is_collect(t, 0) ? 0 : 1));
    if (v != ABLATE_RESAMPLE && params_has(p, "seed"))
        return params_fail(p, "seed", "it is of value: resample; leave it out");
    return OK;
}

static status open_means(const task *t, const ranking *r, const model_info *info, ablation *a)
{
    status st = OK;
    const artefact *from = task_input(t, find_input(t, true));
    activation_means m = {0};
    a->groups = a->value == ABLATE_MEAN ? 1 : r->forgets;
    for (int k = 0; k < SITES; k++) {
        const size_t neurons = (size_t)a->layers * (size_t)a->width[k];
        if (neurons == 0)
            continue;
        TRY(activation_means_read(from, (site)k, a->layers, a->width[k], info->experts, &m));
        if (!(a->mean[k] = checked_calloc((size_t)a->groups * neurons, sizeof *a->mean[k])))
            TRY(status_no_memory("means of activations"));
        for (int64_t g = 0; g < a->groups; g++)
            activation_means_pool(&m, a->value == ABLATE_MEAN ? NULL : r->forget[g],
                                  a->mean[k] + (size_t)g * neurons);
        activation_means_free(&m);
    }
done:
    activation_means_free(&m);
    return st;
}

// A digest of all that decides values, for caches of answers.
static status identify(ablation *a)
{
    status st = OK;
    digest *d = NULL;
    TRY(digest_new(&d));
    digest_add(d, &a->value, sizeof a->value);
    digest_add(d, &a->seed, sizeof a->seed);
    for (int k = 0; k < SITES; k++)
        if (a->mean[k])
            digest_add(d, a->mean[k],
                       (size_t)a->groups * (size_t)a->layers * (size_t)a->width[k] * sizeof(float));
    digest_hex(d, a->id);
done:
    digest_free(d);
    return st;
}

status ablation_open(const task *t, const ranking *r, const model_info *info, ablation *out)
{
    status st = OK;
    const params *p = task_params(t);
    ablation *a = out;
    *a = (ablation){.value = value_of(p), .layers = r->layers};
    memcpy(a->width, r->width, sizeof a->width);
    if (a->value == ABLATE_ZERO)
        return OK;
    if (r->width[SITE_EXPERT] > 0)
        return params_fail(p, "value",
                           "pruned experts take no part; leave value: out, or choose "
                           "another `site:`");
    if (a->value == ABLATE_RESAMPLE && info->experts > 0)
        return params_fail(p, "value",
                           "in a sparse model a neuron has no activation for tokens "
                           "that do not reach its expert; use mean or zero");
    a->seed = params_has(p, "seed") ? (uint64_t)params_int(p, "seed") : 0;
    if (is_mean(a->value))
        TRY(open_means(t, r, info, a));
    TRY(identify(a));
done:
    return st;
}

int ablation_passes(const params *p)
{
    return value_of(p) == ABLATE_RESAMPLE ? 2 : 1;
}

double ablation_bytes(const params *p, double neurons, double subsets, int threads, int64_t rows)
{
    const double part = params_has(p, "fraction") ? params_real(p, "fraction") : 1;
    switch (value_of(p)) {
    case ABLATE_MEAN: // while they are pooled
        return neurons * (subsets * sizeof(double) + sizeof(float));
    case ABLATE_RETAIN_MEAN:
        return neurons * subsets * (sizeof(double) + sizeof(float));
    case ABLATE_RESAMPLE:
        return threads * part * neurons * (double)rows * sizeof(float);
    default:
        return 0;
    }
}

void ablation_free(ablation *a)
{
    for (int k = 0; k < SITES; k++)
        free(a->mean[k]);
    *a = (ablation){0};
}

void ablation_set_means(const ablation *a, int64_t forget, const site_block *block,
                        const int32_t *neuron, int n, float *x)
{
    const int64_t group = a->groups > 1 ? forget : 0;
    const float *mean =
        a->mean[block->site] + (group * a->layers + block->layer) * a->width[block->site];
    for (int64_t i = 0; i < block->rows; i++, x += block->stride)
        for (int j = 0; j < n; j++)
            x[neuron[j] - block->first_neuron] = mean[neuron[j]];
}

// SPDX-License-Identifier: Apache-2.0
// The table, and the few rules that a table cannot say. A parameter without a default is in no key
// until it is given, so that what was pruned before it came is still found.
#include "stages/prune/prune_params.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/common/resources.h"
#include "stages/common/scores.h"
#include "stages/recollect/recollectable.h"

const param_def prune_params[] = {
    {"from", PARAM_FROM, .required = true,
     .help = "scores; beside them activations, for value: mean and retain_mean, and other scores, "
             "for random: resplit"},
    {"model", PARAM_RESOURCE, .required = true, .section = "models", .help = "the model to prune"},
    {"data", PARAM_RESOURCE, .required = true, .section = "datasets",
     .help = "the dataset the scores are of; its subsets are what is forgotten"},
    {"drop", PARAM_REAL, .low = 0, .high = 1,
     .help = "share of its Top-1 accuracy that the forgotten subset is to lose"},
    {"fraction", PARAM_REAL, .low = 0, .high = 1,
     .help = "instead of drop: share of all neurons to prune"},
    {"steps", PARAM_INT, .low = 1, .high = 1000,
     .help = "with fraction: that it is pruned in, each as large, by scores of what is left; one "
             "where absent"},
    {"recollect", PARAM_BOOL,
     .help = "false: all steps prune by the first scores, which is one step; true where absent"},
    {"site", PARAM_TEXT, "mlp", .choices = "mlp|attn|both|expert",
     .help = "which neurons; both: of mlp and attn; expert: whole experts of a sparse model"},
    {"layers", PARAM_REALS, .high = 1e9,
     .help = "of these layers alone, the first is 0; \"0:5:1\" is first:last:step"},
    {"unit", PARAM_TEXT, .choices = "neuron|head",
     .help = "head: prune whole heads of attention, with site: attn"},
    {"head_score", PARAM_TEXT, .choices = "mean|median",
     .help = "what a head's score is of its neurons' scores; mean where absent"},
    {"tolerance", PARAM_REAL, "0.02", .low = 0, .high = 1,
     .help = "how far below its target the accuracy may end"},
    {"seeds", PARAM_INT, "5", .low = 0, .high = 1000,
     .help = "random prunings of as many neurons, as a baseline"},
    {"random", PARAM_TEXTS, .choices = "uniform|layer_matched|lowest|resplit",
     .help = "what else is pruned beside, as many: any neurons (where absent), as many in each "
             "layer, the least specific ones, the most specific by the second scores"},
    {"skip", PARAM_INT, "0", .low = 0, .high = 1e9,
     .help = "text: also report accuracies without the targets that are most frequent in what was "
             "collected on, this many (published: 50)"},
    {"skip_tokens", PARAM_TEXTS,
     .help = "text: also report accuracies without these targets, each the last token of a text "
             "(\" the\", \"\\n\")"},
    {"value", PARAM_TEXT, .choices = ABLATION_NAMES,
     .help = "what pruned neurons become: 0 (where absent), their mean over what was collected, "
             "over what is retained of it, or what they do in another sample"},
    {"seed", PARAM_INT, .low = 0, .high = 9e15,
     .help = "of value: resample, 0 where absent: which other sample"},
    {"evaluate", PARAM_RESOURCES, .section = "datasets",
     .help = "datasets to measure on; where absent, data"},
    {0},
};

// Is a parameter there, and this word?
static bool is_given(const params *p, const char *name, const char *word)
{
    return params_has(p, name) && strcmp(params_text(p, name), word) == 0;
}

int64_t prune_params_steps(const params *p)
{
    const bool again = !params_has(p, "recollect") || params_bool(p, "recollect");
    return again && params_has(p, "steps") ? params_int(p, "steps") : 1;
}

// Which of the two parameters asks for new scores between steps.
static const char *param_of_steps(const params *p)
{
    return params_has(p, "recollect") ? "recollect" : "steps";
}

static status check_steps(const task *t)
{
    const params *p = task_params(t);
    const char *param = param_of_steps(p);
    if (params_has(p, "steps") && params_has(p, "drop"))
        return params_fail(p, "steps",
                           "steps prune a given share; give fraction: 0.1 instead of drop");
    if (params_has(p, "recollect") && params_bool(p, "recollect") && prune_params_steps(p) < 2)
        return params_fail(p, "recollect",
                           "there is one step, and nothing to collect after it; give steps: 2 or "
                           "more");
    if (prune_params_steps(p) < 2)
        return OK;
    if (is_given(p, "value", "resample"))
        return params_fail(p, "value",
                           "between steps there are no other samples; use mean or zero, or "
                           "recollect: false");
    if (prune_params_experts(p))
        return params_fail(p, "site",
                           "scores of experts are not made again between steps; leave steps out");
    return recollectable_check(t, ablation_scores_at(t), param);
}

status prune_params_check(const task *t)
{
    const params *p = task_params(t);
    bool drop = params_has(p, "drop"), fraction = params_has(p, "fraction");
    if (drop && fraction)
        return params_fail(p, "fraction", "drop and fraction are both given; give one of them");
    if (!drop && !fraction)
        return params_fail(p, "drop",
                           "neither drop nor fraction is given; give drop: 0.5 to search "
                           "for that loss of accuracy, or fraction: 0.1 to prune that share");
    const bool heads = is_given(p, "unit", "head");
    if (heads && strcmp(params_text(p, "site"), "attn") != 0)
        return params_fail(p, "unit", "heads are of attention; give site: attn");
    if (!heads && params_has(p, "head_score"))
        return params_fail(p, "head_score", "neurons have scores of their own; give unit: head");
    status st;
    TRY(ablation_check(t));
    TRY(scores_check_sites(t));
    TRY(check_steps(t));
done:
    return st;
}

status prune_params_foresee(const task *t)
{
    const params *p = task_params(t);
    const bool skips = params_int(p, "skip") > 0 || params_count(p, "skip_tokens") > 0;
    if (skips && model_get_info(stage_model(t))->modality == MODALITY_IMAGE)
        return params_fail(p, params_int(p, "skip") > 0 ? "skip" : "skip_tokens",
                           "images have no tokens; leave it out");
    if (prune_params_steps(p) > 1 && model_get_info(stage_model(t))->experts > 0)
        return params_fail(p, param_of_steps(p),
                           "scores of a sparse model are not made again between steps; leave steps "
                           "out");
    return OK;
}

void prune_params_seeds(const params *p, int64_t seeds[PRUNED_KINDS])
{
    const int64_t given = params_int(p, "seeds");
    const bool uniform = !params_has(p, "random");
    seeds[PRUNED_TOP] = 1;
    seeds[PRUNED_UNIFORM] = uniform || params_lists(p, "random", "uniform") ? given : 0;
    seeds[PRUNED_LAYER_MATCHED] =
        !uniform && params_lists(p, "random", "layer_matched") ? given : 0;
    seeds[PRUNED_LOWEST] = !uniform && params_lists(p, "random", "lowest") ? 1 : 0;
    seeds[PRUNED_RESPLIT] = !uniform && params_lists(p, "random", "resplit") ? 1 : 0;
}

bool prune_params_experts(const params *p)
{
    return strcmp(params_text(p, "site"), site_names[SITE_EXPERT]) == 0;
}

int64_t prune_params_neurons(const params *p, const model_info *info)
{
    const char *asked = params_text(p, "site");
    int64_t neurons = 0;
    for (site s = 0; s < SITES; s++)
        if (strcmp(asked, site_names[s]) == 0 || (strcmp(asked, "both") == 0 && s != SITE_EXPERT))
            neurons += (int64_t)info->layers * model_site_width(info, s);
    return neurons;
}

// Marks the layers asked in *chosen, owned by the caller; NULL where all are.
static status choose_layers(const params *p, const model_info *info, bool **chosen)
{
    *chosen = NULL;
    if (!params_has(p, "layers"))
        return OK;
    if (!(*chosen = checked_calloc((size_t)info->layers, sizeof **chosen)))
        return status_no_memory("a list of layers");
    for (size_t i = 0; i < params_count(p, "layers"); i++) {
        const double layer = params_real_at(p, "layers", i);
        if (layer != floor(layer) || layer >= info->layers)
            return params_fail(p, "layers", "there is no layer %g; the model's are 0 to %d", layer,
                               info->layers - 1);
        (*chosen)[(int)layer] = true;
    }
    return OK;
}

status prune_params_choice(const params *p, const model_info *info, bool **layers,
                           ranking_choice *choice)
{
    status st = choose_layers(p, info, layers);
    *choice = (ranking_choice){.sites = params_text(p, "site"),
                               .layers = *layers,
                               .heads = is_given(p, "unit", "head"),
                               .median = is_given(p, "head_score", "median")};
    return st;
}

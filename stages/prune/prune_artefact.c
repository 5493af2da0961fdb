// SPDX-License-Identifier: Apache-2.0
// Names and words of the variables in tables by the indices of prune_output.h, so that what is
// computed and what it is called cannot be mixed up.
#include "stages/prune/prune_artefact.h"

#include <stdio.h>

#include "stages/common/scores.h"

typedef struct described {
    const char *name, *long_name, *units;
} described;

static const described base_variable[BASE_VARIABLES] = {
    [BASE_ACCURACY] = {"accuracy_base", "Top-1 accuracy of the unpruned model", "1"},
    [BASE_LOW] = {"accuracy_base_low", "lower end of its 95% Wilson interval", "1"},
    [BASE_HIGH] = {"accuracy_base_high", "upper end of its 95% Wilson interval", "1"},
    [BASE_LOSS] = {"loss_base", "mean cross-entropy of the unpruned model", "nat"},
};

static const described cross_variable[CROSS_VARIABLES] = {
    [ACCURACY] = {"accuracy", "Top-1 accuracy on `subset` after pruning for `forget`", "1"},
    [ACCURACY_LOW] = {"accuracy_low", "lower end of its 95% Wilson interval", "1"},
    [ACCURACY_HIGH] = {"accuracy_high", "upper end of its 95% Wilson interval", "1"},
    [RATIO] = {"ratio", "accuracy relative to the unpruned model", "1"},
    [LOSS] = {"loss", "mean cross-entropy after pruning", "nat"},
    [ACCURACY_RANDOM] = {"accuracy_random",
                         "mean Top-1 accuracy after pruning as many neurons at random", "1"},
    [RATIO_RANDOM] = {"ratio_random",
                      "mean accuracy relative to the unpruned model after pruning as many neurons "
                      "at random",
                      "1"},
    [RATIO_RANDOM_STD] = {"ratio_random_std",
                          "standard deviation of that ratio over the random prunings", "1"},
};

static const described control_variable[PRUNED_KINDS][CONTROL_VARIABLES] = {
    [PRUNED_LAYER_MATCHED] =
        {{"accuracy_layer_matched",
          "mean Top-1 accuracy after pruning random neurons, as many in each layer's sites", "1"},
         {"ratio_layer_matched", "that accuracy relative to the unpruned model", "1"},
         {"ratio_layer_matched_std", "standard deviation of that ratio over those prunings", "1"}},
    [PRUNED_LOWEST] = {{"accuracy_lowest",
                        "Top-1 accuracy after pruning as many of the least specific neurons", "1"},
                       {"ratio_lowest", "that accuracy relative to the unpruned model", "1"}},
    [PRUNED_RESPLIT] = {{"accuracy_resplit",
                         "Top-1 accuracy after pruning as many neurons that are the most specific "
                         "by the second step's scores",
                         "1"},
                        {"ratio_resplit", "that accuracy relative to the unpruned model", "1"}},
};

static const described trace_variable[TRACE_VARIABLES] = {
    [TRACE_FRACTION] = {"trace_fraction", "share of neurons pruned in each probe of the search",
                        "1"},
    [TRACE_ACCURACY] = {"trace_accuracy", "Top-1 accuracy on what the probe answered", "1"},
    [TRACE_SAMPLES] = {"trace_samples",
                       "answers of the probe; fewer than samples where the rest could not matter",
                       "1"},
};

static status describe_forget(const prune_setting *s, const prune_output *o, artefact_writer *w)
{
    status st = OK;
    const variable of_forget[] = {
        {.name = "forget",
         .type = VARIABLE_TEXT,
         .long_name = "subset whose neurons are pruned",
         .data = s->ranking->forget},
        {.name = "fraction",
         .type = VARIABLE_F64,
         .long_name = "share of the neurons that is pruned",
         .data = o->fraction},
        {.name = "pruned",
         .type = VARIABLE_I64,
         .long_name = "neurons that are pruned",
         .data = o->pruned},
        {.name = "reached",
         .type = VARIABLE_I8,
         .long_name = "1: as asked; 0: no number of neurons was found that meets the drop, and "
                      "this is the most found whose accuracy is still above",
         .data = o->reached},
    };
    for (size_t i = 0; i < sizeof of_forget / sizeof *of_forget; i++) {
        variable v = of_forget[i];
        v.dims = 1;
        v.dim[0] = "forget";
        v.units = "1";
        TRY(artefact_variable(w, &v));
    }
done:
    return st;
}

// Real variables over the same dimensions.
static status describe_reals(const described *what, int n, double *const *values, int dims,
                             const char *first, const char *second, artefact_writer *w)
{
    status st = OK;
    for (int i = 0; i < n; i++)
        TRY(artefact_variable(w, &(variable){.name = what[i].name,
                                             .type = VARIABLE_F64,
                                             .dims = dims,
                                             .dim = {first, second},
                                             .long_name = what[i].long_name,
                                             .units = what[i].units,
                                             .data = values[i]}));
done:
    return st;
}

static status describe_measures(const prune_output *o, artefact_writer *w)
{
    status st = OK;
    for (int m = 0; m < ANSWER_MEASURES; m++) {
        char base[64], before[160], after[160];
        if (!o->more[m])
            continue;
        snprintf(base, sizeof base, "%s_base", answer_measures[m].name);
        snprintf(before, sizeof before, "%s; unpruned model", answer_measures[m].long_name);
        snprintf(after, sizeof after, "%s; after pruning for `forget`",
                 answer_measures[m].long_name);
        const described what[] = {{base, before, answer_measures[m].units},
                                  {answer_measures[m].name, after, answer_measures[m].units}};
        TRY(describe_reals(&what[0], 1, &o->more_base[m], 1, "subset", NULL, w));
        TRY(describe_reals(&what[1], 1, &o->more[m], 2, "forget", "subset", w));
    }
    if (o->counted)
        TRY(artefact_variable(w, &(variable){.name = "samples_skip",
                                             .type = VARIABLE_I64,
                                             .dims = 1,
                                             .dim = {"subset"},
                                             .long_name = "answers whose target is not in the skip "
                                                          "list",
                                             .units = "1",
                                             .data = o->counted}));
done:
    return st;
}

static status describe_masks(const prune_setting *s, const prune_output *o, artefact_writer *w)
{
    static const char *const name[SITES] = {
        [SITE_MLP] = "mlp_mask", [SITE_ATTN] = "attn_mask", [SITE_EXPERT] = "expert_mask"};
    status st = OK;
    for (int k = 0; k < SITES; k++) {
        if (!o->mask[k])
            continue;
        TRY(artefact_dim(w, scores_unit(k), s->ranking->width[k]));
        TRY(artefact_variable(w, &(variable){.name = name[k],
                                             .type = VARIABLE_I8,
                                             .dims = 3,
                                             .dim = {"forget", "layer", scores_unit(k)},
                                             .long_name = "1: the neuron is pruned",
                                             .units = "1",
                                             .data = o->mask[k]}));
    }
done:
    return st;
}

// Subsets are called alike whatever is evaluated beside: by their own names, and their dataset's.
static status describe_evaluated(const prune_setting *s, artefact_writer *w)
{
    const variable coordinates[] = {{.name = "dataset",
                                     .long_name = "the subset's dataset in the pipeline file",
                                     .data = s->evaluation->dataset},
                                    {.name = "subset_name",
                                     .long_name = "the subset's name in its dataset",
                                     .data = s->evaluation->subset}};
    status st = OK;
    for (size_t i = 0; st == OK && i < sizeof coordinates / sizeof *coordinates; i++) {
        variable v = coordinates[i];
        v.type = VARIABLE_TEXT;
        v.dims = 1;
        v.dim[0] = "subset";
        v.units = "1";
        st = artefact_coordinate(w, &v);
    }
    return st;
}

status prune_artefact_describe(const prune_setting *s, const prune_output *o, artefact_writer *w)
{
    status st = OK;
    TRY(artefact_attribute(w, "title", "Accuracy of a transformer after pruning task neurons"));
    TRY(artefact_attribute(w, "modality", s->info->modality == MODALITY_TEXT ? "text" : "image"));
    TRY(artefact_dim(w, "forget", s->ranking->forgets));
    TRY(artefact_dim(w, "subset", s->evaluation->reported));
    TRY(artefact_dim(w, "layer", s->ranking->layers));
    TRY(artefact_dim(w, "probe", o->probes));
    TRY(describe_forget(s, o, w));
    TRY(artefact_variable(w, &(variable){.name = "subset",
                                         .type = VARIABLE_TEXT,
                                         .dims = 1,
                                         .dim = {"subset"},
                                         .long_name = "class or text domain that is evaluated",
                                         .units = "1",
                                         .data = s->evaluation->name}));
    TRY(describe_evaluated(s, w));
    TRY(artefact_variable(w, &(variable){.name = "samples",
                                         .type = VARIABLE_I64,
                                         .dims = 1,
                                         .dim = {"subset"},
                                         .long_name = "answers that the accuracies are over",
                                         .units = "1",
                                         .data = o->samples}));
    TRY(describe_reals(base_variable, BASE_VARIABLES, o->base, 1, "subset", NULL, w));
    TRY(describe_reals(cross_variable, CROSS_VARIABLES, o->cross, 2, "forget", "subset", w));
    for (int k = 0; k < PRUNED_KINDS; k++)
        for (int i = 0; i < CONTROL_VARIABLES; i++)
            if (o->control[k][i])
                TRY(describe_reals(&control_variable[k][i], 1, &o->control[k][i], 2, "forget",
                                   "subset", w));
    TRY(describe_measures(o, w));
    TRY(describe_reals(trace_variable, TRACE_VARIABLES, o->trace, 2, "forget", "probe", w));
    TRY(describe_masks(s, o, w));
done:
    return st;
}

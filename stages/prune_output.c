// SPDX-License-Identifier: Apache-2.0
// Output of `prune`:
//   string subset(subset), forget(forget)        what is measured; what was forgotten
//   double fraction(forget); int64 pruned(forget); byte reached(forget)
//   double accuracy_base(subset), _low, _high; loss_base(subset); int64 samples(subset)
//   double accuracy(forget, subset), _low, _high; ratio; loss; accuracy_random, ratio_random,
//   ratio_random_std (forget, subset) double trace_fraction(forget, probe), trace_accuracy,
//   trace_samples byte   mlp_mask(forget, layer, unit), attn_mask(forget, layer, attn_unit)
#include "stages/prune_output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/wilson.h"

enum { BASE_ACCURACY, BASE_LOW, BASE_HIGH, BASE_LOSS, BASE_VARIABLES };
enum {
    ACCURACY,
    ACCURACY_LOW,
    ACCURACY_HIGH,
    RATIO,
    LOSS,
    ACCURACY_RANDOM,
    RATIO_RANDOM,
    RATIO_RANDOM_STD,
    CROSS_VARIABLES
};
enum { TRACE_FRACTION, TRACE_ACCURACY, TRACE_SAMPLES, TRACE_VARIABLES };

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

static const described trace_variable[TRACE_VARIABLES] = {
    [TRACE_FRACTION] = {"trace_fraction", "share of neurons pruned in each probe of the search",
                        "1"},
    [TRACE_ACCURACY] = {"trace_accuracy", "Top-1 accuracy on what the probe answered", "1"},
    [TRACE_SAMPLES] = {"trace_samples",
                       "answers of the probe; fewer than samples where the rest could not matter",
                       "1"},
};

static double quotient(int64_t some, int64_t all)
{
    return all > 0 ? (double)some / (double)all : NAN;
}

static double mean_loss(const answers *a)
{
    return a->scored > 0 ? fixed_to(a->loss) / (double)a->scored : NAN;
}

static double relative(double accuracy, double base)
{
    return base > 0 ? accuracy / base : NAN;
}

static status allocate(const prune_setting *s, prune_output *o)
{
    size_t forgets = (size_t)s->ranking->forgets, subsets = (size_t)s->evaluation->reported;
    bool all = true;
    all &= (o->fraction = checked_calloc(forgets, sizeof(double))) != NULL;
    all &= (o->pruned = checked_calloc(forgets, sizeof(int64_t))) != NULL;
    all &= (o->reached = checked_calloc(forgets, 1)) != NULL;
    all &= (o->samples = checked_calloc(subsets, sizeof(int64_t))) != NULL;
    for (int i = 0; i < BASE_VARIABLES; i++)
        all &= (o->base[i] = checked_calloc(subsets, sizeof(double))) != NULL;
    for (int i = 0; i < CROSS_VARIABLES; i++)
        all &= (o->cross[i] = checked_calloc(forgets * subsets, sizeof(double))) != NULL;
    for (int i = 0; i < TRACE_VARIABLES; i++)
        all &= (o->trace[i] = checked_calloc(forgets * (size_t)o->probes, sizeof(double))) != NULL;
    for (int k = 0; k < SITES; k++) {
        size_t neurons = (size_t)s->ranking->layers * (size_t)s->ranking->width[k];
        if (neurons > 0)
            all &= (o->mask[k] = checked_calloc(forgets * neurons, 1)) != NULL;
    }
    return all ? OK : status_no_memory("the results of prune");
}

static void fill_base(const prune_setting *s, const prune_view *view, prune_output *o)
{
    for (int e = 0; e < s->evaluation->reported; e++) {
        answers a = prune_answers(s, view, NULL, -1, e);
        o->samples[e] = a.scored;
        o->base[BASE_ACCURACY][e] = quotient(a.correct, a.scored);
        o->base[BASE_LOSS][e] = mean_loss(&a);
        wilson_interval(a.correct, a.scored, &o->base[BASE_LOW][e], &o->base[BASE_HIGH][e]);
    }
}

// Mean and sample standard deviation over the random prunings, in the order of their seeds.
static void fill_random(const prune_setting *s, const prune_view *view, const prune_plan *plan,
                        const partial *sum, int64_t pruned, int e, int64_t at, prune_output *o)
{
    double total = 0, squares = 0, n = (double)s->seeds;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t seed = 0; seed < s->seeds; seed++) {
            int64_t mask = prune_plan_find(plan, -1, seed, pruned);
            answers a = prune_answers(s, view, sum, mask, e);
            double accuracy = quotient(a.correct, a.scored), beside = accuracy - total / n;
            if (pass == 0)
                total += accuracy;
            else
                squares += beside * beside;
        }
    double base = o->base[BASE_ACCURACY][e];
    o->cross[ACCURACY_RANDOM][at] = s->seeds > 0 ? total / n : NAN;
    o->cross[RATIO_RANDOM][at] = relative(o->cross[ACCURACY_RANDOM][at], base);
    o->cross[RATIO_RANDOM_STD][at] = s->seeds > 1 ? relative(sqrt(squares / (n - 1)), base) : NAN;
}

static void fill_cross(const prune_setting *s, const prune_view *view, const prune_plan *plan,
                       const partial *sum, prune_output *o)
{
    for (int64_t f = 0; f < s->ranking->forgets; f++) {
        int64_t pruned = view->search[f].at, mask = prune_plan_find(plan, f, 0, pruned);
        for (int e = 0; e < s->evaluation->reported; e++) {
            int64_t at = f * s->evaluation->reported + e;
            answers a = prune_answers(s, view, sum, mask, e);
            o->cross[ACCURACY][at] = quotient(a.correct, a.scored);
            o->cross[RATIO][at] = relative(o->cross[ACCURACY][at], o->base[BASE_ACCURACY][e]);
            o->cross[LOSS][at] = mean_loss(&a);
            wilson_interval(a.correct, a.scored, &o->cross[ACCURACY_LOW][at],
                            &o->cross[ACCURACY_HIGH][at]);
            fill_random(s, view, plan, sum, pruned, e, at, o);
        }
    }
}

static void fill_search(const prune_setting *s, const prune_view *view, prune_output *o)
{
    const ranking *r = s->ranking;
    for (int64_t f = 0; f < r->forgets; f++) {
        const bisection *b = &view->search[f];
        uint8_t *mask[SITES];
        o->pruned[f] = b->at;
        o->fraction[f] = (double)b->at / (double)r->neurons;
        o->reached[f] = b->outcome == BISECTION_REACHED;
        for (int64_t i = 0; i < o->probes; i++) {
            const bisection_probe *p = i < b->probes ? &b->probe[i] : NULL;
            int64_t at = f * o->probes + i;
            o->trace[TRACE_FRACTION][at] = p ? quotient(p->pruned, r->neurons) : NAN;
            o->trace[TRACE_ACCURACY][at] = p ? quotient(p->correct, p->seen) : NAN;
            o->trace[TRACE_SAMPLES][at] = p ? (double)p->seen : NAN;
        }
        for (int k = 0; k < SITES; k++)
            mask[k] = o->mask[k] ? (uint8_t *)o->mask[k] + f * r->layers * r->width[k] : NULL;
        ranking_mask(r, r->order + f * r->neurons, b->at, mask);
    }
}

status prune_output_make(const prune_setting *s, const round_state *finished, const partial *sum,
                         prune_output *out)
{
    status st = OK;
    prune_plan p = {0};
    prune_view view = prune_view_of(s, finished);
    out->probes = 1;
    for (int64_t f = 0; f < s->ranking->forgets; f++)
        if (view.search[f].probes > out->probes)
            out->probes = view.search[f].probes;
    TRY(allocate(s, out));
    TRY(prune_plan_make(s, finished, &p));
    fill_base(s, &view, out);
    fill_cross(s, &view, &p, sum, out);
    fill_search(s, &view, out);
done:
    prune_plan_free(&p);
    return st;
}

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

static status describe_masks(const prune_setting *s, const prune_output *o, artefact_writer *w)
{
    static const char *const name[SITES] = {[SITE_MLP] = "mlp_mask", [SITE_ATTN] = "attn_mask"};
    static const char *const unit[SITES] = {[SITE_MLP] = "unit", [SITE_ATTN] = "attn_unit"};
    status st = OK;
    for (int k = 0; k < SITES; k++) {
        if (!o->mask[k])
            continue;
        TRY(artefact_dim(w, unit[k], s->ranking->width[k]));
        TRY(artefact_variable(w, &(variable){.name = name[k],
                                             .type = VARIABLE_I8,
                                             .dims = 3,
                                             .dim = {"forget", "layer", unit[k]},
                                             .long_name = "1: the neuron is pruned",
                                             .units = "1",
                                             .data = o->mask[k]}));
    }
done:
    return st;
}

status prune_output_describe(const prune_setting *s, const prune_output *o, artefact_writer *w)
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
    TRY(artefact_variable(w, &(variable){.name = "samples",
                                         .type = VARIABLE_I64,
                                         .dims = 1,
                                         .dim = {"subset"},
                                         .long_name = "answers that the accuracies are over",
                                         .units = "1",
                                         .data = o->samples}));
    TRY(describe_reals(base_variable, BASE_VARIABLES, o->base, 1, "subset", NULL, w));
    TRY(describe_reals(cross_variable, CROSS_VARIABLES, o->cross, 2, "forget", "subset", w));
    TRY(describe_reals(trace_variable, TRACE_VARIABLES, o->trace, 2, "forget", "probe", w));
    TRY(describe_masks(s, o, w));
done:
    return st;
}

void prune_output_free(prune_output *o)
{
    free(o->fraction);
    free(o->pruned);
    free(o->reached);
    free(o->samples);
    for (int i = 0; i < BASE_VARIABLES; i++)
        free(o->base[i]);
    for (int i = 0; i < CROSS_VARIABLES; i++)
        free(o->cross[i]);
    for (int i = 0; i < TRACE_VARIABLES; i++)
        free(o->trace[i]);
    for (int k = 0; k < SITES; k++)
        free(o->mask[k]);
    *o = (prune_output){0};
}

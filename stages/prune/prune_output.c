// SPDX-License-Identifier: Apache-2.0
// All values come from integers of the last vector and sum, in one place and one order: they are
// the same whoever computes them. What a random pruning of as many neurons gave is there once for
// all subsets that pruned as many.
#include "stages/prune/prune_output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/common/wilson.h"

_Static_assert(RATIO_RANDOM == ACCURACY_RANDOM + CONTROL_RATIO &&
                   RATIO_RANDOM_STD == ACCURACY_RANDOM + CONTROL_RATIO_STD,
               "uniform random prunings are a control among the cross variables");

static double quotient(int64_t some, int64_t all)
{
    return all > 0 ? (double)some / (double)all : NAN;
}

static double accuracy_of(const answers *a)
{
    return answers_share(a, ANSWERS_CORRECT, ANSWERS_SCORED);
}

static double relative_to(double accuracy, double base)
{
    return base > 0 ? accuracy / base : NAN;
}

static bool is_measured(const prune_setting *s, const answer_measure *m)
{
    return s->info->modality == MODALITY_TEXT && (!m->skips || s->evaluation->skip);
}

static status allocate_values(const prune_setting *s, prune_output *o)
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
    for (prune_kind k = PRUNED_LAYER_MATCHED; k < PRUNED_KINDS; k++)
        for (int i = 0; s->seeds[k] > 0 && i < CONTROL_VARIABLES; i++)
            if (i != CONTROL_RATIO_STD || k < PRUNED_LOWEST)
                all &=
                    (o->control[k][i] = checked_calloc(forgets * subsets, sizeof(double))) != NULL;
    for (int i = 0; i < TRACE_VARIABLES; i++)
        all &= (o->trace[i] = checked_calloc(forgets * (size_t)o->probes, sizeof(double))) != NULL;
    for (int m = 0; m < ANSWER_MEASURES; m++)
        if (is_measured(s, &answer_measures[m])) {
            all &= (o->more_base[m] = checked_calloc(subsets, sizeof(double))) != NULL;
            all &= (o->more[m] = checked_calloc(forgets * subsets, sizeof(double))) != NULL;
        }
    if (s->evaluation->skip)
        all &= (o->counted = checked_calloc(subsets, sizeof(int64_t))) != NULL;
    for (int k = 0; k < SITES; k++) {
        size_t neurons = (size_t)s->ranking->layers * (size_t)s->ranking->width[k];
        if (neurons > 0)
            all &= (o->mask[k] = checked_calloc(forgets * neurons, 1)) != NULL;
    }
    return all ? OK : status_no_memory("the results of prune");
}

static bool has_choices(const prune_setting *s, int e)
{
    const int32_t *unused;
    const tile_source *source = &s->evaluation->source;
    return tile_source_choices(source, source->cuts.subset_tile[e], &unused) > 0;
}

static void measure_answers(const prune_setting *s, int e, const answers *a, double *const *values,
                            int64_t at)
{
    for (int m = 0; m < ANSWER_MEASURES; m++)
        if (values[m])
            values[m][at] =
                answer_measures[m].questions || !has_choices(s, e) ? answer_measures[m].of(a) : NAN;
}

static void fill_base(const prune_setting *s, const prune_view *view, prune_output *o)
{
    for (int e = 0; e < s->evaluation->reported; e++) {
        answers a = prune_round_answers(s, view, NULL, -1, e);
        o->samples[e] = a.count[ANSWERS_SCORED];
        o->base[BASE_ACCURACY][e] = accuracy_of(&a);
        o->base[BASE_LOSS][e] = answers_mean(&a, ANSWERS_LOSS);
        wilson_interval(a.count[ANSWERS_CORRECT], a.count[ANSWERS_SCORED], &o->base[BASE_LOW][e],
                        &o->base[BASE_HIGH][e]);
        if (o->counted)
            o->counted[e] = has_choices(s, e) ? 0 : a.count[ANSWERS_COUNTED];
        measure_answers(s, e, &a, o->more_base, e);
    }
}

// Mean and sample standard deviation over the prunings of a kind, in the order of their seeds; to
// values[CONTROL_VARIABLES] at `at`.
static void fill_control(const prune_setting *s, const prune_view *view, const prune_plan *plan,
                         const partial *sum, const prune_mask *like, int e, double base,
                         double *const *values, int64_t at)
{
    const int64_t seeds = s->seeds[like->kind];
    double total = 0, squares = 0, n = (double)seeds;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t seed = 0; seed < seeds; seed++) {
            prune_mask m = *like;
            m.seed = seed;
            answers a = prune_round_answers(s, view, sum, prune_plan_find(plan, &m), e);
            double accuracy = accuracy_of(&a), beside = accuracy - total / n;
            if (pass == 0)
                total += accuracy;
            else
                squares += beside * beside;
        }
    values[CONTROL_ACCURACY][at] = seeds > 0 ? total / n : NAN;
    values[CONTROL_RATIO][at] = relative_to(values[CONTROL_ACCURACY][at], base);
    if (values[CONTROL_RATIO_STD])
        values[CONTROL_RATIO_STD][at] =
            seeds > 1 ? relative_to(sqrt(squares / (n - 1)), base) : NAN;
}

static void fill_controls(const prune_setting *s, const prune_view *view, const prune_plan *plan,
                          const partial *sum, int64_t forget, int e, int64_t at, prune_output *o)
{
    const double base = o->base[BASE_ACCURACY][e];
    for (prune_kind k = PRUNED_UNIFORM; k < PRUNED_KINDS; k++) {
        const prune_mask like = prune_mask_of(s, k, forget, 0, view->search[forget].at);
        double *const *values = k == PRUNED_UNIFORM ? o->cross + ACCURACY_RANDOM : o->control[k];
        if (values[CONTROL_ACCURACY])
            fill_control(s, view, plan, sum, &like, e, base, values, at);
    }
}

static void fill_cross(const prune_setting *s, const prune_view *view, const prune_plan *plan,
                       const partial *sum, prune_output *o)
{
    for (int64_t f = 0; f < s->ranking->forgets; f++) {
        const prune_mask own = prune_mask_of(s, PRUNED_TOP, f, 0, view->search[f].at);
        const int64_t mask = prune_plan_find(plan, &own);
        for (int e = 0; e < s->evaluation->reported; e++) {
            int64_t at = f * s->evaluation->reported + e;
            answers a = prune_round_final_answers(s, view, sum, f, mask, e);
            o->cross[ACCURACY][at] = accuracy_of(&a);
            o->cross[RATIO][at] = relative_to(o->cross[ACCURACY][at], o->base[BASE_ACCURACY][e]);
            o->cross[LOSS][at] = answers_mean(&a, ANSWERS_LOSS);
            wilson_interval(a.count[ANSWERS_CORRECT], a.count[ANSWERS_SCORED],
                            &o->cross[ACCURACY_LOW][at], &o->cross[ACCURACY_HIGH][at]);
            measure_answers(s, e, &a, o->more, at);
            fill_controls(s, view, plan, sum, f, e, at, o);
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
    prune_view view = prune_round_view(s, finished);
    out->probes = 1;
    for (int64_t f = 0; f < s->ranking->forgets; f++)
        if (view.search[f].probes > out->probes)
            out->probes = view.search[f].probes;
    TRY(allocate_values(s, out));
    TRY(prune_plan_make(s, finished, &p));
    fill_base(s, &view, out);
    fill_cross(s, &view, &p, sum, out);
    fill_search(s, &view, out);
done:
    prune_plan_free(&p);
    return st;
}

void prune_output_free(prune_output *o)
{
    free(o->fraction);
    free(o->pruned);
    free(o->reached);
    free(o->samples);
    free(o->counted);
    for (int i = 0; i < BASE_VARIABLES; i++)
        free(o->base[i]);
    for (int i = 0; i < CROSS_VARIABLES; i++)
        free(o->cross[i]);
    for (int k = 0; k < PRUNED_KINDS; k++)
        for (int i = 0; i < CONTROL_VARIABLES; i++)
            free(o->control[k][i]);
    for (int i = 0; i < TRACE_VARIABLES; i++)
        free(o->trace[i]);
    for (int m = 0; m < ANSWER_MEASURES; m++) {
        free(o->more_base[m]);
        free(o->more[m]);
    }
    for (int k = 0; k < SITES; k++)
        free(o->mask[k]);
    *o = (prune_output){0};
}

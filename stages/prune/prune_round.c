// SPDX-License-Identifier: Apache-2.0
// What a search has learned travels in the vector alone, so that a run may be killed between any
// two units and go on with another number of ranks: base answers, those of the running probe, and
// the bisections, all as int64. Masks and units are derived from it anew, by every rank alike. A
// probe that met its goal has answered its subset already, and FINAL does not ask again.
#include "stages/prune/prune_round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/common/neuron_set.h"

enum { INTS = sizeof(int64_t) };
_Static_assert(sizeof(bisection) % INTS == 0 && sizeof(round_answers) % INTS == 0,
               "pieces of a vector of int64");

// What a step's end has pruned for each subset.
static int64_t pruned_by(const prune_setting *s, int64_t step)
{
    const double so_far = s->fraction * (double)step / (double)s->steps;
    return neuron_set_size(step < s->steps ? so_far : s->fraction, s->ranking->neurons);
}

static size_t vector_length(const prune_setting *s)
{
    const size_t steps =
        s->again ? 1 + (size_t)s->ranking->forgets * (size_t)pruned_by(s, s->steps) : 0;
    return 1 + steps + (size_t)s->evaluation->entries * sizeof(round_answers) / INTS +
           (size_t)s->ranking->forgets * (sizeof(round_answers) + sizeof(bisection)) / INTS;
}

prune_view prune_round_view(const prune_setting *s, const round_state *round)
{
    int64_t *base = round->values + 1;
    int64_t *probed = base + (size_t)s->evaluation->entries * sizeof(round_answers) / INTS;
    int64_t *search = probed + (size_t)s->ranking->forgets * sizeof(round_answers) / INTS;
    prune_view view = {round->values,
                       (round_answers *)base,
                       (round_answers *)probed,
                       (bisection *)search,
                       NULL,
                       NULL,
                       0};
    if (s->again) {
        view.step = search + (size_t)s->ranking->forgets * sizeof(bisection) / INTS;
        view.taken = view.step + 1;
        view.all = pruned_by(s, s->steps);
    }
    return view;
}

status prune_round_order(const prune_setting *s, const round_state *round, ranking *r)
{
    status st = OK;
    const prune_view view = prune_round_view(s, round);
    for (int64_t f = 0; view.step && f < r->forgets; f++)
        TRY(ranking_put_first(r, f, view.taken + f * view.all, view.search[f].at));
done:
    return st;
}

void prune_round_tell(const prune_setting *s, const round_state *round, char *out, size_t size)
{
    const prune_view view = prune_round_view(s, round);
    int64_t probes = 0, reached = 0, missed = 0;
    for (int64_t f = 0; f < s->ranking->forgets; f++) {
        probes += view.search[f].probes;
        reached += view.search[f].outcome == BISECTION_REACHED;
        missed += view.search[f].outcome == BISECTION_NARROW;
    }
    if (*view.phase == PHASE_BASE)
        snprintf(out, size, "unpruned model");
    else if (*view.phase == PHASE_STEP)
        snprintf(out, size, "after step %lld of %lld", (long long)*view.step, (long long)s->steps);
    else if (!s->search)
        snprintf(out, size, "pruned models");
    else if (missed > 0)
        snprintf(out, size, "%lld probes, %lld of %lld targets reached, %lld not",
                 (long long)probes, (long long)reached, (long long)s->ranking->forgets,
                 (long long)missed);
    else
        snprintf(out, size, "%lld probes, %lld of %lld targets reached", (long long)probes,
                 (long long)reached, (long long)s->ranking->forgets);
}

// Has the probe that found what to prune answered the whole subset?
static bool is_probed(const bisection *b)
{
    return b->outcome == BISECTION_REACHED && b->seen > 0;
}

static fixed fixed_of(const round_answers *a, int v)
{
    __extension__ typedef unsigned __int128 bits;
    return (fixed)((bits)(uint64_t)a->sum[v][1] << 64 | (uint64_t)a->sum[v][0]);
}

static answers unpack_answers(const round_answers *from)
{
    answers a;
    memcpy(a.count, from->count, sizeof a.count);
    for (int v = 0; v < ANSWER_SUMS; v++)
        a.sum[v] = fixed_of(from, v);
    return a;
}

// Adds answers to those of the round. Both are far within range.
static void add_answers(const answers *a, round_answers *to)
{
    for (int c = 0; c < ANSWER_COUNTS; c++)
        to->count[c] += a->count[c];
    for (int v = 0; v < ANSWER_SUMS; v++) {
        const fixed sum = fixed_of(to, v) + a->sum[v];
        to->sum[v][0] = (int64_t)(uint64_t)sum;
        to->sum[v][1] = (int64_t)(uint64_t)(sum >> 64);
    }
}

prune_mask prune_mask_of(const prune_setting *s, prune_kind kind, int64_t forget, int64_t seed,
                         int64_t pruned)
{
    const bool shared = kind == PRUNED_UNIFORM && !s->own_values;
    return (prune_mask){kind, shared ? -1 : forget, seed, pruned};
}

static status add_mask(prune_plan *p, prune_mask m)
{
    if (!checked_grow(&p->mask, &p->mask_capacity, (size_t)p->masks + 1, sizeof *p->mask))
        return status_no_memory("a list of masks");
    p->mask[p->masks++] = m;
    return OK;
}

// Cuts tiles [first, end) into units of the mask added last; those of a unit are answered alike.
static status add_units(const prune_setting *s, prune_plan *p, int64_t first, int64_t end)
{
    const tiling *cuts = &s->evaluation->source.cuts;
    size_t need = (size_t)(p->units + (end - first));
    if (!checked_grow(&p->unit, &p->unit_capacity, need, sizeof *p->unit))
        return status_no_memory("a list of units");
    tile_run *run = checked_calloc((size_t)(end - first), sizeof *run);
    if (!run)
        return status_no_memory("a list of units");
    int64_t n = 0;
    for (int64_t next; first < end; first = next) {
        next = tile_source_alike(&s->evaluation->source, first, end);
        n += tiling_units(cuts, s->info, first, next, run + n);
    }
    for (int64_t i = 0; i < n; i++) {
        p->unit[p->units++] = (prune_unit){p->masks - 1, run[i]};
        p->longest = run[i].tiles > p->longest ? run[i].tiles : p->longest;
    }
    free(run);
    return OK;
}

static status plan_search(const prune_setting *s, const bisection *search, prune_plan *p)
{
    status st = OK;
    for (int64_t f = 0; f < s->ranking->forgets; f++) {
        if (search[f].outcome != BISECTION_OPEN)
            continue;
        const int64_t *own = s->evaluation->source.cuts.subset_tile + s->evaluation->entry_of[f];
        int64_t tiles = own[1] - own[0];
        TRY(add_mask(p, prune_mask_of(s, PRUNED_TOP, f, 0, search[f].at)));
        TRY(add_units(s, p, own[0] + bisection_prefix(tiles, search[f].step),
                      own[0] + bisection_prefix(tiles, search[f].step + 1)));
    }
done:
    return st;
}

static status plan_step(const prune_setting *s, const bisection *search, prune_plan *p)
{
    status st = OK;
    const int64_t units = recollect_units(s->again);
    for (int64_t f = 0; f < s->ranking->forgets; f++)
        TRY(add_mask(p, prune_mask_of(s, PRUNED_TOP, f, 0, search[f].at)));
    if (!checked_grow(&p->unit, &p->unit_capacity, (size_t)units, sizeof *p->unit))
        return status_no_memory("a list of units");
    for (int64_t u = 0; u < units; u++)
        p->unit[p->units++] = (prune_unit){recollect_forget(s->again, u), {u, 1}};
done:
    return st;
}

// Masks that prune nothing answer as the unpruned model did, and equal random ones are one: neither
// is run again. Nor is a subset that a probe with the mask has answered.
static status add_final(const prune_setting *s, prune_plan *p, prune_mask m,
                        const bisection *search)
{
    status st = OK;
    const evaluation *e = s->evaluation;
    const int64_t *first = e->source.cuts.subset_tile, end = first[e->reported];
    if (m.pruned == 0 || prune_plan_find(p, &m) >= 0)
        return OK;
    TRY(add_mask(p, m));
    const int own = m.kind == PRUNED_TOP && is_probed(search) ? e->entry_of[m.forget] : e->reported;
    TRY(add_units(s, p, 0, own < e->reported ? first[own] : end));
    if (own < e->reported)
        TRY(add_units(s, p, first[own + 1], end));
done:
    return st;
}

status prune_plan_make(const prune_setting *s, const round_state *round, prune_plan *out)
{
    status st = OK;
    prune_view view = prune_round_view(s, round);
    const tiling *cuts = &s->evaluation->source.cuts;
    prune_plan *p = out;
    *p = (prune_plan){0};
    if (*view.phase == PHASE_BASE) {
        TRY(add_mask(p, prune_mask_of(s, PRUNED_TOP, 0, 0, 0)));
        TRY(add_units(s, p, 0, cuts->tiles));
    } else if (*view.phase == PHASE_SEARCH) {
        TRY(plan_search(s, view.search, p));
    } else if (*view.phase == PHASE_STEP) {
        TRY(plan_step(s, view.search, p));
    } else {
        for (prune_kind k = 0; k < PRUNED_KINDS; k++)
            for (int64_t seed = 0; seed < s->seeds[k]; seed++)
                for (int64_t f = 0; f < s->ranking->forgets; f++)
                    TRY(add_final(s, p, prune_mask_of(s, k, f, seed, view.search[f].at),
                                  &view.search[f]));
    }
done:
    if (st != OK)
        prune_plan_free(p);
    return st;
}

void prune_plan_free(prune_plan *p)
{
    free(p->mask);
    free(p->unit);
    *p = (prune_plan){0};
}

int64_t prune_plan_find(const prune_plan *p, const prune_mask *m)
{
    for (int64_t i = 0; i < p->masks; i++) {
        const prune_mask *own = &p->mask[i];
        if (own->kind == m->kind && own->forget == m->forget && own->seed == m->seed &&
            own->pruned == m->pruned)
            return i;
    }
    return -1;
}

void prune_plan_shape(const prune_plan *p, const prune_setting *s, partial_shape *out)
{
    int64_t length = p->masks * s->evaluation->entries;
    *out = (partial_shape){.fields = ANSWER_COUNTS + ANSWER_SUMS};
    for (int c = 0; c < ANSWER_COUNTS; c++)
        out->field[PRUNE_COUNTS + c] = (partial_field){"answers", PARTIAL_COUNT, length};
    for (int v = 0; v < ANSWER_SUMS; v++)
        out->field[PRUNE_SUMS + v] = (partial_field){"losses", PARTIAL_SUM, length};
}

answers prune_round_answers(const prune_setting *s, const prune_view *view, const partial *sum,
                            int64_t mask, int64_t entry)
{
    if (mask < 0)
        return unpack_answers(&view->base[entry]);
    int64_t at = mask * s->evaluation->entries + entry;
    answers a;
    for (int c = 0; c < ANSWER_COUNTS; c++)
        a.count[c] = partial_counts(sum, PRUNE_COUNTS + c)[at];
    for (int v = 0; v < ANSWER_SUMS; v++)
        a.sum[v] = partial_sums(sum, PRUNE_SUMS + v)[at];
    return a;
}

answers prune_round_final_answers(const prune_setting *s, const prune_view *view,
                                  const partial *sum, int64_t forget, int64_t mask, int64_t entry)
{
    if (entry == s->evaluation->entry_of[forget] && is_probed(&view->search[forget]))
        return unpack_answers(&view->probed[forget]);
    return prune_round_answers(s, view, sum, mask, entry);
}

static bisection_goal goal_of(const prune_setting *s, const prune_view *view, int64_t forget)
{
    const round_answers *base = &view->base[s->evaluation->entry_of[forget]];
    return (bisection_goal){s->ranking->neurons, base->count[ANSWERS_CORRECT],
                            base->count[ANSWERS_SCORED], s->drop, s->tolerance};
}

// After BASE: keeps its answers, and begins the searches, or says how many the fraction is.
static status begin_searches(const prune_setting *s, prune_view *view, const partial *sum)
{
    for (int64_t e = 0; e < s->evaluation->entries; e++) {
        answers a = prune_round_answers(s, view, sum, 0, e);
        if (a.count[ANSWERS_SCORED] == 0)
            return status_fail(ERR_INPUT, s->evaluation->name[e],
                               "no answer of this subset can be scored; give longer samples");
        add_answers(&a, &view->base[e]);
    }
    for (int64_t f = 0; f < s->ranking->forgets; f++) {
        if (s->search) {
            bisection_goal goal = goal_of(s, view, f);
            bisection_begin(&view->search[f], &goal);
        } else {
            view->search[f].outcome = BISECTION_REACHED;
            view->search[f].at = neuron_set_size(s->fraction, s->ranking->neurons);
        }
    }
    return OK;
}

// After SEARCH: each open search takes the answers of its prefix.
static status observe_probes(const prune_setting *s, const round_state *finished, prune_view *view,
                             const partial *sum)
{
    prune_plan plan;
    status st = prune_plan_make(s, finished, &plan);
    if (st != OK)
        return st;
    for (int64_t m = 0; m < plan.masks; m++) {
        int64_t f = plan.mask[m].forget;
        bisection_goal goal = goal_of(s, view, f);
        answers a = prune_round_answers(s, view, sum, m, s->evaluation->entry_of[f]);
        if (view->search[f].step == 0)
            view->probed[f] = (round_answers){0};
        add_answers(&a, &view->probed[f]);
        bisection_observe(&view->search[f], &goal, a.count[ANSWERS_CORRECT],
                          a.count[ANSWERS_SCORED]);
    }
    prune_plan_free(&plan);
    return OK;
}

// Takes the first of `score`'s order that is left for each subset, up to the end of the next step; of
// the first step (sum NULL) in the order that there is.
static status take_step(const prune_setting *s, prune_view *view, const partial *sum)
{
    status st = OK;
    const ranking *r = s->ranking;
    const int64_t before = sum ? pruned_by(s, *view->step) : 0;
    const int64_t after = pruned_by(s, ++*view->step);
    double *score = checked_calloc((size_t)ranking_scores(r), sizeof *score);
    if (!score)
        return status_no_memory("scores");
    for (int64_t f = 0; f < r->forgets; f++) {
        int64_t *taken = view->taken + f * view->all;
        view->search[f].at = after;
        if (!sum) {
            memcpy(taken, r->order + f * r->neurons, (size_t)after * sizeof *taken);
            continue;
        }
        TRY(recollect_scores(s->again, sum, f, score));
        TRY(ranking_next(r, score, taken, before, after - before, taken + before));
    }
done:
    free(score);
    return st;
}

status prune_round_next(const prune_setting *s, const round_state *finished, const partial *sum,
                        round_state *next, bool *done)
{
    status st = OK;
    *done = finished && *prune_round_view(s, finished).phase == PHASE_FINAL;
    if (*done)
        return OK;
    if (!round_extend(next, vector_length(s)))
        return status_no_memory("a round of prune");
    if (!finished)
        return OK; // zeros: BASE
    memcpy(next->values, finished->values, next->length * sizeof *next->values);
    prune_view view = prune_round_view(s, next);
    const int64_t phase = *view.phase;
    if (phase == PHASE_BASE)
        TRY(begin_searches(s, &view, sum));
    else if (phase == PHASE_SEARCH)
        TRY(observe_probes(s, finished, &view, sum));
    if (s->again)
        TRY(take_step(s, &view, phase == PHASE_STEP ? sum : NULL));
    *view.phase = s->again && *view.step < s->steps ? PHASE_STEP : PHASE_FINAL;
    for (int64_t f = 0; f < s->ranking->forgets; f++)
        if (view.search[f].outcome == BISECTION_OPEN)
            *view.phase = PHASE_SEARCH;
done:
    return st;
}

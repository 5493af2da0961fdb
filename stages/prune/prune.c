// SPDX-License-Identifier: Apache-2.0
// The stage `prune`: prunes the neurons most specific to a subset until a share of its accuracy is
// gone, or a given share of all neurons, for each subset; and looks at what else goes.
//   unlearn: {stage: prune, from: scores, model: trained, data: glyphs, drop: [0.5, 0.8]}
// Input: an artefact of `score` or `import`. Output:
//   string forget(forget)                           1    subset whose neurons are pruned
//   double fraction(forget)                         1    share of the neurons that is pruned
//   int64 pruned(forget)                            1    how many that is
//   byte reached(forget)                            1    0: no number was found that meets the drop
//   string subset(subset)                           1    class or text domain that is evaluated
//   int64 samples(subset)                           1    answers that the accuracies are over
//   double accuracy_base(subset)                    1    Top-1 of the unpruned model
//   double accuracy_base_low(subset)                1    lower end of its 95% Wilson interval
//   double accuracy_base_high(subset)               1    upper end of it
//   double loss_base(subset)                        nat  mean cross-entropy of the unpruned model
//   double accuracy(forget, subset)                 1    Top-1 after pruning for `forget`
//   double accuracy_low(forget, subset)             1    lower end of its 95% Wilson interval
//   double accuracy_high(forget, subset)            1    upper end of it
//   double ratio(forget, subset)                    1    accuracy ÷ accuracy_base
//   double loss(forget, subset)                     nat  mean cross-entropy after pruning
//   double accuracy_random(forget, subset)          1    mean of as many neurons pruned at random
//   double ratio_random(forget, subset)             1    the same ÷ accuracy_base
//   double ratio_random_std(forget, subset)         1    its deviation over the random prunings
//   double accuracy_layer_matched(forget, subset)   1    of random ones, as many in each layer
//   double ratio_layer_matched(forget, subset)      1    the same ÷ accuracy_base
//   double ratio_layer_matched_std(forget, subset)  1    its deviation over those prunings
//   double accuracy_lowest(forget, subset)          1    of as many of the least specific neurons
//   double ratio_lowest(forget, subset)             1    the same ÷ accuracy_base
//   double accuracy_resplit(forget, subset)         1    of as many by a second step's scores
//   double ratio_resplit(forget, subset)            1    the same ÷ accuracy_base
//   double accuracy_top10_base(subset)              1    Top-10, unpruned, of language models
//   double accuracy_top10(forget, subset)           1    and after pruning, of language models
//   double perplexity_base(subset)                  1    e^loss_base, of language models
//   double perplexity(forget, subset)               1    e^loss, of language models
//   double perplexity_published_base(subset)        1    mean of e^(loss of one), of language ones
//   double perplexity_published(forget, subset)     1    and after pruning, of language models
//   double accuracy_skip_base(subset)               1    Top-1 of what counts, with a skip list
//   double accuracy_skip(forget, subset)            1    and after pruning, with a skip list
//   double accuracy_top10_skip_base(subset)         1    Top-10 of what counts, with a skip list
//   double accuracy_top10_skip(forget, subset)      1    and after pruning, with a skip list
//   int64 samples_skip(subset)                      1    answers that count, with a skip list
//   double trace_fraction(forget, probe)            1    share pruned in each probe of the search
//   double trace_accuracy(forget, probe)            1    Top-1 on what the probe answered
//   double trace_samples(forget, probe)             1    answers of the probe; NaN behind the last
//   byte mlp_mask(forget, layer, unit)              1    1: pruned, with site: mlp or both
//   byte attn_mask(forget, layer, attn_unit)        1    1: pruned, with site: attn or both
//   byte expert_mask(forget, layer, expert)         1    1: pruned, with site: expert
// With a skip list (`skip` or `skip_tokens`) an answer counts whose target is not in it. Of
// questions whose choices alone are compared, losses are over the choices, Top-10 and *_skip are
// NaN, and samples_skip is 0.
//
// Rounds and units: see prune_round.h. This file runs the model for them.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/common/resources.h"
#include "stages/common/stage_samples.h"
#include "stages/prune/prune_artefact.h"
#include "stages/prune/prune_params.h"
#include "stages/prune/prune_state.h"

static prune_setting setting_of(const prune_state *s)
{
    const params *p = task_params(s->task);
    const bool search = params_has(p, "drop");
    prune_setting out = {.info = model_get_info(s->model),
                         .ranking = &s->ranking,
                         .evaluation = &s->evaluation,
                         .search = search,
                         .drop = search ? params_real(p, "drop") : 0,
                         .tolerance = params_real(p, "tolerance"),
                         .fraction = search ? 0 : params_real(p, "fraction")};
    out.again = s->again;
    out.steps = prune_params_steps(p);
    out.own_values = s->ablation.value == ABLATE_RETAIN_MEAN;
    prune_params_seeds(p, out.seeds);
    return out;
}

static void prune_close(void *state)
{
    prune_state *s = state;
    if (!s)
        return;
    shelf_free(s->masks);
    recollect_free(s->again);
    prune_cache_close(s->cache);
    free(s->random);
    free(s->answers);
    prune_plan_free(&s->plan);
    prune_output_free(&s->output);
    evaluation_free(&s->evaluation);
    ablation_free(&s->ablation);
    ranking_free(&s->ranking);
    free(s);
}

static status prune_new(const task *t, prune_state **out)
{
    const model *m = stage_model(t);
    *out = NULL;
    if (!model_has_head(m))
        return status_fail(ERR_INPUT, task_label(t),
                           "the model has no head (the tensors of its answers are missing), so "
                           "there is no accuracy to prune by; collect, score, cluster and "
                           "intersect work with it");
    if (prune_params_experts(task_params(t)) && model_get_info(m)->experts == 0)
        return params_fail(task_params(t), "site",
                           "model %s is dense and has no experts; give mlp, attn or both",
                           task_resource_name(t, "model", 0));
    prune_state *s = *out = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("prune");
    s->task = t;
    s->model = stage_model(t);
    return OK;
}

static status prune_open(const task *t, void **state)
{
    status st = OK;
    prune_state *s;
    bool *layers = NULL;
    ranking_choice choice;
    TRY(prune_new(t, &s));
    const model_info *info = model_get_info(s->model);
    TRY(prune_params_choice(task_params(t), info, &layers, &choice));
    TRY(ranking_open(ablation_scores(t), ablation_other_scores(t), &choice, info, &s->ranking));
    TRY(ablation_open(t, &s->ranking, info, &s->ablation));
    TRY(evaluation_open(t, info, s->ranking.forget, s->ranking.forgets, &s->evaluation));
    if (prune_params_steps(task_params(t)) > 1)
        TRY(recollect_open(t, ablation_scores_at(t), s->ranking.width, s->ranking.forget,
                           s->ranking.forgets, &s->again));
    s->setting = setting_of(s);
    TRY(prune_cache_open(t, &s->setting, &s->cache));
    TRY(ranking_draw(&s->ranking, params_int(task_params(t), "seeds"), &s->random));
    TRY(shelf_new(prune_masks_at_once(t), task_pool(t), prune_mask_compile, prune_mask_drop, s,
                  &s->masks));
    *state = s;
    s = NULL;
done:
    free(layers);
    prune_close(s);
    return st;
}

static status prune_next(void *state, const round_state *finished, const partial *sum,
                         round_state *following, bool *done)
{
    const prune_state *s = state;
    return prune_round_next(&s->setting, finished, sum, following, done);
}

static void prune_tell(void *state, const round_state *round, char *out, size_t size)
{
    prune_round_tell(&((prune_state *)state)->setting, round, out, size);
}

static bool is_step(const prune_state *s, const round_state *round)
{
    return *prune_round_view(&s->setting, round).phase == PHASE_STEP;
}

static int64_t prune_ahead(void *state, const round_state *round)
{
    return prune_round_ahead(&((prune_state *)state)->setting, round);
}

static status prune_plan_round(void *state, const round_state *round, round_plan *out)
{
    status st = OK;
    prune_state *s = state;
    const tiling *cuts = &s->evaluation.source.cuts;
    shelf_clear(s->masks);
    prune_plan_free(&s->plan);
    TRY(prune_round_order(&s->setting, round, &s->ranking));
    TRY(prune_plan_make(&s->setting, round, &s->plan));
    s->tiles = model_tiles_together(s->model, cuts->max_samples, cuts->max_rows);
    s->tiles = s->tiles > s->plan.longest ? s->tiles : s->plan.longest;
    free(s->answers);
    s->answers = checked_calloc((size_t)s->tiles * (size_t)pool_threads(task_pool(s->task)),
                                sizeof *s->answers);
    if (!s->answers)
        TRY(status_no_memory("answers"));
    out->units = s->plan.units;
    if (is_step(s, round))
        recollect_shape(s->again, &out->shape);
    else
        prune_plan_shape(&s->plan, &s->setting, &out->shape);
done:
    return st;
}

static double prune_unit_cost(void *state, const round_state *round, int64_t unit)
{
    const prune_state *s = state;
    const prune_unit *u = &s->plan.unit[unit];
    const int passes = s->plan.mask[u->mask].pruned > 0 ? ablation_passes(task_params(s->task)) : 1;
    if (is_step(s, round))
        return recollect_cost(s->again, u->run.first);
    return passes * tiling_operations(&s->evaluation.source.cuts, s->setting.info, u->run);
}

static bool is_stopping(void *context)
{
    const prune_state *s = context;
    return task_stopping(s->task);
}

// Adds the answers of the unit's tiles to their places in the sum. The fields are valid by
// construction, and counts and losses far within range, so that only the first addition could fail.
static status add_answers(const prune_state *s, const prune_unit *u, const answers *each,
                          partial *sum)
{
    status st = OK;
    const tiling *cuts = &s->evaluation.source.cuts;
    for (int64_t i = 0; i < u->run.tiles; i++) {
        const answers *a = &each[i];
        int64_t at = u->mask * s->evaluation.entries + cuts->tile[u->run.first + i].subset;
        for (int c = 0; c < ANSWER_COUNTS; c++)
            TRY(partial_add_counts(sum, PRUNE_COUNTS + c, at, 1, &a->count[c]));
        for (int v = 0; v < ANSWER_SUMS; v++)
            TRY(partial_add_sums(sum, PRUNE_SUMS + v, at, 1, &a->sum[v]));
    }
done:
    return st;
}

static status ask_model(prune_state *s, const unit_mask *m, const prune_unit *u, int lane,
                        answers *out)
{
    const model_mask *mask = m->mask;
    const bool same = !mask || model_mask_pruned(mask, SITE_ATTN, 0) == 0;
    const asking q = {.model = s->model,
                      .pool = task_pool(s->task),
                      .source = &s->evaluation.source,
                      .mask = mask,
                      .ablation = s->ablation.value == ABLATE_ZERO ? NULL : &s->ablation,
                      .neurons = &m->neurons,
                      .forget = s->plan.mask[u->mask].forget,
                      .cache = same ? prune_cache_hidden(s->cache) : NULL,
                      .skip = s->evaluation.skip,
                      .label = task_label(s->task),
                      .lane = lane,
                      .stopping = is_stopping,
                      .context = s};
    return answers_of_tiles(&q, u->run, out);
}

static void set_means(void *context, int64_t forget, const site_block *block, const int32_t *neuron,
                      int n, float *x)
{
    const prune_state *s = context;
    ablation_set_means(&s->ablation, forget, block, neuron, n, x);
}

static status collect_step(prune_state *s, const unit_mask *m, const prune_unit *u, int lane,
                           partial *sum)
{
    const recollect_pruning pruning = {
        .mask = m->mask,
        .ablate = s->ablation.value == ABLATE_ZERO ? NULL : set_means,
        .context = s,
    };
    return recollect_run(s->again, u->run.first, u->run.tiles, lane, &pruning, sum);
}

// Of a mask, tiles that follow each other and are answered alike.
static int64_t prune_together(void *state, const round_state *round, int64_t index)
{
    const prune_state *s = state;
    const tile_source *source = &s->evaluation.source;
    const prune_unit *u = &s->plan.unit[index], *before = u - 1;
    if (is_step(s, round))
        return recollect_together(s->again, u->run.first);
    if (u->mask != before->mask || u->run.first != before->run.first + before->run.tiles ||
        tile_source_alike(source, before->run.first, u->run.first + 1) == u->run.first)
        return 1;
    return s->tiles / s->plan.longest;
}

static status prune_units(void *state, const round_state *round, int64_t index, int64_t n, int lane,
                          partial *sum)
{
    status st = OK;
    prune_state *s = state;
    prune_unit u = s->plan.unit[index];
    answers *own = s->answers + lane * s->tiles;
    void *item = NULL;
    const unit_mask *m;
    u.run = tile_runs_join(u.run, s->plan.unit[index + n - 1].run);
    TRY(shelf_take(s->masks, u.mask, &item));
    m = item;
    if (is_step(s, round)) {
        TRY(collect_step(s, m, &u, lane, sum));
        goto done;
    }
    if (!prune_cache_recall(s->cache, m->asked, u.run, own)) {
        TRY(ask_model(s, m, &u, lane, own));
        if (*prune_round_view(&s->setting, round).phase != PHASE_FINAL)
            prune_cache_remember(s->cache, m->asked, u.run,
                                 own); // what is found last is another for each target
    }
    TRY(add_answers(s, &u, own, sum));
done:
    if (item)
        shelf_give(s->masks, u.mask);
    return st;
}

static status prune_finish(void *state, const round_state *finished, const partial *sum,
                           artefact_writer *w)
{
    status st = OK;
    prune_state *s = state;
    char name[64];
    int64_t skipped = 0;
    TRY(artefact_attribute(w, "products", model_products_name(s->model, name)));
    for (size_t i = 0; i < s->evaluation.n_opened; i++)
        skipped += samples_skipped(s->evaluation.opened[i]);
    TRY(stage_note_skipped(skipped, w));
    const size_t others = params_count(task_params(s->task), "evaluate");
    TRY(stage_note_mask(s->task, others ? "evaluate" : "data", others ? others : 1, w));
    TRY(prune_output_make(&s->setting, finished, sum, &s->output));
    TRY(prune_artefact_describe(&s->setting, &s->output, w));
done:
    return st;
}

// The search's length is not known: a probe for every halving down to a hundredth of the neurons.
static status prune_estimate(const task *t, estimate *out)
{
    enum { PROBES = 7 };
    status st = OK;
    prune_state *s;
    bool *layers = NULL;
    ranking_choice choice;
    TRY(prune_new(t, &s));
    TRY(prune_params_choice(task_params(t), model_get_info(s->model), &layers, &choice));
    TRY(evaluation_open(t, model_get_info(s->model), NULL, 0, &s->evaluation));
    s->setting = setting_of(s);
    const tiling *cuts = &s->evaluation.source.cuts;
    const model_info *info = s->setting.info;
    double passes = 1, subsets = dataset_subsets(stage_dataset(t, "data", 0));
    // Random masks are as large as what was found: for each subset, or the one size that was given.
    TRY(recollect_estimate(t, ablation_scores_at(t), prune_params_steps(task_params(t)) - 1,
                           params_text(task_params(t), "site"), out));
    const int64_t *seeds = s->setting.seeds;
    passes += subsets + (double)seeds[PRUNED_UNIFORM] * (s->setting.search ? subsets : 1) +
              (double)(seeds[PRUNED_LAYER_MATCHED] + seeds[PRUNED_LOWEST] + seeds[PRUNED_RESPLIT]) *
                  subsets +
              (s->setting.search ? PROBES : 0);
    out->units += (int64_t)passes * tiling_units(cuts, info, 0, cuts->tiles, NULL);
    out->operations += (1 + (passes - 1) * ablation_passes(task_params(t))) * // 1 without a mask
                       tiling_operations(cuts, info, (tile_run){0, cuts->tiles});
    const bool zero = !params_has(task_params(t), "value") ||
                      strcmp(params_text(task_params(t), "value"), "zero") == 0;
    const double neurons = (double)prune_params_neurons(task_params(t), info);
    int64_t rows = 0;
    for (int e = 0; e < cuts->subsets; e++)
        rows += tiling_subset_rows(cuts, e);
    int threads = pool_threads(task_pool(t));
    out->shared_bytes = stage_model_bytes(t);
    out->memory_bytes +=
        stage_scratch_bytes(t, threads, cuts) +
        stage_products_bytes(threads) * 1.5 + // compacted products have other shapes
        // Masks' compacted weights: the larger part of a layer.
        (zero ? prune_masks_at_once(t) * fmin(out->shared_bytes * 0.6, (double)MODEL_COMPACT_BYTES)
              : 0) +
        ablation_bytes(task_params(t), neurons, subsets, threads, cuts->max_rows) +
        hidden_cache_bytes(info, rows) +
        neurons * sizeof(int64_t) * (subsets + (double)params_int(task_params(t), "seeds"));
    for (size_t i = 0; i < s->evaluation.n_opened; i++)
        out->memory_bytes += threads * (double)samples_reading_bytes(s->evaluation.opened[i]);
    out->disk_bytes = subsets * (neurons + (CROSS_VARIABLES + ANSWER_MEASURES) * sizeof(double) *
                                               s->evaluation.entries);
done:
    free(layers);
    prune_close(s);
    return st;
}

const stage_def stage_prune = {
    .name = "prune",
    .version = 5,
    .changed = STAGE_SPLIT_CHANGED,
    .summary = "prunes neurons until a subset is forgotten, and measures every subset",
    .params = prune_params,
    .inputs = "score|import|collect",
    .inputs_required = true,
    .in_teams = true, // answers come from the last member alone, the others add zeros
    .check = prune_params_check,
    .foresee = prune_params_foresee,
    .estimate = prune_estimate,
    .look = evaluation_look,
    .prepare = evaluation_prepare,
    .open = prune_open,
    .next = prune_next,
    .plan = prune_plan_round,
    .cost = prune_unit_cost,
    .tell = prune_tell,
    .ahead = prune_ahead,
    .together = prune_together,
    .units = prune_units,
    .finish = prune_finish,
    .close = prune_close,
};

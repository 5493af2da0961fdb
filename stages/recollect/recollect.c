// SPDX-License-Identifier: Apache-2.0
// Sums are those of `collect` (site_sums.h) and scores those of `score` (score_measure.h), so that a
// step with nothing pruned gives what these two give, but for the last bits of a pooled mean: here
// what is retained is summed exactly, and divided once.
#include "stages/recollect/recollect.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/collect/site_sums.h"
#include "stages/common/resources.h"
#include "stages/common/stage_samples.h"
#include "stages/common/tile_source.h"
#include "stages/score/score_measure.h"

enum { FORGET, RETAIN, SIDES };
enum { FIELD_TOKENS = 0 };

typedef struct recollect_unit {
    int64_t forget;
    tile_run run;
} recollect_unit;

struct recollect {
    const task *task; // borrowed
    model *model;     // borrowed
    samples *samples; // owned
    tile_source source;
    int layers, width[SITES], widest;
    const score_measure *measure;
    bool published, others;
    double eps[SITES];
    bool *retained; // owned [subsets]
    int64_t forgets;
    int *subset;          // owned [forgets]: of `data`
    recollect_unit *unit; // owned
    int64_t units;
    int lanes;
    site_sums **sums[SITES]; // owned [lanes], made by the first unit in each
    block_sums **block;      // owned [lanes], of each thread
};

// Which moment a statistic is the mean of; MOMENTS: it is the share of x > 0.
static const int moment_of[STATISTICS] = {
    [STATISTIC_MEAN_ABS] = MOMENT_ABS,       [STATISTIC_MEAN] = MOMENT_VALUE,
    [STATISTIC_MEAN_SQUARE] = MOMENT_SQUARE, [STATISTIC_MEAN_SQRT_ABS] = MOMENT_SQRT_ABS,
    [STATISTIC_POSITIVE] = MOMENTS,
};

// --- Opening

static int find_subset(const dataset *d, const char *name)
{
    for (int s = 0; s < dataset_subsets(d); s++)
        if (strcmp(dataset_subset(d, s), name) == 0)
            return s;
    return -1;
}

static status find_retained(const params *scores, const dataset *d, recollect *r)
{
    const size_t n = params_count(scores, "retain");
    const char *first = params_text_at(scores, "retain", 0);
    r->retained = checked_calloc((size_t)dataset_subsets(d), sizeof *r->retained);
    if (!r->retained)
        return status_no_memory("a list of subsets");
    r->others = n == 1 && strcmp(first, "others") == 0;
    if (r->others || (n == 1 && strcmp(first, "all") == 0)) {
        memset(r->retained, true, (size_t)dataset_subsets(d) * sizeof *r->retained);
        return OK;
    }
    for (size_t i = 0; i < n; i++) {
        const int at = find_subset(d, params_text_at(scores, "retain", i));
        if (at >= 0) // else the step of scores has refused it
            r->retained[at] = true;
    }
    return OK;
}

static status find_forgets(const task *t, const dataset *d, char *const *forget, recollect *r)
{
    r->subset = checked_calloc((size_t)r->forgets, sizeof *r->subset);
    if (!r->subset)
        return status_no_memory("a list of subsets");
    for (int64_t f = 0; f < r->forgets; f++) {
        r->subset[f] = forget ? find_subset(d, forget[f]) : (int)f;
        if (r->subset[f] < 0)
            return params_fail(task_params(t), "data",
                               "dataset %s has no subset %s, which there are scores for; give the "
                               "dataset the scores are of",
                               task_resource_name(t, "data", 0), forget[f]);
    }
    return OK;
}

static bool is_of_side(const recollect *r, int64_t forget, int subset, int side)
{
    const bool own = subset == r->subset[forget];
    return side == FORGET ? own : r->retained[subset] && !(own && r->others);
}

static status cut_units(const dataset *d, recollect *r)
{
    status st = OK;
    const model_info *info = model_get_info(r->model);
    const int64_t *first;
    tile_run *run = NULL;
    tile_source_begin(&r->source, info, PART_COLLECT);
    for (int s = 0; s < dataset_subsets(d); s++)
        TRY(tile_source_add(&r->source, r->samples, s));
    first = r->source.cuts.subset_tile;
    run = checked_calloc((size_t)r->source.cuts.tiles, sizeof *run);
    r->unit = checked_calloc((size_t)r->source.cuts.tiles * (size_t)r->forgets, sizeof *r->unit);
    if (!run || !r->unit)
        TRY(status_no_memory("a list of units"));
    for (int64_t f = 0; f < r->forgets; f++)
        for (int s = 0; s < dataset_subsets(d); s++) {
            if (!is_of_side(r, f, s, FORGET) && !is_of_side(r, f, s, RETAIN))
                continue;
            const int64_t n = tiling_units(&r->source.cuts, info, first[s], first[s + 1], run);
            for (int64_t i = 0; i < n; i++)
                r->unit[r->units++] = (recollect_unit){f, run[i]};
        }
done:
    free(run);
    return st;
}

static void read_measure(const params *scores, recollect *r)
{
    r->measure = score_measure_find(params_text(scores, "measure"));
    r->published = strcmp(params_text(scores, "definition"), "published") == 0;
    for (int s = 0; s < SITES; s++)
        r->eps[s] = params_has(scores, "eps")
                        ? params_real(scores, "eps")
                        : score_measure_epsilon(r->measure, r->published, s == SITE_ATTN);
}

static status make_scratch(recollect *r)
{
    r->lanes = pool_threads(task_pool(r->task));
    for (int s = 0; s < SITES; s++) {
        r->widest = r->width[s] > r->widest ? r->width[s] : r->widest;
        if (!(r->sums[s] = checked_calloc((size_t)r->lanes, sizeof *r->sums[s])))
            return status_no_memory("neuron statistics");
    }
    r->block = checked_calloc((size_t)r->lanes, sizeof *r->block);
    return r->block ? OK : status_no_memory("neuron statistics");
}

status recollect_open(const task *t, size_t i, const int width[SITES], char *const *forget,
                      int64_t forgets, recollect **out)
{
    status st;
    const dataset *d = stage_dataset(t, "data", 0);
    const params *scores = task_input_params(t, i);
    recollect *r = checked_calloc(1, sizeof *r);
    if (!r)
        return status_no_memory("statistics between steps");
    r->task = t;
    r->model = stage_model(t);
    r->layers = model_get_info(r->model)->layers;
    memcpy(r->width, width, sizeof r->width);
    r->forgets = forget ? forgets : dataset_subsets(d);
    read_measure(scores, r);
    TRY(find_retained(scores, d, r));
    TRY(find_forgets(t, d, forget, r));
    TRY(stage_samples(t, "data", 0, &r->samples));
    TRY(cut_units(d, r));
    TRY(make_scratch(r));
    *out = r;
    r = NULL;
done:
    recollect_free(r);
    return st;
}

void recollect_free(recollect *r)
{
    if (!r)
        return;
    for (int s = 0; s < SITES; s++) {
        for (int lane = 0; r->sums[s] && lane < r->lanes; lane++)
            site_sums_free(r->sums[s][lane]);
        free(r->sums[s]);
    }
    for (int thread = 0; r->block && thread < r->lanes; thread++)
        block_sums_free(r->block[thread]);
    free(r->block);
    free(r->retained);
    free(r->subset);
    free(r->unit);
    tile_source_free(&r->source);
    samples_close(r->samples);
    free(r);
}

// --- The units

int64_t recollect_units(const recollect *r)
{
    return r->units;
}

int64_t recollect_forget(const recollect *r, int64_t unit)
{
    return r->unit[unit].forget;
}

double recollect_cost(const recollect *r, int64_t unit)
{
    return tiling_operations(&r->source.cuts, model_get_info(r->model), r->unit[unit].run);
}

// Neurons of a site.
static int64_t neurons_of(const recollect *r, int which)
{
    return (int64_t)r->layers * r->width[which];
}

// Is a statistic kept of a site? Its field; 0: no.
static int field_of(const recollect *r, int which, int wanted)
{
    int field = FIELD_TOKENS;
    for (int s = 0; s <= which; s++)
        for (int k = 0; k < STATISTICS && r->width[s] > 0; k++) {
            if (!score_measure_needs(r->measure, k, r->published))
                continue;
            field++;
            if (s == which && k == wanted)
                return field;
        }
    return 0;
}

void recollect_shape(const recollect *r, partial_shape *out)
{
    *out = (partial_shape){.fields = 1};
    out->field[FIELD_TOKENS] = (partial_field){"tokens", PARTIAL_COUNT, r->forgets * SIDES};
    for (int s = 0; s < SITES; s++)
        for (int k = 0; k < STATISTICS; k++)
            if (field_of(r, s, k) > 0)
                out->field[out->fields++] =
                    (partial_field){score_measure_statistics[k],
                                    moment_of[k] == MOMENTS ? PARTIAL_COUNT : PARTIAL_SUM,
                                    r->forgets * SIDES * neurons_of(r, s)};
}

// Of all that a rank holds beside models and samples.
static double bytes_of(const recollect *r)
{
    partial_shape shape;
    recollect_shape(r, &shape);
    double bytes = (double)partial_bytes(&shape), lane = (double)block_sums_bytes(r->widest);
    for (int s = 0; s < SITES; s++)
        if (r->width[s] > 0)
            lane +=
                (double)site_sums_bytes(&(site_shape){.layers = r->layers, .width = r->width[s]});
    return bytes + r->lanes * (lane + (double)samples_reading_bytes(r->samples));
}

status recollect_estimate(const task *t, size_t i, int64_t rounds, const char *sites, estimate *out)
{
    status st = OK;
    recollect *r = NULL;
    int width[SITES] = {0};
    if (rounds == 0)
        return OK;
    for (int s = SITE_MLP; s <= SITE_ATTN; s++)
        if (strcmp(sites, site_names[s]) == 0 || strcmp(sites, "both") == 0)
            width[s] = model_site_width(model_get_info(stage_model(t)), (site)s);
    TRY(recollect_open(t, i, width, NULL, 0, &r));
    out->units = rounds * r->units;
    for (int64_t u = 0; u < r->units; u++)
        out->operations += (double)rounds * recollect_cost(r, u);
    out->memory_bytes = bytes_of(r);
done:
    recollect_free(r);
    return st;
}

// A unit's pass, as the model's callbacks see it.
typedef struct recollect_pass {
    recollect *of;
    const recollect_unit *unit;
    const recollect_pruning *pruning;
    site_sums *sums[SITES];
    _Atomic int64_t rows;
} recollect_pass;

static status load_tile(void *context, int64_t index, int thread, tile *t)
{
    (void)thread;
    recollect_pass *pass = context;
    const status st = tile_source_load(&pass->of->source, pass->unit->run.first + index, t);
    if (st == OK)
        pass->rows += t->rows;
    return st;
}

static status read_block(void *context, int64_t index, int thread, const tile *t,
                         const site_block *block)
{
    (void)index, (void)t;
    const recollect_pass *pass = context;
    block_sums **own = &pass->of->block[thread];
    if (!*own) { // the thread that uses it makes it
        status st = block_sums_new(pass->of->widest, own);
        if (st != OK)
            return st;
    }
    return site_sums_add(pass->sums[block->site], *own, block, &(sampled_rows){0},
                         task_label(pass->of->task));
}

static status ablate_block(void *context, int64_t index, int thread, const tile *t,
                           const site_block *block, const int32_t *neuron, int n, float *x)
{
    (void)index, (void)thread, (void)t;
    const recollect_pass *pass = context;
    pass->pruning->ablate(pass->pruning->context, pass->unit->forget, block, neuron, n, x);
    return OK;
}

static bool is_stopping(void *context)
{
    const recollect_pass *pass = context;
    return task_stopping(pass->of->task);
}

// The layers this rank holds, to one side of a subset to forget.
static status add_side(const recollect_pass *pass, int side, partial *sum)
{
    status st = OK;
    const recollect *r = pass->of;
    const layer_range held = model_layers(r->model);
    const int64_t at = pass->unit->forget * SIDES + side, rows = pass->rows;
    if (held.first == 0) // one of a team counts
        TRY(partial_add_counts(sum, FIELD_TOKENS, at, 1, &rows));
    for (int s = 0; s < SITES; s++) {
        const int64_t first = (int64_t)held.first * r->width[s];
        const int64_t n = (int64_t)(held.end - held.first) * r->width[s];
        for (int k = 0; k < STATISTICS; k++) {
            const int field = field_of(r, s, k);
            if (field == 0)
                continue;
            if (moment_of[k] == MOMENTS)
                TRY(partial_add_counts(sum, field, at * neurons_of(r, s) + first, n,
                                       site_sums_positive(pass->sums[s]) + first));
            else
                TRY(partial_add_sums(sum, field, at * neurons_of(r, s) + first, n,
                                     site_sums_sum(pass->sums[s], moment_of[k]) + first));
        }
    }
done:
    return st;
}

int64_t recollect_together(const recollect *r, int64_t unit)
{
    const tiling *cuts = &r->source.cuts;
    const recollect_unit *u = &r->unit[unit], *before = u - 1;
    if (u->forget != before->forget ||
        cuts->tile[u->run.first].subset != cuts->tile[before->run.first].subset)
        return 1;
    return model_tiles_together(r->model, cuts->max_samples, cuts->max_rows) / u->run.tiles;
}

status recollect_run(recollect *r, int64_t unit, int64_t n, int lane, const recollect_pruning *p,
                     partial *sum)
{
    status st = OK;
    const tiling *cuts = &r->source.cuts;
    const recollect_unit *u = &r->unit[unit];
    recollect_pass own = {.of = r, .unit = u, .pruning = p};
    forward pass = {.context = &own,
                    .tiles = tile_runs_join(u->run, r->unit[unit + n - 1].run).tiles,
                    .max_samples = cuts->max_samples,
                    .max_rows = cuts->max_rows,
                    .lane = lane,
                    .load = load_tile,
                    .read = read_block,
                    .mask = p->mask,
                    .ablate = p->mask && p->ablate ? ablate_block : NULL,
                    .stopping = is_stopping};
    for (int s = 0; s < SITES; s++) {
        const site_shape shape = {.layers = r->layers, .width = r->width[s]};
        pass.read_sites[s] = shape.width > 0;
        if (shape.width > 0)
            TRY(site_sums_begin(&shape, &r->sums[s][lane]));
        own.sums[s] = r->sums[s][lane];
    }
    TRY(model_forward(r->model, task_pool(r->task), &pass));
    for (int side = 0; side < SIDES; side++)
        if (is_of_side(r, u->forget, cuts->tile[u->run.first].subset, side))
            TRY(add_side(&own, side, sum));
done:
    return st;
}

// --- Scores

// The statistics of a side, each in value[k], which is owned by the caller.
static status read_side(const recollect *r, const partial *sum, int64_t forget, int side, int which,
                        double *value[STATISTICS], neuron_statistics *out)
{
    const int64_t n = neurons_of(r, which), at = forget * SIDES + side;
    *out = (neuron_statistics){.tokens = (double)partial_counts(sum, FIELD_TOKENS)[at]};
    for (int k = 0; k < STATISTICS; k++) {
        const int field = field_of(r, which, k);
        if (field == 0)
            continue;
        if (!(value[k] = checked_calloc((size_t)n, sizeof *value[k])))
            return status_no_memory("activation statistics");
        for (int64_t i = 0; i < n; i++)
            value[k][i] =
                (moment_of[k] == MOMENTS ? (double)partial_counts(sum, field)[at * n + i]
                                         : fixed_to(partial_sums(sum, field)[at * n + i])) /
                out->tokens;
        out->of[k] = value[k];
    }
    return OK;
}

static status score_site(const recollect *r, const partial *sum, int64_t forget, int which,
                         double *score)
{
    status st;
    score_sides of = {0};
    double *value[SIDES][STATISTICS] = {{NULL}};
    TRY(read_side(r, sum, forget, FORGET, which, value[FORGET], &of.forget));
    TRY(read_side(r, sum, forget, RETAIN, which, value[RETAIN], &of.retain));
    // Tokens that are too few for the measure, `score` has refused.
    score_measure_apply(r->measure, r->published, r->eps[which], &of, neurons_of(r, which), score);
done:
    for (int side = 0; side < SIDES; side++)
        for (int k = 0; k < STATISTICS; k++)
            free(value[side][k]);
    return st;
}

status recollect_scores(const recollect *r, const partial *sum, int64_t forget, double *score)
{
    status st = OK;
    int beside = 0, all = 0;
    double *own = NULL;
    for (int s = 0; s < SITES; s++)
        all += r->width[s];
    if (!(own = checked_calloc((size_t)r->layers * (size_t)r->widest, sizeof *own)))
        TRY(status_no_memory("scores"));
    for (int s = 0; s < SITES; s++) {
        if (r->width[s] == 0)
            continue;
        TRY(score_site(r, sum, forget, s, own));
        for (int l = 0; l < r->layers; l++)
            memcpy(score + (int64_t)l * all + beside, own + (int64_t)l * r->width[s],
                   (size_t)r->width[s] * sizeof *own);
        beside += r->width[s];
    }
done:
    free(own);
    return st;
}

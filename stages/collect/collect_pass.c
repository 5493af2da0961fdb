// SPDX-License-Identifier: Apache-2.0
// A lane adds up what its tiles' neurons do in sums of its own, and at the end adds these to the
// task's: so that a unit that fails has added nothing.
#include "stages/collect/collect_pass.h"

#include "pipeline/base/checked.h"
#include "stages/collect/counted_rows.h"
#include "stages/collect/sampled_tokens.h"

// A unit's pass over its tiles, as the model's callbacks see it.
typedef struct collect_pass {
    const collect_state *state;
    site_sums *sums[SITES]; // of the unit's lane; NULL where a site is not read
    int64_t first;          // tile
    _Atomic int64_t rows;   // that count, of the tiles loaded
} collect_pass;

static status load_tile(void *context, int64_t index, int thread, tile *t)
{
    (void)thread;
    collect_pass *pass = context;
    const status st = tile_source_load(&pass->state->source, pass->first + index, t);
    if (st == OK)
        pass->rows += counted_rows_of_tile(t, pass->state->layout.skip);
    return st;
}

static bool is_stopping(void *context)
{
    const collect_pass *pass = context;
    return task_stopping(pass->state->task);
}

static sampled_rows sampled_rows_of(const collect_state *s, const tile_cut *cut)
{
    return sampled_tokens_of(s->sampled + s->sampled_first[cut->subset],
                             s->layout.firing_tokens[cut->subset], cut);
}

// Adds a tile's block sample by sample, from the first token of each that counts.
static status add_samples(const collect_pass *pass, block_sums *own, const tile *t,
                          const site_block *block, const sampled_rows *sampled)
{
    const collect_state *s = pass->state;
    status st = OK;
    sampled_rows left = *sampled;
    for (int64_t i = 0; i < t->samples && st == OK; i++) {
        const int64_t begin = t->first_row[i] + s->layout.skip, end = t->first_row[i + 1];
        if (begin >= end)
            continue;
        const int64_t first = counted_rows_find(block, begin), last = counted_rows_find(block, end);
        site_block counted = *block;
        counted.x = block->x + first * block->stride;
        counted.rows = last - first;
        counted.row = block->row ? block->row + first : NULL;
        sampled_rows here = {left.row, 0, left.first_bit,
                             sampled->before + (block->row ? 0 : begin)};
        while (here.n < left.n && left.row[here.n] < sampled->before + end)
            here.n++;
        st = site_sums_add(pass->sums[block->site], own, &counted, &here, task_label(s->task));
        left = (sampled_rows){left.row + here.n, left.n - here.n, left.first_bit + here.n, 0};
    }
    return st;
}

// As read_block and site_sums_add do it, where the model is on a device.
static status add_totals(void *context, int thread, const site_totals *t)
{
    (void)thread;
    const collect_pass *pass = context;
    site_sums_add_totals(pass->sums[t->site], t);
    return OK;
}

static int64_t list_firing(void *context, int64_t index, int32_t *row, int64_t *bit)
{
    const collect_pass *pass = context;
    const collect_state *s = pass->state;
    const tile_cut *cut = &s->source.cuts.tile[pass->first + index];
    const sampled_rows sampled = sampled_rows_of(s, cut);
    for (int64_t i = 0; i < sampled.n; i++) {
        row[i] = (int32_t)(sampled.row[i] - sampled.before);
        bit[i] = sampled.first_bit + i;
    }
    return sampled.n;
}

static status read_block(void *context, int64_t index, int thread, const tile *t,
                         const site_block *block)
{
    const collect_pass *pass = context;
    const collect_state *s = pass->state;
    block_sums **own = &s->block[thread];
    if (!*own) { // the thread that uses it makes it
        status st = block_sums_new(collect_layout_widest(&s->layout), own);
        if (st != OK)
            return st;
    }
    const tile_cut *cut = &s->source.cuts.tile[pass->first + index];
    sampled_rows sampled = {0};
    if (s->layout.site[block->site].shape.words > 0)
        sampled = sampled_rows_of(s, cut);
    if (s->layout.skip > 0)
        return add_samples(pass, *own, t, block, &sampled);
    return site_sums_add(pass->sums[block->site], *own, block, &sampled, task_label(s->task));
}

// The layers this rank holds: all of them but in a team, where others add what it did not run.
static status add_site(const collect_state *s, const site_sums *sums, int subset, int fold,
                       int which, partial *sum)
{
    status st = OK;
    const site_shape *l = &s->layout.site[which].shape;
    const int field = s->layout.site[which].field;
    const layer_range held = model_layers(s->model);
    const int64_t *counts[COUNTS] = {[COUNT_POSITIVE] = site_sums_positive(sums),
                                     [COUNT_FIRING] = site_sums_firing(sums),
                                     [COUNT_HISTOGRAM] = site_sums_histogram(sums),
                                     [COUNT_ROUTED] = site_sums_routed(sums)};
    int64_t first = (int64_t)held.first * l->width, n = (int64_t)(held.end - held.first) * l->width;
    const int64_t cell = (int64_t)subset * s->layout.folds + fold;
    int64_t at = cell * l->layers * l->width + first;
    for (int m = 0; m < MOMENTS; m++)
        TRY(partial_add_sums(sum, field + m, at, n, site_sums_sum(sums, m) + first));
    for (collect_count k = 0; k < COUNTS; k++) {
        const bool by_fold = collect_layout_folds(&s->layout, k) == s->layout.folds;
        int64_t a_layer,
            begin = collect_layout_count(&s->layout, which, k, by_fold ? cell : subset, &a_layer);
        TRY(partial_add_counts(sum, field + COLLECT_COUNTS, begin + held.first * a_layer,
                               (held.end - held.first) * a_layer,
                               counts[k] + held.first * a_layer));
    }
done:
    return st;
}

// Sums are of a subset and a fold; tiles of one follow each other.
int64_t collect_pass_together(void *state, const round_state *round, int64_t unit)
{
    (void)round;
    const collect_state *s = state;
    const tiling *cuts = &s->source.cuts;
    const tile_run *own = &s->unit[unit], *before = own - 1;
    if (cuts->tile[own->first].subset != cuts->tile[before->first].subset ||
        s->fold[unit] != s->fold[unit - 1])
        return 1;
    return model_tiles_together(s->model, cuts->max_samples, cuts->max_rows) / own->tiles;
}

status collect_pass_units(void *state, const round_state *round, int64_t unit, int64_t n, int lane,
                          partial *sum)
{
    (void)round;
    status st = OK;
    collect_state *s = state;
    const tile_run run = tile_runs_join(s->unit[unit], s->unit[unit + n - 1]);
    const tiling *cuts = &s->source.cuts;
    const int subset = cuts->tile[run.first].subset, fold = s->fold[unit];
    collect_pass own = {.state = s, .first = run.first};
    forward pass = {.context = &own,
                    .tiles = run.tiles,
                    .max_samples = cuts->max_samples,
                    .max_rows = cuts->max_rows,
                    .lane = lane,
                    .load = load_tile,
                    .read = read_block,
                    .totals = add_totals,
                    .skip_first = s->layout.skip,
                    .firing = list_firing,
                    .firing_words = s->layout.site[SITE_MLP].shape.words,
                    .histogram = s->layout.histogram,
                    .stopping = is_stopping};
    for (int which = 0; which < SITES; which++) {
        const collect_site *l = &s->layout.site[which];
        site_sums **sums = &s->sums[which][lane]; // the thread that uses them makes them
        pass.read_sites[which] = l->read;
        if (l->read)
            TRY(site_sums_begin(&l->shape, sums));
        own.sums[which] = *sums;
    }
    TRY(model_forward(s->model, task_pool(s->task), &pass));
    const int64_t rows = own.rows;
    if (model_layers(s->model).first == 0) // one of a team counts
        TRY(partial_add_counts(sum, COLLECT_ROWS, subset * s->layout.folds + fold, 1, &rows));
    for (int which = 0; which < SITES; which++)
        if (s->layout.site[which].read)
            TRY(add_site(s, own.sums[which], subset, fold, which, sum));
done:
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// A tile ends where the rows so far reach an even share of all, not when it is full: full ones
// would leave a short rest at each subset's end, and a thread without work. All is integers, so
// that every rank cuts alike.
#include "stages/common/tiling.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"

void tiling_free(tiling *t)
{
    free(t->tile);
    free(t->subset_tile);
    *t = (tiling){0};
}

static status append_tile(tiling *t, const tile_cut *cut)
{
    if (!checked_grow(&t->tile, &t->tile_capacity, (size_t)t->tiles + 1, sizeof *t->tile))
        return status_no_memory("a list of tiles");
    t->tile[t->tiles++] = *cut;
    return OK;
}

// Into how many tiles to cut a subset: samples of the mean length, at least one a tile.
static int64_t count_tiles(int64_t samples, int64_t rows)
{
    if (rows == 0)
        return samples > 0;
    const int64_t of_tile = (TILING_ROWS * samples + rows - 1) / rows; // samples for TILING_ROWS
    return (samples + of_tile - 1) / of_tile;
}

static void note_largest(tiling *t)
{
    for (int64_t i = t->subset_tile[t->subsets]; i < t->tiles; i++) {
        t->max_samples = t->tile[i].samples > t->max_samples ? t->tile[i].samples : t->max_samples;
        t->max_rows = t->tile[i].rows > t->max_rows ? t->tile[i].rows : t->max_rows;
    }
}

status tiling_add(tiling *t, int64_t samples, tiling_rows_fn *rows, void *context)
{
    status st = OK;
    int64_t total = 0, before = 0, cuts = 0;
    if (!checked_grow(&t->subset_tile, &t->subset_capacity, (size_t)t->subsets + 2,
                      sizeof *t->subset_tile))
        return status_no_memory("a list of tiles");
    t->subset_tile[t->subsets] = t->tiles;
    for (int64_t i = 0; i < samples; i++)
        total += rows(context, i);
    const int64_t n = count_tiles(samples, total);
    tile_cut cut = {.subset = t->subsets};
    for (int64_t i = 0; i < samples; i++) {
        cut.samples++;
        cut.rows += rows(context, i);
        before = cut.first_row + cut.rows;
        // A tile ends at the sample that reaches its even share of the rows.
        if (i + 1 < samples && before * n < total * (cuts + 1))
            continue;
        TRY(append_tile(t, &cut));
        while (before * n >= total * (cuts + 1) && cuts < n)
            cuts++;
        cut = (tile_cut){t->subsets, i + 1, 0, before, 0};
    }
    note_largest(t);
    t->subset_tile[++t->subsets] = t->tiles;
done:
    return st;
}

int64_t tiling_subset_tiles(const tiling *t, int subset)
{
    return t->subset_tile[subset + 1] - t->subset_tile[subset];
}

int64_t tiling_subset_rows(const tiling *t, int subset)
{
    int64_t rows = 0;
    for (int64_t i = t->subset_tile[subset]; i < t->subset_tile[subset + 1]; i++)
        rows += t->tile[i].rows;
    return rows;
}

double tiling_operations(const tiling *t, const model_info *info, tile_run run)
{
    double operations = 0;
    for (int64_t i = run.first; i < run.first + run.tiles; i++)
        operations += model_operations(info, t->tile[i].samples, t->tile[i].rows);
    return operations;
}

int64_t tiling_units(const tiling *t, const model_info *info, int64_t first, int64_t end,
                     tile_run *runs)
{
    int64_t units = 0;
    while (first < end) {
        tile_run run = {first, 0};
        double operations = 0;
        while (first < end && operations < TILING_UNIT_OPERATIONS) {
            operations += model_operations(info, t->tile[first].samples, t->tile[first].rows);
            run.tiles++;
            first++;
        }
        if (runs)
            runs[units] = run;
        units++;
    }
    return units;
}

tile_run tile_runs_join(tile_run first, tile_run last)
{
    return (tile_run){first.first, last.first + last.tiles - first.first};
}

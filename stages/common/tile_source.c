// SPDX-License-Identifier: Apache-2.0
// Samples are asked how many rows they have when tiles are cut, and read only when a tile is
// loaded, on the thread that runs it: a source holds no sample.
#include "stages/common/tile_source.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

void tile_source_begin(tile_source *s, const model_info *info, part p)
{
    *s = (tile_source){.part = p, .text = info->modality == MODALITY_TEXT};
    s->image_values = (int64_t)info->channels * info->image_height * info->image_width;
}

void tile_source_free(tile_source *s)
{
    tiling_free(&s->cuts);
    free(s->subset);
    *s = (tile_source){0};
}

typedef struct subset_counting {
    const tile_source *source;
    const tile_subset *subset;
} subset_counting;

static int64_t subset_rows(void *context, int64_t i)
{
    const subset_counting *c = context;
    return samples_rows(c->subset->samples, c->subset->subset, c->source->part, i);
}

status tile_source_add(tile_source *s, const samples *from, int subset)
{
    int n = s->cuts.subsets;
    if (!checked_grow(&s->subset, &s->subset_capacity, (size_t)n + 1, sizeof *s->subset))
        return status_no_memory("a list of subsets");
    s->subset[n] = (tile_subset){from, subset};
    subset_counting c = {s, &s->subset[n]};
    return tiling_add(&s->cuts, samples_count(from, subset, s->part), subset_rows, &c);
}

int tile_source_choices(const tile_source *s, int64_t i, const int32_t **choice)
{
    int n;
    *choice = samples_candidates(s->subset[s->cuts.tile[i].subset].samples, &n);
    return n;
}

int64_t tile_source_alike(const tile_source *s, int64_t first, int64_t end)
{
    const int32_t *mine, *other;
    int n = tile_source_choices(s, first, &mine);
    int64_t i = first + 1;
    while (i < end && tile_source_choices(s, i, &other) == n &&
           (n == 0 || memcmp(mine, other, (size_t)n * sizeof *mine) == 0))
        i++;
    return i;
}

status tile_source_load(const tile_source *s, int64_t i, tile *t)
{
    status st = OK;
    const tile_cut *cut = &s->cuts.tile[i];
    const tile_subset *from = &s->subset[cut->subset];
    t->samples = cut->samples;
    t->rows = cut->rows;
    t->first_row[0] = 0;
    for (int64_t j = 0; j < cut->samples; j++) {
        int64_t sample = cut->first_sample + j, row = t->first_row[j];
        t->first_row[j + 1] = row + samples_rows(from->samples, from->subset, s->part, sample);
        if (s->text)
            TRY(samples_text(from->samples, from->subset, s->part, sample, t->ids + row,
                             t->target + row));
        else
            TRY(samples_image(from->samples, from->subset, s->part, sample,
                              t->pixels + j * s->image_values, &t->target[j]));
    }
done:
    return st;
}

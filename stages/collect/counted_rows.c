// SPDX-License-Identifier: Apache-2.0
// Samples are asked for their lengths one after the other: nothing is kept for them.
#include "stages/collect/counted_rows.h"

static int64_t sample_rows(const tile_source *s, int subset, int64_t i)
{
    return samples_rows(s->subset[subset].samples, s->subset[subset].subset, s->part, i);
}

static int64_t behind(int64_t rows, int64_t skip)
{
    return rows > skip ? rows - skip : 0;
}

int64_t counted_rows(const tile_source *s, int subset, int64_t skip)
{
    const tile_subset *own = &s->subset[subset];
    const int64_t n = samples_count(own->samples, own->subset, s->part);
    int64_t rows = 0;
    if (skip == 0)
        return tiling_subset_rows(&s->cuts, subset);
    for (int64_t i = 0; i < n; i++)
        rows += behind(sample_rows(s, subset, i), skip);
    return rows;
}

int64_t counted_rows_of_tile(const tile *t, int64_t skip)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < t->samples; i++)
        rows += behind(t->first_row[i + 1] - t->first_row[i], skip);
    return rows;
}

void counted_rows_place(const tile_source *s, int subset, int64_t skip, int64_t n, int64_t *row)
{
    int64_t sample = 0, first = 0,
            counted = 0; // the sample's first row, and counted rows before it
    for (int64_t i = 0; skip > 0 && i < n; i++) {
        int64_t rows = sample_rows(s, subset, sample);
        for (; row[i] >= counted + behind(rows, skip); rows = sample_rows(s, subset, sample)) {
            counted += behind(rows, skip);
            first += rows;
            sample++;
        }
        row[i] = first + skip + row[i] - counted;
    }
}

int64_t counted_rows_find(const site_block *b, int64_t row)
{
    int64_t at = 0;
    while (b->row && at < b->rows && b->row[at] < row)
        at++;
    return b->row ? at : row;
}

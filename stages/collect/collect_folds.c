// SPDX-License-Identifier: Apache-2.0
// Tiles are dealt, not samples: a tile's sum is rounded once, so that the folds' integers add up to
// those that there are without folds, and a unit of one fold costs what a unit costs. A tile is some
// samples that are neighbours in the files, as a block of a block jackknife is.
#include "stages/collect/collect_folds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/text.h"
#include "stages/common/scores.h"

static status make_order(uint64_t seed, const char *subset, int64_t n, int64_t *order)
{
    char *stream = text_format("folds %s", subset);
    if (!stream)
        return status_no_memory("folds");
    const rng random = rng_new(seed, stream);
    rng_permutation(&random, n, order);
    free(stream);
    return OK;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t collect_folds_first(const collect_layout *l, const tiling *cuts, int subset, int fold)
{
    const int64_t begin = cuts->subset_tile[subset], n = tiling_subset_tiles(cuts, subset);
    return begin + n * fold / l->folds;
}

// By the smallest subset, so that the number that does for it does for all.
static status too_few(const params *p, const collect_layout *l, const tiling *cuts)
{
    int least = 0;
    for (int i = 1; i < cuts->subsets; i++)
        if (tiling_subset_tiles(cuts, i) < tiling_subset_tiles(cuts, least))
            least = i;
    const int64_t n = tiling_subset_tiles(cuts, least);
    char most[64] = "leave out `folds`";
    if (n >= 2)
        snprintf(most, sizeof most, "`folds: %lld` is the most for all subsets", (long long)n);
    return params_fail(p, "folds",
                       "subset %s is %lld tile%s (of whole samples, about %d tokens), too few for "
                       "%d folds; %s, or collect on more samples",
                       l->subset[least], (long long)n, n == 1 ? "" : "s", TILING_ROWS, l->folds,
                       most);
}

status collect_folds_deal(const params *p, const collect_layout *l, tiling *cuts, int subset)
{
    status st = OK;
    const int64_t begin = cuts->subset_tile[subset], n = tiling_subset_tiles(cuts, subset);
    if (n < l->folds)
        return too_few(p, l, cuts);
    int64_t *order = checked_calloc((size_t)n, sizeof *order);
    tile_cut *dealt = checked_calloc((size_t)n, sizeof *dealt);
    if (!order || !dealt)
        TRY(status_no_memory("folds"));
    TRY(make_order((uint64_t)params_int(p, "seed"), l->subset[subset], n, order));
    for (int f = 0; f < l->folds; f++) { // in file order within a fold
        const int64_t from = collect_folds_first(l, cuts, subset, f) - begin;
        const int64_t to = collect_folds_first(l, cuts, subset, f + 1) - begin;
        qsort(order + from, (size_t)(to - from), sizeof *order, by_number);
    }
    for (int64_t i = 0; i < n; i++)
        dealt[i] = cuts->tile[begin + order[i]];
    memcpy(cuts->tile + begin, dealt, (size_t)n * sizeof *dealt);
done:
    free(order);
    free(dealt);
    return st;
}

// Adds the folds of `cells` cells of n values each, which lie one behind the other.
static status add_counts(const int64_t *from, int64_t cells, int folds, int64_t n, int field,
                         int64_t first, partial *out)
{
    status st = OK;
    for (int64_t i = 0; i < cells * folds && st == OK; i++)
        st = partial_add_counts(out, field, first + i / folds * n, n, from + i * n);
    return st;
}

static status add_site(const collect_layout *l, int which, const partial *sum,
                       const collect_layout *whole, partial *out)
{
    status st = OK;
    const site_shape *s = &l->site[which].shape;
    const int field = l->site[which].field, counts = field + COLLECT_COUNTS;
    const int64_t n = (int64_t)l->layers * s->width;
    for (int m = 0; m < MOMENTS; m++)
        for (int64_t i = 0; i < (int64_t)l->subsets * l->folds; i++)
            TRY(partial_add_sums(out, field + m, i / l->folds * n, n,
                                 partial_sums(sum, field + m) + i * n));
    for (collect_count k = 0; k < COUNTS; k++) {
        int64_t a_layer;
        const int64_t *from =
            partial_counts(sum, counts) + collect_layout_count(l, which, k, 0, &a_layer);
        const int64_t to = collect_layout_count(whole, which, k, 0, &a_layer);
        TRY(add_counts(from, l->subsets, collect_layout_folds(l, k), l->layers * a_layer, counts,
                       to, out));
    }
done:
    return st;
}

double collect_folds_bytes(const collect_layout *l)
{
    collect_layout whole = *l;
    partial_shape shape;
    if (l->folds == 1)
        return 0;
    whole.folds = 1;
    collect_layout_shape(&whole, &shape);
    return (double)partial_bytes(&shape);
}

static status add_up(collect_folds *f, const collect_layout *l, const partial *sum)
{
    status st;
    partial_shape shape;
    f->whole = *l;
    f->whole.folds = 1;
    collect_layout_shape(&f->whole, &shape);
    TRY(partial_new(&shape, &f->sum));
    TRY(add_counts(partial_counts(sum, COLLECT_ROWS), l->subsets, l->folds, 1, COLLECT_ROWS, 0,
                   f->sum));
    for (int which = 0; which < SITES; which++)
        if (l->site[which].read)
            TRY(add_site(l, which, sum, &f->whole, f->sum));
done:
    return st;
}

static status describe_site(collect_layout *l, int which, const partial *sum, artefact_writer *w)
{
    status st = OK;
    collect_site *s = &l->site[which];
    snprintf(s->count_name, sizeof s->count_name, "%s_fold_count", site_names[which]);
    TRY(artefact_variable(w, &(variable){.name = s->count_name,
                                         .type = VARIABLE_I64,
                                         .dims = 2,
                                         .dim = {"subset", "fold"},
                                         .long_name = "tokens of the fold",
                                         .units = "1",
                                         .data = partial_counts(sum, COLLECT_ROWS)}));
    for (int i = 0; i <= MOMENTS; i++)
        TRY(collect_describe_mean(
            l, which, i, sum, "fold_",
            &(variable){.dims = 4, .dim = {"subset", "fold", "layer", scores_unit(which)}}, w));
    if (s->shape.bins > 0)
        TRY(collect_describe_histogram(
            l, which, sum, "fold_",
            &(variable){.dims = 5, .dim = {"subset", "fold", "layer", scores_unit(which), "bin"}},
            w));
    if (s->shape.experts > 0)
        TRY(artefact_variable(w, &(variable){.name = "expert_fold_tokens",
                                             .type = VARIABLE_I64,
                                             .dims = 4,
                                             .dim = {"subset", "fold", "layer", "expert"},
                                             .long_name = "tokens of the fold that are routed to "
                                                          "the expert",
                                             .units = "1",
                                             .data = collect_counts(l, which, COUNT_ROUTED, sum)}));
done:
    return st;
}

status collect_folds_describe(collect_folds *f, collect_layout *l, const partial *sum,
                              artefact_writer *w)
{
    status st;
    TRY(add_up(f, l, sum));
    TRY(collect_describe(&f->whole, f->sum, w));
    TRY(artefact_dim(w, "fold", l->folds));
    for (int which = 0; which < SITES; which++)
        if (l->site[which].read)
            TRY(describe_site(l, which, sum, w));
done:
    return st;
}

void collect_folds_free(collect_folds *f)
{
    partial_free(f->sum);
    f->sum = NULL;
}

// SPDX-License-Identifier: Apache-2.0
// Counts without a fold are the whole's less the fold's: exact, so that these scores are those of
// data that never had the fold.
#include "stages/score/site_auc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/score/rank_auc.h"

int64_t site_auc_folds(const artefact *from, site which)
{
    char name[48];
    snprintf(name, sizeof name, "%s_fold_histogram", site_names[which]);
    return artefact_has(from, name) ? artefact_length(from, "fold") : 0;
}

// What is in memory: counts [subsets, width, bins] of one layer, and those of the rest of a subset.
typedef struct layer_counts {
    int64_t bins, values; // values: width · bins
    double *whole, *left; // left: without a fold
    double *rest;         // [width, bins]
    char whole_name[32], fold_name[48];
} layer_counts;

static void layer_counts_free(layer_counts *c)
{
    free(c->whole);
    free(c->left);
    free(c->rest);
}

static status layer_counts_new(const auc_site *x, layer_counts *c)
{
    *c = (layer_counts){.bins = artefact_length(x->from, "bin")};
    snprintf(c->whole_name, sizeof c->whole_name, "%s_histogram", site_names[x->which]);
    snprintf(c->fold_name, sizeof c->fold_name, "%s_fold_histogram", site_names[x->which]);
    if (!artefact_has(x->from, c->whole_name) || c->bins < 1)
        return status_fail(ERR_INPUT, artefact_path(x->from),
                           "measure: auc needs the histograms of its collect step; give that "
                           "step histogram: true");
    c->values = x->width * c->bins;
    const size_t bytes = (size_t)c->values * sizeof(double);
    c->whole = checked_calloc((size_t)x->subsets, bytes);
    c->left = x->folds > 0 ? checked_calloc((size_t)x->subsets, bytes) : NULL;
    c->rest = checked_calloc(1, bytes);
    return c->whole && c->rest && (c->left || x->folds == 0) ? OK : status_no_memory("histograms");
}

static void add_counts(const double *count, int64_t n, double *total)
{
    for (int64_t i = 0; i < n; i++)
        total[i] += count[i];
}

// The scores of one layer, from count[subsets, width, bins].
static void score_layer(const auc_site *x, layer_counts *c, int64_t layer, const double *count,
                        double *score)
{
    for (int64_t f = 0; f < x->subsets; f++) {
        memset(c->rest, 0, (size_t)c->values * sizeof *c->rest);
        for (int64_t r = 0; r < x->subsets; r++)
            if (x->retained[r] && r != f)
                add_counts(count + r * c->values, c->values, c->rest);
        for (int64_t u = 0; u < x->width; u++)
            score[(f * x->layers + layer) * x->width + u] =
                rank_auc(count + f * c->values + u * c->bins, c->rest + u * c->bins, (int)c->bins);
    }
}

// Reads the layer's counts of a fold, and takes them from the whole's.
static status leave_out(const auc_site *x, layer_counts *c, int64_t layer, int64_t fold)
{
    status st = OK;
    for (int64_t r = 0; r < x->subsets; r++)
        TRY(artefact_read_rows(x->from, c->fold_name, VARIABLE_F64,
                               ((r * x->folds + fold) * x->layers + layer) * x->width, x->width,
                               c->left + r * c->values));
    for (int64_t i = 0; i < x->subsets * c->values; i++)
        c->left[i] = c->whole[i] - c->left[i];
done:
    return st;
}

status site_auc(const auc_site *x, double *score, double *without)
{
    status st = OK;
    layer_counts c;
    TRY(layer_counts_new(x, &c));
    for (int64_t layer = 0; layer < x->layers; layer++) {
        for (int64_t r = 0; r < x->subsets; r++)
            TRY(artefact_read_rows(x->from, c.whole_name, VARIABLE_F64,
                                   (r * x->layers + layer) * x->width, x->width,
                                   c.whole + r * c.values));
        score_layer(x, &c, layer, c.whole, score);
        for (int64_t f = 0; f < x->folds; f++) {
            TRY(leave_out(x, &c, layer, f));
            score_layer(x, &c, layer, c.left, without + f * x->subsets * x->layers * x->width);
        }
    }
done:
    layer_counts_free(&c);
    return st;
}

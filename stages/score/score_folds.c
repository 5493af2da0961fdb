// SPDX-License-Identifier: Apache-2.0
// A statistic without a fold is the whole's less the fold's: one row is read, not those of all
// other folds. A fold that no token reached (of a sparse model's expert) changes nothing.
#include "stages/score/score_folds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "stages/common/jackknife.h"

int64_t score_folds_of(const artefact *from)
{
    const int64_t folds = artefact_length(from, "fold");
    return folds > 1 ? folds : 0;
}

// Tokens of a subset's fold, to tokens[groups].
static status read_tokens(const fold_site *x, int64_t subset, int64_t fold, double *tokens)
{
    char name[48];
    const int64_t folds = score_folds_of(x->from);
    if (x->experts)
        return artefact_read_rows(x->from, "expert_fold_tokens", VARIABLE_F64,
                                  (subset * folds + fold) * x->layers, x->layers, tokens);
    double *row = checked_calloc((size_t)folds, sizeof *row);
    if (!row)
        return status_no_memory("folds");
    snprintf(name, sizeof name, "%s_fold_count", site_names[x->which]);
    status st = artefact_read_rows(x->from, name, VARIABLE_F64, subset, 1, row);
    *tokens = row[fold];
    free(row);
    return st;
}

status score_folds_tokens(const fold_site *x, int64_t fold, double *without)
{
    status st = OK;
    for (int64_t k = 0; k < x->subsets && st == OK; k++)
        st = read_tokens(x, k, fold, without + k * x->groups);
    for (int64_t i = 0; i < x->subsets * x->groups; i++)
        without[i] = x->tokens[i] - without[i];
    return st;
}

static double leave_out(double whole, double tokens, double of_fold, double left)
{
    if (left <= 0)
        return NAN;
    return tokens > left ? (whole * tokens - of_fold * (tokens - left)) / left : whole;
}

status score_folds_leave_out(const fold_site *x, const char *statistic, int64_t fold,
                             const double *whole, const double *without, double *out)
{
    status st = OK;
    char name[64];
    const int64_t neurons = x->layers * x->width, group = neurons / x->groups;
    const int64_t folds = score_folds_of(x->from);
    snprintf(name, sizeof name, "%s_fold_%s", site_names[x->which], statistic);
    for (int64_t k = 0; k < x->subsets; k++) {
        double *own = out + k * neurons;
        TRY(artefact_read_rows(x->from, name, VARIABLE_F64, (k * folds + fold) * x->layers,
                               x->layers, own));
        for (int64_t i = 0; i < neurons; i++) {
            const int64_t cell = k * x->groups + i / group;
            own[i] = leave_out(whole[k * neurons + i], x->tokens[cell], own[i], without[cell]);
        }
    }
done:
    return st;
}

status score_folds_new(const fold_site *x, score_folds *out)
{
    const size_t values = (size_t)x->subsets * (size_t)(x->layers * x->width);
    out->folds = score_folds_of(x->from);
    out->without = checked_calloc(values, (size_t)out->folds * sizeof *out->without);
    out->low = checked_calloc(values, sizeof *out->low);
    out->high = checked_calloc(values, sizeof *out->high);
    return out->without && out->low && out->high ? OK : status_no_memory("scores without folds");
}

void score_folds_free(score_folds *f)
{
    free(f->without);
    free(f->low);
    free(f->high);
    *f = (score_folds){0};
}

status score_folds_describe(score_folds *f, const fold_site *x, const double *score,
                            artefact_writer *w)
{
    const int64_t values = x->subsets * x->layers * x->width;
    const double reach = jackknife_reach(f->folds);
    for (int64_t i = 0; i < values; i++) {
        const double half = reach * jackknife_error(f->without + i, f->folds, values);
        f->low[i] = score[i] - half;
        f->high[i] = score[i] + half;
    }
    return scores_describe_folds(w, x->which, f->folds, f->low, f->high, f->without);
}

// SPDX-License-Identifier: Apache-2.0
// The words that all figures share, so that a subset and a task are called alike in every caption,
// legend and table of the page.
#include "stages/figures/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

const char *figure_subset_word(const figure *f)
{
    return strcmp(f->def->modality, "text") == 0 ? "text domain" : "class";
}

const char *figure_subset_words(const figure *f)
{
    return strcmp(f->def->modality, "text") == 0 ? "text domains" : "classes";
}

bool figure_is_own(const figure *f)
{
    return !f->def->stage;
}

const char *figure_title(const figure *f)
{
    return figure_is_own(f) ? f->task[0]->figure->title : f->def->title;
}

const char *figure_group(const figure *f)
{
    return figure_is_own(f) ? f->task[0]->step : f->def->stem;
}

const char *figure_task_name(const report_task *t)
{
    return t->model ? t->model : t->label;
}

const char *figure_beside_chance(double value, double chance)
{
    return value > 1.1 * chance ? "more than" : value < 0.9 * chance ? "less than" : "about";
}

// The row of a share of neurons, in percent; -1: there is none.
static int64_t find_share(const double *share, int64_t n, double percent)
{
    for (int64_t i = 0; i < n; i++)
        if (fabs(100 * share[i] - percent) < 1e-9)
            return i;
    return -1;
}

status figure_add_folds(const report_task *t, double percent, text *out)
{
    status st = OK;
    const artefact *a = t->artefact;
    const int64_t n = artefact_length(a, "fraction"), subsets = artefact_length(a, "subset");
    if (!artefact_has(a, "overlap_mean_low") || n < 1 || subsets < 1)
        return OK;
    double *value = checked_calloc((size_t)n, 3 * sizeof *value);
    double *stays = checked_calloc((size_t)subsets, sizeof *stays), least = INFINITY;
    if (!value || !stays)
        TRY(status_no_memory("an interval"));
    TRY(artefact_read(a, "fraction", VARIABLE_F64, value));
    TRY(artefact_read(a, "overlap_mean_low", VARIABLE_F64, value + n));
    TRY(artefact_read(a, "overlap_mean_high", VARIABLE_F64, value + 2 * n));
    const int64_t i = find_share(value, n, percent);
    if (i < 0)
        goto done;
    TRY(artefact_read_rows(a, "stability", VARIABLE_F64, i, 1, stays));
    for (int64_t k = 0; k < subsets; k++)
        least = fmin(least, stays[k]); // NaN gives way
    text_addf(
        out,
        "; between %.1f and %.1f%% by leaving out folds, without which every set keeps %.0f%% "
        "of its neurons or more",
        100 * value[n + i], 100 * value[2 * n + i], floor(100 * least));
done:
    free(value);
    free(stays);
    return st;
}

const char *figure_axis(const report_task *t, const char *name)
{
    for (size_t i = 0; i < t->n_axes; i++)
        if (strcmp(t->axes[i].name, name) == 0)
            return t->axes[i].value;
    return NULL;
}

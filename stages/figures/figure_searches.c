// SPDX-License-Identifier: Apache-2.0
// Probes come in the order in which they were tried and are sorted for the curve. A probe that was
// left before it had seen all answers is drawn like any other: what it saw decided it.
#include "stages/figures/figure_searches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/curves.h"
#include "stages/drawing/markup.h"
#include "stages/figures/pruning.h"

enum { REACHED, MISSED };

// The probes of one search, in percent; the unpruned model is its first point.
static status fill_curve(const pruning *p, int64_t forget, const double *share,
                         const double *accuracy, int64_t probes, double base, curve *out)
{
    out->colour = pruning_reached(p, forget) ? REACHED : MISSED;
    out->label = strdup(p->forget[forget]);
    out->point = checked_calloc((size_t)probes + 1, sizeof *out->point);
    if (!out->label || !out->point)
        return status_no_memory("a curve");
    const double goal = 100 * (1 - p->drop);
    out->point[out->points++] = curves_point(0, 100);
    for (int64_t i = 0; i < probes; i++)
        if (!isnan(share[i]) && !isnan(accuracy[i]) && base > 0)
            out->point[out->points++] = curves_point(100 * share[i], 100 * accuracy[i] / base);
    for (int64_t i = 0; i < out->points; i++)
        out->point[i].chance = goal;
    curves_sort(out);
    return OK;
}

// The curves of a task, from list[*n] on.
static status add_task(const report_task *t, size_t panel, curve *list, size_t *n)
{
    status st = OK;
    pruning p = {0};
    double *base = NULL, *share = NULL, *accuracy = NULL;
    const int64_t probes = artefact_length(t->artefact, "probe");
    TRY(pruning_read(t, &p));
    base = checked_calloc((size_t)p.subsets, sizeof *base);
    share = checked_calloc((size_t)(p.forgets * probes), sizeof *share);
    accuracy = checked_calloc((size_t)(p.forgets * probes), sizeof *accuracy);
    if (!base || !share || !accuracy)
        TRY(status_no_memory("searches"));
    TRY(artefact_read(t->artefact, "accuracy_base", VARIABLE_F64, base));
    TRY(artefact_read(t->artefact, "trace_fraction", VARIABLE_F64, share));
    TRY(artefact_read(t->artefact, "trace_accuracy", VARIABLE_F64, accuracy));
    for (int64_t f = 0; f < p.forgets; f++) {
        curve *c = &list[(*n)++];
        c->panel = panel;
        TRY(fill_curve(&p, f, share + f * probes, accuracy + f * probes, probes,
                       p.own[f] >= 0 ? base[p.own[f]] : NAN, c));
    }
done:
    pruning_free(&p);
    free(base);
    free(share);
    free(accuracy);
    return st;
}

static void fit_limits(const curve *c, size_t n, double *x_high, double *y_high)
{
    *x_high = 10, *y_high = 100;
    for (size_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c[i].points; j++) {
            *x_high = fmax(*x_high, ceil(c[i].point[j].x / 10 - 1e-9) * 10);
            *y_high = fmax(*y_high, ceil(c[i].point[j].mean / 10 - 1e-9) * 10);
        }
}

status figure_searches(figure *f)
{
    static const char *const key[] = {
        [REACHED] = "search that reached its goal", [MISSED] = "search that did not"};
    status st = OK;
    size_t n = 0, all = 0;
    double x_high, y_high;
    curve *c = NULL;
    char **title = checked_calloc(f->n, sizeof *title);
    double *low = checked_calloc(f->n, sizeof *low), *high = checked_calloc(f->n, sizeof *high);
    for (size_t i = 0; i < f->n; i++)
        all += (size_t)artefact_length(f->task[i]->artefact, "forget");
    c = checked_calloc(all, sizeof *c);
    if (!c || !title || !low || !high)
        TRY(status_no_memory("searches"));
    for (size_t i = 0; i < f->n; i++) {
        if (!(title[i] = strdup(f->task[i]->label)))
            TRY(status_no_memory("a title"));
        TRY(add_task(f->task[i], i, c, &n));
    }
    fit_limits(c, n, &x_high, &y_high);
    for (size_t i = 0; i < f->n; i++)
        high[i] = y_high;
    const curves drawn = {.panel_title = title,
                          .panels = f->n,
                          .curve = c,
                          .n = n,
                          .x_title = "share of neurons pruned, %",
                          .y_title = "Top-1, % of the unpruned",
                          .x_field = "share_percent",
                          .x_high = x_high,
                          .low = low,
                          .high = high,
                          .x_step = x_high > 50   ? 20
                                    : x_high > 20 ? 10
                                                  : 5,
                          .grey = "the goal",
                          .key = key};
    curves_write(&drawn, &f->picture);
    text_addf(
        &f->caption,
        "What every search saw: the Top-1 accuracy on the %s that is unlearned, in percent of "
        "the unpruned model's, at each share of neurons it tried. A search ends at the least "
        "share that meets its goal; where accuracy is not steady, it may have none.",
        figure_subset_word(f));
done:
    curves_free(c, all);
    for (size_t i = 0; title && i < f->n; i++)
        free(title[i]);
    free(title);
    free(low);
    free(high);
    return st;
}

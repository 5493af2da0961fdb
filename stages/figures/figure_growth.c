// SPDX-License-Identifier: Apache-2.0
// Shares come in the order in which the pipeline file lists them and are sorted for the curve. The
// difference panel is drawn only where both models have the same shares: nothing is interpolated.
#include "stages/figures/figure_growth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/curves.h"
#include "stages/drawing/markup.h"

// The points of a task, in percent, by ascending share.
static status read_curve(const report_task *t, curve *out)
{
    static const struct {
        const char *variable;
        size_t offset;
    } column[] = {{"fraction", offsetof(curve_point, x)},
                  {"overlap_mean", offsetof(curve_point, mean)},
                  {"overlap_median", offsetof(curve_point, median)},
                  {"overlap_std", offsetof(curve_point, std)},
                  {"overlap_min", offsetof(curve_point, min)},
                  {"overlap_max", offsetof(curve_point, max)},
                  {"chance", offsetof(curve_point, chance)},
                  {"overlap_mean_low", offsetof(curve_point, low)},
                  {"overlap_mean_high", offsetof(curve_point, high)}};
    status st = OK;
    int64_t n = out->points = artefact_length(t->artefact, "fraction");
    double *value = checked_calloc((size_t)n, sizeof *value);
    out->point = checked_calloc((size_t)n, sizeof *out->point);
    out->label = strdup(figure_task_name(t));
    if (!value || !out->point || !out->label)
        TRY(status_no_memory("a curve"));
    for (int64_t i = 0; i < n; i++)
        out->point[i] = curves_point(NAN, NAN);
    for (size_t c = 0; c < sizeof column / sizeof *column; c++) {
        if (column[c].offset >= offsetof(curve_point, low) &&
            !artefact_has(t->artefact, column[c].variable))
            continue; // there are no folds
        TRY(artefact_read(t->artefact, column[c].variable, VARIABLE_F64, value));
        for (int64_t i = 0; i < n; i++)
            *(double *)((char *)&out->point[i] + column[c].offset) = 100 * value[i];
    }
    curves_sort(out);
done:
    free(value);
    return st;
}

static status subtract_curves(const curve *a, const curve *b, curve *out)
{
    *out = (curve){.points = a->points, .colour = 2};
    out->label = text_format("%s − %s", a->label, b->label);
    out->point = checked_calloc((size_t)a->points, sizeof *out->point);
    if (!out->label || !out->point)
        return status_no_memory("a curve");
    for (int64_t i = 0; i < a->points; i++) {
        out->point[i] = curves_point(a->point[i].x, a->point[i].mean - b->point[i].mean);
        out->point[i].median = a->point[i].median - b->point[i].median;
    }
    return OK;
}

static bool same_shares(const curve *a, const curve *b)
{
    bool same = a->points == b->points;
    for (int64_t i = 0; same && i < a->points; i++)
        same = a->point[i].x == b->point[i].x;
    return same;
}

static void add_table(const curve *c, size_t n, text *table)
{
    static const double shown[] = {1, 2, 5, 10, 20, 50, 80};
    text_add(table,
             "<table><thead><tr><th>model</th><th>share</th><th>mean</th><th>std</th><th>median"
             "</th><th>least</th><th>most</th><th>chance</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c[i].points; j++) {
            const curve_point *p = &c[i].point[j];
            bool show = c[i].points <= 12;
            for (size_t s = 0; s < sizeof shown / sizeof *shown; s++)
                show |= fabs(p->x - shown[s]) < 1e-6;
            if (!show)
                continue;
            text_add(table, "<tr><td>");
            markup_html(table, c[i].label);
            text_addf(table,
                      "</td><td>%g%%</td><td>%.1f%%</td><td>%.1f</td><td>%.1f%%</td><td>%.1f%%</td>"
                      "<td>%.1f%%</td><td>%.1f%%</td></tr>\n",
                      p->x, p->mean, p->std, p->median, p->min, p->max, p->chance);
        }
    text_add(table, "</tbody></table>\n");
}

// The end of the axis: the next multiple of ten above the largest share.
static double find_end(const curve *c, size_t n)
{
    double most = 10;
    for (size_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c[i].points; j++)
            most = fmax(most, ceil(c[i].point[j].x / 10 - 1e-9) * 10);
    return fmin(most, 100);
}

// Of all panels with overlaps: the same for all, so that they can be compared.
static double find_top(const curve *c, size_t n)
{
    double most = 10;
    for (size_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c[i].points; j++) {
            most = fmax(most, ceil(c[i].point[j].max / 10 - 1e-9) * 10);
            most = fmax(most, ceil((c[i].point[j].mean + c[i].point[j].std) / 10 - 1e-9) * 10);
            most = fmax(most, ceil(c[i].point[j].high / 10 - 1e-9) * 10); // NaN gives way
        }
    return fmin(most, 100);
}

static status add_numbers(figure *f, const curve *c, size_t n)
{
    status st = OK;
    for (size_t i = 0; i < n && c[i].points > 0; i++) {
        const curve_point *p = &c[i].point[0];
        text_add(&f->numbers, "<li><code>");
        markup_html(&f->numbers, f->task[i]->label);
        text_addf(&f->numbers,
                  "</code>: the top %g%% of neurons of two %s overlap by <b>%.1f ± %.1f%%</b> "
                  "(mean ± standard deviation over pairs), %s chance, %.1f%%",
                  p->x, figure_subset_words(f), p->mean, p->std,
                  figure_beside_chance(p->mean, p->chance), p->chance);
        TRY(figure_add_folds(f->task[i], p->x, &f->numbers));
        text_add(&f->numbers, "</li>\n");
    }
done:
    return st;
}

static void add_caption(figure *f, bool difference)
{
    text_add(
        &f->caption,
        "Overlap of the most important neurons over all pairs, as the share of neurons that is "
        "selected grows. <b>Chance</b> (dashed) is the share itself. Below it, pairs avoid each "
        "other's neurons; above it, they share them; at 100% all sets are the same.");
    if (difference)
        text_add(&f->caption,
                 " The last panel is the difference of the two models, mean and median, "
                 "in percentage points: above zero the first one shares more.");
}

// Limits of the difference's panel, in steps of five points.
static void fit_limits(const curve *c, double *low, double *high)
{
    *low = -5, *high = 5;
    for (int64_t i = 0; i < c->points; i++) {
        double least = fmin(c->point[i].mean, c->point[i].median);
        double most = fmax(c->point[i].mean, c->point[i].median);
        *low = fmin(*low, floor(least / 5) * 5);
        *high = fmax(*high, ceil(most / 5) * 5);
    }
}

status figure_growth(figure *f)
{
    status st = OK;
    size_t n = f->n, panels = n;
    curve *c = checked_calloc(n + 1, sizeof *c);
    char **title = checked_calloc(n + 1, sizeof *title);
    double *low = checked_calloc(n + 1, sizeof *low), *high = checked_calloc(n + 1, sizeof *high);
    if (!c || !title || !low || !high)
        TRY(status_no_memory("curves"));
    for (size_t i = 0; i < n; i++) {
        c[i].panel = i;
        c[i].colour = (int)(i < 2 ? i : i + 1);
        TRY(read_curve(f->task[i], &c[i]));
        title[i] = c[i].label;
    }
    for (size_t i = 0; i < n; i++)
        high[i] = find_top(c, n);
    const double end = find_end(c, n);
    if (n == 2 && same_shares(&c[0], &c[1])) {
        TRY(subtract_curves(&c[0], &c[1], &c[n]));
        c[n].panel = n;
        title[n] = c[n].label;
        fit_limits(&c[n], &low[n], &high[n]);
        panels++;
    }
    const curves all = {.panel_title = title,
                        .panels = panels,
                        .curve = c,
                        .n = panels,
                        .x_title = "share of neurons selected, %",
                        .y_title = "overlap, %",
                        .x_field = "share_percent",
                        .x_high = end,
                        .low = low,
                        .high = high,
                        .x_step = end > 50   ? 20
                                  : end > 20 ? 10
                                             : 5,
                        .spread = true,
                        .grey = "chance"};
    curves_write(&all, &f->picture);
    add_caption(f, panels > n);
    TRY(add_numbers(f, c, n));
    add_table(c, n, &f->table);
done:
    curves_free(c, n + 1);
    free(title);
    free(low);
    free(high);
    return st;
}

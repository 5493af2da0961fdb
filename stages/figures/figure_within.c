// SPDX-License-Identifier: Apache-2.0
// The curves answer for all pairs at once; the map shows which pairs it comes from. A map of all
// pairs of twenty subsets would have 190 rows: those that share most in any layer are drawn, the
// same ones for every model, so that panels can be compared row by row.
#include "stages/figures/figure_within.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/heatmap.h"
#include "stages/drawing/markup.h"
#include "stages/figures/layer_curves.h"

enum { MAX_PANELS = 6, MAX_PAIRS = 30 };

// What the artefact of a task holds for these figures. Arrays owned.
typedef struct within {
    int64_t fractions, layers, subsets;
    double *fraction, *chance, *chance_std; // [fraction]
    double *mean, *p_mean;                  // [fraction][layer]
    double *overlap, *p;                    // [fraction][layer][subset_a][subset_b]
} within;

static void within_free(within *w)
{
    free(w->fraction);
    free(w->chance);
    free(w->chance_std);
    free(w->mean);
    free(w->p_mean);
    free(w->overlap);
    free(w->p);
}

static status within_read(const report_task *t, within *w)
{
    status st = OK;
    *w = (within){.fractions = artefact_length(t->artefact, "fraction"),
                  .layers = artefact_length(t->artefact, "layer"),
                  .subsets = artefact_length(t->artefact, "subset_a")};
    TRY(layer_curves_read(t, "fraction", NULL, &w->fraction));
    TRY(layer_curves_read(t, "chance_within", NULL, &w->chance));
    TRY(layer_curves_read(t, "chance_within_std", NULL, &w->chance_std));
    TRY(layer_curves_read(t, "overlap_within_mean", NULL, &w->mean));
    TRY(layer_curves_read(t, "p_within_mean", NULL, &w->p_mean));
    TRY(layer_curves_read(t, "overlap_within", NULL, &w->overlap));
    TRY(layer_curves_read(t, "p_within", NULL, &w->p));
done:
    return st;
}

// All tasks of a figure; they must have the same shares, and, for pairs, the same subsets.
static status read_tasks(const figure *f, within *w)
{
    for (size_t i = 0; i < f->n; i++) {
        status st = within_read(f->task[i], &w[i]);
        if (st != OK)
            return st;
        if (w[i].fractions != w[0].fractions || w[i].subsets != w[0].subsets)
            return status_fail(ERR_INPUT, f->task[i]->artefact_path,
                               "the models of one figure have different shares or subsets; give "
                               "them the same");
    }
    return OK;
}

// The mean over pairs, at a share.
static void fill_curve(const within *w, int64_t share, curve *c)
{
    for (int64_t l = 0; l < w->layers; l++) {
        c->point[l].mean = 100 * w->mean[share * w->layers + l];
        c->point[l].chance = 100 * w->chance[share];
    }
}

// The standard deviation of a layer's overlap over the pairs that have one; NaN without.
static double deviation(const within *w, int64_t at)
{
    int64_t n = w->subsets;
    const double *overlap = w->overlap + at * n * n;
    double square = 0, pairs = 0;
    for (int64_t a = 0; a < n; a++)
        for (int64_t b = a + 1; b < n; b++)
            if (!isnan(overlap[a * n + b])) {
                square += pow(overlap[a * n + b] - w->mean[at], 2);
                pairs++;
            }
    return pairs > 0 ? sqrt(square / pairs) : NAN;
}

static void add_layer_numbers(figure *f, const within *w)
{
    for (size_t i = 0; i < f->n; i++) {
        int64_t above = 0, most = 0;
        for (int64_t l = 0; l < w[i].layers; l++) {
            above += w[i].p_mean[l] < 0.05;
            most = w[i].mean[l] > w[i].mean[most] || isnan(w[i].mean[most]) ? l : most;
        }
        text_add(&f->numbers, "<li>");
        markup_html(&f->numbers, figure_task_name(f->task[i]));
        text_addf(&f->numbers,
                  ": in <b>%lld of %lld layers</b> the top %g%% of two %s overlap more than chance "
                  "would have them (p &lt; 0.05)",
                  (long long)above, (long long)w[i].layers, 100 * w[i].fraction[0],
                  figure_subset_words(f));
        if (!isnan(w[i].mean[most]))
            text_addf(&f->numbers, "; most in layer %lld, by %.1f%% (chance %.1f%%)",
                      (long long)most, 100 * w[i].mean[most], 100 * w[i].chance[0]);
        text_add(&f->numbers, "</li>\n");
    }
}

static void add_layer_table(figure *f, const within *w)
{
    text_add(&f->table, "<table><tr><th></th><th>share</th><th>layer</th><th>overlap</th>"
                        "<th>std over pairs</th><th>chance</th><th>its std</th><th>p</th></tr>\n");
    for (size_t i = 0; i < f->n; i++)
        for (int64_t j = 0; j < w[i].fractions * w[i].layers; j++) {
            int64_t share = j / w[i].layers;
            text_add(&f->table, "<tr><td>");
            markup_html(&f->table, figure_task_name(f->task[i]));
            text_addf(&f->table, "</td><td>%g%%</td><td>%lld</td>", 100 * w[i].fraction[share],
                      (long long)(j % w[i].layers));
            markup_html_cell(&f->table, "%.2f%%", 100 * w[i].mean[j]);
            markup_html_cell(&f->table, "%.2f", 100 * deviation(&w[i], j));
            markup_html_cell(&f->table, "%.2f%%", 100 * w[i].chance[share]);
            markup_html_cell(&f->table, "%.2f", 100 * w[i].chance_std[share]);
            markup_html_cell(&f->table, "%.2g", w[i].p_mean[j]);
            text_add(&f->table, "</tr>\n");
        }
    text_add(&f->table, "</table>\n");
}

status figure_within(figure *f)
{
    status st = OK;
    char *title[MAX_PANELS] = {NULL};
    size_t panels = 0, n = 0;
    curve *c = checked_calloc(f->n * MAX_PANELS, sizeof *c);
    within *w = checked_calloc(f->n, sizeof *w);
    if (!c || !w)
        TRY(status_no_memory("curves"));
    TRY(read_tasks(f, w));
    panels = (size_t)(w[0].fractions < MAX_PANELS ? w[0].fractions : MAX_PANELS);
    for (size_t p = 0; p < panels; p++) { // all shares, or six spread over the list
        int64_t share = panels < 2 ? 0 : (int64_t)p * (w[0].fractions - 1) / (int64_t)(panels - 1);
        if (!(title[p] = text_format("top %g%% of each layer", 100 * w[0].fraction[share])))
            TRY(status_no_memory("a title"));
        for (size_t i = 0; i < f->n; i++, n++) {
            TRY(layer_curves_begin(&c[n], w[i].layers, p, (int)i, figure_task_name(f->task[i])));
            fill_curve(&w[i], share, &c[n]);
        }
    }
    TRY(layer_curves_draw(f, c, n, title, panels, false, "overlap, %"));
    text_addf(&f->caption,
              "For each layer, the share of neurons that score highest in it for one %s, and how "
              "many of them are also among another's: the mean over all pairs. "
              "The dashed line is <b>chance</b>, two random sets of a layer. Below it, %s avoid "
              "each other's neurons. p-values are of random sets whose mean over pairs is as large "
              "or larger, corrected over all layers and shares.",
              figure_subset_word(f), figure_subset_words(f));
    add_layer_numbers(f, w);
    add_layer_table(f, w);
done:
    curves_free(c, f->n * MAX_PANELS);
    for (size_t i = 0; w && i < f->n; i++)
        within_free(&w[i]);
    free(w);
    for (size_t p = 0; p < MAX_PANELS; p++)
        free(title[p]);
    return st;
}

// A pair of subsets, and the most that it shares in any layer of any task.
typedef struct pair {
    int64_t a, b;
    double most;
} pair;

static int by_most(const void *x, const void *y)
{
    const pair *p = x, *q = y;
    if (p->most != q->most)
        return p->most > q->most ? -1 : 1;
    return p->a != q->a ? (p->a > q->a) - (p->a < q->a) : (p->b > q->b) - (p->b < q->b);
}

static size_t pick_pairs(const figure *f, const within *w, pair *list)
{
    size_t pairs = 0;
    int64_t n = w[0].subsets;
    for (int64_t a = 0; a < n; a++)
        for (int64_t b = a + 1; b < n; b++) {
            double most = 0;
            for (size_t i = 0; i < f->n; i++)
                for (int64_t l = 0; l < w[i].layers; l++)
                    most = fmax(most, w[i].overlap[(l * n + a) * n + b]);
            list[pairs++] = (pair){a, b, most};
        }
    qsort(list, pairs, sizeof *list, by_most);
    return pairs < MAX_PAIRS ? pairs : MAX_PAIRS;
}

static status fill_panel(const report_task *t, const within *w, const pair *list, size_t rows,
                         int64_t columns, heatmap_panel *out)
{
    size_t cells = rows * (size_t)columns;
    int64_t n = w->subsets;
    out->task = t->label;
    out->title =
        text_format("%s: top %g%% of each layer", figure_task_name(t), 100 * w->fraction[0]);
    out->value = checked_calloc(cells, sizeof *out->value);
    out->p = checked_calloc(cells, sizeof *out->p);
    if (!out->title || !out->value || !out->p)
        return status_no_memory("a heat map");
    for (size_t i = 0; i < cells; i++) {
        const pair *p = &list[i / (size_t)columns];
        int64_t l = (int64_t)(i % (size_t)columns), at = (l * n + p->a) * n + p->b;
        out->value[i] = l < w->layers ? 100 * w->overlap[at] : NAN;
        out->p[i] = l < w->layers ? w->p[at] : NAN;
    }
    return OK;
}

static status add_pairs(figure *f, const within *w, char *const *name)
{
    enum { SHOWN = 25 };
    for (size_t i = 0; i < f->n; i++) {
        int64_t n = w[i].subsets, found = 0, all = 0;
        text rows = {0};
        for (int64_t l = 0; l < w[i].layers; l++)
            for (int64_t a = 0; a < n; a++)
                for (int64_t b = a + 1; b < n; b++) {
                    int64_t at = (l * n + a) * n + b;
                    all += !isnan(w[i].p[at]);
                    if (!(w[i].p[at] < 0.05) || found++ >= SHOWN)
                        continue;
                    text_addf(&rows, "<tr><td>%lld</td><td>", (long long)l);
                    markup_html(&rows, name[a]);
                    text_add(&rows, "</td><td>");
                    markup_html(&rows, name[b]);
                    text_addf(&rows, "</td><td>%.1f%%</td><td>%.2g</td></tr>\n",
                              100 * w[i].overlap[at], w[i].p[at]);
                }
        text_add(&f->table, "<table><caption>");
        markup_html(&f->table, figure_task_name(f->task[i]));
        text_addf(&f->table,
                  ": %lld of %lld pairs in a layer share more than chance would (p &lt; 0.05, at "
                  "the top %g%%)%s</caption><tr><th>layer</th><th>pair</th><th></th>"
                  "<th>overlap</th><th>p</th></tr>\n%s</table>\n",
                  (long long)found, (long long)all, 100 * w[i].fraction[0],
                  found > SHOWN ? "; the first of them" : "", text_get(&rows));
        f->table.failed |= rows.failed;
        text_free(&rows);
    }
    return f->table.failed ? status_no_memory("a table") : OK;
}

// In words, for all pairs or the three that share most: in which layers, and is it the later ones?
static void add_pair_numbers(figure *f, const within *w, const pair *list, size_t pairs,
                             char *const *name)
{
    enum { FEW = 6, SAID = 3 };
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < pairs && (pairs <= FEW || j < SAID); j++) {
            const pair *p = &list[j];
            const int64_t n = w[i].subsets, layers = w[i].layers, later = layers - layers / 2;
            double half[2] = {0};
            int64_t above = 0, compared[2] = {0};
            text where = {0};
            for (int64_t l = 0; l < layers; l++) {
                const int64_t at = (l * n + p->a) * n + p->b;
                const bool is_later = l >= later;
                // The middle one of an odd number is in neither; nor is one without scores.
                if ((l < layers / 2 || is_later) && isfinite(w[i].overlap[at])) {
                    half[is_later] += 100 * w[i].overlap[at];
                    compared[is_later]++;
                }
                if (w[i].p[at] < 0.05)
                    text_addf(&where, "%s %lld", above++ ? "," : ":", (long long)l);
            }
            text_add(&f->numbers, "<li><code>");
            markup_html(&f->numbers, f->task[i]->label);
            text_add(&f->numbers, "</code>: ");
            markup_html(&f->numbers, name[p->a]);
            text_add(&f->numbers, " and ");
            markup_html(&f->numbers, name[p->b]);
            text_addf(&f->numbers,
                      " share more of their top %g%% than chance in <b>%lld of %lld layers</b>%s",
                      100 * w[i].fraction[0], (long long)above, (long long)layers,
                      text_get(&where));
            f->numbers.failed |= where.failed;
            text_free(&where);
            if (compared[0] > 0 && compared[1] > 0)
                text_addf(&f->numbers,
                          "; on average %.1f%% in the earlier half of the layers, <b>%.1f%%</b> in "
                          "the later (chance %.1f%%)",
                          half[0] / (double)compared[0], half[1] / (double)compared[1],
                          100 * w[i].chance[0]);
            text_add(&f->numbers, "</li>\n");
        }
}

status figure_within_pairs(figure *f)
{
    status st = OK;
    char **subset = NULL, *row[MAX_PAIRS] = {NULL}, **column = NULL;
    int64_t names = 0, layers = 0;
    size_t rows = 0;
    double top = 0;
    pair *list = NULL;
    within *w = checked_calloc(f->n, sizeof *w);
    heatmap_panel *panel = checked_calloc(f->n, sizeof *panel);
    if (!w || !panel)
        TRY(status_no_memory("a heat map"));
    TRY(read_tasks(f, w));
    TRY(artefact_read_texts(f->task[0]->artefact, "subset_a", &names, &subset));
    for (size_t i = 0; i < f->n; i++)
        layers = w[i].layers > layers ? w[i].layers : layers;
    list = checked_calloc((size_t)(names * names), sizeof *list);
    column = checked_calloc((size_t)layers, sizeof *column);
    if (!list || !column)
        TRY(status_no_memory("a heat map"));
    rows = pick_pairs(f, w, list);
    for (int64_t l = 0; l < layers; l++)
        if (!(column[l] = text_format("%lld", (long long)l)))
            TRY(status_no_memory("names of layers"));
    for (size_t i = 0; i < rows; i++)
        if (!(row[i] = text_format("%s, %s", subset[list[i].a], subset[list[i].b])))
            TRY(status_no_memory("names of pairs"));
    for (size_t i = 0; i < f->n; i++) {
        TRY(fill_panel(f->task[i], &w[i], list, rows, layers, &panel[i]));
        for (size_t j = 0; j < rows * (size_t)layers; j++)
            top = fmax(top, panel[i].value[j]); // NaN gives way
    }
    const heatmap h = {.rows = (int64_t)rows,
                       .columns = layers,
                       .row_name = row,
                       .column_name = column,
                       .row_title = "pair",
                       .column_title = "layer",
                       .row_field = "pair",
                       .column_field = "layer",
                       .value_field = "overlap_percent",
                       .panel = panel,
                       .panels = f->n,
                       .across = f->n < 2 ? f->n : 2,
                       .palette = PALETTE_SHARE,
                       .high = fmin(100, fmax(5, ceil(top / 5) * 5)),
                       .scale_title = "overlap, %"};
    heatmap_write(&h, &f->picture);
    text_addf(&f->caption,
              "How many of the top %g%% of a layer's neurons two %s share, in percent, layer by "
              "layer: the %zu pairs that share most anywhere. Two random sets share "
              "<b>%.3g%%</b>.",
              100 * w[0].fraction[0], figure_subset_words(f), rows, 100 * w[0].chance[0]);
    add_pair_numbers(f, w, list, rows, subset);
    TRY(add_pairs(f, w, subset));
done:
    for (size_t i = 0; w && i < f->n; i++)
        within_free(&w[i]);
    heatmap_free_panels(panel, f->n);
    for (size_t i = 0; i < rows; i++)
        free(row[i]);
    for (int64_t l = 0; column && l < layers; l++)
        free(column[l]);
    free(w);
    free(list);
    free(column);
    free(subset);
    return st;
}

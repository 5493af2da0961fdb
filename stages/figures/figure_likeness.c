// SPDX-License-Identifier: Apache-2.0
// A row a pair of overlaps, a panel a share of neurons: of many shares six, evenly, since a row of
// panels more says little more. The bar is not of the dot: it is where chance puts it.
#include "stages/figures/figure_likeness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/dots.h"
#include "stages/drawing/markup.h"
#include "stages/figures/layer_curves.h"

enum { MAX_PANELS = 6, ACROSS = 2 };

// What the artefact has. Owned.
typedef struct likened {
    int64_t pairs, fractions;
    char **a, **b, **row;                        // [pairs]
    double *fraction, *value, *std, *p, *common; // [fractions], [pairs][fractions], …, [pairs]
} likened;

static void likened_free(likened *l)
{
    for (int64_t i = 0; l->row && i < l->pairs; i++)
        free(l->row[i]);
    free(l->a);
    free(l->b);
    free(l->row);
    free(l->fraction);
    free(l->value);
    free(l->std);
    free(l->p);
    free(l->common);
}

static status likened_read(const report_task *t, likened *l)
{
    status st = OK;
    TRY(artefact_read_texts(t->artefact, "overlap_a", &l->pairs, &l->a));
    TRY(artefact_read_texts(t->artefact, "overlap_b", &l->pairs, &l->b));
    TRY(layer_curves_read(t, "fraction", &l->fractions, &l->fraction));
    TRY(layer_curves_read(t, "likeness", NULL, &l->value));
    TRY(layer_curves_read(t, "likeness_chance_std", NULL, &l->std));
    TRY(layer_curves_read(t, "likeness_p", NULL, &l->p));
    TRY(layer_curves_read(t, "subsets_common", NULL, &l->common));
    l->row = checked_calloc((size_t)l->pairs, sizeof *l->row);
    if (!l->row)
        TRY(status_no_memory("a figure"));
    for (int64_t i = 0; i < l->pairs; i++)
        if (!(l->row[i] = text_format("%s and %s", l->a[i], l->b[i])))
            TRY(status_no_memory("a figure"));
done:
    return st;
}

static void add_row(figure *f, const likened *l, int64_t pair, int64_t share)
{
    const int64_t at = pair * l->fractions + share;
    text_add(&f->table, "<tr><td>");
    markup_html(&f->table, l->a[pair]);
    text_add(&f->table, "</td><td>");
    markup_html(&f->table, l->b[pair]);
    text_addf(&f->table, "</td><td>%.0f</td><td>%g%%</td>", l->common[pair],
              100 * l->fraction[share]);
    markup_html_cell(&f->table, "%.3f", l->value[at]);
    markup_html_cell(&f->table, "%.3f", l->std[at]);
    markup_html_cell(&f->table, "%.2g", l->p[at]);
    text_add(&f->table, "</tr>\n");
}

// Of each pair, at the share of the first panel.
static void add_words(figure *f, const likened *l)
{
    text_add(&f->table, "<table><thead><tr><th>overlaps</th><th></th><th>subsets in common</th>"
                        "<th>share of neurons</th><th>likeness</th><th>chance, standard deviation"
                        "</th><th>p</th></tr></thead><tbody>\n");
    for (int64_t i = 0; i < l->pairs; i++) {
        for (int64_t s = 0; s < l->fractions; s++)
            add_row(f, l, i, s);
        const double value = l->value[i * l->fractions], p = l->p[i * l->fractions];
        text_add(&f->numbers, "<li>");
        markup_html(&f->numbers, l->a[i]);
        text_add(&f->numbers, " and ");
        markup_html(&f->numbers, l->b[i]);
        if (isnan(value))
            text_addf(&f->numbers, ": all pairs of subsets overlap alike at %g%% of neurons",
                      100 * l->fraction[0]);
        else
            text_addf(&f->numbers,
                      ": %sthe same pairs of subsets share most, at %g%% of neurons: rank "
                      "correlation <b>%.2f</b> over %.0f subsets (p %.2g)",
                      p < 0.05 ? "" : "<b>not clearly</b> ", 100 * l->fraction[0], value,
                      l->common[i], p);
        text_add(&f->numbers, "</li>\n");
    }
    text_add(&f->table, "</tbody></table>\n");
}

static void fill_panel(const likened *l, int64_t share, dots_mean *mean)
{
    for (int64_t i = 0; i < l->pairs; i++) {
        const int64_t at = i * l->fractions + share;
        mean[i] = (dots_mean){l->value[at], -2 * l->std[at], 2 * l->std[at], NULL};
    }
}

status figure_likeness(figure *f)
{
    static const char *const key[] = {
        "orange: rank correlation of the overlaps of pairs of subsets; 1: the same pairs share "
        "most",
        "bar: what permuted names of subsets give, twice their standard deviation about 0", NULL};
    static const char *const axis = "likeness (rank correlation)";
    static const char *const x_title[MAX_PANELS] = {axis, axis, axis, axis, axis, axis};
    status st = OK;
    likened l = {0};
    char *title[MAX_PANELS] = {NULL};
    dots_mean *mean = NULL;
    int64_t panels = 0;
    TRY(likened_read(f->task[0], &l));
    panels = l.fractions < MAX_PANELS ? l.fractions : MAX_PANELS;
    mean = checked_calloc((size_t)(panels * l.pairs), sizeof *mean);
    if (!mean)
        TRY(status_no_memory("a figure"));
    for (int64_t p = 0; p < panels; p++) {
        const int64_t share = panels > 1 ? p * (l.fractions - 1) / (panels - 1) : 0;
        fill_panel(&l, share, mean + p * l.pairs);
        if (!(title[p] = text_format("top %g%% of neurons", 100 * l.fraction[share])))
            TRY(status_no_memory("a title"));
    }
    const dots d = {.rows = l.pairs,
                    .row_name = l.row,
                    .panels = (size_t)panels,
                    .across = ACROSS,
                    .panel_title = title,
                    .x_title = x_title,
                    .common = true,
                    .mean = mean,
                    .row_field = "overlaps",
                    .key = key};
    dots_write(&d, &f->picture);
    add_words(f, &l);
    text_add(&f->caption,
             "Do the same pairs of subsets share most neurons in two artefacts of overlaps, of two "
             "sites, models or measures? A dot is the rank correlation of their overlaps over all "
             "pairs of subsets that both have. The bar is <b>chance</b>: the subsets' names "
             "permuted. A p is Holm-corrected over all rows and shares.");
done:
    for (int64_t p = 0; p < panels; p++)
        free(title[p]);
    free(mean);
    likened_free(&l);
    return st;
}

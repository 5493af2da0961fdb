// SPDX-License-Identifier: Apache-2.0
// All panels share one scale, up to the largest overlap off the diagonal: the diagonal is 100% by
// definition and would leave no colours for the rest. The table names the pairs that share most,
// which a map of hundreds of cells does not.
#include "stages/figures/figure_overlap.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/heatmap.h"
#include "stages/drawing/markup.h"

// What is shown of a cell to who points at it, where folds give it.
static status read_intervals(const artefact *a, int64_t n, heatmap_panel *out)
{
    status st;
    out->low = checked_calloc((size_t)(n * n), sizeof *out->low);
    out->high = checked_calloc((size_t)(n * n), sizeof *out->high);
    if (!out->low || !out->high)
        return status_no_memory("a heat map");
    TRY(artefact_read_rows(a, "overlap_low", VARIABLE_F64, 0, n, out->low));
    TRY(artefact_read_rows(a, "overlap_high", VARIABLE_F64, 0, n, out->high));
    for (int64_t i = 0; i < n * n; i++) {
        out->low[i] *= 100;
        out->high[i] *= 100;
    }
done:
    return st;
}

// One task's overlaps in percent, without the diagonal.
static status read_panel(const report_task *t, int64_t n, double fraction, heatmap_panel *out)
{
    const artefact *a = t->artefact;
    if (artefact_length(a, "subset_a") != n)
        return status_fail(ERR_INPUT, t->artefact_path,
                           "the models of one figure have different subsets; compute them on the "
                           "same dataset");
    out->title = text_format("%s: top %g%% of neurons", figure_task_name(t), 100 * fraction);
    out->value = checked_calloc((size_t)(n * n), sizeof *out->value);
    out->p = checked_calloc((size_t)(n * n), sizeof *out->p);
    out->task = t->label;
    if (!out->title || !out->value || !out->p)
        return status_no_memory("a heat map");
    status st = artefact_read_rows(a, "overlap", VARIABLE_F64, 0, n, out->value);
    if (st == OK)
        st = artefact_read_rows(a, "p_value", VARIABLE_F64, 0, n, out->p);
    if (st == OK && artefact_has(a, "overlap_low"))
        st = read_intervals(a, n, out);
    for (int64_t i = 0; i < n * n; i++)
        out->value[i] = i / n == i % n ? NAN : 100 * out->value[i];
    return st;
}

// The pairs that share most, for the table.
typedef struct pair {
    double overlap, p;
    int64_t a, b;
} pair;

static int by_overlap(const void *x, const void *y)
{
    const pair *a = x, *b = y;
    if (a->overlap != b->overlap)
        return a->overlap > b->overlap ? -1 : 1;
    return a->a != b->a ? (a->a > b->a) - (a->a < b->a) : (a->b > b->b) - (a->b < b->b);
}

static status add_pairs(const report_task *t, char *const *name, int64_t n, text *table)
{
    enum { SHOWN = 15 };
    status st = OK;
    size_t pairs = 0, significant = 0;
    double *value = checked_calloc((size_t)(n * n), sizeof *value);
    double *p = checked_calloc((size_t)(n * n), sizeof *p);
    pair *list = checked_calloc((size_t)(n * n), sizeof *list);
    if (!value || !p || !list)
        TRY(status_no_memory("pairs of subsets"));
    TRY(artefact_read_rows(t->artefact, "overlap", VARIABLE_F64, 0, n, value));
    TRY(artefact_read_rows(t->artefact, "p_value", VARIABLE_F64, 0, n, p));
    for (int64_t i = 0; i < n * n; i++)
        if (i / n < i % n && !isnan(value[i])) {
            list[pairs++] = (pair){value[i], p[i], i / n, i % n};
            significant += p[i] < 0.05;
        }
    qsort(list, pairs, sizeof *list, by_overlap);
    text_add(table, "<table><caption>");
    markup_html(table, figure_task_name(t));
    text_addf(
        table,
        ": %zu of %zu pairs share more than chance would (p &lt; 0.05); those that share "
        "most</caption><thead><tr><th>pair</th><th>with</th><th>overlap</th><th>p</th></tr></thead>"
        "<tbody>\n",
        significant, pairs);
    for (size_t i = 0; i < pairs && i < SHOWN; i++) {
        text_add(table, "<tr><td>");
        markup_html(table, name[list[i].a]);
        text_add(table, "</td><td>");
        markup_html(table, name[list[i].b]);
        text_addf(table, "</td><td>%.1f%%</td><td>%.2g</td></tr>\n", 100 * list[i].overlap,
                  list[i].p);
    }
    text_add(table, "</tbody></table>\n");
done:
    free(value);
    free(p);
    free(list);
    return st;
}

static void add_caption(figure *f, double fraction, double chance)
{
    const char *word = figure_subset_word(f);
    text_addf(
        &f->caption,
        "For each %s, the %g%% of all neurons that score highest for it against the rest. A "
        "cell is the share of the row's neurons that are also among the column's, in percent. "
        "Two random sets of this size share <b>%.3g%%</b>. A pale panel means that each %s has "
        "neurons of its own; a dark cell, that two use the same ones. All panels have one "
        "colour scale; the diagonal, 100%% by definition, is grey.",
        word, 100 * fraction, 100 * chance, word);
}

// Where there is no curve of shares, whose key numbers these would be.
static status add_numbers(figure *f, const report_task *t, double fraction, double chance)
{
    status st = OK;
    double mean, std;
    TRY(artefact_read(t->artefact, "overlap_mean", VARIABLE_F64, &mean));
    TRY(artefact_read(t->artefact, "overlap_std", VARIABLE_F64, &std));
    if (isnan(mean)) // no two to compare
        goto done;
    text_add(&f->numbers, "<li><code>");
    markup_html(&f->numbers, t->label);
    text_addf(&f->numbers,
              "</code>: the top %g%% of neurons of two %s overlap by <b>%.1f ± %.1f%%</b> (mean ± "
              "standard deviation over pairs), %s chance, %.1f%%",
              100 * fraction, figure_subset_words(f), 100 * mean, 100 * std,
              figure_beside_chance(mean, chance), 100 * chance);
    TRY(figure_add_folds(t, 100 * fraction, &f->numbers));
    text_add(&f->numbers, "</li>\n");
done:
    return st;
}

static double round_up(double percent)
{
    double step = percent > 20 ? 10 : 5;
    return fmin(100, fmax(step, ceil(percent / step) * step));
}

status figure_overlap(figure *f)
{
    status st = OK;
    char **name = NULL;
    heatmap_panel *panel = NULL;
    int64_t n, fractions = artefact_length(f->task[0]->artefact, "fraction");
    double *fraction = NULL, *chance = NULL, top = 0;
    panel = checked_calloc(f->n, sizeof *panel);
    fraction = checked_calloc((size_t)(fractions > 0 ? fractions : 1), sizeof *fraction);
    chance = checked_calloc((size_t)(fractions > 0 ? fractions : 1), sizeof *chance);
    if (!panel || !fraction || !chance)
        TRY(status_no_memory("a heat map"));
    TRY(artefact_read_texts(f->task[0]->artefact, "subset_a", &n, &name));
    TRY(artefact_read(f->task[0]->artefact, "fraction", VARIABLE_F64, fraction));
    TRY(artefact_read(f->task[0]->artefact, "chance", VARIABLE_F64, chance));
    for (size_t i = 0; i < f->n; i++) {
        TRY(read_panel(f->task[i], n, fraction[0], &panel[i]));
        TRY(add_pairs(f->task[i], name, n, &f->table));
        if (fractions == 1)
            TRY(add_numbers(f, f->task[i], fraction[0], chance[0]));
        for (int64_t j = 0; j < n * n; j++)
            top = fmax(top, panel[i].value[j]); // NaN gives way
    }
    const heatmap h = {.rows = n,
                       .columns = n,
                       .row_name = name,
                       .column_name = name,
                       .row_title = "neurons of",
                       .column_title = "found among the neurons of",
                       .row_field = "subset_a",
                       .column_field = "subset_b",
                       .value_field = "overlap_percent",
                       .panel = panel,
                       .panels = f->n,
                       .across = f->n < 2 ? f->n : 2,
                       .palette = PALETTE_SHARE,
                       .high = round_up(top),
                       .scale_title = "overlap, %"};
    heatmap_write(&h, &f->picture);
    add_caption(f, fraction[0], chance[0]);
done:
    heatmap_free_panels(panel, f->n);
    free(fraction);
    free(chance);
    free(name);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// The diagonal is data here, the same subset in both steps, and mostly the largest: so it sets the
// scale. What meets beyond chance is framed.
#include "stages/figures/figure_between.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/heatmap.h"
#include "stages/drawing/markup.h"
#include "stages/figures/layer_curves.h"

// What the two steps are called: their labels, in the order of `from`.
static const char *input_label(const figure *f, size_t i)
{
    const report_task *t = f->task[0];
    return i < t->n_inputs ? f->in->tasks[t->inputs[i]].label : "";
}

static status read_panel(const report_task *t, int64_t rows, int64_t columns, heatmap_panel *out)
{
    status st = OK;
    double *fraction = NULL;
    size_t cells = (size_t)(rows * columns);
    if (artefact_length(t->artefact, "subset_a") != rows ||
        artefact_length(t->artefact, "subset_b") != columns)
        return status_fail(ERR_INPUT, t->artefact_path,
                           "the tasks of one figure have different subsets; compute them on the "
                           "same datasets");
    TRY(layer_curves_read(t, "fraction", NULL, &fraction));
    out->task = t->label;
    out->title = text_format("%s: top %g%% of neurons", t->label, 100 * fraction[0]);
    out->value = checked_calloc(cells, sizeof *out->value);
    out->p = checked_calloc(cells, sizeof *out->p);
    if (!out->title || !out->value || !out->p)
        TRY(status_no_memory("a heat map"));
    TRY(artefact_read_rows(t->artefact, "overlap_between", VARIABLE_F64, 0, rows, out->value));
    TRY(artefact_read_rows(t->artefact, "p_between", VARIABLE_F64, 0, rows, out->p));
    for (size_t i = 0; i < cells; i++)
        out->value[i] *= 100;
done:
    free(fraction);
    return st;
}

static void add_meetings(figure *f, const heatmap_panel *panel, char *const *row,
                         char *const *column, int64_t rows, int64_t columns)
{
    int64_t met = 0;
    text_add(&f->table, "<table><caption>What meets beyond chance (p &lt; 0.05)</caption><tr><th>");
    markup_html(&f->table, input_label(f, 0));
    text_add(&f->table, "</th><th>");
    markup_html(&f->table, input_label(f, 1));
    text_add(&f->table, "</th><th>overlap</th><th>p</th></tr>\n");
    for (int64_t c = 0; c < rows * columns; c++) {
        if (!(panel->p[c] < 0.05))
            continue;
        met++;
        text_add(&f->table, "<tr><td>");
        markup_html(&f->table, row[c / columns]);
        text_add(&f->table, "</td><td>");
        markup_html(&f->table, column[c % columns]);
        text_addf(&f->table, "</td><td>%.1f%%</td><td>%.2g</td></tr>\n", panel->value[c],
                  panel->p[c]);
    }
    text_add(&f->table, "</table>\n");
    text_add(&f->numbers, "<li>");
    markup_html(&f->numbers, f->task[0]->label);
    text_addf(&f->numbers, ": <b>%lld of %lld</b> sets meet beyond chance (p &lt; 0.05)",
              (long long)met, (long long)(rows * columns));
}

// Ends the line of numbers with the means.
static status add_means(figure *f, const report_task *t, double *chance_out)
{
    status st = OK;
    double *same = NULL, *others = NULL, *chance = NULL;
    TRY(layer_curves_read(t, "overlap_between_same", NULL, &same));
    TRY(layer_curves_read(t, "overlap_between_others", NULL, &others));
    TRY(layer_curves_read(t, "chance", NULL, &chance));
    *chance_out = chance[0];
    if (!isnan(same[0])) {
        text_addf(&f->numbers, "; a %s overlaps with itself by <b>%.1f%%</b>",
                  figure_subset_word(f), 100 * same[0]);
        if (!isnan(others[0]))
            text_addf(&f->numbers, " and with others by %.1f%%", 100 * others[0]);
        text_addf(&f->numbers, " (chance %.1f%%)", 100 * chance[0]);
    }
    text_add(&f->numbers, "</li>\n");
done:
    free(same);
    free(others);
    free(chance);
    return st;
}

status figure_between(figure *f)
{
    status st = OK;
    char **row = NULL, **column = NULL;
    int64_t rows = 0, columns = 0;
    double top = 0, chance = 0;
    uint8_t *own = NULL;
    heatmap_panel *panel = checked_calloc(f->n, sizeof *panel);
    if (!panel)
        TRY(status_no_memory("a heat map"));
    TRY(artefact_read_texts(f->task[0]->artefact, "subset_a", &rows, &row));
    TRY(artefact_read_texts(f->task[0]->artefact, "subset_b", &columns, &column));
    TRY(read_panel(f->task[0], rows, columns, &panel[0]));
    own = checked_calloc((size_t)(rows * columns), 1);
    if (!own)
        TRY(status_no_memory("a heat map"));
    for (int64_t i = 0; i < rows * columns; i++) {
        top = fmax(top, panel[0].value[i]); // NaN gives way
        own[i] = panel[0].p[i] < 0.05;
    }
    const heatmap h = {.rows = rows,
                       .columns = columns,
                       .row_name = row,
                       .column_name = column,
                       .own = own,
                       .row_title = input_label(f, 0),
                       .column_title = input_label(f, 1),
                       .row_field = "subset_a",
                       .column_field = "subset_b",
                       .value_field = "overlap_percent",
                       .panel = panel,
                       .panels = 1,
                       .across = 1,
                       .palette = PALETTE_SHARE,
                       .high = fmin(100, fmax(5, ceil(top / 10) * 10)),
                       .scale_title = "overlap, %"};
    heatmap_write(&h, &f->picture);
    add_meetings(f, panel, row, column, rows, columns);
    TRY(add_means(f, f->task[0], &chance));
    text_addf(&f->caption,
              "For each %s, its set of top neurons by the scores of the one step, and how many of "
              "them are also in each set of the other step, in percent. Two random sets of this "
              "size share <b>%.3g%%</b>; framed cells hold more than that (p &lt; 0.05, corrected "
              "over all sets and shares).",
              figure_subset_word(f), 100 * chance);
done:
    heatmap_free_panels(panel, f->n);
    free(own);
    free(row);
    free(column);
    return st;
}

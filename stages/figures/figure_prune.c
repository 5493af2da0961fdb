// SPDX-License-Identifier: Apache-2.0
// Read as the artefact has it, [forget][subset], and transposed into panels: a column is what was
// unlearned. Panels of controls stand beside those of selective pruning where there is one task or
// more than three, else in lines of their own below. Everything is in percent of the unpruned
// model's accuracy. Columns whose search found no number of neurons are hatched.
#include "stages/figures/figure_prune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/heatmap.h"
#include "stages/drawing/markup.h"
#include "stages/figures/prune_answers.h"
#include "stages/figures/pruning.h"

// What panels show: selective pruning (control NULL), then each control of the first task.
typedef struct kinds {
    int control[1 + PRUNING_CONTROLS]; // -1: none
    size_t n;
} kinds;

static kinds find_kinds(const pruning *p)
{
    kinds k = {.control = {-1}, .n = 1};
    for (int c = 0; c < PRUNING_CONTROLS; c++)
        if (p->control[c])
            k.control[k.n++] = c;
    return k;
}

// The title of a panel.
static char *what_was_done(const figure *f, const pruning *p, int control)
{
    const bool search = !isnan(p->drop);
    if (control >= 0)
        return search
                   ? text_format("%s as for %g%%", pruning_controls[control].title, 100 * p->drop)
                   : strdup(pruning_controls[control].title);
    if (!search)
        return text_format("%g%% of neurons pruned", 100 * p->target);
    return text_format("pruned until the unlearned %s has lost %g%%", figure_subset_word(f),
                       100 * p->drop);
}

static bool has_models(const figure *f)
{
    for (size_t i = 1; i < f->n; i++)
        if (strcmp(figure_task_name(f->task[i]), figure_task_name(f->task[0])) != 0)
            return true;
    return false;
}

// A copy in percent, transposed: [subset][forget].
static double *transpose(const pruning *p, const double *ratio)
{
    double *out = checked_calloc((size_t)(p->subsets * p->forgets), sizeof *out);
    for (int64_t s = 0; out && s < p->subsets; s++)
        for (int64_t g = 0; g < p->forgets; g++)
            out[s * p->forgets + g] = ratio ? 100 * ratio[g * p->subsets + s] : NAN;
    return out;
}

static status make_panel(const figure *f, const pruning *p, int control, heatmap_panel *out)
{
    char *done = what_was_done(f, p, control);
    bool fine = done != NULL;
    out->task = p->task->label;
    if (done)
        out->title = text_format("%s%s%s", has_models(f) ? figure_task_name(p->task) : "",
                                 has_models(f) ? ": " : "", done);
    free(done);
    fine &= (out->value = transpose(p, control < 0 ? p->ratio : p->control[control])) != NULL;
    if (control < 0) {
        if (p->low)
            fine &= (out->low = transpose(p, p->low)) && (out->high = transpose(p, p->high));
        fine &= (out->missed = checked_calloc((size_t)p->forgets, 1)) != NULL;
        for (int64_t g = 0; out->missed && g < p->forgets; g++)
            out->missed[g] = !pruning_reached(p, g);
    }
    if (p->samples) {
        fine &= (out->n = checked_calloc((size_t)p->subsets, sizeof *out->n)) != NULL;
        if (out->n)
            memcpy(out->n, p->samples, (size_t)p->subsets * sizeof *out->n);
    }
    return fine && out->title ? OK : status_no_memory("a heat map");
}

// --- Numbers behind it

static void add_percent(text *table, double ratio)
{
    markup_html_cell(table, "%.1f%%", 100 * ratio);
}

static void add_row(const pruning *p, int64_t f, text *table)
{
    int64_t worst = -1;
    double others;
    const double *ratio = p->ratio + f * p->subsets;
    for (int64_t s = 0; s < p->subsets; s++)
        if (s != p->own[f] && !p->foreign[s] && !isnan(ratio[s]) &&
            (worst < 0 || ratio[s] < ratio[worst]))
            worst = s;
    pruning_gap(p, p->ratio, f, &others);
    text_add(table, "<tr><td>");
    markup_html(table, p->forget[f]);
    text_addf(table, "</td><td>%.2f%%</td><td>%.0f</td><td>%s</td>", 100 * p->fraction[f],
              p->pruned[f],
              isnan(p->drop)          ? "–"
              : pruning_reached(p, f) ? "yes"
                                      : "no");
    add_percent(table, p->own[f] >= 0 ? ratio[p->own[f]] : NAN);
    add_percent(table, others);
    text_add(table, "<td>");
    if (worst >= 0) {
        markup_html(table, p->row[worst]);
        text_addf(table, " %.1f%%", 100 * ratio[worst]);
    }
    text_add(table, "</td>");
    for (int c = 0; c < PRUNING_CONTROLS; c++) {
        if (!p->control[c])
            continue;
        pruning_gap(p, p->control[c], f, &others);
        add_percent(table, p->own[f] >= 0 ? p->control[c][f * p->subsets + p->own[f]] : NAN);
        add_percent(table, others);
    }
    text_add(table, "</tr>\n");
}

static void add_table(figure *f, const pruning *p)
{
    text_add(&f->table, "<table><caption>");
    markup_html(&f->table, p->task->label);
    text_addf(&f->table,
              "</caption><thead><tr><th>unlearned %s</th><th>share of neurons</th><th>neurons</th>"
              "<th>target reached</th><th>left of it</th><th>of the others</th>"
              "<th>worst-hit other</th>",
              figure_subset_word(f));
    for (int c = 0; c < PRUNING_CONTROLS; c++)
        if (p->control[c])
            text_addf(&f->table, "<th>left of it, %s</th><th>of the others</th>",
                      pruning_controls[c].words);
    text_add(&f->table, "</tr></thead><tbody>\n");
    for (int64_t g = 0; g < p->forgets; g++)
        add_row(p, g, &f->table);
    text_add(&f->table, "</tbody></table>\n");
}

// Controls beside selective pruning, in a line for each task; otherwise a line of each.
static bool stands_beside(const figure *f)
{
    return f->n == 1 || f->n > 3;
}

static void add_caption(figure *f, const pruning *p, const kinds *k)
{
    const char *word = figure_subset_word(f);
    bool words = strcmp(f->def->modality, "text") == 0, more = false, missed = false;
    bool rival = false;
    for (size_t j = 0; j < k->n; j++)
        rival |= k->control[j] >= 0 && pruning_controls[k->control[j]].rival;
    for (int64_t s = 0; s < p->subsets; s++)
        more |= p->foreign[s];
    for (size_t i = 0; i < f->n; i++)
        for (int64_t g = 0; g < p[i].forgets; g++)
            missed |= !pruning_reached(&p[i], g);
    text_addf(
        &f->caption,
        "Each column is one unlearned %s: the neurons most specific to it are set to zero. Each "
        "row is a %s that is then evaluated, and a cell is its %sTop-1 accuracy in percent of the "
        "unpruned model's. Framed: the unlearned %s itself. Dark cells have lost; where only "
        "the frames are dark, the %s is separable. Grey: the unpruned model has none right.",
        word, word, words ? "next-token " : "", word, word);
    if (k->n > 1)
        text_addf(&f->caption,
                  " %s, <b>controls</b>: as many other neurons pruned, which is the chance level.",
                  stands_beside(f) ? "Beside it" : "Below");
    if (rival)
        text_add(&f->caption, " Neurons by other scores are chosen too, and no chance level.");
    if (missed)
        text_addf(&f->caption,
                  " Hatched: no number of neurons meets the drop for this %s; shown "
                  "is the most that was found.",
                  word);
    if (more)
        text_add(&f->caption, " Rows named <i>dataset: subset</i> are of other datasets; a row of "
                              "questions is the share answered right.");
}

static uint8_t *mark_own(const pruning *p)
{
    uint8_t *own = checked_calloc((size_t)(p->subsets * p->forgets), 1);
    for (int64_t f = 0; own && f < p->forgets; f++)
        if (p->own[f] >= 0)
            own[p->own[f] * p->forgets + f] = 1;
    return own;
}

static status make_panels(figure *f, const pruning *p, const kinds *k, heatmap_panel *panel)
{
    status st = OK;
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < k->n; j++)
            TRY(make_panel(f, &p[i], k->control[j],
                           &panel[stands_beside(f) ? k->n * i + j : f->n * j + i]));
done:
    return st;
}

status figure_prune(figure *f)
{
    enum { ACROSS = 2 };
    status st = OK;
    pruning *p = checked_calloc(f->n, sizeof *p);
    heatmap_panel *panel = checked_calloc((1 + PRUNING_CONTROLS) * f->n, sizeof *panel);
    uint8_t *own = NULL;
    kinds k = {0};
    if (!p || !panel)
        TRY(status_no_memory("heat maps"));
    for (size_t i = 0; i < f->n; i++) {
        TRY(pruning_read(f->task[i], &p[i]));
        if (p[i].forgets != p[0].forgets || p[i].subsets != p[0].subsets)
            TRY(status_fail(ERR_INPUT, f->task[i]->artefact_path,
                            "the panels of one figure have different subsets; evaluate all on the "
                            "same datasets"));
        TRY(prune_answers(f, &p[i]));
        add_table(f, &p[i]);
    }
    k = find_kinds(&p[0]);
    TRY(make_panels(f, p, &k, panel));
    if (!(own = mark_own(&p[0])))
        TRY(status_no_memory("heat maps"));
    const heatmap h = {.rows = p[0].subsets,
                       .columns = p[0].forgets,
                       .row_name = p[0].row,
                       .column_name = p[0].forget,
                       .own = own,
                       .row_title = "evaluated",
                       .column_title = "unlearned",
                       .row_field = "evaluated",
                       .column_field = "unlearned",
                       .value_field = "top1_percent_of_unpruned",
                       .panel = panel,
                       .panels = k.n * f->n,
                       .across = !stands_beside(f) ? f->n
                                 : k.n < ACROSS    ? k.n
                                                   : ACROSS,
                       .palette = PALETTE_LOSS,
                       .high = 100,
                       .scale_title = "Top-1, % of the unpruned model's"};
    heatmap_write(&h, &f->picture);
    add_caption(f, p, &k);
done:
    for (size_t i = 0; p && i < f->n; i++)
        pruning_free(&p[i]);
    heatmap_free_panels(panel, (1 + PRUNING_CONTROLS) * f->n);
    free(p);
    free(own);
    return st;
}

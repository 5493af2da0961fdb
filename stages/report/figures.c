// SPDX-License-Identifier: Apache-2.0
// The list of figures, and which finished task goes into which: by stage, modality and variables.
// Tasks that differ in an axis a figure does not show get figures of their own, told apart by their
// file stem, so that a sweep never overwrites or mixes results. A new figure is a line of the table
// and, where no drawing function fits, one file figure_NAME.c.
#include "stages/report/figures.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/markup.h"
#include "stages/figures/figure_between.h"
#include "stages/figures/figure_clusters.h"
#include "stages/figures/figure_enrichment.h"
#include "stages/figures/figure_growth.h"
#include "stages/figures/figure_harm.h"
#include "stages/figures/figure_layers.h"
#include "stages/figures/figure_likeness.h"
#include "stages/figures/figure_modules.h"
#include "stages/figures/figure_overlap.h"
#include "stages/figures/figure_prune.h"
#include "stages/figures/figure_searches.h"
#include "stages/figures/figure_within.h"
#include "stages/figures/pruning.h"
#include "stages/report/figure_own.h"

static const figure_def table[] = {
    {"figure1", "Accuracy of every class after unlearning one", "prune", "image", "ratio", NULL,
     "|model|drop|fraction|", true, 0, figure_prune},
    {"figure2", "Accuracy on every text domain after unlearning one", "prune", "text", "ratio",
     NULL, "|model|drop|fraction|", true, 0, figure_prune},
    {"figure3", "Overlap of the neurons most important to each pair of classes", "intersect",
     "image", "overlap", "auc", "|model|", true, -1, figure_overlap},
    {"figure4", "Overlap of the neurons most important to each pair of text domains", "intersect",
     "text", "overlap", "auc", "|model|", true, -1, figure_overlap},
    {"figure5", "Overlap as the selected share of neurons grows", "intersect", "image",
     "overlap_mean", "auc", "|model|", true, +1, figure_growth},
    {"figure5-text", "Overlap as the selected share of neurons grows", "intersect", "text",
     "overlap_mean", "auc", "|model|", true, +1, figure_growth},
    {"figure6", "How strongly clusters match the neurons of a class, layer by layer", "intersect",
     "image", "auc", NULL, "|model|", false, 0, figure_clusters},
    {"figure6-text", "How strongly clusters match the neurons of a text domain, layer by layer",
     "intersect", "text", "auc", NULL, "|model|", false, 0, figure_clusters},
    {"figure7", "What every search saw", "prune", "image", "trace_fraction", NULL, "|model|drop|",
     true, 0, figure_searches},
    {"figure7-text", "What every search saw", "prune", "text", "trace_fraction", NULL,
     "|model|drop|", true, 0, figure_searches},
    {"figure8", "In which layers the pruned neurons lie", "prune", "image", "fraction", NULL,
     "|model|drop|fraction|", true, 0, figure_layers},
    {"figure8-text", "In which layers the pruned neurons lie", "prune", "text", "fraction", NULL,
     "|model|drop|fraction|", true, 0, figure_layers},
    {"figure11", "Overlap of the neurons of two classes, layer by layer", "intersect", "image",
     "overlap_within", NULL, "|model|", true, 0, figure_within},
    {"figure11-text", "Overlap of the neurons of two text domains, layer by layer", "intersect",
     "text", "overlap_within", NULL, "|model|", true, 0, figure_within},
    {"figure12", "Which classes share neurons in which layers", "intersect", "image",
     "overlap_within", NULL, "|model|", true, 0, figure_within_pairs},
    {"figure12-text", "Which text domains share neurons in which layers", "intersect", "text",
     "overlap_within", NULL, "|model|", true, 0, figure_within_pairs},
    {"figure13", "Which sets of neurons of one step meet which of another", "intersect", "image",
     "overlap_between", NULL, "", true, 0, figure_between},
    {"figure13-text", "Which sets of neurons of one step meet which of another", "intersect",
     "text", "overlap_between", NULL, "", true, 0, figure_between},
    {"figure14", "How separate the communities of neurons are, layer by layer", "cluster", "image",
     "modularity", NULL, "|model|", true, 0, figure_modularity},
    {"figure15", "How far clusterings agree, layer by layer", "agreement", "image", "ari", NULL, "",
     true, 0, figure_agreement},
    {"figure16", "Clusters that are home to the neurons of a class", "enrichment", "image",
     "enrichment", NULL, "", true, 0, figure_enrichment},
    {"figure16-text", "Clusters that are home to the neurons of a text domain", "enrichment",
     "text", "enrichment", NULL, "", true, 0, figure_enrichment},
    {"figure17", "What unlearning a class costs the others, by measure", "prune", "image", "ratio",
     NULL, "|model|drop|measure|", true, 0, figure_harm},
    {"figure17-text", "What unlearning a text domain costs the others, by measure", "prune", "text",
     "ratio", NULL, "|model|drop|measure|", true, 0, figure_harm},
    {"figure18", "How alike subsets share neurons in two overlaps", "likeness", "image", "likeness",
     NULL, "", true, 0, figure_likeness},
};
enum { FIGURES = sizeof table / sizeof *table };

// What a stage's descriptor asks for: a figure for each task.
static const figure_def own_figure = {
    .stem = "figure", .modality = "", .axes = "", .draw = figure_own};

static bool matches_figure(const report_input *in, const figure_def *def, const report_task *t)
{
    if (!t->artefact || strcmp(t->stage, def->stage) != 0 ||
        !artefact_has(t->artefact, def->with) ||
        (def->without && artefact_has(t->artefact, def->without)))
        return false;
    if (def->draw == figure_searches && !pruning_searches(t))
        return false;
    if (def->draw == figure_harm && !figure_harm_fits(in, t))
        return false;
    if (def->draw == figure_layers && !artefact_has(t->artefact, "mlp_mask") &&
        !artefact_has(t->artefact, "attn_mask"))
        return false;
    if (def->fractions > 0 && artefact_length(t->artefact, "fraction") < 2)
        return false; // no curve
    char *modality = artefact_get_attribute(t->artefact, "modality");
    bool same = strcmp(modality ? modality : "image", def->modality) == 0;
    free(modality);
    return same;
}

// Does the number of its shares of neurons suit the figure?
static bool suits_figure(const figure_def *def, const report_task *t)
{
    enum { MANY = 20 };
    bool many = artefact_length(t->artefact, "fraction") >= MANY;
    return def->fractions == 0 || many == (def->fractions > 0);
}

// The stem of the figure a task belongs to. The first step of its kind gives the plain name.
static char *make_stem(const figure_def *def, const report_task *t, const char *first_step)
{
    text stem = {0};
    text_add(&stem, def->stem);
    if ((def->by_step || !def->stage) && strcmp(t->step, first_step) != 0) {
        text_add(&stem, "-");
        markup_file_name(&stem, t->step);
    }
    for (size_t i = 0; i < t->n_axes; i++) {
        char *word = text_format("|%s|", t->axes[i].name);
        if (word && !strstr(def->axes, word)) {
            text_add(&stem, "-");
            markup_file_name(&stem, t->axes[i].name);
            text_add(&stem, "=");
            markup_file_name(&stem, t->axes[i].value);
        }
        stem.failed |= !word;
        free(word);
    }
    if (stem.failed)
        text_free(&stem);
    return stem.at;
}

// Adds a task to the figure of its stem among figures[from..*n), or begins that figure.
static status add_task(const report_input *in, const figure_def *def, const report_task *t,
                       char *stem, figure *figures, size_t from, size_t *n)
{
    size_t at = from;
    while (at < *n && strcmp(figures[at].picture.stem, stem) != 0)
        at++;
    if (at < *n) {
        free(stem);
    } else {
        figures[at] = (figure){.def = def,
                               .in = in,
                               .picture = {.stem = stem, .columns = in->columns, .dpi = in->dpi}};
        ++*n;
        figures[at].task = checked_calloc(in->n_tasks, sizeof *figures[at].task);
        if (!figures[at].task)
            return status_no_memory("figures");
    }
    figures[at].task[figures[at].n++] = t;
    return OK;
}

// Figures of stages' own, behind all others.
static status plan_own(const report_input *in, figure *figures, size_t *n)
{
    for (size_t i = 0; i < in->n_tasks; i++) {
        const report_task *t = &in->tasks[i];
        if (!figure_own_fits(t))
            continue;
        char *stem = make_stem(&own_figure, t, "");
        status st = stem ? add_task(in, &own_figure, t, stem, figures, *n, n)
                         : status_no_memory("a figure's name");
        if (st != OK)
            return st;
    }
    return OK;
}

status figures_plan(const report_input *in, figure **figures, size_t *n)
{
    status st = OK;
    *n = 0;
    size_t most;
    *figures = checked_mul(in->n_tasks, FIGURES + 1, &most) ? checked_calloc(most, sizeof **figures)
                                                            : NULL;
    if (!*figures)
        TRY(status_no_memory("figures"));
    for (size_t d = 0; d < FIGURES; d++) {
        const char *first_step = NULL;
        size_t from = *n;
        bool choosy = false; // where a task suits the figure, only those that do are drawn
        for (size_t i = 0; i < in->n_tasks; i++)
            choosy |= matches_figure(in, &table[d], &in->tasks[i]) &&
                      suits_figure(&table[d], &in->tasks[i]);
        for (size_t i = 0; i < in->n_tasks; i++) {
            const report_task *t = &in->tasks[i];
            if (!matches_figure(in, &table[d], t) || (choosy && !suits_figure(&table[d], t)))
                continue;
            first_step = first_step ? first_step : t->step;
            char *stem = make_stem(&table[d], t, first_step);
            if (!stem)
                TRY(status_no_memory("a figure's name"));
            TRY(add_task(in, &table[d], t, stem, *figures, from, n));
        }
    }
    TRY(plan_own(in, *figures, n));
done:
    return st;
}

void figures_free(figure *figures, size_t n)
{
    for (size_t i = 0; figures && i < n; i++) {
        free(figures[i].task);
        free(figures[i].picture.stem);
        text_free(&figures[i].picture.script);
        text_free(&figures[i].picture.csv);
        text_free(&figures[i].picture.data);
        text_free(&figures[i].caption);
        text_free(&figures[i].numbers);
        text_free(&figures[i].table);
    }
    free(figures);
}

// SPDX-License-Identifier: Apache-2.0
// A curve's two inputs, clusters and scores, may be of different models: that is what the figure
// compares, so its label names both. All panels have one scale, for the eye to compare shares.
#include "stages/figures/figure_clusters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/curves.h"
#include "stages/drawing/markup.h"

enum { MAX_PANELS = 6 };

static bool are_experts(const report_task *t)
{
    return t->params && strcmp(params_text(t->params, "method"), "experts") == 0;
}

// Whose clusters and whose neurons: the names of the models the two inputs are of.
static char *make_label(const figure *f, const report_task *t)
{
    const char *clusters = NULL, *neurons = NULL;
    bool experts = false;
    for (size_t i = 0; i < t->n_inputs; i++) {
        const report_task *input = &f->in->tasks[t->inputs[i]];
        const bool cluster = strcmp(input->stage, "cluster") == 0;
        experts |= cluster && are_experts(input);
        *(cluster ? &clusters : &neurons) = figure_task_name(input);
    }
    if (!clusters || !neurons)
        return strdup(t->label);
    return text_format("%s %s, %s neurons", clusters, experts ? "experts" : "clusters", neurons);
}

// Two curves of the same models come from different steps: name these.
static status make_labels(const figure *f, char **label)
{
    for (size_t i = 0; i < f->n; i++)
        if (!(label[i] = make_label(f, f->task[i])))
            return status_no_memory("a legend");
    for (size_t i = 0; i < f->n; i++) {
        bool twice = false;
        for (size_t j = 0; j < f->n; j++) {
            char *other = make_label(f, f->task[j]), *mine = make_label(f, f->task[i]);
            twice |= i != j && other && mine && strcmp(other, mine) == 0;
            free(other);
            free(mine);
        }
        char *longer = twice ? text_format("%s: %s", f->task[i]->label, label[i]) : NULL;
        if (twice && !longer)
            return status_no_memory("a legend");
        if (longer) {
            free(label[i]);
            label[i] = longer;
        }
    }
    return OK;
}

// Mean and deviation over the subsets, for each layer, at share index `at` of the artefact.
static status read_curve(const report_task *t, int64_t at, const char *label, curve *out)
{
    status st = OK;
    const artefact *a = t->artefact;
    int64_t subsets = artefact_length(a, "subset"), layers = artefact_length(a, "layer");
    int64_t fractions = artefact_length(a, "fraction");
    double *auc = checked_calloc((size_t)(subsets * layers), sizeof *auc);
    double *chance = checked_calloc((size_t)fractions, sizeof *chance);
    out->label = strdup(label);
    out->points = layers;
    out->point = checked_calloc((size_t)layers, sizeof *out->point);
    if (!auc || !chance || !out->label || !out->point)
        TRY(status_no_memory("a curve"));
    TRY(artefact_read_rows(a, "auc", VARIABLE_F64, at * subsets, subsets, auc));
    TRY(artefact_read(a, "auc_chance", VARIABLE_F64, chance));
    for (int64_t l = 0; l < layers; l++) {
        double mean = 0, square = 0, known = 0; // subsets with a neuron in the layer
        for (int64_t s = 0; s < subsets; s++)
            known += !isnan(auc[s * layers + l]);
        for (int64_t s = 0; s < subsets; s++)
            mean += isnan(auc[s * layers + l]) ? 0 : auc[s * layers + l] / known;
        for (int64_t s = 0; s < subsets; s++)
            square += isnan(auc[s * layers + l]) ? 0 : pow(auc[s * layers + l] - mean, 2) / known;
        out->point[l] = curves_point((double)l, known > 0 ? mean : NAN);
        out->point[l].std = known > 0 ? sqrt(square) : NAN;
        out->point[l].chance = chance[at];
    }
done:
    free(auc);
    free(chance);
    return st;
}

// Which shares are drawn: all, or six spread over the list.
static int64_t pick_shares(int64_t fractions, int64_t share[MAX_PANELS])
{
    int64_t n = fractions < MAX_PANELS ? fractions : MAX_PANELS;
    for (int64_t i = 0; i < n; i++)
        share[i] = n == 1 ? 0 : i * (fractions - 1) / (n - 1);
    return n;
}

// Over the layers that have a value.
static double mean_of_layers(const curve *c)
{
    double sum = 0, known = 0;
    for (int64_t l = 0; l < c->points; l++)
        known += !isnan(c->point[l].mean);
    for (int64_t l = 0; l < c->points; l++)
        sum += isnan(c->point[l].mean) ? 0 : c->point[l].mean / known;
    return known > 0 ? sum : NAN;
}

static void add_numbers(figure *f, const curve *c, size_t n, double fraction)
{
    for (size_t i = 0; i < n; i++) {
        const double mean = mean_of_layers(&c[i]);
        if (isnan(mean))
            continue;
        text_add(&f->numbers, "<li><code>");
        markup_html(&f->numbers, f->task[i]->label);
        text_add(&f->numbers, "</code>, ");
        markup_html(&f->numbers, c[i].label);
        text_addf(&f->numbers,
                  ": at the top %g%% of a layer, the match of clusters and neurons has an area of "
                  "<b>%.3f</b> (chance %.3f)</li>\n",
                  100 * fraction, mean, c[i].points ? c[i].point[0].chance : NAN);
    }
}

static void add_table(const curve *c, size_t n, size_t tasks, char *const *title, text *table)
{
    text_add(table, "<table><thead><tr><th>share</th><th>of</th><th>mean</th><th>chance</th>"
                    "<th>by layer</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++) {
        const double mean = mean_of_layers(&c[i]);
        text_add(table, "<tr><td>");
        markup_html(table, title[i / tasks]);
        text_add(table, "</td><td>");
        markup_html(table, c[i].label);
        text_add(table, "</td>");
        markup_html_cell(table, "%.3f", mean);
        markup_html_cell(table, "%.3f", c[i].points ? c[i].point[0].chance : NAN);
        text_add(table, "<td>");
        for (int64_t l = 0; l < c[i].points; l++)
            if (isnan(c[i].point[l].mean))
                text_add(table, " –");
            else
                text_addf(table, " %.3f", c[i].point[l].mean);
        text_add(table, "</td></tr>\n");
    }
    text_add(table, "</tbody></table>\n");
}

static void add_caption(figure *f)
{
    bool experts = false;
    for (size_t i = 0; i < f->n; i++)
        for (size_t k = 0; k < f->task[i]->n_inputs; k++) {
            const report_task *input = &f->in->tasks[f->task[i]->inputs[k]];
            experts |= strcmp(input->stage, "cluster") == 0 && are_experts(input);
        }
    text_addf(
        &f->caption,
        "Clusters of a layer's neurons, ranked by how many of the %s's top neurons they hold, "
        "give a curve of the neurons found as clusters are added; its area is plotted: near "
        "0.5 the neurons lie evenly over the clusters, near 1 few clusters hold them all. The "
        "share is taken within each layer. The dashed line is <b>chance</b>: random neurons of "
        "the same number. Mean and standard deviation over all %s. Clusters of a random "
        "model against a trained model's neurons are the baseline.",
        figure_subset_word(f), figure_subset_words(f));
    if (experts)
        text_add(&f->caption, " <b>Experts</b> are the clusters that the model was trained with.");
}

// Limits common to all panels, in steps of 0.05.
static void fit_limits(const curve *c, size_t n, double *low, double *high)
{
    *low = 0.5, *high = 0.6;
    for (size_t i = 0; i < n; i++)
        for (int64_t l = 0; l < c[i].points; l++) {
            const curve_point *p = &c[i].point[l];
            *low = fmin(*low, floor((p->mean - p->std) * 20) / 20);
            *high = fmax(*high, ceil((p->mean + p->std) * 20) / 20);
        }
}

static status read_curves(const figure *f, const int64_t *share, size_t panels, char *const *label,
                          curve *c)
{
    int64_t fractions = artefact_length(f->task[0]->artefact, "fraction");
    for (size_t p = 0; p < panels; p++)
        for (size_t i = 0; i < f->n; i++) {
            curve *one = &c[p * f->n + i];
            if (artefact_length(f->task[i]->artefact, "fraction") != fractions)
                return status_fail(ERR_INPUT, f->task[i]->artefact_path,
                                   "the curves of one figure have different `fractions`; give all "
                                   "steps with clusters the same");
            status st = read_curve(f->task[i], share[p], label[i], one);
            if (st != OK)
                return st;
            one->panel = p;
            one->colour = (int)i;
        }
    return OK;
}

status figure_clusters(figure *f)
{
    status st = OK;
    int64_t share[MAX_PANELS], fractions = artefact_length(f->task[0]->artefact, "fraction");
    size_t panels = (size_t)pick_shares(fractions, share);
    char *title[MAX_PANELS] = {NULL}, **label = checked_calloc(f->n, sizeof *label);
    double low[MAX_PANELS], high[MAX_PANELS], *fraction = NULL;
    curve *c = checked_calloc(panels * f->n, sizeof *c);
    fraction = checked_calloc((size_t)fractions, sizeof *fraction);
    if (!label || !c || !fraction)
        TRY(status_no_memory("curves"));
    TRY(artefact_read(f->task[0]->artefact, "fraction", VARIABLE_F64, fraction));
    TRY(make_labels(f, label));
    TRY(read_curves(f, share, panels, label, c));
    fit_limits(c, panels * f->n, &low[0], &high[0]);
    for (size_t p = 0; p < panels; p++) {
        low[p] = low[0], high[p] = high[0];
        if (!(title[p] = text_format("top %g%% of each layer", 100 * fraction[share[p]])))
            TRY(status_no_memory("a title"));
    }
    double last = (double)artefact_length(f->task[0]->artefact, "layer") - 1;
    const curves all = {.panel_title = title,
                        .panels = panels,
                        .curve = c,
                        .n = panels * f->n,
                        .x_title = "layer",
                        .y_title = "area under the curve",
                        .x_field = "layer",
                        .x_low = -0.3,
                        .x_high = last + 0.3,
                        .low = low,
                        .high = high,
                        .x_step = last > 16  ? 4
                                  : last > 6 ? 2
                                             : 1,
                        .grey = "chance"};
    curves_write(&all, &f->picture);
    add_caption(f);
    add_numbers(f, c, f->n, fraction[0]);
    add_table(c, panels * f->n, f->n, title, &f->table);
done:
    curves_free(c, panels * f->n);
    for (size_t p = 0; p < MAX_PANELS; p++)
        free(title[p]);
    for (size_t i = 0; label && i < f->n; i++)
        free(label[i]);
    free(label);
    free(fraction);
    return st;
}

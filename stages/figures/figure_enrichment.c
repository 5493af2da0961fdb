// SPDX-License-Identifier: Apache-2.0
// A model has hundreds of clusters, of which few matter to anyone: those are drawn that are least
// likely by chance for some subset, in the order of their layers, and the table names each finding.
#include "stages/figures/figure_enrichment.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/heatmap.h"
#include "stages/drawing/markup.h"
#include "stages/figures/layer_curves.h"

enum { MAX_ROWS = 30, MAX_LISTED = 60 };

// What the artefact holds at its first share. Arrays owned.
typedef struct enriched {
    int64_t subsets, layers, clusters; // clusters of a layer
    char **subset;
    double *fraction, *neurons, *size, *count;
    double *hits, *fold, *log_p; // [subset][layer][cluster], of all shares
} enriched;

static void enriched_free(enriched *e)
{
    free(e->subset);
    free(e->fraction);
    free(e->neurons);
    free(e->size);
    free(e->count);
    free(e->hits);
    free(e->fold);
    free(e->log_p);
}

static status enriched_read(const report_task *t, enriched *e)
{
    status st = OK;
    e->layers = artefact_length(t->artefact, "layer");
    e->clusters = artefact_length(t->artefact, "cluster");
    TRY(artefact_read_texts(t->artefact, "subset", &e->subsets, &e->subset));
    TRY(layer_curves_read(t, "fraction", NULL, &e->fraction));
    TRY(layer_curves_read(t, "neurons", NULL, &e->neurons));
    TRY(layer_curves_read(t, "size", NULL, &e->size));
    TRY(layer_curves_read(t, "enriched", NULL, &e->count));
    TRY(layer_curves_read(t, "hits", NULL, &e->hits));
    TRY(layer_curves_read(t, "enrichment", NULL, &e->fold));
    TRY(layer_curves_read(t, "p_value_log10", NULL, &e->log_p));
done:
    return st;
}

// A cluster, or a cluster and a subset, by how unlikely it is.
typedef struct finding {
    int64_t cluster; // layer × clusters + its number
    int64_t subset;
    double log_p;
} finding;

static int by_chance(const void *x, const void *y)
{
    const finding *a = x, *b = y;
    if (a->log_p != b->log_p)
        return a->log_p < b->log_p ? -1 : 1;
    return a->cluster != b->cluster ? (a->cluster > b->cluster) - (a->cluster < b->cluster)
                                    : (a->subset > b->subset) - (a->subset < b->subset);
}

static int by_place(const void *x, const void *y)
{
    const finding *a = x, *b = y;
    return (a->cluster > b->cluster) - (a->cluster < b->cluster);
}

// The clusters to draw: list[returned], in the order of layers; all those with p < 0.05 for some
// subset up to MAX_ROWS, and where there are none the least unlikely by chance of all.
static int64_t pick_clusters(const enriched *e, finding *list)
{
    int64_t all = e->layers * e->clusters, n = 0, rows = 0;
    for (int64_t c = 0; c < all; c++) {
        finding best = {c, 0, INFINITY};
        for (int64_t s = 0; s < e->subsets; s++)
            best.log_p = fmin(best.log_p, e->log_p[s * all + c]); // NaN gives way
        if (!isinf(best.log_p) || best.log_p < 0)
            list[n++] = best;
    }
    qsort(list, (size_t)n, sizeof *list, by_chance);
    while (rows < n && rows < MAX_ROWS && (list[rows].log_p < log10(0.05) || rows < 5))
        rows++;
    qsort(list, (size_t)rows, sizeof *list, by_place);
    return rows;
}

static status add_findings(figure *f, const enriched *e)
{
    int64_t all = e->layers * e->clusters, n = 0;
    finding *list = checked_calloc((size_t)(e->subsets * all), sizeof *list);
    if (!list)
        return status_no_memory("a table");
    for (int64_t i = 0; i < e->subsets * all; i++)
        if (e->log_p[i] < log10(0.05))
            list[n++] = (finding){i % all, i / all, e->log_p[i]};
    qsort(list, (size_t)n, sizeof *list, by_chance);
    text_addf(&f->table,
              "<table><caption>%lld clusters hold more than chance would (p &lt; 0.05)%s"
              "</caption><tr><th>%s</th><th>layer</th><th>cluster</th><th>neurons</th>"
              "<th>of the top %.0f</th><th>times chance</th><th>log10 p</th></tr>\n",
              (long long)n, n > MAX_LISTED ? "; the least likely of them" : "",
              figure_subset_word(f), e->neurons[0]);
    for (int64_t i = 0; i < n && i < MAX_LISTED; i++) {
        const finding *of = &list[i];
        int64_t at = of->subset * all + of->cluster;
        text_add(&f->table, "<tr><td>");
        markup_html(&f->table, e->subset[of->subset]);
        text_addf(&f->table,
                  "</td><td>%lld</td><td>%lld</td><td>%.0f</td><td>%.0f</td><td>%.1f</td>"
                  "<td>%.1f</td></tr>\n",
                  (long long)(of->cluster / e->clusters), (long long)(of->cluster % e->clusters),
                  e->size[of->cluster], e->hits[at], e->fold[at], of->log_p);
    }
    text_add(&f->table, "</table>\n");
    if (n > 0) {
        const finding *of = &list[0];
        text_add(&f->numbers, "<li>");
        markup_html(&f->numbers, f->task[0]->label);
        text_add(&f->numbers, ": ");
        markup_html(&f->numbers, e->subset[of->subset]);
        text_addf(&f->numbers,
                  " is at home in <b>layer %lld, cluster %lld</b>: %.0f of its top %.0f neurons of "
                  "the layer, %.1f times what chance would put there</li>\n",
                  (long long)(of->cluster / e->clusters), (long long)(of->cluster % e->clusters),
                  e->hits[of->subset * all + of->cluster], e->neurons[0],
                  e->fold[of->subset * all + of->cluster]);
    }
    free(list);
    return OK;
}

static void add_counts(figure *f, const enriched *e)
{
    int64_t with = 0;
    for (int64_t s = 0; s < e->subsets; s++)
        with += e->count[s] > 0;
    text_add(&f->numbers, "<li>");
    markup_html(&f->numbers, f->task[0]->label);
    text_addf(&f->numbers,
              ": at the top %g%% of a layer, <b>%lld of %lld %s</b> have clusters that hold more "
              "of their neurons than chance would (p &lt; 0.05)</li>\n",
              100 * e->fraction[0], (long long)with, (long long)e->subsets, figure_subset_words(f));
}

static status fill_map(const enriched *e, const finding *list, int64_t rows, char **name,
                       uint8_t *own, heatmap_panel *panel, double *top)
{
    int64_t all = e->layers * e->clusters;
    for (int64_t i = 0; i < rows; i++) {
        name[i] = text_format("layer %lld, cluster %lld (%.0f)",
                              (long long)(list[i].cluster / e->clusters),
                              (long long)(list[i].cluster % e->clusters), e->size[list[i].cluster]);
        if (!name[i])
            return status_no_memory("names of clusters");
        for (int64_t s = 0; s < e->subsets; s++) {
            int64_t at = s * all + list[i].cluster, cell = i * e->subsets + s;
            panel->value[cell] = e->fold[at];
            panel->p[cell] = pow(10, e->log_p[at]);
            own[cell] = e->log_p[at] < log10(0.05);
            *top = fmax(*top, e->fold[at]);
        }
    }
    return OK;
}

status figure_enrichment(figure *f)
{
    status st = OK;
    char *name[MAX_ROWS] = {NULL};
    int64_t rows = 0;
    double top = 2;
    enriched e = {0};
    finding *list = NULL;
    uint8_t *own = NULL;
    heatmap_panel *panel = checked_calloc(1, sizeof *panel);
    if (!panel)
        TRY(status_no_memory("a heat map"));
    TRY(enriched_read(f->task[0], &e));
    list = checked_calloc((size_t)(e.layers * e.clusters), sizeof *list);
    if (!list)
        TRY(status_no_memory("a heat map"));
    rows = pick_clusters(&e, list);
    own = checked_calloc((size_t)(rows * e.subsets), 1);
    panel->value = checked_calloc((size_t)(rows * e.subsets), sizeof *panel->value);
    panel->p = checked_calloc((size_t)(rows * e.subsets), sizeof *panel->p);
    panel->task = f->task[0]->label;
    panel->title =
        text_format("%s: top %g%% of each layer", f->task[0]->label, 100 * e.fraction[0]);
    if (!own || !panel->value || !panel->p || !panel->title)
        TRY(status_no_memory("a heat map"));
    TRY(fill_map(&e, list, rows, name, own, panel, &top));
    const heatmap h = {.rows = rows,
                       .columns = e.subsets,
                       .row_name = name,
                       .column_name = e.subset,
                       .own = own,
                       .row_title = "clusters (their neurons)",
                       .column_title = "hold the neurons of",
                       .row_field = "cluster",
                       .column_field = "subset",
                       .value_field = "times_chance",
                       .panel = panel,
                       .panels = 1,
                       .across = 1,
                       .palette = PALETTE_SHARE,
                       .high = ceil(top),
                       .scale_title = "times chance"};
    heatmap_write(&h, &f->picture);
    text_addf(&f->caption,
              "How many times more of a %s's top %g%% of a layer's neurons a cluster holds than a "
              "random selection would put there: the clusters of the least likely findings. Framed "
              "cells are beyond chance (p &lt; 0.05, hypergeometric, corrected over all clusters, "
              "%s and shares).",
              figure_subset_word(f), 100 * e.fraction[0], figure_subset_words(f));
    add_counts(f, &e);
    TRY(add_findings(f, &e));
done:
    heatmap_free_panels(panel, 1);
    for (int64_t i = 0; i < rows; i++)
        free(name[i]);
    enriched_free(&e);
    free(list);
    free(own);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Neither Q nor an index of agreement says anything by itself: a random graph has communities too,
// and clusterings of many clusters share information by chance. So each curve has its own chance.
#include "stages/figures/figure_modules.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/markup.h"
#include "stages/figures/layer_curves.h"

enum { MAX_CURVES = 6 }; // of agreement: as many colours as there are

// Mean and deviation of a layer's rewired graphs.
static void summarise_nulls(const double *q, int64_t nulls, double *mean, double *std)
{
    double sum = 0, square = 0;
    for (int64_t i = 0; i < nulls; i++)
        sum += q[i];
    *mean = nulls > 0 ? sum / (double)nulls : NAN;
    for (int64_t i = 0; i < nulls; i++)
        square += (q[i] - *mean) * (q[i] - *mean);
    *std = nulls > 1 ? sqrt(square / (double)(nulls - 1)) : NAN;
}

// Nothing where no layer has a neuron that fires.
static void add_means(figure *f, const curve *c, double chance)
{
    const double mean = layer_curves_mean(c);
    if (isnan(mean))
        return;
    text_add(&f->numbers, "<li>");
    markup_html(&f->numbers, c->label);
    text_addf(&f->numbers,
              ": communities of neurons that fire together have a modularity of <b>%.3f</b> on "
              "average over layers",
              mean);
    if (!isnan(chance))
        text_addf(&f->numbers, "; those of rewired graphs %.3f", chance);
    text_add(&f->numbers, "</li>\n");
}

static status add_modularity(figure *f, const report_task *t, curve *c)
{
    status st = OK;
    double *q = NULL, *null = NULL, *p = NULL, *communities = NULL, chance = 0, known = 0;
    int64_t nulls = artefact_length(t->artefact, "null");
    TRY(layer_curves_read(t, "modularity", NULL, &q));
    TRY(layer_curves_read(t, "modularity_null", NULL, &null));
    TRY(layer_curves_read(t, "modularity_p", NULL, &p));
    TRY(layer_curves_read(t, "communities", NULL, &communities));
    for (int64_t l = 0; l < c->points; l++) {
        double mean, std;
        summarise_nulls(null + l * nulls, nulls, &mean, &std);
        c->point[l].mean = q[l];
        c->point[l].chance = mean;
        chance += isnan(mean) ? 0 : mean;
        known += !isnan(mean);
        text_add(&f->table, "<tr><td>");
        markup_html(&f->table, c->label);
        text_addf(&f->table, "</td><td>%lld</td><td>%.0f</td>", (long long)l, communities[l]);
        markup_html_cell(&f->table, "%.4f", q[l]);
        markup_html_cell(&f->table, "%.4f", mean);
        markup_html_cell(&f->table, "%.4f", std);
        markup_html_cell(&f->table, "%.1f", (q[l] - mean) / std);
        markup_html_cell(&f->table, "%.2g", p[l]);
        text_add(&f->table, "</tr>\n");
    }
    add_means(f, c, known > 0 ? chance / known : NAN);
done:
    free(q);
    free(null);
    free(p);
    free(communities);
    return st;
}

// Is one model more modular than another, beyond two standard errors over layers? What counts is
// how far Q lies above that of rewired graphs: graphs of any model have some.
static void compare_modularity(figure *f, const curve *a, const curve *b)
{
    double sum = 0, square = 0, above[2] = {0};
    int64_t n = 0, more = 0;
    for (int64_t l = 0; l < a->points && l < b->points; l++) {
        const double one = a->point[l].mean - a->point[l].chance;
        const double other = b->point[l].mean - b->point[l].chance;
        if (isnan(one) || isnan(other))
            continue;
        above[0] += one;
        above[1] += other;
        sum += one - other;
        square += (one - other) * (one - other);
        more += one > other;
        n++;
    }
    if (n < 2)
        return;
    const double mean = sum / (double)n, layers = (double)n;
    const double error = sqrt(fmax(square / layers - mean * mean, 0) / (layers - 1));
    text_add(&f->numbers, "<li><b>");
    markup_html(&f->numbers, a->label);
    text_addf(&f->numbers, " is %s</b> ",
              fabs(mean) <= 2 * error ? "as modular as"
              : mean > 0              ? "more modular than"
                                      : "less modular than");
    markup_html(&f->numbers, b->label);
    text_addf(&f->numbers,
              ": Q lies %.3f above that of rewired graphs, there %.3f (difference %.3f ± %.3f, "
              "mean ± standard error over layers; larger in %lld of %lld)</li>\n",
              above[0] / layers, above[1] / layers, mean, error, (long long)more, (long long)n);
}

status figure_modularity(figure *f)
{
    status st = OK;
    char *title = text_format("communities of the co-firing graph");
    curve *c = checked_calloc(f->n, sizeof *c);
    if (!title || !c)
        TRY(status_no_memory("curves"));
    text_add(&f->table, "<table><tr><th></th><th>layer</th><th>communities</th><th>Q</th>"
                        "<th>rewired</th><th>std</th><th>z</th><th>p</th></tr>\n");
    for (size_t i = 0; i < f->n; i++) {
        const report_task *t = f->task[i];
        TRY(layer_curves_begin(&c[i], artefact_length(t->artefact, "layer"), 0, (int)i,
                               figure_task_name(t)));
        TRY(add_modularity(f, t, &c[i]));
    }
    text_add(&f->table, "</table>\n");
    for (size_t i = 1; i < f->n; i++)
        compare_modularity(f, &c[0], &c[i]);
    TRY(layer_curves_draw(f, c, f->n, &title, 1, true, "modularity Q"));
    text_add(&f->caption,
             "Neurons that fire on the same tokens are joined, and the graph of each layer falls "
             "into the communities that Leiden's method finds. Q is how much more of its weight "
             "lies within them than their neurons' activity alone would put there. The dashed "
             "lines are <b>chance</b>, one for each curve: the same method on graphs that are "
             "rewired so that each neuron keeps its summed weight. A random model's communities "
             "are what its inputs alone bring about.");
done:
    curves_free(c, f->n);
    free(title);
    return st;
}

// What an artefact of agreement says of one measure. Owned.
typedef struct agreed {
    double *value, *chance, *p, *mean, *mean_p;
} agreed;

static void agreed_free(agreed *g)
{
    free(g->value);
    free(g->chance);
    free(g->p);
    free(g->mean);
    free(g->mean_p);
}

static status agreed_read(const report_task *t, const char *measure, agreed *g)
{
    const struct {
        const char *suffix;
        double **to;
    } list[] = {{"", &g->value},
                {"_chance", &g->chance},
                {"_p", &g->p},
                {"_mean", &g->mean},
                {"_mean_p", &g->mean_p}};
    status st = OK;
    for (size_t i = 0; i < sizeof list / sizeof *list && st == OK; i++) {
        char *name = text_format("%s%s", measure, list[i].suffix);
        st = name ? layer_curves_read(t, name, NULL, list[i].to) : status_no_memory("a name");
        free(name);
    }
    return st;
}

static void add_pair_row(text *table, const char *a, const char *b, const agreed *ari,
                         const agreed *nmi, int64_t pair, int64_t layers)
{
    double chance = 0;
    int64_t ari_above = 0, nmi_above = 0;
    for (int64_t l = pair * layers; l < (pair + 1) * layers; l++) {
        chance += nmi->chance[l] / (double)layers;
        ari_above += ari->p[l] < 0.05;
        nmi_above += nmi->p[l] < 0.05;
    }
    text_add(table, "<tr><td>");
    markup_html(table, a);
    text_add(table, "</td><td>");
    markup_html(table, b);
    text_addf(table,
              "</td><td>%.3f</td><td>%.2g</td><td>%lld of %lld</td><td>%.3f</td><td>%.3f</td>"
              "<td>%.2g</td><td>%lld of %lld</td></tr>\n",
              ari->mean[pair], ari->mean_p[pair], (long long)ari_above, (long long)layers,
              nmi->mean[pair], chance, nmi->mean_p[pair], (long long)nmi_above, (long long)layers);
}

static void add_agreement_words(figure *f, int64_t pairs)
{
    text_addf(&f->caption,
              "How far clusterings of the same neurons agree, layer by layer: the adjusted Rand "
              "index (1: the same clusters, 0: no more pairs of neurons together in both than "
              "chance has), and the normalised mutual information. The dashed lines are "
              "<b>chance</b>: labels permuted within each layer.%s",
              pairs > MAX_CURVES ? " The first six pairs are drawn; the table has all." : "");
    text_add(&f->table, "<table><tr><th>clusterings</th><th></th><th>ARI</th><th>p</th>"
                        "<th>layers above chance</th><th>NMI</th><th>chance</th><th>p</th>"
                        "<th>layers above chance</th></tr>\n");
}

static status fill_agreement(const agreed *g, int64_t pairs, int64_t layers, size_t panel,
                             char *const *a, char *const *b, curve *c)
{
    for (int64_t i = 0; i < pairs; i++) {
        char *label = text_format("%s and %s", a[i], b[i]);
        status st = label ? layer_curves_begin(&c[i], layers, panel, (int)i, label)
                          : status_no_memory("a legend");
        free(label);
        if (st != OK)
            return st;
        for (int64_t l = 0; l < layers; l++) {
            c[i].point[l].mean = g->value[i * layers + l];
            c[i].point[l].chance = g->chance[i * layers + l];
        }
    }
    return OK;
}

status figure_agreement(figure *f)
{
    static char *title[] = {"adjusted Rand index", "normalised mutual information"};
    status st = OK;
    const report_task *t = f->task[0];
    int64_t pairs = 0, layers = artefact_length(t->artefact, "layer"), drawn;
    char **a = NULL, **b = NULL;
    agreed ari = {0}, nmi = {0};
    curve *c = checked_calloc(2 * MAX_CURVES, sizeof *c);
    if (!c)
        TRY(status_no_memory("curves"));
    TRY(artefact_read_texts(t->artefact, "clustering_a", &pairs, &a));
    TRY(artefact_read_texts(t->artefact, "clustering_b", &pairs, &b));
    TRY(agreed_read(t, "ari", &ari));
    TRY(agreed_read(t, "nmi", &nmi));
    drawn = pairs < MAX_CURVES ? pairs : MAX_CURVES;
    TRY(fill_agreement(&ari, drawn, layers, 0, a, b, c));
    TRY(fill_agreement(&nmi, drawn, layers, 1, a, b, c + drawn));
    TRY(layer_curves_draw(f, c, 2 * (size_t)drawn, title, 2, false, "agreement"));
    add_agreement_words(f, pairs);
    for (int64_t i = 0; i < pairs; i++) {
        add_pair_row(&f->table, a[i], b[i], &ari, &nmi, i, layers);
        text_add(&f->numbers, "<li>");
        markup_html(&f->numbers, a[i]);
        text_add(&f->numbers, " and ");
        markup_html(&f->numbers, b[i]);
        text_addf(&f->numbers, " agree by an adjusted Rand index of <b>%.3f</b> (p %.2g)</li>\n",
                  ari.mean[i], ari.mean_p[i]);
    }
    text_add(&f->table, "</table>\n");
done:
    curves_free(c, 2 * MAX_CURVES);
    agreed_free(&ari);
    agreed_free(&nmi);
    free(a);
    free(b);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// The stage `likeness`: do two sites, two models of any shape, two measures relate the same subsets
// to each other? Their neurons cannot be compared one by one; which subsets share many of them can.
//   alike: {stage: likeness, from: ["overlap[site=mlp]", "overlap[site=attn]"]}
// Input: two or more artefacts of `intersect` with the same shares; each pair of them is compared
// over the subsets whose names both have. Output:
//   string overlap_a(pair)                       1  task of the pair's first overlaps
//   string overlap_b(pair)                       1  of its second
//   int64 subsets_common(pair)                   1  subsets that both have
//   double fraction(fraction)                    1  the shares of neurons
//   double likeness(pair, fraction)              1  rank correlation of their overlaps over pairs
//   double likeness_chance_std(pair, fraction)   1  its deviation when names are permuted
//   double likeness_p(pair, fraction)            1  P(permuted names are as much alike)
// An overlap of two subsets is the mean of both directions. Chance is Mantel's: the names of the
// second are permuted, rows and columns together. likeness_p is (1 + permutations that reach it) ÷
// (1 + permutations), Holm-corrected over all that it holds.
//
// No rounds: the owner's threads do it, an item a share of a pair.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/text.h"
#include "pipeline/stage.h"
#include "stages/common/neuron_set.h"
#include "stages/intersect/described.h"
#include "stages/intersect/holm.h"
#include "stages/intersect/rank_correlation.h"

enum { MAX_INPUTS = 20, LEAST_COMMON = 4 }; // three subsets have three pairs: no correlation

// Of one input. Owned.
typedef struct overlaps {
    int64_t subsets, fractions;
    char **subset;
    double *fraction, *overlap; // overlap[fraction][subset_a][subset_b]
} overlaps;

// Two of them, and what they have in common. Owned.
typedef struct compared {
    const overlaps *a, *b; // borrowed
    int64_t common;
    int64_t *of_a, *of_b; // [common] each one's place there
} compared;

typedef struct likeness {
    const task *task; // borrowed
    size_t inputs, pairs;
    overlaps *input;    // [inputs]
    compared *compared; // [pairs]
    const char **name_a, **name_b;
    int64_t *common;         // [pairs] of the artefact, as are those below
    double *value, *std, *p; // [pairs][fractions]
} likeness;

static const param_def parameters[] = {
    {"from", PARAM_FROM, .required = true, .help = "two or more tasks of intersect"},
    {"permutations", PARAM_INT, "1000", .low = 1, .high = 1e6,
     .help = "of the subsets' names, for chance and p-values"},
    {"seed", PARAM_INT, "1", .low = 0, .high = 9e15, .help = "of the permutations"},
    {0},
};

static status likeness_check(const task *t)
{
    if (task_inputs(t) < 2 || task_inputs(t) > MAX_INPUTS)
        return params_fail(task_params(t), "from",
                           "%zu tasks of overlaps; give 2 to %d, as [\"overlap[site=mlp]\", "
                           "\"overlap[site=attn]\"]",
                           task_inputs(t), MAX_INPUTS);
    return OK;
}

static void likeness_close(void *state)
{
    likeness *g = state;
    if (!g)
        return;
    for (size_t i = 0; g->input && i < g->inputs; i++) {
        free(g->input[i].subset);
        free(g->input[i].fraction);
        free(g->input[i].overlap);
    }
    for (size_t i = 0; g->compared && i < g->pairs; i++) {
        free(g->compared[i].of_a);
        free(g->compared[i].of_b);
    }
    free(g->input);
    free(g->compared);
    free(g->name_a);
    free(g->name_b);
    free(g->common);
    free(g->value);
    free(g->std);
    free(g->p);
    free(g);
}

static status read_overlaps(const artefact *a, overlaps *out)
{
    status st = OK;
    int64_t pairs;
    if (!artefact_has(a, "overlap"))
        return status_fail(ERR_INPUT, artefact_path(a),
                           "has sets of two steps of scores; give overlaps of one step each");
    out->fractions = artefact_length(a, "fraction");
    TRY(artefact_read_texts(a, "subset_a", &out->subsets, &out->subset));
    pairs = out->subsets * out->subsets;
    out->fraction = checked_calloc((size_t)out->fractions, sizeof *out->fraction);
    out->overlap = checked_calloc((size_t)(out->fractions * pairs), sizeof *out->overlap);
    if (!out->fraction || !out->overlap)
        TRY(status_no_memory("overlaps"));
    TRY(artefact_read(a, "fraction", VARIABLE_F64, out->fraction));
    TRY(artefact_read(a, "overlap", VARIABLE_F64, out->overlap));
done:
    return st;
}

static status match_names(const overlaps *a, const overlaps *b, compared *out)
{
    *out = (compared){.a = a, .b = b};
    out->of_a = checked_calloc((size_t)a->subsets, sizeof *out->of_a);
    out->of_b = checked_calloc((size_t)a->subsets, sizeof *out->of_b);
    if (!out->of_a || !out->of_b)
        return status_no_memory("names of subsets");
    for (int64_t i = 0; i < a->subsets; i++)
        for (int64_t j = 0; j < b->subsets; j++)
            if (strcmp(a->subset[i], b->subset[j]) == 0) {
                out->of_a[out->common] = i;
                out->of_b[out->common++] = j;
                break;
            }
    return OK;
}

static status match_inputs(likeness *g)
{
    status st = OK;
    size_t at = 0;
    for (size_t i = 0; i < g->inputs; i++)
        for (size_t j = i + 1; j < g->inputs; j++, at++) {
            const char *where = artefact_path(task_input(g->task, j));
            const overlaps *a = &g->input[i], *b = &g->input[j];
            TRY(match_names(a, b, &g->compared[at]));
            g->common[at] = g->compared[at].common;
            g->name_a[at] = task_input_label(g->task, i);
            g->name_b[at] = task_input_label(g->task, j);
            if (a->fractions != b->fractions ||
                memcmp(a->fraction, b->fraction, (size_t)a->fractions * sizeof(double)) != 0)
                TRY(status_fail(ERR_INPUT, where,
                                "has other shares than %s; give both the same `fractions`",
                                g->name_a[at]));
            if (g->common[at] < LEAST_COMMON)
                TRY(status_fail(ERR_INPUT, where,
                                "has %lld subsets in common with %s; %d are the least to compare",
                                (long long)g->common[at], g->name_a[at], LEAST_COMMON));
        }
done:
    return st;
}

static status likeness_open(const task *t, void **state)
{
    status st = OK;
    likeness *g = checked_calloc(1, sizeof *g);
    if (!g)
        return status_no_memory("likeness");
    *state = g;
    g->task = t;
    g->inputs = task_inputs(t);
    g->pairs = g->inputs * (g->inputs - 1) / 2;
    g->input = checked_calloc(g->inputs, sizeof *g->input);
    g->compared = checked_calloc(g->pairs, sizeof *g->compared);
    g->name_a = checked_calloc(g->pairs, sizeof *g->name_a);
    g->name_b = checked_calloc(g->pairs, sizeof *g->name_b);
    g->common = checked_calloc(g->pairs, sizeof *g->common);
    if (!g->input || !g->compared || !g->name_a || !g->name_b || !g->common)
        TRY(status_no_memory("likeness"));
    for (size_t i = 0; i < g->inputs; i++)
        TRY(read_overlaps(task_input(t, i), &g->input[i]));
    TRY(match_inputs(g));
    size_t cells = g->pairs * (size_t)g->input[0].fractions;
    g->value = checked_calloc(cells, sizeof *g->value);
    g->std = checked_calloc(cells, sizeof *g->std);
    g->p = checked_calloc(cells, sizeof *g->p);
    if (!g->value || !g->std || !g->p)
        TRY(status_no_memory("likeness"));
done:
    return st;
}

// The ranks of the overlaps of n subsets' pairs: rank[n][n], on both sides of the diagonal.
static status rank_pairs(const overlaps *o, const int64_t *of, int64_t n, int64_t fraction,
                         double *rank)
{
    status st = OK;
    const int64_t pairs = n * (n - 1) / 2;
    const double *overlap = o->overlap + fraction * o->subsets * o->subsets;
    int64_t at = 0, *order = checked_calloc((size_t)pairs, sizeof *order);
    double *value = checked_calloc((size_t)pairs, sizeof *value);
    double *ranked = checked_calloc((size_t)pairs, sizeof *ranked);
    if (!order || !value || !ranked)
        TRY(status_no_memory("pairs of subsets"));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            value[at++] =
                (overlap[of[i] * o->subsets + of[j]] + overlap[of[j] * o->subsets + of[i]]) / 2;
    TRY(neuron_set_order(value, pairs, order));
    rank_of_order(value, order, pairs, ranked);
    at = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            rank[i * n + j] = rank[j * n + i] = ranked[at++];
done:
    free(order);
    free(value);
    free(ranked);
    return st;
}

// The correlation of a's pairs with b's under other names; list[2][pairs] is scratch.
static double correlate_named(const double *a, const double *b, const int64_t *name, int64_t n,
                              double *list)
{
    int64_t at = 0, pairs = n * (n - 1) / 2;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++, at++) {
            list[at] = a[i * n + j];
            list[pairs + at] = b[name[i] * n + name[j]];
        }
    return rank_correlation(list, list + pairs, pairs);
}

// How many permutations reach the value, and their deviation. Equal correlations may differ in
// their last bits, by the order of their terms.
static int64_t draw_names(const likeness *g, const double *rank, int64_t n, const rng *r,
                          int64_t *name, double *list, int64_t item)
{
    const int64_t permutations = params_int(task_params(g->task), "permutations");
    double sum = 0, square = 0;
    int64_t reached = 0;
    for (int64_t t = 0; t < permutations; t++) {
        rng_draw(r, (uint64_t)(t * n), n, n, name);
        double drawn = correlate_named(rank, rank + n * n, name, n, list);
        sum += drawn;
        square += drawn * drawn;
        reached += drawn >= g->value[item] - 1e-12;
    }
    const double mean = sum / (double)permutations;
    g->std[item] = sqrt(fmax(0, square / (double)permutations - mean * mean));
    return reached;
}

static status compare_share(void *context, int64_t item, int thread)
{
    (void)thread;
    likeness *g = context;
    status st = OK;
    const int64_t fractions = g->input[0].fractions, fraction = item % fractions;
    const compared *c = &g->compared[item / fractions];
    const size_t n = (size_t)c->common;
    double *rank = checked_calloc(2 * n * n, sizeof *rank); // of both
    double *list = checked_calloc(n * n, sizeof *list);
    int64_t *name = checked_calloc(n, sizeof *name);
    char *stream = text_format("likeness/%lld", (long long)item);
    if (!rank || !list || !name || !stream)
        TRY(status_no_memory("likeness"));
    if (task_stopping(g->task))
        TRY(ERR_INTERRUPTED);
    TRY(rank_pairs(c->a, c->of_a, c->common, fraction, rank));
    TRY(rank_pairs(c->b, c->of_b, c->common, fraction, rank + n * n));
    for (size_t i = 0; i < n; i++)
        name[i] = (int64_t)i;
    g->value[item] = correlate_named(rank, rank + n * n, name, c->common, list);
    g->p[item] = NAN;
    g->std[item] = NAN;
    if (!isnan(g->value[item])) {
        const rng r = rng_new((uint64_t)params_int(task_params(g->task), "seed"), stream);
        double reached = (double)draw_names(g, rank, c->common, &r, name, list, item);
        g->p[item] =
            log((1 + reached) / (1 + (double)params_int(task_params(g->task), "permutations")));
    }
done:
    free(rank);
    free(list);
    free(name);
    free(stream);
    return st;
}

static status likeness_finish(void *state, const round_state *finished, const partial *sum,
                              artefact_writer *w)
{
    (void)finished, (void)sum;
    static const shape of_pair = {1, {"pair"}}, of_share = {1, {"fraction"}},
                       of_both = {2, {"pair", "fraction"}};
    likeness *g = state;
    status st = OK;
    const int64_t cells = (int64_t)g->pairs * g->input[0].fractions;
    TRY(pool_run(task_pool(g->task), cells, compare_share, g));
    TRY(holm_correct(g->p, cells));
    for (int64_t i = 0; i < cells; i++)
        g->p[i] = exp(g->p[i]);
    TRY(artefact_dim(w, "pair", (int64_t)g->pairs));
    TRY(artefact_dim(w, "fraction", g->input[0].fractions));
    const described list[] = {
        {"overlap_a", VARIABLE_TEXT, &of_pair, g->name_a, "first overlaps"},
        {"overlap_b", VARIABLE_TEXT, &of_pair, g->name_b, "second overlaps"},
        {"subsets_common", VARIABLE_I64, &of_pair, g->common, "subsets that both have"},
        {"fraction", VARIABLE_F64, &of_share, g->input[0].fraction, "share of neurons selected"},
        {"likeness", VARIABLE_F64, &of_both, g->value,
         "rank correlation of the overlaps of pairs of subsets"},
        {"likeness_chance_std", VARIABLE_F64, &of_both, g->std,
         "standard deviation of likeness when names are permuted"},
        {"likeness_p", VARIABLE_F64, &of_both, g->p,
         "probability that permuted names have as large a likeness, Holm-corrected"},
    };
    TRY(described_write(w, list, sizeof list / sizeof *list));
    TRY(artefact_attribute(w, "title", "How alike subsets share neurons"));
done:
    return st;
}

const stage_def stage_likeness = {
    .name = "likeness",
    .version = 1,
    .summary = "whether the same subsets share neurons in two overlaps: of two sites, two models",
    .params = parameters,
    .inputs = "intersect",
    .inputs_required = true,
    .check = likeness_check,
    .open = likeness_open,
    .finish = likeness_finish,
    .close = likeness_close,
};

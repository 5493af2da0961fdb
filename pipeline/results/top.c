// SPDX-License-Identifier: Apache-2.0
// Ranks as `prune` and `intersect` rank (docs/design.md, Selection): the higher score first, of
// equal ones the lower index, NaN last.
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/results/results.h"
#include "pipeline/results/row_table.h"
#include "pipeline/store/artefact_file.h"

enum { USUAL = 20 };
static const double SERVED = 0.01; // the share of neurons that a subset counts as its own

typedef struct ranked {
    double score;
    int64_t neuron;
} ranked;

// The scores of one site.
typedef struct site_scores {
    const char *variable; // "mlp_score"
    int64_t subsets, layers, width;
    double *score; // [subsets, layers, width]; owned
    ranked *order; // scratch; owned
    double *least; // [subsets] the lowest score of a subset's own neurons; owned
} site_scores;

static int by_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (isnan(x->score) != isnan(y->score))
        return isnan(x->score) ? 1 : -1;
    if (x->score != y->score && !isnan(x->score))
        return x->score < y->score ? 1 : -1;
    return (x->neuron > y->neuron) - (x->neuron < y->neuron);
}

// Puts the neurons of a subset in order.
static void rank_subset(site_scores *s, int64_t subset)
{
    const int64_t n = s->layers * s->width;
    for (int64_t i = 0; i < n; i++)
        s->order[i] = (ranked){s->score[subset * n + i], i};
    qsort(s->order, (size_t)n, sizeof *s->order, by_rank);
}

static status read_scores(const artefact *a, const char *name, site_scores *s)
{
    status st;
    variable_type type;
    int dims;
    int64_t lengths[VARIABLE_MAX_DIMS];
    s->variable = name;
    TRY(artefact_shape(a, name, &type, &dims, lengths));
    s->subsets = lengths[0];
    s->layers = lengths[1];
    s->width = lengths[2];
    const size_t n = (size_t)(s->layers * s->width);
    s->score = checked_calloc((size_t)s->subsets * n, sizeof *s->score);
    s->order = checked_calloc(n, sizeof *s->order);
    s->least = checked_calloc((size_t)s->subsets, sizeof *s->least);
    if (!s->score || !s->order || !s->least) {
        st = status_no_memory("scores");
        goto done;
    }
    TRY(artefact_read(a, name, VARIABLE_F64, s->score));
    const int64_t own = (int64_t)(SERVED * (double)n + 1e-9);
    for (int64_t k = 0; k < s->subsets; k++) {
        rank_subset(s, k);
        s->least[k] = own > 0 ? s->order[own - 1].score : INFINITY;
    }
done:
    return st;
}

static void free_scores(site_scores *s)
{
    free(s->score);
    free(s->order);
    free(s->least);
}

// The other subsets that count the neuron as their own, the highest score first.
static status put_others(const site_scores *s, char *const *subset, int64_t asked, int64_t neuron,
                         row_table *table)
{
    const int64_t n = s->layers * s->width;
    text t = {0};
    ranked *own = checked_calloc((size_t)s->subsets, sizeof *own);
    size_t found = 0;
    for (int64_t k = 0; own && k < s->subsets; k++)
        if (k != asked && s->score[k * n + neuron] >= s->least[k])
            own[found++] = (ranked){s->score[k * n + neuron], k};
    if (own && found > 0)
        qsort(own, found, sizeof *own, by_rank);
    for (size_t i = 0; i < found; i++)
        text_addf(&t, "%s%s (%.3g)", i ? ", " : "", subset[own[i].neuron], own[i].score);
    status st = !own || t.failed ? status_no_memory("a table")
                : found > 0      ? row_table_put(table, 0, "also", text_get(&t))
                                 : OK;
    free(own);
    text_free(&t);
    return st;
}

static status add_site(site_scores *s, char *const *subset, int64_t asked, int64_t most,
                       row_table *table)
{
    status st = OK;
    char site[64];
    const int64_t n = s->layers * s->width;
    snprintf(site, sizeof site, "%.*s", (int)(strlen(s->variable) - strlen("_score")), s->variable);
    rank_subset(s, asked);
    for (int64_t i = 0; i < n && i < most; i++) {
        const ranked *r = &s->order[i];
        TRY(row_table_begin(table));
        TRY(row_table_put(table, 0, "site", site));
        TRY(row_table_put_number(table, 0, "rank", (double)(i + 1)));
        TRY(row_table_put_number(table, 0, "layer", (double)(r->neuron / s->width)));
        TRY(row_table_put_number(table, 0, "unit", (double)(r->neuron % s->width)));
        TRY(row_table_put_number(table, 0, "score", r->score));
        TRY(put_others(s, subset, asked, r->neuron, table));
    }
done:
    return st;
}

static bool is_scores(const artefact *a, size_t i)
{
    const char *name = artefact_variable_name(a, i);
    const size_t n = strlen(name);
    variable_type type;
    int dims;
    int64_t lengths[VARIABLE_MAX_DIMS];
    return n > 6 && strcmp(name + n - 6, "_score") == 0 &&
           artefact_shape(a, name, &type, &dims, lengths) == OK && type != VARIABLE_TEXT &&
           dims == 3 && strcmp(artefact_variable_dim(a, i, 0), "subset") == 0 &&
           strcmp(artefact_variable_dim(a, i, 1), "layer") == 0;
}

static status find_subset(const char *path, char *const *subset, int64_t n, const char *asked,
                          int64_t *out)
{
    for (*out = 0; asked && *out < n; ++*out)
        if (strcmp(subset[*out], asked) == 0)
            return OK;
    const char *nearest =
        asked ? text_nearest(asked, (const char *const *)subset, (size_t)n) : NULL;
    text known = {0};
    for (int64_t i = 0; i < n && i < 8; i++)
        text_addf(&known, "%s%s", i ? ", " : "", subset[i]);
    status st =
        nearest ? status_fail(ERR_USAGE, path, "has no subset %s; did you mean %s?", asked, nearest)
        : asked ? status_fail(ERR_USAGE, path, "has no subset %s; choose from %s%s", asked,
                              text_get(&known), n > 8 ? ", …" : "")
                : status_fail(ERR_USAGE, path, "of which subset? Give --subset and one of %s%s",
                              text_get(&known), n > 8 ? ", …" : "");
    text_free(&known);
    return st;
}

static status read_count(const char *typed, int64_t *out)
{
    char *end = NULL;
    *out = USUAL;
    if (!typed)
        return OK;
    errno = 0;
    *out = strtoll(typed, &end, 10);
    return errno || end == typed || *end || *out < 1
               ? status_fail(ERR_USAGE, "top", "-n takes a number above 0, not %s", typed)
               : OK;
}

status results_top(const char *path, const char *subset, const char *n, bool csv, FILE *out)
{
    status st;
    artefact *a = NULL;
    row_table *table = NULL;
    char **names = NULL;
    int64_t most, subsets, asked = 0;
    size_t sites = 0;
    TRY(read_count(n, &most));
    TRY(artefact_open(path, &a));
    TRY(row_table_new(csv, &table));
    for (size_t i = 0; i < artefact_variables(a); i++) {
        site_scores s = {0};
        if (!is_scores(a, i))
            continue;
        if (sites++ == 0) {
            TRY(artefact_read_texts(a, "subset", &subsets, &names));
            TRY(find_subset(path, names, subsets, subset, &asked));
        }
        st = read_scores(a, artefact_variable_name(a, i), &s);
        if (st == OK)
            st = add_site(&s, names, asked, most, table);
        free_scores(&s);
        TRY(st);
    }
    if (sites == 0)
        st = status_fail(ERR_INPUT, path,
                         "holds no scores; name an artefact of the stage score or import");
    else
        row_table_print(table, out);
done:
    free(names);
    row_table_free(table);
    artefact_close(a);
    return st;
}

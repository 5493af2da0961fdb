// SPDX-License-Identifier: Apache-2.0
// Controls are told by their variables, so that what the stage did not try, and what an artefact of
// an earlier version cannot have, is simply not there.
#include "stages/figures/pruning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

const pruning_control pruning_controls[PRUNING_CONTROLS] = {
    {"ratio_random", "as many neurons pruned at random", "random neurons", false},
    {"ratio_layer_matched", "as many neurons of each layer pruned at random",
     "random neurons of the same layers", false},
    {"ratio_lowest", "as many of the lowest-ranked neurons pruned", "the lowest-ranked neurons",
     false},
    {"ratio_resplit", "as many neurons pruned by other scores", "neurons by other scores", true},
};

void pruning_free(pruning *p)
{
    free(p->forget);
    free(p->subset);
    free(p->fraction);
    free(p->pruned);
    free(p->reached);
    free(p->ratio);
    free(p->low);
    free(p->high);
    free(p->samples);
    for (int c = 0; c < PRUNING_CONTROLS; c++)
        free(p->control[c]);
    free(p->own);
    free(p->foreign);
    for (int64_t s = 0; p->row && s < p->subsets; s++)
        free(p->row[s]);
    free(p->row);
}

// Where several datasets are evaluated, a subset is named "dataset/subset": those of the unlearned
// dataset lose the prefix in the figure, the others are "dataset: subset".
static status name_rows(const report_task *t, pruning *p)
{
    const char *data = t->data ? t->data : "";
    size_t n = strlen(data);
    bool several = params_has(t->params, "evaluate") && params_count(t->params, "evaluate") > 1;
    p->row = checked_calloc((size_t)p->subsets, sizeof *p->row);
    p->foreign = checked_calloc((size_t)p->subsets, sizeof *p->foreign);
    if (!p->row || !p->foreign)
        return status_no_memory("names of subsets");
    for (int64_t s = 0; s < p->subsets; s++) {
        const char *name = p->subset[s], *slash = several ? strchr(name, '/') : NULL;
        bool mine = slash && (size_t)(slash - name) == n && strncmp(name, data, n) == 0;
        p->foreign[s] = slash && !mine;
        p->row[s] = p->foreign[s] ? text_format("%.*s: %s", (int)(slash - name), name, slash + 1)
                                  : text_format("%s", mine ? slash + 1 : name);
        if (!p->row[s])
            return status_no_memory("names of subsets");
    }
    return OK;
}

static int64_t find_own(const pruning *p, const char *forget)
{
    for (int64_t s = 0; s < p->subsets; s++)
        if (!p->foreign[s] && strcmp(p->row[s], forget) == 0)
            return s;
    return -1;
}

static status read_reals(const artefact *a, const char *name, int64_t n, double **out)
{
    if (!(*out = checked_calloc((size_t)n, sizeof **out)))
        return status_no_memory("pruning results");
    return artefact_read(a, name, VARIABLE_F64, *out);
}

// A control of which nothing was run is NaN throughout: as good as none.
static status read_control(const artefact *a, const char *name, int64_t n, double **out)
{
    bool any = false;
    if (!artefact_has(a, name))
        return OK;
    status st = read_reals(a, name, n, out);
    for (int64_t i = 0; st == OK && i < n; i++)
        any |= !isnan((*out)[i]);
    if (!any) {
        free(*out);
        *out = NULL;
    }
    return st;
}

// The interval of the accuracy, as a share of the unpruned model's.
static status read_intervals(const artefact *a, pruning *p)
{
    status st = OK;
    double *base = NULL;
    const int64_t n = p->forgets * p->subsets;
    if (!artefact_has(a, "accuracy_low") || !artefact_has(a, "accuracy_high") ||
        !artefact_has(a, "accuracy_base"))
        return OK;
    TRY(read_reals(a, "accuracy_low", n, &p->low));
    TRY(read_reals(a, "accuracy_high", n, &p->high));
    TRY(read_reals(a, "accuracy_base", p->subsets, &base));
    for (int64_t i = 0; i < n; i++) {
        const double b = base[i % p->subsets];
        p->low[i] = b > 0 ? p->low[i] / b : NAN;
        p->high[i] = b > 0 ? p->high[i] / b : NAN;
    }
done:
    free(base);
    return st;
}

// The task's drop (or the fraction it was given) as a number; NAN where it has neither.
static double task_target(const report_task *t, const char *name)
{
    const char *swept = figure_axis(t, name);
    if (swept)
        return strtod(swept, NULL);
    return params_has(t->params, name) ? params_real(t->params, name) : NAN;
}

status pruning_read(const report_task *t, pruning *p)
{
    status st = OK;
    const artefact *a = t->artefact;
    *p = (pruning){.task = t, .drop = task_target(t, "drop"), .target = task_target(t, "fraction")};
    TRY(artefact_read_texts(a, "forget", &p->forgets, &p->forget));
    TRY(artefact_read_texts(a, "subset", &p->subsets, &p->subset));
    TRY(read_reals(a, "fraction", p->forgets, &p->fraction));
    TRY(read_reals(a, "pruned", p->forgets, &p->pruned));
    TRY(read_reals(a, "reached", p->forgets, &p->reached));
    TRY(read_reals(a, "ratio", p->forgets * p->subsets, &p->ratio));
    for (int c = 0; c < PRUNING_CONTROLS; c++)
        TRY(read_control(a, pruning_controls[c].variable, p->forgets * p->subsets, &p->control[c]));
    TRY(read_intervals(a, p));
    if (artefact_has(a, "samples"))
        TRY(read_reals(a, "samples", p->subsets, &p->samples));
    TRY(name_rows(t, p));
    if (!(p->own = checked_calloc((size_t)p->forgets, sizeof *p->own)))
        TRY(status_no_memory("pruning results"));
    for (int64_t f = 0; f < p->forgets; f++)
        p->own[f] = find_own(p, p->forget[f]);
done:
    return st;
}

bool pruning_searches(const report_task *t)
{
    return !isnan(task_target(t, "drop"));
}

bool pruning_reached(const pruning *p, int64_t forget)
{
    return p->reached[forget] != 0;
}

double pruning_gap(const pruning *p, const double *ratio, int64_t forget, double *others)
{
    double sum = 0;
    int64_t n = 0;
    for (int64_t s = 0; s < p->subsets; s++) {
        const double left = ratio[forget * p->subsets + s];
        if (s == p->own[forget] || p->foreign[s] || isnan(left))
            continue;
        sum += left;
        n++;
    }
    *others = n > 0 ? sum / (double)n : NAN;
    return p->own[forget] < 0 ? NAN : *others - ratio[forget * p->subsets + p->own[forget]];
}

const char *pruning_site(const report_task *t)
{
    const char *swept = figure_axis(t, "site");
    if (swept)
        return swept;
    return params_has(t->params, "site") ? params_text(t->params, "site") : "mlp";
}

const char *pruning_site_words(const report_task *t)
{
    const char *site = pruning_site(t);
    return strcmp(site, "both") == 0     ? "all neurons"
           : strcmp(site, "mlp") == 0    ? "MLP neurons"
           : strcmp(site, "attn") == 0   ? "attention neurons"
           : strcmp(site, "expert") == 0 ? "all experts"
                                         : site;
}

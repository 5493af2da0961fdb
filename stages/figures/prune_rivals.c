// SPDX-License-Identifier: Apache-2.0
// Two steps that prune by the same scores are compared as two points of a sweep are: what counts is
// what was done. Sites have neurons of their own, whose targets need not be reached for the same
// subsets: means of each. Two values of the same neurons are compared pair by pair, over the
// subsets that reached their target with both.
#include "stages/figures/prune_rivals.h"

#include <math.h>
#include <string.h>

#include "stages/drawing/markup.h"
#include "stages/drawing/tally.h"
#include "stages/figures/pruning.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

// A parameter that is a word, swept or not.
static const char *word_of(const report_task *t, const char *name, const char *otherwise)
{
    const char *swept = figure_axis(t, name);
    if (swept)
        return swept;
    return params_has(t->params, name) ? params_text(t->params, name) : otherwise;
}

static const char *value_of(const report_task *t)
{
    return word_of(t, "value", "zero");
}

// Which task its scores are of; the number of tasks: it has none.
static size_t scores_of(const report_input *in, const report_task *t)
{
    for (size_t i = 0; i < t->n_inputs; i++)
        if (strcmp(in->tasks[t->inputs[i]].stage, "collect") != 0) // of `value: mean`
            return t->inputs[i];
    return in->n_tasks;
}

// Is it an axis that is compared by what was done, swept or not?
static bool is_compared(const char *axis)
{
    static const char *const name[] = {"site", "value", "unit", "drop", "fraction"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (strcmp(axis, name[i]) == 0)
            return true;
    return false;
}

// Has b every other swept value that a has?
static bool shares_axes(const report_task *a, const report_task *b)
{
    for (size_t i = 0; i < a->n_axes; i++)
        if (!is_compared(a->axes[i].name) &&
            !same_text(a->axes[i].value, figure_axis(b, a->axes[i].name)))
            return false;
    return true;
}

// Are both pruned and measured in the same way, as far as it is said of each task alone? Which other
// sample is put in the place of neurons matters where both values are the same.
static bool is_done_alike(const report_task *a, const report_task *b, bool same_value)
{
    static const char *const name[] = {"steps",      "recollect", "layers",
                                       "head_score", "tolerance", "evaluate"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (!params_same(a->params, b->params, name[i]))
            return false;
    return !same_value || params_same(a->params, b->params, "seed");
}

// Do the two differ in nothing but that?
static bool are_rivals(const report_input *in, const report_task *a, const report_task *b,
                       const char *in_what)
{
    const bool sites = strcmp(in_what, "site") == 0;
    const char *one = pruning_site(a), *other = pruning_site(b);
    if (sites == same_text(one, other) || sites != same_text(value_of(a), value_of(b)) ||
        (sites && (strcmp(one, "both") == 0 || strcmp(other, "both") == 0)))
        return false;
    return same_text(a->model, b->model) && same_text(a->data, b->data) &&
           same_text(word_of(a, "unit", "neuron"), word_of(b, "unit", "neuron")) &&
           is_done_alike(a, b, sites) && scores_of(in, a) == scores_of(in, b) &&
           shares_axes(a, b) && shares_axes(b, a);
}

static bool same_goal(const pruning *a, const pruning *b)
{
    return (isnan(a->drop) && isnan(b->drop) && a->target == b->target) || a->drop == b->drop;
}

static void add_label(const pruning *p, text *out)
{
    text_add(out, "<code>");
    markup_html(out, p->task->label);
    text_add(out, "</code>");
}

// --- Which site?

static tally gaps_of(const pruning *p)
{
    tally t = {0};
    for (int64_t f = 0; f < p->forgets; f++) {
        double others;
        if (pruning_reached(p, f))
            tally_add(&t, pruning_gap(p, p->ratio, f, &others));
    }
    return t;
}

static void compare_sites(const pruning *a, const pruning *b, text *out)
{
    const tally of[] = {gaps_of(a), gaps_of(b)};
    const int best = tally_mean(&of[1]) > tally_mean(&of[0]);
    const double apart = fabs(tally_mean(&of[0]) - tally_mean(&of[1]));
    const pruning *const which[] = {a, b};
    if (of[0].n < 2 || of[1].n < 2)
        return;
    text_add(out, "<li>");
    if (apart > 2 * hypot(tally_error(&of[0]), tally_error(&of[1])))
        text_addf(out, "<b>%s</b> separate better than %s", pruning_site_words(which[best]->task),
                  pruning_site_words(which[!best]->task));
    else
        text_addf(out, "%s and %s separate alike", pruning_site_words(a->task),
                  pruning_site_words(b->task));
    text_add(out, ": what the others keep more than the unlearned one is ");
    for (int i = 0; i < 2; i++) {
        text_addf(out, "%s%.0f ± %.0f points in ", i ? ", and " : "", 100 * tally_mean(&of[i]),
                  100 * tally_error(&of[i]));
        add_label(which[i], out);
    }
    text_addf(out, " (mean ± standard error over %lld and %lld)</li>\n", (long long)of[0].n,
              (long long)of[1].n);
}

// --- What does another value do?

static const char *value_words(const char *value)
{
    return strcmp(value, "mean") == 0          ? "to their mean"
           : strcmp(value, "retain_mean") == 0 ? "to their mean over what is retained"
           : strcmp(value, "resample") == 0    ? "to what they are in another sample"
                                               : "to zero";
}

static void compare_values(const pruning *a, const pruning *b, text *out)
{
    // Zero, where it is one of the two, is what the other is compared with.
    const bool turned = strcmp(value_of(a->task), "zero") == 0;
    const pruning *const which[] = {turned ? b : a, turned ? a : b};
    tally share[2] = {0}, left[2] = {0}, apart = {0};
    for (int64_t f = 0; f < a->forgets && f < b->forgets; f++) {
        double gap[2], others[2];
        if (!pruning_reached(a, f) || !pruning_reached(b, f))
            continue;
        for (int i = 0; i < 2; i++) {
            gap[i] = pruning_gap(which[i], which[i]->ratio, f, &others[i]);
            tally_add(&share[i], 100 * which[i]->fraction[f]);
            tally_add(&left[i], 100 * others[i]);
        }
        tally_add(&apart, 100 * (gap[0] - gap[1]));
    }
    if (apart.n < 2)
        return;
    const double mean = tally_mean(&apart), error = tally_error(&apart);
    text_addf(out, "<li>%s set <b>%s</b> separate <b>%s</b> set %s: ", pruning_site_words(a->task),
              value_words(value_of(which[0]->task)),
              fabs(mean) <= 2 * error ? "like those"
              : mean > 0              ? "better than those"
                                      : "worse than those",
              value_words(value_of(which[1]->task)));
    text_addf(out,
              "%.1f%% of them are pruned instead of %.1f%%, %.0f%% of the others' Top-1 is left "
              "instead of %.0f%%, and what these keep more than the unlearned one changes by "
              "%+.0f ± %.0f points (mean ± standard error over the %lld that reach their target "
              "both ways; ",
              tally_mean(&share[0]), tally_mean(&share[1]), tally_mean(&left[0]),
              tally_mean(&left[1]), mean, error, (long long)apart.n);
    add_label(which[0], out);
    text_add(out, " and ");
    add_label(which[1], out);
    text_add(out, ")</li>\n");
}

// --- All pairs

static status compare(const report_input *in, const report_task *a, const report_task *b,
                      text *numbers)
{
    status st = OK;
    pruning one = {0}, other = {0};
    const bool sites = are_rivals(in, a, b, "site"), values = are_rivals(in, a, b, "value");
    if (!sites && !values)
        return OK;
    TRY(pruning_read(a, &one));
    TRY(pruning_read(b, &other));
    if (same_goal(&one, &other))
        (sites ? compare_sites : compare_values)(&one, &other, numbers);
done:
    pruning_free(&one), pruning_free(&other);
    return st;
}

status prune_rivals(const report_input *in, text *numbers)
{
    status st = OK;
    for (size_t i = 0; i < in->n_tasks; i++)
        for (size_t j = i + 1; j < in->n_tasks; j++) {
            const report_task *a = &in->tasks[i], *b = &in->tasks[j];
            if (a->artefact && b->artefact && strcmp(a->stage, "prune") == 0 &&
                strcmp(b->stage, "prune") == 0)
                TRY(compare(in, a, b, numbers));
        }
done:
    return st;
}

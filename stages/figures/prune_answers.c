// SPDX-License-Identifier: Apache-2.0
// What separable means here: the others keep more than the unlearned subset does (the gap), by more
// than a control of as many neurons leaves between them, beyond two standard errors of the mean
// over subsets. "Separable" is said where the others besides lose at most a quarter of what the
// subset itself does, "partly" where they lose more. Neurons by other scores are no chance, but
// separate as well or less. Failed searches count nowhere.
#include "stages/figures/prune_answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/markup.h"
#include "stages/drawing/tally.h"

// --- Is it separable?

// Are the means of the two further apart than twice the error of their difference?
static bool is_beyond(const tally *difference)
{
    return tally_mean(difference) > 2 * tally_error(difference);
}

static void add_verdict(const pruning *p, int control, text *out)
{
    tally mine = {0}, theirs = {0}, difference = {0}, own_lost = {0}, others_lost = {0};
    for (int64_t f = 0; f < p->forgets; f++) {
        double others, unused;
        if (!pruning_reached(p, f))
            continue;
        const double gap = pruning_gap(p, p->ratio, f, &others);
        const double chance = pruning_gap(p, p->control[control], f, &unused);
        tally_add(&mine, gap);
        tally_add(&theirs, chance);
        tally_add(&difference, gap - chance);
        tally_add(&others_lost, 1 - others);
        tally_add(&own_lost, 1 - others + gap);
    }
    if (difference.n == 0)
        return;
    const bool clean = tally_mean(&others_lost) <= 0.25 * tally_mean(&own_lost);
    if (difference.n < 2)
        text_addf(out, "; against %s: ", pruning_controls[control].words);
    else if (pruning_controls[control].rival)
        text_addf(out, "; %s separate <b>%s</b>: ", pruning_controls[control].words,
                  is_beyond(&difference) ? "less" : "as well");
    else
        text_addf(out, "; <b>%s</b> against %s: ",
                  !is_beyond(&difference) ? "not separable"
                  : clean                 ? "separable"
                                          : "partly separable",
                  pruning_controls[control].words);
    text_addf(out, "the others keep %.0f points more than the unlearned one, there %.0f",
              100 * tally_mean(&mine), 100 * tally_mean(&theirs));
}

// --- Where do the neurons lie?

// Counts the pruned neurons of each layer over the subsets whose goal was reached.
static status count_layers(const pruning *p, const char *mask, double **out, int64_t *layers,
                           double *sum)
{
    status st = OK;
    variable_type type;
    int dims;
    int64_t length[VARIABLE_MAX_DIMS];
    int8_t *row = NULL;
    *sum = 0;
    TRY(artefact_shape(p->task->artefact, mask, &type, &dims, length));
    if (dims != 3 || length[0] != p->forgets)
        TRY(status_fail(ERR_INPUT, p->task->artefact_path, "its %s has another shape", mask));
    *layers = length[1];
    row = checked_calloc((size_t)length[2], sizeof *row);
    *out = checked_calloc((size_t)length[1], sizeof **out);
    if (!row || !*out)
        TRY(status_no_memory("a mask"));
    for (int64_t i = 0; i < length[0] * length[1]; i++) {
        if (!pruning_reached(p, i / length[1]))
            continue;
        TRY(artefact_read_rows(p->task->artefact, mask, VARIABLE_I8, i, 1, row));
        for (int64_t u = 0; u < length[2]; u++) {
            (*out)[i % length[1]] += row[u] != 0;
            *sum += row[u] != 0;
        }
    }
done:
    free(row);
    return st;
}

// The layers that hold clearly more than an even share, the fullest first.
static void add_layers(const double *count, int64_t layers, double sum, const char *site, text *out)
{
    enum { SHOWN = 3 };
    int64_t said[SHOWN] = {0};
    int n = 0;
    for (; n < SHOWN; n++) {
        int64_t most = -1;
        for (int64_t l = 0; l < layers; l++) {
            bool again = false;
            for (int i = 0; i < n; i++)
                again |= said[i] == l;
            if (!again && count[l] * (double)layers > 1.25 * sum &&
                (most < 0 || count[l] > count[most]))
                most = l;
        }
        if (most < 0)
            break;
        said[n] = most;
        if (n == 0)
            text_addf(out, "; the %s neurons lie most in layer", site);
        text_addf(out, "%s %lld (%.0f%% of them)", n ? "," : "", (long long)most,
                  100 * count[most] / sum);
    }
    if (n > 0)
        text_addf(out, ", evenly it would be %.0f%%", 100 / (double)layers);
    else
        text_addf(out, "; the %s neurons lie evenly over the layers", site);
}

static status add_places(const pruning *p, text *out)
{
    static const char *const mask[][2] = {{"mlp_mask", "MLP"}, {"attn_mask", "attention"}};
    enum { SITES = sizeof mask / sizeof *mask };
    status st = OK;
    double *count[SITES] = {NULL}, sum[SITES] = {0};
    int64_t layers[SITES] = {0};
    for (int i = 0; i < SITES; i++)
        if (artefact_has(p->task->artefact, mask[i][0]))
            TRY(count_layers(p, mask[i][0], &count[i], &layers[i], &sum[i]));
    for (int i = 0; i < SITES; i++)
        if (sum[i] > 0)
            add_layers(count[i], layers[i], sum[i], mask[i][1], out);
    if (sum[0] > 0 && sum[1] > 0)
        text_addf(out, "; %.0f%% of all are MLP neurons", 100 * sum[0] / (sum[0] + sum[1]));
done:
    for (int i = 0; i < SITES; i++)
        free(count[i]);
    return st;
}

// --- A task's line

static void add_counts(const figure *f, const pruning *p, text *out)
{
    tally fraction = {0}, own = {0}, others = {0}, foreign = {0};
    int64_t reached = 0;
    for (int64_t g = 0; g < p->forgets; g++) {
        double left;
        if (!pruning_reached(p, g))
            continue;
        reached++;
        tally_add(&fraction, p->fraction[g]);
        const double gap = pruning_gap(p, p->ratio, g, &left);
        tally_add(&others, left);
        tally_add(&own, left - gap);
        for (int64_t s = 0; s < p->subsets; s++)
            if (p->foreign[s])
                tally_add(&foreign, p->ratio[g * p->subsets + s]);
    }
    if (!isnan(p->drop))
        text_addf(out, "to lose %g%% of Top-1, ", 100 * p->drop);
    if (reached == 0) {
        text_addf(out, "no number of neurons was enough for any of %lld %s", (long long)p->forgets,
                  figure_subset_words(f));
        return;
    }
    text_addf(out, "<b>%.1f ± %.1f%%</b> of %s are pruned (mean ± standard deviation over ",
              100 * tally_mean(&fraction), 100 * tally_std(&fraction), pruning_site_words(p->task));
    if (isnan(p->drop))
        text_addf(out, "%lld %s)", (long long)p->forgets, figure_subset_words(f));
    else
        text_addf(out, "the %lld of %lld %s whose target was reached)", (long long)reached,
                  (long long)p->forgets, figure_subset_words(f));
    if (own.n > 0)
        text_addf(out, "; %.0f%% of the unlearned %s's Top-1 is left, <b>%.0f%%</b> of the others'",
                  100 * tally_mean(&own), figure_subset_word(f), 100 * tally_mean(&others));
    if (foreign.n > 0)
        text_addf(out, ", %.0f%% on what else was evaluated", 100 * tally_mean(&foreign));
}

status prune_answers(figure *f, const pruning *p)
{
    text *out = &f->numbers;
    text_add(out, "<li><code>");
    markup_html(out, p->task->label);
    text_add(out, "</code>: ");
    add_counts(f, p, out);
    for (int c = 0; c < PRUNING_CONTROLS; c++)
        if (p->control[c])
            add_verdict(p, c, out);
    status st = add_places(p, out);
    text_add(out, "</li>\n");
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Read as the artefact has it, [forget][subset], and transposed into panels: a column is what was
// unlearned. Panels of random pruning stand beside those of selective pruning where there is one
// task or more than three, else in a line of their own below. Everything is in percent of the
// unpruned model's accuracy.
#include "stages/report/figure_prune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/heatmap.h"
#include "stages/drawing/markup.h"

// A task's results. All owned.
typedef struct pruning {
    char **forget, **subset;
    int64_t forgets, subsets;
    double *fraction, *pruned, *reached; // [forget]
    double *ratio, *ratio_random;        // [forget][subset]
    int64_t *own;                        // [forget] the same subset among those evaluated, or -1
    char **row;                          // [subset] how it is called in the figure
    bool *foreign;                       // [subset] of another dataset than what is unlearned
} pruning;

static void pruning_free(pruning *p)
{
    free(p->forget);
    free(p->subset);
    free(p->fraction);
    free(p->pruned);
    free(p->reached);
    free(p->ratio);
    free(p->ratio_random);
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

static status pruning_read(const report_task *t, pruning *p)
{
    status st = OK;
    const artefact *a = t->artefact;
    TRY(artefact_read_texts(a, "forget", &p->forgets, &p->forget));
    TRY(artefact_read_texts(a, "subset", &p->subsets, &p->subset));
    struct {
        const char *variable;
        double **values;
        int64_t n;
    } part[] = {{"fraction", &p->fraction, p->forgets},
                {"pruned", &p->pruned, p->forgets},
                {"reached", &p->reached, p->forgets},
                {"ratio", &p->ratio, p->forgets * p->subsets},
                {"ratio_random", &p->ratio_random, p->forgets * p->subsets}};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        if (!(*part[i].values = checked_calloc((size_t)part[i].n, sizeof(double))))
            TRY(status_no_memory("pruning results"));
        TRY(artefact_read(a, part[i].variable, VARIABLE_F64, *part[i].values));
    }
    TRY(name_rows(t, p));
    if (!(p->own = checked_calloc((size_t)p->forgets, sizeof *p->own)))
        TRY(status_no_memory("pruning results"));
    for (int64_t f = 0; f < p->forgets; f++)
        p->own[f] = find_own(p, p->forget[f]);
done:
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

// The title of a panel.
static char *what_was_done(const figure *f, const report_task *t, bool random)
{
    double drop = task_target(t, "drop"), fraction = task_target(t, "fraction");
    if (isnan(drop))
        return text_format("%g%% of neurons pruned%s", 100 * fraction, random ? " at random" : "");
    return random ? text_format("as many neurons pruned at random as for %g%%", 100 * drop)
                  : text_format("pruned until the unlearned %s has lost %g%%",
                                figure_subset_word(f), 100 * drop);
}

static bool has_models(const figure *f)
{
    for (size_t i = 1; i < f->n; i++)
        if (strcmp(figure_task_name(f->task[i]), figure_task_name(f->task[0])) != 0)
            return true;
    return false;
}

// Rows are the evaluated subsets, columns the unlearned ones: the artefact's arrays, transposed.
static status make_panel(const figure *f, size_t task, const pruning *p, bool random,
                         heatmap_panel *out)
{
    const report_task *t = f->task[task];
    char *done = what_was_done(f, t, random);
    const double *ratio = random ? p->ratio_random : p->ratio;
    out->value = checked_calloc((size_t)(p->subsets * p->forgets), sizeof *out->value);
    if (done)
        out->title = text_format("%s%s%s", has_models(f) ? figure_task_name(t) : "",
                                 has_models(f) ? ": " : "", done);
    free(done);
    if (!out->title || !out->value)
        return status_no_memory("a heat map");
    for (int64_t s = 0; s < p->subsets; s++)
        for (int64_t g = 0; g < p->forgets; g++)
            out->value[s * p->forgets + g] = 100 * ratio[g * p->subsets + s];
    return OK;
}

typedef struct spread {
    double mean, std;
    int64_t n;
} spread;

static void spread_add(double value, double *sum, double *square, int64_t *n)
{
    if (isnan(value))
        return;
    *sum += value;
    *square += value * value;
    ++*n;
}

static spread spread_of(double sum, double square, int64_t n)
{
    double mean = n ? sum / (double)n : NAN;
    return (spread){mean, n ? sqrt(fmax(square / (double)n - mean * mean, 0)) : NAN, n};
}

enum { FRACTION, OWN, OTHERS, FOREIGN, SUMMARIES };

// Share of neurons pruned; what is left of the unlearned subset, of the others of its dataset, and
// of other datasets'.
static void summarise_pruning(const pruning *p, spread out[SUMMARIES])
{
    double sum[SUMMARIES] = {0}, square[SUMMARIES] = {0};
    int64_t n[SUMMARIES] = {0};
    for (int64_t f = 0; f < p->forgets; f++) {
        spread_add(p->fraction[f], &sum[FRACTION], &square[FRACTION], &n[FRACTION]);
        for (int64_t s = 0; s < p->subsets; s++) {
            int to = s == p->own[f] ? OWN : p->foreign[s] ? FOREIGN : OTHERS;
            spread_add(p->ratio[f * p->subsets + s], &sum[to], &square[to], &n[to]);
        }
    }
    for (int i = 0; i < SUMMARIES; i++)
        out[i] = spread_of(sum[i], square[i], n[i]);
}

static void add_numbers(figure *f, const report_task *t, const pruning *p)
{
    spread of[SUMMARIES];
    int64_t reached = 0;
    double drop = task_target(t, "drop");
    const char *site = params_has(t->params, "site") ? params_text(t->params, "site") : "mlp";
    summarise_pruning(p, of);
    for (int64_t i = 0; i < p->forgets; i++)
        reached += p->reached[i] != 0;
    text_add(&f->numbers, "<li>");
    if (has_models(f)) {
        markup_html(&f->numbers, figure_task_name(t));
        text_add(&f->numbers, ": ");
    }
    if (!isnan(drop))
        text_addf(&f->numbers, "to lose %g%% of Top-1, ", 100 * drop);
    text_addf(&f->numbers,
              "<b>%.1f ± %.1f%%</b> of %s are pruned (mean ± standard deviation "
              "over %lld %s); %.0f%% of the unlearned %s's Top-1 is left, <b>%.0f%%</b> "
              "of the others'",
              100 * of[FRACTION].mean, 100 * of[FRACTION].std,
              strcmp(site, "both") == 0     ? "all neurons"
              : strcmp(site, "mlp") == 0    ? "MLP neurons"
              : strcmp(site, "expert") == 0 ? "all experts"
                                            : "attention neurons",
              (long long)p->forgets, figure_subset_words(f), 100 * of[OWN].mean,
              figure_subset_word(f), 100 * of[OTHERS].mean);
    if (of[FOREIGN].n > 0)
        text_addf(&f->numbers, ", %.0f%% on what else was evaluated", 100 * of[FOREIGN].mean);
    if (!isnan(drop) && reached < p->forgets)
        text_addf(&f->numbers, "; the target was reached for %lld of %lld", (long long)reached,
                  (long long)p->forgets);
    text_add(&f->numbers, "</li>\n");
}

static void add_percent(text *table, double ratio)
{
    if (isnan(ratio))
        text_add(table, "<td>–</td>");
    else
        text_addf(table, "<td>%.1f%%</td>", 100 * ratio);
}

static void add_row(const pruning *p, int64_t f, bool search, text *table)
{
    double sum = 0, square = 0;
    int64_t n = 0, worst = -1;
    const double *ratio = p->ratio + f * p->subsets;
    for (int64_t s = 0; s < p->subsets; s++) {
        if (s == p->own[f] || p->foreign[s])
            continue;
        spread_add(ratio[s], &sum, &square, &n);
        if (!isnan(ratio[s]) && (worst < 0 || ratio[s] < ratio[worst]))
            worst = s;
    }
    text_add(table, "<tr><td>");
    markup_html(table, p->forget[f]);
    text_addf(table, "</td><td>%.2f%%</td><td>%.0f</td><td>%s</td>", 100 * p->fraction[f],
              p->pruned[f],
              !search              ? "–"
              : p->reached[f] != 0 ? "yes"
                                   : "no");
    add_percent(table, p->own[f] >= 0 ? ratio[p->own[f]] : NAN);
    add_percent(table, spread_of(sum, square, n).mean);
    text_add(table, "<td>");
    if (worst >= 0) {
        markup_html(table, p->row[worst]);
        text_addf(table, " %.1f%%", 100 * ratio[worst]);
    }
    text_add(table, "</td>");
    add_percent(table, p->own[f] >= 0 ? p->ratio_random[f * p->subsets + p->own[f]] : NAN);
    text_add(table, "</tr>\n");
}

static void add_table(figure *f, const report_task *t, const pruning *p)
{
    text_add(&f->table, "<table><caption>");
    markup_html(&f->table, t->label);
    text_addf(&f->table,
              "</caption><tr><th>unlearned %s</th><th>neurons</th><th></th><th>target reached</th>"
              "<th>left of it</th><th>of the others</th><th>worst-hit other</th>"
              "<th>left of it, random pruning</th></tr>\n",
              figure_subset_word(f));
    for (int64_t g = 0; g < p->forgets; g++)
        add_row(p, g, !isnan(task_target(t, "drop")), &f->table);
    text_add(&f->table, "</table>\n");
}

// Random pruning beside selective pruning, in a line for each task; otherwise a line of each.
static bool stands_beside(const figure *f)
{
    return f->n == 1 || f->n > 3;
}

static void add_caption(figure *f, const pruning *p)
{
    const char *word = figure_subset_word(f);
    bool words = strcmp(f->def->modality, "text") == 0, more = false;
    for (int64_t s = 0; s < p->subsets; s++)
        more |= p->foreign[s];
    text_addf(
        &f->caption,
        "Each column is one unlearned %s: the neurons most specific to it are set to zero. Each "
        "row is a %s that is then evaluated, and a cell is its %sTop-1 accuracy in percent of the "
        "unpruned model's. Framed: the unlearned %s itself. Dark cells have lost; where only "
        "the frames are dark, the %s is separable. %s: as many neurons pruned at <b>random</b>, "
        "which is the chance level. Grey: the unpruned model has none right.",
        word, word, words ? "next-token " : "", word, word, stands_beside(f) ? "Right" : "Below");
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

status figure_prune(figure *f)
{
    status st = OK;
    pruning *p = checked_calloc(f->n, sizeof *p);
    heatmap_panel *panel = checked_calloc(2 * f->n, sizeof *panel);
    uint8_t *own = NULL;
    if (!p || !panel)
        TRY(status_no_memory("heat maps"));
    for (size_t i = 0; i < f->n; i++) {
        TRY(pruning_read(f->task[i], &p[i]));
        if (p[i].forgets != p[0].forgets || p[i].subsets != p[0].subsets)
            TRY(status_fail(ERR_INPUT, f->task[i]->artefact_path,
                            "the panels of one figure have different subsets; evaluate all on the "
                            "same datasets"));
        TRY(make_panel(f, i, &p[i], false, &panel[stands_beside(f) ? 2 * i : i]));
        TRY(make_panel(f, i, &p[i], true, &panel[stands_beside(f) ? 2 * i + 1 : f->n + i]));
        add_numbers(f, f->task[i], &p[i]);
        add_table(f, f->task[i], &p[i]);
    }
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
                       .panels = 2 * f->n,
                       .across = stands_beside(f) ? 2 : f->n,
                       .palette = PALETTE_LOSS,
                       .high = 100,
                       .scale_title = "Top-1, % of the unpruned model's"};
    heatmap_write(&h, &f->picture);
    add_caption(f, &p[0]);
done:
    for (size_t i = 0; p && i < f->n; i++)
        pruning_free(&p[i]);
    heatmap_free_panels(panel, 2 * f->n);
    free(p);
    free(own);
    return st;
}

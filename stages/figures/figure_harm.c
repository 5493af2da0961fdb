// SPDX-License-Identifier: Apache-2.0
// Searches that differ in their measure stand in one panel, a goal or a model more is a line of
// panels more. What a search that failed left is no answer to what its goal costs: it is drawn and
// counted, and in no mean. A measure that reaches few goals may have reached the easy ones: the
// least harmful is named among those that reached at least half, and compared with the next over
// what both reached.
#include "stages/figures/figure_harm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/dots.h"
#include "stages/drawing/markup.h"
#include "stages/drawing/tally.h"
#include "stages/figures/pruning.h"

// A task: what it has in its row, in percent.
typedef struct rival {
    pruning p;
    const char *measure; // borrowed
    size_t line;
    int64_t row;
    tally lost, share; // over what was reached
} rival;

typedef struct rivals {
    rival *of; // [n] owned
    size_t n, lines;
    char **row; // [rows] measures, the least harmful in the first line first; borrowed names
    int64_t rows;
} rivals;

enum { HARM, SHARE, ACROSS };

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

// Do two tasks differ in nothing but their measure, or not even in that?
static bool are_alike(const report_task *a, const report_task *b)
{
    if (strcmp(a->step, b->step) != 0 || a->n_axes != b->n_axes || !same_text(a->model, b->model))
        return false;
    for (size_t i = 0; i < a->n_axes; i++)
        if (strcmp(a->axes[i].name, "measure") != 0 &&
            !same_text(a->axes[i].value, figure_axis(b, a->axes[i].name)))
            return false;
    return true;
}

bool figure_harm_fits(const report_input *in, const report_task *t)
{
    const char *measure = figure_axis(t, "measure");
    for (size_t i = 0; measure && pruning_searches(t) && i < in->n_tasks; i++) {
        const report_task *other = &in->tasks[i];
        if (other->artefact && are_alike(t, other) &&
            !same_text(measure, figure_axis(other, "measure")))
            return true;
    }
    return false;
}

// What the others lose, in percent of what they have unpruned.
static double harm_of(const pruning *p, int64_t forget)
{
    double others;
    pruning_gap(p, p->ratio, forget, &others);
    return 100 * (1 - others);
}

static void add_up(rival *r)
{
    for (int64_t f = 0; f < r->p.forgets; f++)
        if (pruning_reached(&r->p, f)) {
            tally_add(&r->lost, harm_of(&r->p, f));
            tally_add(&r->share, 100 * r->p.fraction[f]);
        }
}

static int by_harm(const void *a, const void *b)
{
    const rival *const *x = a, *const *y = b;
    const double p = tally_mean(&(*x)->lost), q = tally_mean(&(*y)->lost);
    if (isnan(p) || isnan(q))
        return isnan(p) - isnan(q);
    return (p > q) - (p < q);
}

// Rows are the measures in the order of the first line that has them.
static status name_rows(rivals *all)
{
    const rival **order = checked_calloc(all->n, sizeof *order);
    all->row = checked_calloc(all->n, sizeof *all->row);
    if (!order || !all->row) {
        free(order);
        return status_no_memory("measures");
    }
    for (size_t line = 0; line < all->lines; line++) {
        size_t n = 0;
        for (size_t i = 0; i < all->n; i++)
            if (all->of[i].line == line)
                order[n++] = &all->of[i];
        qsort(order, n, sizeof *order, by_harm);
        for (size_t i = 0; i < n; i++) {
            rival *r = &all->of[order[i] - all->of];
            while (r->row < all->rows && strcmp(all->row[r->row], r->measure) != 0)
                r->row++;
            if (r->row == all->rows)
                all->row[all->rows++] = (char *)(uintptr_t)r->measure;
        }
    }
    free(order);
    return OK;
}

static status read_rivals(const figure *f, rivals *all)
{
    status st = OK;
    all->of = checked_calloc(f->n, sizeof *all->of);
    if (!all->of)
        return status_no_memory("measures");
    for (; all->n < f->n; all->n++) {
        rival *r = &all->of[all->n];
        r->line = all->lines;
        for (size_t i = 0; i < all->n && r->line == all->lines; i++)
            if (are_alike(f->task[i], f->task[all->n]))
                r->line = all->of[i].line;
        all->lines += r->line == all->lines;
        r->measure = figure_axis(f->task[all->n], "measure");
        st = pruning_read(f->task[all->n], &r->p);
        if (st != OK) {
            all->n++; // what was read of it is freed
            return st;
        }
        add_up(r);
    }
    return name_rows(all);
}

static void free_rivals(rivals *all)
{
    for (size_t i = 0; all->of && i < all->n; i++)
        pruning_free(&all->of[i].p);
    free(all->of);
    free(all->row);
}

// --- In words

// "until the unlearned class loses 50%", with the model where several are drawn.
static char *goal_words(const figure *f, const rival *r)
{
    bool models = false;
    for (size_t i = 1; i < f->n; i++)
        models |= !same_text(f->task[i]->model, f->task[0]->model);
    return text_format(
        "%s%suntil the unlearned %s loses %g%%", models && r->p.task->model ? r->p.task->model : "",
        models && r->p.task->model ? ": " : "", figure_subset_word(f), 100 * r->p.drop);
}

// Did it reach as many goals as can be told from?
static bool is_eligible(const rival *r)
{
    return r->lost.n > 0 && 2 * r->lost.n >= r->p.forgets;
}

// The measure of a line that harms least after `behind` (NULL: of all); NULL: there is none.
static const rival *least_harmful(const rivals *all, size_t line, const rival *behind)
{
    const rival *best = NULL;
    for (size_t i = 0; i < all->n; i++) {
        const rival *r = &all->of[i];
        if (r->line == line && is_eligible(r) && r != behind &&
            (!best || tally_mean(&r->lost) < tally_mean(&best->lost)))
            best = r;
    }
    return best;
}

// How much more b costs than a, where both reached their goal.
static tally compare_costs(const rival *a, const rival *b)
{
    tally t = {0};
    for (int64_t f = 0; f < a->p.forgets && f < b->p.forgets; f++)
        if (pruning_reached(&a->p, f) && pruning_reached(&b->p, f))
            tally_add(&t, harm_of(&b->p, f) - harm_of(&a->p, f));
    return t;
}

static void add_next(const rival *best, const rival *next, text *out)
{
    const tally more = compare_costs(best, next);
    text_add(out, "; <b>");
    markup_html(out, next->measure);
    text_addf(out, "</b> follows with %.1f%%", tally_mean(&next->lost));
    if (more.n > 1)
        text_addf(out, ", %.1f ± %.1f points more where both reached it (%s)", tally_mean(&more),
                  tally_error(&more),
                  tally_mean(&more) > 2 * tally_error(&more)
                      ? "beyond two standard errors"
                      : "within two standard errors: not clearly worse");
}

// Which measures are not compared, for they reached fewer than half of their goals.
static void add_failed(const rivals *all, size_t line, text *out)
{
    bool begun = false;
    for (size_t i = 0; i < all->n; i++) {
        const rival *r = &all->of[i];
        if (r->line != line || is_eligible(r))
            continue;
        text_add(out, begun ? ", " : "; fewer than half of the targets were reached by ");
        markup_html(out, r->measure);
        text_addf(out, " (%lld)", (long long)r->lost.n);
        begun = true;
    }
}

static void add_line(figure *f, const rivals *all, size_t line)
{
    const rival *best = least_harmful(all, line, NULL), *worst = NULL, *first = NULL;
    const rival *next = best ? least_harmful(all, line, best) : NULL;
    int64_t measures = 0;
    text *out = &f->numbers;
    for (size_t i = 0; i < all->n; i++) {
        const rival *r = &all->of[i];
        if (r->line != line)
            continue;
        first = first ? first : r;
        measures++;
        if (is_eligible(r) && (!worst || tally_mean(&r->lost) > tally_mean(&worst->lost)))
            worst = r;
    }
    char *goal = goal_words(f, first);
    text_add(out, "<li>pruned ");
    markup_html(out, goal ? goal : "");
    out->failed |= !goal;
    free(goal);
    if (best) {
        text_add(out, ": <b>");
        markup_html(out, best->measure);
        text_addf(out, "</b> harms the others least of %lld measures: they lose <b>%.1f%%</b>",
                  (long long)measures, tally_mean(&best->lost));
        text_addf(out,
                  " with %.1f%% of %s pruned (means over the %lld of %lld %s whose target was "
                  "reached)",
                  tally_mean(&best->share),
                  strcmp(pruning_site(best->p.task), "both") == 0 ? "all neurons" : "neurons",
                  (long long)best->lost.n, (long long)best->p.forgets, figure_subset_words(f));
        if (next)
            add_next(best, next, out);
        if (worst && worst != best && worst != next) {
            text_add(out, "; most harmful is ");
            markup_html(out, worst->measure);
            text_addf(out, " with %.1f%%", tally_mean(&worst->lost));
        }
    }
    add_failed(all, line, out);
    text_add(out, "</li>\n");
}

static void add_table(figure *f, const rivals *all)
{
    text *table = &f->table;
    text_addf(table,
              "<table><thead><tr><th>task</th><th>measure</th><th>targets reached</th><th>of</th>"
              "<th>the others lose</th><th>± standard deviation</th><th>share of neurons</th>"
              "<th>± standard deviation</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < all->n; i++) {
        const rival *r = &all->of[i];
        text_add(table, "<tr><td>");
        markup_html(table, r->p.task->label);
        text_add(table, "</td><td>");
        markup_html(table, r->measure);
        text_addf(table, "</td><td>%lld</td><td>%lld</td>", (long long)r->lost.n,
                  (long long)r->p.forgets);
        markup_html_cell(table, "%.2f%%", tally_mean(&r->lost));
        markup_html_cell(table, "%.2f", tally_std(&r->lost));
        markup_html_cell(table, "%.2f%%", tally_mean(&r->share));
        markup_html_cell(table, "%.2f", tally_std(&r->share));
        text_add(table, "</tr>\n");
    }
    text_add(table, "</tbody></table>\n");
}

// --- Drawn

static status fill_panels(const figure *f, const rivals *all, char **title, dots_mean *mean,
                          dots_value *value, size_t *n)
{
    for (size_t i = 0; i < all->lines * ACROSS * (size_t)all->rows; i++)
        mean[i] = (dots_mean){NAN, NAN, NAN, NULL};
    for (size_t i = 0; i < all->n; i++) {
        const rival *r = &all->of[i];
        const size_t panel = ACROSS * r->line;
        dots_mean *m = mean + (int64_t)panel * all->rows + r->row;
        for (size_t k = 0; k < ACROSS; k++) {
            const tally *t = k == HARM ? &r->lost : &r->share;
            m[k * (size_t)all->rows].value = tally_mean(t);
            m[k * (size_t)all->rows].low = tally_mean(t) - tally_std(t);
            m[k * (size_t)all->rows].high = tally_mean(t) + tally_std(t);
            for (int64_t g = 0; g < r->p.forgets; g++)
                value[(*n)++] = (dots_value){panel + k, r->row,
                                             k == HARM ? harm_of(&r->p, g) : 100 * r->p.fraction[g],
                                             !pruning_reached(&r->p, g), r->p.forget[g]};
        }
        m->note = text_format("%lld of %lld", (long long)r->lost.n, (long long)r->p.forgets);
        if (!title[panel]) {
            title[panel] = goal_words(f, r);
            title[panel + 1] = strdup("what is pruned for it");
        }
        if (!m->note || !title[panel] || !title[panel + 1])
            return status_no_memory("a figure");
    }
    return OK;
}

static status draw(figure *f, const rivals *all)
{
    static const char *const key[] = {
        "orange: the mean over searches that reached their target; bar: ± standard deviation",
        "blue rings: each of these; grey crosses: searches that did not, which are in no mean",
        NULL};
    status st = OK;
    const size_t panels = all->lines * ACROSS, cells = panels * (size_t)all->rows;
    size_t n = 0, most = 0;
    for (size_t i = 0; i < all->n; i++)
        most += ACROSS * (size_t)all->of[i].p.forgets;
    char **title = checked_calloc(panels, sizeof *title);
    const char **x_title = checked_calloc(panels, sizeof *x_title);
    dots_mean *mean = checked_calloc(cells, sizeof *mean);
    dots_value *value = checked_calloc(most, sizeof *value);
    if (!title || !x_title || !mean || !value)
        TRY(status_no_memory("a figure"));
    for (size_t p = 0; p < panels; p++)
        x_title[p] = p % ACROSS == HARM ? "what the others lose, % of their Top-1"
                                        : "share of neurons pruned, %";
    TRY(fill_panels(f, all, title, mean, value, &n));
    const dots d = {.rows = all->rows,
                    .row_name = all->row,
                    .panels = panels,
                    .across = ACROSS,
                    .panel_title = title,
                    .x_title = x_title,
                    .mean = mean,
                    .value = value,
                    .n = n,
                    .note_title = "reached",
                    .row_field = "measure",
                    .key = key};
    dots_write(&d, &f->picture);
done:
    for (size_t i = 0; mean && i < cells; i++)
        free(mean[i].note);
    for (size_t p = 0; title && p < panels; p++)
        free(title[p]);
    free(title);
    free(x_title);
    free(mean);
    free(value);
    return st;
}

status figure_harm(figure *f)
{
    status st = OK;
    rivals all = {0};
    TRY(read_rivals(f, &all));
    TRY(draw(f, &all));
    for (size_t line = 0; line < all.lines; line++)
        add_line(f, &all, line);
    add_table(f, &all);
    text_addf(&f->caption,
              "What it costs the other %s to unlearn one, by the measure that chose the neurons: "
              "each search prunes as few as make the unlearned %s lose the same share of its "
              "Top-1, and what the others then lose, in percent of the unpruned model's, is their "
              "mean over all others. Left is better. Beside it, how many neurons that took.",
              figure_subset_words(f), figure_subset_word(f));
done:
    free_rivals(&all);
    return st;
}

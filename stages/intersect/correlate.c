// SPDX-License-Identifier: Apache-2.0
// The stage `correlate`: how far several scores of the same neurons agree, subset by subset: as
// rankings of all of them, and on the top shares.
//   agreement: {stage: correlate, from: ["scores[measure=abs]", "scores[measure=t]"], fractions: [0.01]}
// Inputs: artefacts of `score` or `import`, of one shape and with the same subsets. Output:
//   string scores(scores)                                         1  the tasks compared
//   string scores_a(scores_a)                                     1  the same
//   string scores_b(scores_b)                                     1  the same
//   string subset(subset)                                         1  class or text domain
//   double fraction(fraction)                                     1  the shares, ascending
//   double chance(fraction)                                       1  mean overlap of random sets
//   double rank_correlation(subset, scores_a, scores_b)           1  Spearman's, over all neurons
//   double overlap(fraction, subset, scores_a, scores_b)          1  shared neurons ÷ selected ones
//   double rank_correlation_mean(scores_a, scores_b)              1  mean over subsets
//   double overlap_mean(fraction, scores_a, scores_b)             1  mean over subsets
// A unit is a subset: every score of it is ordered once. A neuron without a score (NaN) in one of
// them counts in none, and where fewer have one than a share selects, the sets are all that have.
// Ties go to the lower index in sets, and share a rank in rankings.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/stage.h"
#include "stages/common/neuron_set.h"
#include "stages/common/scores.h"
#include "stages/intersect/described.h"
#include "stages/intersect/overlap.h"
#include "stages/intersect/rank_correlation.h"

enum { CORRELATE_RANKS, CORRELATE_SHARED };
enum { MAX_SCORES = 64, MAX_FRACTIONS = 10000, NO_CORRELATION = 2 };

typedef struct correlate {
    const task *task; // borrowed
    int64_t inputs, subsets, neurons, fractions;
    scores *scores;     // [inputs]
    int64_t **place;    // [inputs][subsets] of each subset of the first input in another
    const char **label; // [inputs]; borrowed
    char **subset;      // owned
    double *fraction, *chance;
    int64_t *size;                                       // [fractions]
    double *ranks, *ranks_mean, *overlap, *overlap_mean; // of the artefact
} correlate;

static const param_def parameters[] = {
    {"from", PARAM_FROM, .required = true, .help = "two or more tasks of scores"},
    {"fractions", PARAM_REALS, "[0.01]", .high = 1,
     .help = "shares of the neurons to select; \"0.01:0.99:0.01\" is first:last:step"},
    {"site", PARAM_TEXT, "mlp", .choices = "mlp|attn|both|expert", .help = "which neurons"},
    {0},
};

static status correlate_check(const task *t)
{
    if (task_inputs(t) < 2 || task_inputs(t) > MAX_SCORES)
        return params_fail(task_params(t), "from",
                           "%zu scores; give 2 to %d tasks, as [\"scores[measure=abs]\", "
                           "\"scores[measure=t]\"]",
                           task_inputs(t), MAX_SCORES);
    if (params_count(task_params(t), "fractions") > MAX_FRACTIONS)
        return params_fail(task_params(t), "fractions", "%zu shares; give at most %d",
                           params_count(task_params(t), "fractions"), MAX_FRACTIONS);
    return scores_check_sites(t);
}

static status open_fractions(correlate *x)
{
    const params *p = task_params(x->task);
    x->fractions = (int64_t)params_count(p, "fractions");
    x->fraction = checked_calloc((size_t)x->fractions, sizeof *x->fraction);
    x->chance = checked_calloc((size_t)x->fractions, sizeof *x->chance);
    x->size = checked_calloc((size_t)x->fractions, sizeof *x->size);
    if (!x->fraction || !x->chance || !x->size)
        return status_no_memory("shares of neurons");
    for (int64_t i = 0; i < x->fractions; i++)
        x->fraction[i] = params_real_at(p, "fractions", (size_t)i);
    neuron_set_sort(x->fraction, x->fractions);
    for (int64_t i = 0; i < x->fractions; i++) {
        x->size[i] = neuron_set_size(x->fraction[i], x->neurons);
        x->chance[i] = x->size[i] ? (double)x->size[i] / (double)x->neurons : NAN;
    }
    return OK;
}

// Where an input has each subset of the first one.
static status match_subsets(correlate *x, int64_t input)
{
    status st = OK;
    const artefact *from = x->scores[input].from;
    int64_t n;
    char **name = NULL;
    TRY(artefact_read_texts(from, "subset", &n, &name));
    if (input == 0) {
        x->subset = name;
        name = NULL;
        x->subsets = n;
    }
    if (n != x->subsets || n != x->scores[input].subsets)
        TRY(status_fail(ERR_INPUT, artefact_path(from),
                        "%lld subsets, and %lld in %s; score the same", (long long)n,
                        (long long)x->subsets, artefact_path(x->scores[0].from)));
    if (!(x->place[input] = checked_calloc((size_t)n, sizeof **x->place)))
        TRY(status_no_memory("a list of subsets"));
    for (int64_t s = 0; s < n; s++) {
        int64_t at = 0;
        while (input > 0 ? at < n && strcmp(name[at], x->subset[s]) != 0 : at < s)
            at++;
        if (at == n)
            TRY(status_fail(ERR_INPUT, artefact_path(from), "there is no subset %s, which %s has",
                            x->subset[s], artefact_path(x->scores[0].from)));
        x->place[input][s] = at;
    }
done:
    free(name);
    return st;
}

static status open_scores(correlate *x)
{
    status st = OK;
    const scores *first = &x->scores[0];
    for (int64_t i = 0; i < x->inputs; i++) {
        scores *own = &x->scores[i];
        x->label[i] = task_input_label(x->task, (size_t)i);
        TRY(scores_open(task_input(x->task, (size_t)i), params_text(task_params(x->task), "site"),
                        own));
        if (own->layers != first->layers || own->layer_width != first->layer_width)
            TRY(status_fail(
                ERR_INPUT, artefact_path(own->from),
                "%lld layers of %lld neurons, and %lld of %lld in %s; compare scores of "
                "one shape",
                (long long)own->layers, (long long)own->layer_width, (long long)first->layers,
                (long long)first->layer_width, artefact_path(first->from)));
        TRY(match_subsets(x, i));
    }
    x->neurons = first->layers * first->layer_width;
done:
    return st;
}

static void correlate_close(void *state)
{
    correlate *x = state;
    if (!x)
        return;
    for (int64_t i = 0; x->place && i < x->inputs; i++)
        free(x->place[i]);
    free(x->place);
    free(x->scores);
    free(x->label);
    free(x->subset);
    free(x->fraction);
    free(x->chance);
    free(x->size);
    free(x->ranks);
    free(x->ranks_mean);
    free(x->overlap);
    free(x->overlap_mean);
    free(x);
}

static status correlate_open(const task *t, void **state)
{
    status st = OK;
    correlate *x = checked_calloc(1, sizeof *x);
    if (!x)
        return status_no_memory("correlate");
    *state = x;
    x->task = t;
    x->inputs = (int64_t)task_inputs(t);
    x->scores = checked_calloc((size_t)x->inputs, sizeof *x->scores);
    x->place = checked_calloc((size_t)x->inputs, sizeof *x->place);
    x->label = checked_calloc((size_t)x->inputs, sizeof *x->label);
    if (!x->scores || !x->place || !x->label)
        TRY(status_no_memory("a list of scores"));
    TRY(open_scores(x));
    TRY(open_fractions(x));
done:
    return st;
}

static status correlate_next(void *state, const round_state *finished, const partial *sum,
                             round_state *round, bool *done)
{
    (void)state, (void)sum, (void)round;
    *done = finished != NULL; // one round, with nothing to remember
    return OK;
}

static status correlate_plan(void *state, const round_state *round, round_plan *out)
{
    (void)round;
    const correlate *x = state;
    const int64_t pairs = x->inputs * x->inputs;
    out->units = x->subsets;
    out->shape = (partial_shape){
        .fields = 2,
        .field = {
            [CORRELATE_RANKS] = {"rank correlation", PARTIAL_SUM, x->subsets * pairs},
            [CORRELATE_SHARED] = {"shared", PARTIAL_COUNT, x->subsets * x->fractions * pairs}}};
    return OK;
}

// A subset's scores, all of them.
typedef struct orders {
    const correlate *x;
    int64_t subset, known; // neurons that have a score in all
    double *score;         // [inputs][neurons]; NaN where not known
    double *rank;          // [inputs][neurons], the first `known` of each
    int64_t *order;        // [inputs][neurons]
} orders;

static status order_scores(void *context, int64_t input, int thread)
{
    (void)thread;
    orders *o = context;
    const correlate *x = o->x;
    status st = OK;
    double *score = o->score + input * x->neurons, *rank = o->rank + input * x->neurons;
    int64_t *order = o->order + input * x->neurons;
    TRY(neuron_set_order(score, x->neurons, order));
    rank_of_order(score, order, o->known, rank);
done:
    return st;
}

// Reads them, and leaves out what has no score in one of them; moves the others together.
static status read_scores(orders *o)
{
    status st = OK;
    const correlate *x = o->x;
    for (int64_t i = 0; i < x->inputs; i++)
        TRY(scores_read(&x->scores[i], x->place[i][o->subset], 0, x->scores[i].layers,
                        o->score + i * x->neurons));
    for (int64_t u = 0; u < x->neurons; u++) {
        bool known = true;
        for (int64_t i = 0; i < x->inputs; i++)
            known = known && !isnan(o->score[i * x->neurons + u]);
        for (int64_t i = 0; known && i < x->inputs; i++)
            o->score[i * x->neurons + o->known] = o->score[i * x->neurons + u];
        o->known += known;
    }
    for (int64_t i = 0; i < x->inputs; i++)
        for (int64_t u = o->known; u < x->neurons; u++)
            o->score[i * x->neurons + u] = NAN;
done:
    return st;
}

// Both results of two scores of the subset.
static status compare_two(const orders *o, const uint16_t *first, int64_t a, int64_t b,
                          fixed *ranks, int64_t *shared)
{
    const correlate *x = o->x;
    const double r = rank_correlation(o->rank + a * x->neurons, o->rank + b * x->neurons, o->known);
    // NaN, where one ranks all alike, is told by a number that no correlation has.
    if (!fixed_from(isnan(r) ? NO_CORRELATION : r, ranks))
        return status_fail(ERR_INTERNAL, task_label(x->task), "a rank correlation of %g", r);
    overlap_count(first + a * x->neurons, first + b * x->neurons, x->neurons, x->fractions, shared);
    return OK;
}

// Adds them at the place of one ordered pair.
static status add_two(const correlate *x, int64_t subset, int64_t pair, const fixed *ranks,
                      const int64_t *shared, partial *sum)
{
    status st = OK;
    const int64_t pairs = x->inputs * x->inputs;
    TRY(partial_add_sums(sum, CORRELATE_RANKS, subset * pairs + pair, 1, ranks));
    for (int64_t j = 0; j < x->fractions; j++)
        TRY(partial_add_counts(sum, CORRELATE_SHARED, (j * x->subsets + subset) * pairs + pair, 1,
                               &shared[j]));
done:
    return st;
}

// Both results are the same, to the bit, whichever of two scores comes first.
static status compare_all(const orders *o, const uint16_t *first, partial *sum)
{
    status st = OK;
    const correlate *x = o->x;
    const int64_t n = x->inputs;
    int64_t *shared = checked_calloc((size_t)x->fractions + 1, sizeof *shared);
    if (!shared)
        TRY(status_no_memory("shared neurons"));
    for (int64_t a = 0; a < n; a++)
        for (int64_t b = a; b < n; b++) {
            fixed ranks;
            TRY(compare_two(o, first, a, b, &ranks, shared));
            TRY(add_two(x, o->subset, a * n + b, &ranks, shared, sum));
            if (b > a)
                TRY(add_two(x, o->subset, b * n + a, &ranks, shared, sum));
        }
done:
    free(shared);
    return st;
}

static status correlate_unit(void *state, const round_state *round, int64_t subset, int lane,
                             partial *sum)
{
    (void)round, (void)lane;
    const correlate *x = state;
    status st = OK;
    const size_t values = (size_t)(x->inputs * x->neurons);
    orders o = {.x = x, .subset = subset};
    uint16_t *first = checked_calloc(values, sizeof *first);
    o.score = checked_calloc(values, sizeof *o.score);
    o.rank = checked_calloc(values, sizeof *o.rank);
    o.order = checked_calloc(values, sizeof *o.order);
    int64_t *size = checked_calloc((size_t)x->fractions, sizeof *size);
    if (!first || !o.score || !o.rank || !o.order || !size)
        TRY(status_no_memory("orders of neurons"));
    TRY(read_scores(&o));
    TRY(pool_run(task_pool(x->task), x->inputs, order_scores, &o));
    for (int64_t j = 0; j < x->fractions; j++)
        size[j] = x->size[j] < o.known ? x->size[j] : o.known;
    for (int64_t i = 0; i < x->inputs; i++)
        overlap_first(o.order + i * x->neurons, x->neurons, size, x->fractions,
                      first + i * x->neurons);
    TRY(compare_all(&o, first, sum));
done:
    free(size);
    free(first);
    free(o.score);
    free(o.rank);
    free(o.order);
    return st;
}

// Means over subsets of value[outer, subsets, pairs], of those that are numbers.
static void mean_over_subsets(const correlate *x, const double *value, int64_t outer, double *mean)
{
    const int64_t pairs = x->inputs * x->inputs;
    for (int64_t j = 0; j < outer; j++)
        for (int64_t pair = 0; pair < pairs; pair++) {
            double total = 0;
            int64_t known = 0;
            for (int64_t s = 0; s < x->subsets; s++) {
                const double v = value[(j * x->subsets + s) * pairs + pair];
                total += isnan(v) ? 0 : v;
                known += !isnan(v);
            }
            mean[j * pairs + pair] = known ? total / (double)known : NAN;
        }
}

static status make_results(correlate *x, const partial *sum)
{
    const int64_t pairs = x->inputs * x->inputs, all = x->subsets * pairs;
    x->ranks = checked_calloc((size_t)all, sizeof *x->ranks);
    x->ranks_mean = checked_calloc((size_t)pairs, sizeof *x->ranks_mean);
    x->overlap = checked_calloc((size_t)(all * x->fractions), sizeof *x->overlap);
    x->overlap_mean = checked_calloc((size_t)(pairs * x->fractions), sizeof *x->overlap_mean);
    if (!x->ranks || !x->ranks_mean || !x->overlap || !x->overlap_mean)
        return status_no_memory("agreements");
    for (int64_t i = 0; i < all; i++) {
        const double r = fixed_to(partial_sums(sum, CORRELATE_RANKS)[i]);
        x->ranks[i] = r == NO_CORRELATION ? NAN : r;
    }
    const int64_t *shared = partial_counts(sum, CORRELATE_SHARED);
    for (int64_t i = 0; i < all * x->fractions; i++) {
        const int64_t a = i % pairs / x->inputs, size = shared[i - i % pairs + a * (x->inputs + 1)];
        x->overlap[i] = size ? (double)shared[i] / (double)size : NAN;
    }
    mean_over_subsets(x, x->ranks, 1, x->ranks_mean);
    mean_over_subsets(x, x->overlap, x->fractions, x->overlap_mean);
    return OK;
}

static status correlate_finish(void *state, const round_state *finished, const partial *sum,
                               artefact_writer *w)
{
    (void)finished;
    static const shape of_scores = {1, {"scores"}}, of_a = {1, {"scores_a"}},
                       of_b = {1, {"scores_b"}}, of_subset = {1, {"subset"}},
                       of_share = {1, {"fraction"}}, of_pair = {2, {"scores_a", "scores_b"}},
                       of_ranks = {3, {"subset", "scores_a", "scores_b"}},
                       of_sets = {4, {"fraction", "subset", "scores_a", "scores_b"}},
                       of_mean = {3, {"fraction", "scores_a", "scores_b"}};
    static const char *const compared = "task whose scores are compared";
    status st = OK;
    correlate *x = state;
    TRY(make_results(x, sum));
    const described list[] = {
        {"scores", VARIABLE_TEXT, &of_scores, x->label, compared},
        {"scores_a", VARIABLE_TEXT, &of_a, x->label, compared},
        {"scores_b", VARIABLE_TEXT, &of_b, x->label, compared},
        {"subset", VARIABLE_TEXT, &of_subset, x->subset, "class or text domain"},
        {"fraction", VARIABLE_F64, &of_share, x->fraction, "share of the neurons that is selected"},
        {"chance", VARIABLE_F64, &of_share, x->chance, "overlap of two random sets, on average"},
        {"rank_correlation", VARIABLE_F64, &of_ranks, x->ranks,
         "Spearman's rank correlation of the two scores"},
        {"overlap", VARIABLE_F64, &of_sets, x->overlap, "shared neurons over those of a set"},
        {"rank_correlation_mean", VARIABLE_F64, &of_pair, x->ranks_mean,
         "mean over subsets of rank_correlation"},
        {"overlap_mean", VARIABLE_F64, &of_mean, x->overlap_mean, "mean over subsets of overlap"},
    };
    TRY(artefact_attribute(w, "title", "Agreement of scores"));
    TRY(artefact_dim(w, "scores", x->inputs));
    TRY(artefact_dim(w, "scores_a", x->inputs));
    TRY(artefact_dim(w, "scores_b", x->inputs));
    TRY(artefact_dim(w, "subset", x->subsets));
    TRY(artefact_dim(w, "fraction", x->fractions));
    TRY(described_write(w, list, sizeof list / sizeof *list));
done:
    return st;
}

const stage_def stage_correlate = {
    .name = "correlate",
    .version = 1,
    .summary = "how far several scores agree: as rankings, and on the top neurons",
    .params = parameters,
    .inputs = "score|import",
    .inputs_required = true,
    .check = correlate_check,
    .open = correlate_open,
    .next = correlate_next,
    .plan = correlate_plan,
    .unit = correlate_unit,
    .finish = correlate_finish,
    .close = correlate_close,
    .figure = {"rank_correlation_mean",
               "How far scores agree: rank correlation, mean over subsets"},
};

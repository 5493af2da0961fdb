// SPDX-License-Identifier: Apache-2.0
// Neurons are sorted once for each subset to forget; any number pruned is then a prefix of that
// order, which makes a search over numbers a search over nested sets.
#include "stages/prune/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"
#include "stages/common/neuron_set.h"
#include "stages/common/scores.h"

static status check_site(const scores *s, int which, const model_info *info, ranking *r)
{
    int neurons = model_site_width(info, which);
    if (s->subsets != r->forgets || s->layers != info->layers || s->width[which] != neurons)
        return status_fail(ERR_INPUT, artefact_path(s->from),
                           "%s_score is not (%lld subsets, %d layers, %d units); give the scores "
                           "of the model that is pruned",
                           site_names[which], (long long)r->forgets, info->layers, neurons);
    r->width[which] = neurons;
    return OK;
}

static int64_t layer_width(const ranking *r)
{
    int64_t width = 0;
    for (int k = 0; k < SITES; k++)
        width += r->width[k];
    return width;
}

// Lists what is ranked.
static status choose_neurons(const ranking_choice *choice, const model_info *info, ranking *r)
{
    const int64_t width = layer_width(r);
    r->unit = choice->heads ? info->head_dim : 1;
    r->median = choice->median;
    r->neuron = checked_calloc((size_t)r->layers, (size_t)width * sizeof *r->neuron);
    if (!r->neuron)
        return status_no_memory("the order of neurons");
    for (int64_t i = 0; i < r->layers * width; i += r->unit)
        if (!choice->layers || choice->layers[i / width])
            r->neuron[r->neurons++] = i;
    return OK;
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

// One of n scores that stands for all; sorts them for the median.
static double together(double *score, int n, bool median)
{
    double sum = 0;
    if (n == 1)
        return *score;
    if (median) {
        qsort(score, (size_t)n, sizeof *score, ascending);
        return (score[(n - 1) / 2] + score[n / 2]) / 2;
    }
    for (int i = 0; i < n; i++)
        sum += score[i];
    return sum / n;
}

// Sorts what is ranked for one subset. score[layers, width] and own[neurons] are scratch.
static status order_subset(const scores *s, const ranking_choice *choice, int64_t forget,
                           double *score, double *own, ranking *r)
{
    status st = OK;
    int64_t *order = r->order + forget * r->neurons;
    TRY(scores_read(s, forget, 0, r->layers, score));
    for (int64_t i = 0; i < r->neurons; i++)
        own[i] = together(score + r->neuron[i], r->unit, choice->median);
    TRY(neuron_set_order(own, r->neurons, order));
    r->known[forget] = scores_known(s, own, r->neurons);
    for (int64_t i = 0; i < r->neurons; i++)
        order[i] = r->neuron[order[i]];
done:
    return st;
}

static status open_orders(const artefact *from, const ranking_choice *choice,
                          const model_info *info, ranking *out)
{
    status st = OK;
    double *score = NULL, *own = NULL;
    ranking *r = out;
    scores s;
    *r = (ranking){.layers = info->layers};
    TRY(artefact_read_texts(from, "subset", &r->forgets, &r->forget));
    TRY(scores_open(from, choice->sites, &s));
    for (int k = 0; k < SITES; k++)
        if (s.width[k] > 0)
            TRY(check_site(&s, k, info, r));
    TRY(choose_neurons(choice, info, r));
    score = checked_calloc((size_t)(r->layers * layer_width(r)), sizeof *score);
    own = checked_calloc((size_t)r->neurons, sizeof *own);
    r->order = checked_calloc((size_t)r->forgets * (size_t)r->neurons, sizeof *r->order);
    r->known = checked_calloc((size_t)r->forgets, sizeof *r->known);
    if (!score || !own || !r->order || !r->known)
        TRY(status_no_memory("the order of neurons"));
    for (int64_t f = 0; f < r->forgets; f++)
        TRY(order_subset(&s, choice, f, score, own, r));
done:
    free(score);
    free(own);
    return st;
}

// The orders of a second step, by the names of the first's subsets.
static status open_other(const artefact *from, const ranking_choice *choice, const model_info *info,
                         ranking *r)
{
    status st;
    ranking other;
    TRY(open_orders(from, choice, info, &other));
    r->other = checked_calloc((size_t)r->forgets * (size_t)r->neurons, sizeof *r->other);
    if (!r->other)
        TRY(status_no_memory("the order of neurons"));
    for (int64_t f = 0; f < r->forgets; f++) {
        int64_t at = 0;
        while (at < other.forgets && strcmp(other.forget[at], r->forget[f]) != 0)
            at++;
        if (at == other.forgets)
            TRY(status_fail(ERR_INPUT, artefact_path(from),
                            "has no scores of %s, which the first step has; give the same subsets",
                            r->forget[f]));
        memcpy(r->other + f * r->neurons, other.order + at * r->neurons,
               (size_t)r->neurons * sizeof *r->other);
    }
done:
    ranking_free(&other);
    return st;
}

status ranking_open(const artefact *from, const artefact *other, const ranking_choice *choice,
                    const model_info *info, ranking *out)
{
    status st = open_orders(from, choice, info, out);
    return st == OK && other ? open_other(other, choice, info, out) : st;
}

status ranking_draw(const ranking *r, int64_t seeds, int64_t **out)
{
    const int64_t n = r->neurons;
    *out = checked_calloc((size_t)seeds * (size_t)n, sizeof **out);
    if (!*out)
        return status_no_memory("random orders of neurons");
    for (int64_t seed = 0; seed < seeds; seed++) {
        rng random = rng_new((uint64_t)seed, "prune/random");
        int64_t *order = *out + seed * n;
        rng_permutation(&random, n, order);
        for (int64_t i = 0; i < n; i++)
            order[i] = r->neuron[order[i]];
    }
    return OK;
}

void ranking_free(ranking *r)
{
    free(r->other);
    free(r->forget);
    free(r->order);
    free(r->neuron);
    free(r->known);
    *r = (ranking){0};
}

// The site that a flat index lies in, and its place in the layer's neurons of that site.
static int site_of(const ranking *r, int64_t index, int64_t *neuron)
{
    int s = 0;
    for (*neuron = index % layer_width(r); *neuron >= r->width[s]; s++)
        *neuron -= r->width[s];
    return s;
}

void ranking_mask(const ranking *r, const int64_t *order, int64_t k, uint8_t *const pruned[SITES])
{
    const int64_t width = layer_width(r);
    for (int s = 0; s < SITES; s++)
        if (r->width[s] > 0)
            memset(pruned[s], 0, (size_t)r->layers * (size_t)r->width[s]);
    for (int64_t i = 0; i < k; i++) {
        int64_t neuron;
        const int s = site_of(r, order[i], &neuron);
        memset(pruned[s] + order[i] / width * r->width[s] + neuron, 1, (size_t)r->unit);
    }
}

// Neurons of a layer's site are a group.
static int64_t group_of(const ranking *r, int64_t index)
{
    int64_t neuron;
    return index / layer_width(r) * SITES + site_of(r, index, &neuron);
}

status ranking_match(const ranking *r, const int64_t *order, int64_t k, const int64_t *random,
                     int64_t *matched)
{
    int64_t *wanted = checked_calloc((size_t)r->layers, SITES * sizeof *wanted), n = 0;
    if (!wanted)
        return status_no_memory("a mask");
    for (int64_t i = 0; i < k; i++)
        wanted[group_of(r, order[i])]++;
    for (int64_t i = 0; n < k; i++)
        if (wanted[group_of(r, random[i])]-- > 0)
            matched[n++] = random[i];
    free(wanted);
    return OK;
}

int64_t ranking_lowest(const ranking *r, int64_t forget, int64_t k)
{
    return k < r->known[forget] ? r->known[forget] - k : 0;
}

// Marks flat indices in *marks [layers, neurons of a layer], owned by the caller.
static status mark_neurons(const ranking *r, const int64_t *index, int64_t n, bool **marks)
{
    bool *marked = *marks = checked_calloc((size_t)(r->layers * layer_width(r)), sizeof *marked);
    if (!marked)
        return status_no_memory("the order of neurons");
    for (int64_t i = 0; i < n; i++)
        marked[index[i]] = true;
    return OK;
}

int64_t ranking_scores(const ranking *r)
{
    return r->layers * layer_width(r);
}

status ranking_next(const ranking *r, double *score, const int64_t *taken, int64_t n, int64_t k,
                    int64_t *next)
{
    status st;
    bool *marked = NULL;
    double *own = checked_calloc((size_t)r->neurons, sizeof *own);
    int64_t *order = checked_calloc((size_t)r->neurons, sizeof *order);
    if (!own || !order)
        TRY(status_no_memory("the order of neurons"));
    TRY(mark_neurons(r, taken, n, &marked));
    for (int64_t i = 0; i < r->neurons; i++)
        own[i] = together(score + r->neuron[i], r->unit, r->median);
    TRY(neuron_set_order(own, r->neurons, order));
    for (int64_t i = 0; k > 0; i++) {
        const int64_t index = r->neuron[order[i]];
        if (marked[index])
            continue;
        *next++ = index;
        k--;
    }
done:
    free(own);
    free(order);
    free(marked);
    return st;
}

status ranking_put_first(ranking *r, int64_t forget, const int64_t *first, int64_t k)
{
    status st;
    bool *marked = NULL;
    int64_t *order = r->order + forget * r->neurons, end = r->neurons;
    TRY(mark_neurons(r, first, k, &marked));
    for (int64_t i = r->neurons - 1; i >= 0; i--)
        if (!marked[order[i]])
            order[--end] = order[i];
    memcpy(order, first, (size_t)k * sizeof *order);
done:
    free(marked);
    return st;
}

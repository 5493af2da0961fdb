// SPDX-License-Identifier: Apache-2.0
// The neurons of a model in the order in which they are pruned for each subset to forget, from a
// `score` artefact.
//
// Flat index of a neuron: layer after layer; within a layer the neurons of mlp, then those of attn,
// as far as the site asked has them; or the experts. Ties go to the lower one, and neurons without a
// score (NaN) come last.
#ifndef STAGES_PRUNE_RANKING_H
#define STAGES_PRUNE_RANKING_H

#include <stdint.h>

#include "model/model.h"
#include "pipeline/store/artefact.h"

//
// What is ranked are neurons, or heads: then as many neurons as a head has, one after the other, and
// the flat index is that of the first.

// Which neurons are ranked.
typedef struct ranking_choice {
    const char *sites;  // "mlp", "attn", "expert" or "both"
    const bool *layers; // [layers]; NULL: all
    bool heads;         // heads instead of neurons, of site attn
    bool median;        // a head's score is the median of its neurons', not the mean
} ranking_choice;

typedef struct ranking {
    int layers;
    int width[SITES]; // neurons of a layer; 0: the site is not pruned
    int64_t neurons;  // that are ranked, or heads
    int unit;         // neurons that each of them is: 1, or those of a head
    bool median;      // what a head's score is of its neurons'; else their mean
    int64_t *neuron;  // owned [neurons]: their flat indices, ascending
    int64_t forgets;
    char **forget;  // owned: names
    int64_t *order; // owned [forgets, neurons]: flat indices, most specific first
    int64_t *known; // owned [forgets]: those that have a score
    int64_t *other; // owned [forgets, neurons]: orders by a second step's scores, or NULL
} ranking;

// Reads the scores of the neurons chosen and sorts them, and those of a second step where `other` is
// not NULL. ERR_INPUT when an artefact lacks the site, or is of a model of another shape than `info`,
// or when the second lacks a subset of the first. Local.
status ranking_open(const artefact *from, const artefact *other, const ranking_choice *choice,
                    const model_info *info, ranking *out);
// Frees what it owns; safe on {0}.
void ranking_free(ranking *r);

// Marks the first k of an order [neurons] with 1 in pruned[s] [layers, width[s]], the rest with 0;
// NULL where a site is not pruned.
void ranking_mask(const ranking *r, const int64_t *order, int64_t k, uint8_t *const pruned[SITES]);
// Writes to matched[k] the first of `random` [neurons] that have as many in each site of each layer
// as the first k of `order` have. Local. Fails when out of memory.
status ranking_match(const ranking *r, const int64_t *order, int64_t k, const int64_t *random,
                     int64_t *matched);
// Scores of all neurons of a model's layers at its sites: [layers, neurons of a layer].
int64_t ranking_scores(const ranking *r);
// Writes to next[k] the k most specific by score [layers, neurons of a layer], without the n of
// taken[]. Local. Fails when out of memory.
status ranking_next(const ranking *r, double *score, const int64_t *taken, int64_t n, int64_t k,
                    int64_t *next);
// Puts the k of first[] before all others of a subset's order, which stay as they are. Local. Fails
// when out of memory.
status ranking_put_first(ranking *r, int64_t forget, const int64_t *first, int64_t k);
// Random orders of the neurons ranked, to *out [seeds, neurons], owned by the caller. Local. Fails
// when out of memory.
status ranking_draw(const ranking *r, int64_t seeds, int64_t **out);
// Where in a subset's order its k least specific neurons begin: of those that have a score, as far as
// there are as many.
int64_t ranking_lowest(const ranking *r, int64_t forget, int64_t k);

#endif

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

typedef struct ranking {
    int layers;
    int width[SITES]; // neurons of a layer; 0: the site is not pruned
    int64_t neurons;
    int64_t forgets;
    char **forget;  // owned: names
    int64_t *order; // owned [forgets, neurons]: most specific first
} ranking;

// Reads the scores of the sites asked ("mlp", "attn", "expert" or "both") and sorts them. ERR_INPUT when the
// artefact lacks it, or is of a model of another shape than `info`. Local.
status ranking_open(const artefact *from, const char *sites, const model_info *info, ranking *out);
// Frees what it owns; safe on {0}.
void ranking_free(ranking *r);

// Marks the first k neurons of an order [neurons] with 1 in pruned[s] [layers, width[s]], the rest
// with 0; NULL where a site is not pruned.
void ranking_mask(const ranking *r, const int64_t *order, int64_t k, uint8_t *const pruned[SITES]);

#endif

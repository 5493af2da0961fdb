// SPDX-License-Identifier: Apache-2.0
// How specific neurons are to subsets: the variables mlp_score(subset, layer, unit),
// attn_score(subset, layer, attn_unit) and expert_score(subset, layer, expert) that `score` and
// `import` write, and that `prune` and `intersect` rank neurons by. No engine here.
//
// Scores of statistics by fold have an interval, mlp_score_low and mlp_score_high, and what they are
// without each fold, mlp_score_without(fold, subset, layer, unit); other sites alike.
//
// At the mlp site of a sparse model the scores of an expert's neurons are NaN where no token reached
// it; expert_reached(subset, layer, expert) says where.
#ifndef STAGES_COMMON_SCORES_H
#define STAGES_COMMON_SCORES_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "pipeline/stage.h"
#include "pipeline/store/artefact.h"
#include "stages/common/unreached.h"

// What the dimension of a site's neurons is called in artefacts: "unit", "attn_unit", "expert".
const char *scores_unit(site which);

// Describes the variable `subset`; borrows the names until the artefact is stored.
status scores_describe_subsets(artefact_writer *w, int64_t subsets, const char *const *subset);
// Describes those of a site, [subsets, layers, width], after the subsets; borrows the values until
// the artefact is stored.
status scores_describe_site(artefact_writer *w, site which, int64_t layers, int64_t width,
                            const char *long_name, const double *score);

// Describes a site's intervals and its scores without each fold, [folds, subsets, layers, width],
// after its scores; borrows the values until the artefact is stored.
status scores_describe_folds(artefact_writer *w, site which, int64_t folds, const double *low,
                             const double *high, const double *without);

// Describes expert_reached after the scores of mlp, and notes in words what was not reached, from
// tokens[subsets, layers, experts]: 0 where none did. Writes to and borrows reached[] of that
// size until the artefact is stored.
status scores_describe_reached(artefact_writer *w, const routing_shape *u,
                               const char *const *subset, const int64_t *tokens, int8_t *reached);

// The scores of the sites asked, the neurons of a layer's sites side by side: mlp, then attn.
typedef struct scores {
    const artefact *from; // borrowed
    int64_t subsets, layers;
    int64_t width[SITES]; // neurons of a layer's site; 0: it is not asked
    int64_t layer_width;  // of all sites
    bool unknown;         // may neurons of mlp have none? They are NaN then, and in no set
    int64_t folds;        // scores without each of so many are there too; 0: none are
} scores;

// Will a task's inputs have scores of its parameter `site`, "mlp", "attn", "expert" or "both"? By what they
// collect or import: for a stage's `check`. ERR_USAGE at the parameter.
status scores_check_sites(const task *t);

// Finds the scores of "mlp", "attn", "expert" or "both": mlp and attn. Borrows the artefact. ERR_INPUT when it lacks a
// site, or a variable is not of the shape above. Local.
status scores_open(const artefact *from, const char *sites, scores *out);
// The names of an opened artefact's subsets, one block that the caller owns. ERR_INPUT when they are
// not as many. Local.
status scores_read_subsets(const scores *s, char ***names);
// How many of n neurons can be in a set, by score[n]: all, or where some may have none, those that
// are not NaN. Local.
int64_t scores_known(const scores *s, const double *score, int64_t n);
// Reads those of layers [first, first + layers) of a subset to score[layers, layer_width]. Local,
// thread-safe.
status scores_read(const scores *s, int64_t subset, int64_t first, int64_t layers, double *score);
// The same of the scores without a fold. Local, thread-safe.
status scores_read_without(const scores *s, int64_t fold, int64_t subset, int64_t first,
                           int64_t layers, double *score);

#endif

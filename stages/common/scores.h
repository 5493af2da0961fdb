// SPDX-License-Identifier: Apache-2.0
// How specific neurons are to subsets: the variables mlp_score(subset, layer, unit) and
// attn_score(subset, layer, attn_unit) that `score` and `import` write, and that `prune` and
// `intersect` rank neurons by.
#ifndef STAGES_COMMON_SCORES_H
#define STAGES_COMMON_SCORES_H

#include <stdint.h>

#include "model/model.h"
#include "pipeline/stage.h"
#include "pipeline/store/artefact.h"

// Describes the variable `subset`; borrows the names until the artefact is stored.
status scores_describe_subsets(artefact_writer *w, int64_t subsets, const char *const *subset);
// Describes those of a site, [subsets, layers, width], after the subsets; borrows the values until
// the artefact is stored.
status scores_describe_site(artefact_writer *w, site which, int64_t layers, int64_t width,
                            const char *long_name, const double *score);

// The scores of the sites asked, the neurons of a layer's sites side by side: mlp, then attn.
typedef struct scores {
    const artefact *from; // borrowed
    int64_t subsets, layers;
    int64_t width[SITES]; // neurons of a layer's site; 0: it is not asked
    int64_t layer_width;  // of all sites
} scores;

// Will a task's inputs have scores of its parameter `site`, "mlp", "attn" or "both"? By what they
// collect or import: for a stage's `check`. ERR_USAGE at the parameter.
status scores_check_sites(const task *t);

// Finds the scores of "mlp", "attn" or "both". Borrows the artefact. ERR_INPUT when it lacks a
// site, or a variable is not of the shape above. Local.
status scores_open(const artefact *from, const char *sites, scores *out);
// Reads those of layers [first, first + layers) of a subset to score[layers, layer_width]. Local,
// thread-safe.
status scores_read(const scores *s, int64_t subset, int64_t first, int64_t layers, double *score);

#endif

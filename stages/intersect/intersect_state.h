// SPDX-License-Identifier: Apache-2.0
// What the two files of the stage `intersect` share: intersect.c counts, intersect_artefact.c turns
// counts into results.
#ifndef STAGES_INTERSECT_INTERSECT_STATE_H
#define STAGES_INTERSECT_INTERSECT_STATE_H

#include "pipeline/stage.h"
#include "stages/common/scores.h"

typedef struct intersect_results intersect_results;
typedef struct intersect_within intersect_within;
typedef struct intersect_between intersect_between;
typedef struct intersect_folds intersect_folds;

typedef struct intersect {
    const task *task; // borrowed
    scores scores;
    int64_t subsets, layers;
    int64_t split; // of two steps of scores: the subsets of the first, which come first; else 0
    scores other;  // of the second
    intersect_between *between; // what else there is of two steps, or NULL
    int64_t width;              // neurons of a layer, of all sites
    int64_t neurons;            // layers × width
    char **subset;              // names; one block, owned
    int64_t fractions;
    double *fraction;    // as given; owned, as all below
    int64_t *slot;       // of each share as given: its place by ascending size
    int64_t *size;       // [place] neurons selected of all, ascending
    int64_t *layer_size; // [place] neurons selected of a layer, ascending
    uint16_t *first;     // [subset][layer][width] place of the first set that holds the neuron
    int64_t *known;      // [subset][layer] neurons that can be in a set
    int32_t *label;      // [layer][width] clusters, or NULL
    int64_t clusters;
    intersect_within *within; // sets of each layer, or NULL
    intersect_folds *folds;   // sets without each fold, or NULL
    intersect_results *results;
} intersect;

// Fields of the partial. Three with clusters only, two with `within` and the last two with folds
// only; else they are empty, or not there.
enum {
    INTERSECT_SHARED,  // [layer][place][subset_a][subset_b] neurons in both sets
    INTERSECT_AREA,    // [layer][subset][place] (cluster_auc.h)
    INTERSECT_CHANCE,  // [layer][place] the same summed over random selections
    INTERSECT_SQUARE,  // [layer][place] and their squares
    INTERSECT_WITHIN,  // [layer][place][subset_a][subset_b] neurons in both sets of the layer
    INTERSECT_EXCEED,  // [layer][place] draws of random sets that share as many or more in all
    INTERSECT_WITHOUT, // [fold][place][subset_a][subset_b] neurons in both sets without a fold
    INTERSECT_KEPT,    // [fold][place][subset] neurons in the set with the fold and without it
};

// stage_def.finish: describes the artefact. Its data live in state->results.
status intersect_finish(void *state, const round_state *finished, const partial *sum,
                        artefact_writer *w);
void intersect_results_free(intersect *x);

#endif

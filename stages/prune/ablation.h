// SPDX-License-Identifier: Apache-2.0
// What pruned neurons become: 0, or another value, and where that value comes from. Zero
// pushes activations to where the model may never have been; means and other samples do not.
#ifndef STAGES_PRUNE_ABLATION_H
#define STAGES_PRUNE_ABLATION_H

#include "model/model.h"
#include "pipeline/base/digest.h"
#include "pipeline/stage.h"
#include "stages/prune/ranking.h"

typedef enum ablation_value {
    ABLATE_ZERO,
    ABLATE_MEAN,        // of x over all tokens that were collected
    ABLATE_RETAIN_MEAN, // the same without the subset to forget
    ABLATE_RESAMPLE,    // x of the unpruned model in another sample of what is evaluated
    ABLATION_VALUES
} ablation_value;

#define ABLATION_NAMES "zero|mean|retain_mean|resample"

typedef struct ablation {
    ablation_value value;
    int layers;
    int width[SITES];
    int64_t groups;     // of means: 1, or one for each subset to forget
    float *mean[SITES]; // owned [groups, layers, width]; NULL where the site is not pruned
    uint64_t seed;      // of resampling
    char id[DIGEST_HEX];
} ablation;

// The input of a prune task that its scores are: which it is, and it.
size_t ablation_scores_at(const task *t);
const artefact *ablation_scores(const task *t);
// The second one that scores are, for random: resplit; NULL: there is none.
const artefact *ablation_other_scores(const task *t);
// Do the inputs suit the parameter `value`? ERR_USAGE at a parameter.
status ablation_check(const task *t);

// Reads what the parameter `value` needs. ERR_USAGE when a sparse model has no such value,
// ERR_INPUT when the activations are of another shape or lack a site. Local; ablation_free is safe
// after a failure too.
status ablation_open(const task *t, const ranking *r, const model_info *info, ablation *out);
void ablation_free(ablation *a); // safe on {0}

// For estimates. Passes of the model that one of a mask takes: another tile is run first to resample.
int ablation_passes(const params *p);
// Bytes of the values beside the masks', of so many neurons: means, in a rank; what other samples
// showed of the pruned ones, in each of `threads` threads, over `rows` rows of a tile. A search may
// come to prune all.
double ablation_bytes(const params *p, double neurons, double subsets, int threads, int64_t rows);

// Sets the values of a block (forward.ablate) to the means of group `forget` (of one group: any).
void ablation_set_means(const ablation *a, int64_t forget, const site_block *block,
                        const int32_t *neuron, int n, float *x);

#endif

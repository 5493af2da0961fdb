// SPDX-License-Identifier: Apache-2.0
// The subsets on which `prune` measures accuracy, in tiles: those it reports, then those it only
// searches on.
#ifndef STAGES_PRUNE_EVALUATION_H
#define STAGES_PRUNE_EVALUATION_H

#include "pipeline/stage.h"
#include "stages/common/tile_source.h"

typedef struct evaluation {
    tile_source source; // subset e of its cuts is entry e
    int entries, reported;
    char **name; // owned [entries]: "dataset/subset" where several datasets are reported
    const char **dataset, **subset; // [entries] its parts; owned, the names borrowed
    samples **opened;               // owned
    size_t n_opened, name_capacity, opened_capacity, dataset_capacity, subset_capacity;
    uint8_t *skip; // owned [outputs]: the skip list (skip_list.h), or NULL
    int *entry_of; // owned [forgets]: the entry of each subset to forget
} evaluation;

// A stage's `look` at what evaluation_open will read. Local; fails as stage_look_samples.
status evaluation_look(const task *t, stage_look *found);

// What evaluation_open will read, made once a node: a stage's `prepare`. Collective on the share;
// fails as stage_prepare_samples.
status evaluation_prepare(const task *t, share *s);

// Opens the evaluate parts of every subset of the datasets in `evaluate` (where absent: of `data`),
// and of the subsets to forget of `data`; makes the skip list. ERR_USAGE when `data` has no such
// subset, or a subset has no sample to evaluate on. Local. evaluation_free is safe after a failure
// too.
status evaluation_open(const task *t, const model_info *info, char *const *forget, int64_t forgets,
                       evaluation *out);
// Frees what it owns; safe on {0}.
void evaluation_free(evaluation *e);

#endif

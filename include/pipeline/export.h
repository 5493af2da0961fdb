// SPDX-License-Identifier: Apache-2.0
// What the engine hands to the export: a pruning, and where its model lies. Filled from the artefact
// and the journal, without MPI.
#ifndef PIPELINE_EXPORT_H
#define PIPELINE_EXPORT_H

#include <stdbool.h>

#include "pipeline/store/artefact.h"

typedef struct export_input {
    const artefact *pruned; // masks and accuracies
    const artefact *scores; // that it was made from; NULL: no longer there
    const artefact
        *means;         // the activations whose means they became; NULL: none, or no longer there
    const char *forget; // the subset whose neurons are cut
    const char *model;  // the model that was pruned: a folder or a file, its bytes verified
    const char *folder; // to be made
    bool replace;       // what is there under that name, and parts that a killed run left
} export_input;

#endif

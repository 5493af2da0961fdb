// SPDX-License-Identifier: Apache-2.0
// Which neurons a pruning cuts for a subset, with what is known of them, and how that is told.
#ifndef STAGES_EXPORT_CUT_LIST_H
#define STAGES_EXPORT_CUT_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model_cut.h"
#include "pipeline/base/file.h"
#include "pipeline/base/status.h"
#include "pipeline/base/text.h"
#include "pipeline/export.h"

typedef struct cut_list {
    const char *forget; // borrowed
    int64_t at;         // its place among the artefact's
    model_cut cut;      // its masks are owned by `mask`
    int8_t *mask[SITES];
    char **subset; // that scores are of; owned, one block
    int64_t subsets;
    double *score[SITES]; // [subsets, layers, width] or NULL; owned
    int64_t scored;       // the place of `forget` among them, or -1
    char value[32];       // that pruned neurons became; "": 0
    bool means;           // their means, without a subset (NULL: of all)
    const char *without;  // borrowed
    float *mean[SITES];   // [layers, width] or NULL; owned
} cut_list;

// Reads masks and scores. ERR_USAGE: no such subset; ERR_INPUT: no masks, or neurons that were set
// to what no weights can say, or means that are no longer there. cut_list_close in any case.
status cut_list_open(const export_input *in, cut_list *l);
void cut_list_close(cut_list *l);

// {"task": …, "forget": …, "cut": [{"site", "layer", "unit", "score"}, …]}
void cut_list_json(const cut_list *l, const artefact *pruned, text *out);
// What was cut, from which run, and what was measured of it. ERR_INPUT.
status cut_list_readme(const cut_list *l, const export_input *in, const file_list *left_out,
                       text *out);

#endif

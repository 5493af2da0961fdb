// SPDX-License-Identifier: Apache-2.0
// How `collect` lays out its partial, and the artefact made of it.
#ifndef STAGES_COLLECT_COLLECT_OUTPUT_H
#define STAGES_COLLECT_COLLECT_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/dataset/dataset.h"
#include "model/model.h"
#include "pipeline/base/partial.h"
#include "pipeline/config/params.h"
#include "pipeline/store/artefact.h"
#include "stages/collect/moments.h"
#include "stages/common/tile_source.h"

// Fields of the partial: tokens of each subset first; then of each site read, from `field` on, the
// sums [subsets, layers, width] of each moment, counts of x > 0 [subsets, layers, width] and firing
// bits [subsets, layers, width, words]; with histograms [subsets, layers, width, bins] counts.
enum { COLLECT_ROWS = 0, COLLECT_POSITIVE = MOMENTS, COLLECT_FIRING, COLLECT_SITE_FIELDS };

// A variable of the artefact that is made of one field, row by row.
typedef struct collect_variable {
    const struct collect_layout *layout;
    const partial *sum;
    int site, field;
    char name[32];
} collect_variable;

typedef struct collect_site {
    bool read;
    int width, field;    // neurons of a layer; first field
    int64_t words;       // of FIRING_BITS firing bits a neuron; 0: none
    int histogram, bins; // field of the histogram, and its bins; 0: none
    collect_variable variable[MOMENTS + 2];
    char count_name[32], histogram_name[32];
} collect_site;

typedef struct collect_layout {
    const char *modality; // for the report: "image" or "text"
    int subsets, layers;
    int64_t skip;           // tokens at the beginning of each sample that do not count
    const char **subset;    // owned; names borrowed from the dataset
    int64_t *firing_tokens; // owned [subsets]
    int64_t firing_bytes;   // of a neuron and subset
    bool histogram;
    collect_site site[SITES];
} collect_layout;

// Derives the layout from the stage's parameters; subsets as cut. Borrows names from `data`. Local.
// ERR_USAGE, at the parameter, when a subset has no sample to collect on. collect_layout_free is
// safe after a failure too.
status collect_layout_make(const params *p, const dataset *data, const model_info *info,
                           const tile_source *source, collect_layout *out);
void collect_layout_free(collect_layout *l);
// The fields of the partial.
void collect_layout_shape(const collect_layout *l, partial_shape *out);
// For estimates: bytes of the artefact.
double collect_layout_disk_bytes(const collect_layout *l);

// Describes the variables (see collect.c). Borrows both until they are stored.
status collect_describe(collect_layout *l, const partial *sum, artefact_writer *w);

#endif

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
#include "stages/collect/site_sums.h"
#include "stages/common/tile_source.h"

// Fields of the partial: tokens of each subset first; then of each site read, from `field` on, the
// sums [subsets, layers, width] of each moment, and in one field all its counts.
enum { COLLECT_ROWS = 0, COLLECT_COUNTS = MOMENTS, COLLECT_SITE_FIELDS };

// A site's counts, one behind the other: x > 0 [subsets, folds, layers, width], firing bits
// [subsets, layers, width, words], histograms [subsets, folds, layers, width, bins], and tokens that
// are routed to each expert [subsets, folds, layers, experts].
typedef enum collect_count {
    COUNT_POSITIVE,
    COUNT_FIRING,
    COUNT_HISTOGRAM,
    COUNT_ROUTED,
    COUNTS
} collect_count;

// A variable of the artefact that is made of one field, row by row.
typedef struct collect_variable {
    const struct collect_layout *layout;
    const partial *sum;
    int site, moment; // or MOMENTS: of x > 0
    char name[32], long_name[112];
} collect_variable;

typedef struct collect_site {
    bool read;
    site_shape shape; // of its sums
    int field;        // its first one
    collect_variable variable[MOMENTS + 2];
    char count_name[32], histogram_name[48];
} collect_site;

typedef struct collect_layout {
    const char *modality; // for the report: "image" or "text"
    int subsets, layers;
    int folds;              // that sums are kept by; 1: of the whole only
    int64_t skip;           // tokens at the beginning of each sample that do not count
    const char **subset;    // owned; names borrowed from the dataset
    int64_t *firing_tokens; // owned [subsets]
    int64_t firing_bytes;   // of a neuron and subset
    bool histogram;
    collect_site site[SITES];
} collect_layout;

// Derives the layout from the stage's parameters; subsets as cut. Borrows names from `data`. Local.
// ERR_USAGE, at the parameter, when a subset has no sample to collect on, or experts are asked of a
// dense model. collect_layout_free is
// safe after a failure too.
status collect_layout_make(const params *p, const dataset *data, const model_info *info,
                           const tile_source *source, collect_layout *out);
void collect_layout_free(collect_layout *l);
// The fields of the partial.
void collect_layout_shape(const collect_layout *l, partial_shape *out);
// By how many folds counts of a kind are kept.
int collect_layout_folds(const collect_layout *l, collect_count kind);
// Where the counts of a kind of cell `subset * collect_layout_folds + fold` begin in its site's
// field, and how many it has a layer.
int64_t collect_layout_count(const collect_layout *l, int which, collect_count kind, int64_t cell,
                             int64_t *a_layer);
// The counts of a kind of all subsets. Borrowed from `sum`.
const int64_t *collect_counts(const collect_layout *l, int which, collect_count kind,
                              const partial *sum);
// Neurons of a layer at the site that has the most.
int collect_layout_widest(const collect_layout *l);
// For estimates: bytes of the artefact.
double collect_layout_disk_bytes(const collect_layout *l);

// Describes a mean, SITE_<prefix>STATISTIC, whose dimensions `like` has: a row is a cell's layer.
// Borrows `l` and `sum` until they are stored.
status collect_describe_mean(collect_layout *l, int which, int index, const partial *sum,
                             const char *prefix, const variable *like, artefact_writer *w);
// Describes the histograms, SITE_<prefix>histogram, in the same way.
status collect_describe_histogram(collect_layout *l, int which, const partial *sum,
                                  const char *prefix, const variable *like, artefact_writer *w);
// Describes the variables of a layout without folds (see collect.c). Borrows both until they are stored.
status collect_describe(collect_layout *l, const partial *sum, artefact_writer *w);

#endif

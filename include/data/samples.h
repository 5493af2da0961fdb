// SPDX-License-Identifier: Apache-2.0
// A dataset as a given model sees it: images after its own preprocessing
// (preprocessor_config.json), text after its own tokenizer. Samples are numbered within (subset,
// part), in file order.
#ifndef DATA_SAMPLES_H
#define DATA_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "data/dataset.h"
#include "pipeline/base/status.h"

typedef enum part {
    PART_COLLECT,
    PART_EVALUATE,
    PARTS,
} part;

// What the model wants.
typedef struct sample_spec {
    bool text;
    const char *model_path;                  // for preprocessor_config.json and the tokenizer
    int channels, image_height, image_width; // images
    int rows_per_image;
    int classes;             // labels must be below it
    int context, vocabulary; // text
} sample_spec;

typedef struct samples samples;

// Grey images are given to a model of three channels as colour, colour images to a model of one as
// their luma. Labels are the dataset's numbers; those of folders are the model's numbers of the
// folders' names where config.json's id2label has them all, else their place in sorted order.
//
// Borrows `d` until samples_close. Local. ERR_INPUT: no usable preprocessing, a size that is not
// the model's, a label beyond the model's classes.
status samples_open(const dataset *d, const sample_spec *spec, samples **out);
void samples_close(samples *s);

// Samples of a part of a subset, after `limit` and `collect`.
int64_t samples_count(const samples *s, int subset, part p);
// Tokens of a sample as the model sees it.
int64_t samples_rows(const samples *s, int subset, part p, int64_t i);

// Fills pixels [channels, height, width], rescaled and normalised, and the label (fine).
// Thread-safe.
status samples_image(const samples *s, int subset, part p, int64_t i, float *pixels,
                     int32_t *label);
// Fills ids [rows] and targets [rows] (-1 = not scored). Thread-safe.
status samples_text(const samples *s, int subset, part p, int64_t i, int32_t *ids, int32_t *target);

#endif

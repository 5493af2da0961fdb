// SPDX-License-Identifier: Apache-2.0
// What a model wants of the samples it is given.
#ifndef DATA_DATASET_SAMPLE_SPEC_H
#define DATA_DATASET_SAMPLE_SPEC_H

#include <stdbool.h>

#include "pipeline/base/pool.h"

typedef struct sample_spec {
    bool text;
    const char *model_path; // for preprocessor_config.json and the tokenizer; borrowed in the call
    int channels, image_height, image_width; // images, in pixels
    int rows_per_image;
    int classes;             // labels must be below it; 0: they are not looked at
    int context, vocabulary; // text: tokens of the longest sample; ids must be below `vocabulary`
    bool masked;             // text: the model predicts masked tokens, of samples in a frame
    pool *pool;              // text: tokenises; borrowed in the call. NULL: the caller
} sample_spec;

#endif

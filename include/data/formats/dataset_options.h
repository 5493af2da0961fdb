// SPDX-License-Identifier: Apache-2.0
// What a pipeline file says of a dataset. Strings are borrowed in the calls that take them.
#ifndef DATA_FORMATS_DATASET_OPTIONS_H
#define DATA_FORMATS_DATASET_OPTIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// `collect` where the pipeline file says nothing: half, of questions none.
#define DATASET_COLLECT_DEFAULT 2.0

typedef struct dataset_options {
    const char *format;      // a name in the registry: cifar10 … images jsonl text mmlu parquet
    const char *path;        // file or folder
    const char *split;       // "test", "train"; NULL: the format's own default
    const char *subsets;     // fine | coarse | label | file | folder | subject | a JSON field or
                             // a column as a dotted path; NULL: the format's own default
    const char *const *keep; // only these subsets; filters, never reorders
    size_t n_keep;
    // Samples per subset, the first ones; 0: all. Of text it is tokens (special ones included):
    // documents are taken whole, until the one with which there are more than `limit`.
    int64_t limit;
    bool labels_by_position; // names of classes are not looked at: they count in their own order
    int64_t skip_bad;        // broken records passed over, at most; of jsonl, images and parquet
    double collect;          // share of each subset (after `limit`) that is collected on:
                             // floor(collect × n + 1e-9) samples; the rest is evaluated on.
                             // < 0: `same`, both see all. DATASET_COLLECT_DEFAULT: the format's own
    bool shuffled; // which these are is chosen by `split_seed`; else they are the first ones
    uint64_t split_seed;
    const char *image, *label; // parquet: the columns that hold images and their classes; NULL: the
                               // only column of images, and "label"
    // Text. data/dataset/samples.h says how it is cut.
    const char *field;     // jsonl, parquet: what holds the text, a dotted path; NULL: "text"
    const char *tokenizer; // tokenizer.json, its folder or a .gguf; NULL: the model's own
    int64_t context;       // tokens of a sample, special ones included; 0: what the model allows
    bool pack;             // samples of `context` tokens each, documents joined
    // Of masked language models (data/dataset/samples.h).
    double mask;          // share of a sample's tokens that are masked; 0: none
    int64_t mask_seed;    // of the choice
    bool mask_alone;      // all that is masked becomes the mask's token; else eight of ten
    const char *dtype;    // tokens: of a .bin, uint16 | uint32; NULL: "uint16"
    int64_t shots;        // mmlu: questions shown with their answers before each
    const char *template; // questions: how they are asked; NULL: "ours"
    bool vocabulary;      // mmlu: the answer is sought in the whole vocabulary, as published;
                          // otherwise among the letters
    int threads;          // that index; 0 is 1
    bool first_records; // only headers and the first records are looked at: enough to find a wrong
                        // input, not to count
    bool whole_images;  // of Parquet: images are looked at when the dataset is opened
    const atomic_bool *stopping; // of the share that opens it: dataset_open sets it
} dataset_options;

#endif

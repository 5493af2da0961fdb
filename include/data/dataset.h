// SPDX-License-Identifier: Apache-2.0
// A dataset as a pipeline file describes it: where it is, how its samples fall into subsets, and
// which are collected on and which evaluated on. One file per format, in a registry
// (data/format.h).
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

typedef struct dataset_options {
    const char *format; // a name in the registry: cifar10 cifar100 idx images (later jsonl text
                        // tokens mmlu)
    const char *path;   // file or folder
    const char *split;  // "test", "train"; NULL: the format's own default
    const char
        *subsets; // fine | coarse | label | a JSON field | file; NULL: the format's own default
    const char *const *keep; // only these subsets; filters, never reorders
    size_t n_keep;
    int64_t limit;  // samples per subset (tokens for text); 0: all
    double collect; // share of each subset, in file order, that is collected on; the rest is
                    // evaluated on. < 0: `same`, both see all
    // Text.
    const char *field, *tokenizer;
    int64_t context;
    bool pack;
} dataset_options;

typedef struct dataset dataset;

// Opens and indexes a dataset. Copies what it needs of `options`. Local. ERR_INPUT names the file
// and place; ERR_USAGE an unknown format, or a subset in `keep` that does not exist (with the
// nearest right name).
status dataset_open(const dataset_options *options, dataset **out);
void dataset_close(dataset *d);
// Names of all formats, for the parameter table: "cifar10|cifar100|…". Static.
const char *dataset_formats(void);

int dataset_subsets(const dataset *d);
const char *dataset_subset(const dataset *d, int subset);

// Files whose bytes decide what the dataset is.
status dataset_files(const dataset_options *options, status (*add)(void *context, const char *path),
                     void *context);

// Prints what a dataset holds (for `sulcus inspect`), recognising the format by its files; *known =
// false when it is none.
status dataset_inspect(const char *path, bool *known);

#endif

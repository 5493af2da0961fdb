// SPDX-License-Identifier: Apache-2.0
// A dataset as a pipeline file describes it: where it is, how its samples fall into subsets, and
// which are collected on and which evaluated on. One file per format, in a registry
// (data/formats.def). What a model sees of a dataset is in data/samples.h; stages use this header
// to open a dataset and to name its subsets.
#ifndef DATA_DATASET_DATASET_H
#define DATA_DATASET_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/image/image.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"

// `collect` where the pipeline file says nothing: half, of questions none.
#define DATASET_COLLECT_DEFAULT 2.0

typedef struct dataset_options {
    const char *format;      // a name in the registry: cifar10 … images jsonl text tokens mmlu
    const char *path;        // file or folder
    const char *split;       // "test", "train"; NULL: the format's own default
    const char *subsets;     // fine | coarse | label | file | folder | subject | a JSON field as a
                             // dotted path; NULL: the format's own default
    const char *const *keep; // only these subsets; filters, never reorders
    size_t n_keep;
    // Samples per subset, the first ones; 0: all. Of text it is tokens (special ones included):
    // documents are taken whole, until the one with which there are more than `limit`.
    int64_t limit;
    double collect; // share of each subset (after `limit`), in file order, that is collected on:
                    // the first floor(collect × n + 1e-9) samples; the rest is evaluated on.
                    // < 0: `same`, both see all. DATASET_COLLECT_DEFAULT: the format's own
    // Text. data/samples.h says how it is cut.
    const char *field;     // jsonl: the JSON field that holds the text, a dotted path; NULL: "text"
    const char *tokenizer; // tokenizer.json, its folder or a .gguf; NULL: the model's own
    int64_t context;       // tokens of a sample, special ones included; 0: what the model allows
    bool pack;             // samples of `context` tokens each, documents joined
    const char *dtype;     // tokens: of a .bin, uint16 | uint32; NULL: "uint16"
    int64_t shots;         // mmlu: questions shown with their answers before each
    bool vocabulary;       // mmlu: the answer is sought in the whole vocabulary, as published;
                           // otherwise among the letters
    int threads;           // that index; 0 is 1
} dataset_options;

typedef struct dataset dataset;

// Opens and indexes a dataset. Copies what it needs of `options`. Collective on the share (NULL:
// this process alone): text is indexed by its first rank, and the others learn its subsets; then
// samples_prepare must precede samples_open. ERR_INPUT names the file
// and place; ERR_USAGE an unknown format, split or way to form subsets, or a subset in `keep` that
// does not exist (with the nearest right name); its WHERE is then the option's name.
//
// Order: subsets by label index where labels are numbers (those that occur), by sorted name where
// they are folders or files, of first appearance where they are JSON fields; samples of a subset in
// file order (files of a folder by sorted path).
//
// Text is indexed, not read into memory: 16 bytes a document, and of a subset with `limit` no more
// than `limit` documents.
status dataset_open(const dataset_options *options, share *s, dataset **out);
void dataset_close(dataset *d); // NULL is a no-op. Collective on the share

// Names of all formats, for the parameter table: "cifar10|cifar100|…". Static.
const char *dataset_formats(void);

int dataset_subsets(const dataset *d);
const char *dataset_subset(const dataset *d, int subset); // borrowed from the dataset

// The options as opened, the format's defaults filled in. Borrowed from the dataset.
const dataset_options *dataset_get_options(const dataset *d);

// Whether samples are text; then there are no labels and no images, and `raw samples` are documents
// (jsonl, text), questions (mmlu) or rows and files (tokens).
bool dataset_is_text(const dataset *d);

// All samples of a subset, as the files hold them: `limit` and `collect` are applied by samples.
int64_t dataset_count(const dataset *d, int subset);

// The (fine) label of a raw sample, and its name ("7" where the dataset names none; borrowed).
int32_t dataset_label(const dataset *d, int subset, int64_t i);
int dataset_labels(const dataset *d);
const char *dataset_label_name(const dataset *d, int label);
// Whether labels are known by name only (folders): their numbers are then those of the sorted
// names.
bool dataset_labels_by_name(const dataset *d);

// The shape of every image; 0, 0, 0 where they differ. Files that are no samples and were passed
// over.
void dataset_image_shape(const dataset *d, int *height, int *width, int *channels);
int64_t dataset_ignored(const dataset *d);

// Reads a raw sample into `out`, reusing its memory; the caller frees it with image_free. Local,
// thread-safe. ERR_INPUT names the file that cannot be decoded.
status dataset_image(const dataset *d, int subset, int64_t i, image *out);

// Calls `add` for each file whose bytes decide what the dataset is, in a fixed order; stops at its
// first failure. Local. Fails as dataset_open does where a file is missing.
status dataset_files(const dataset_options *options, status (*add)(void *context, const char *path),
                     void *context);

// Prints what a dataset holds (for `sulcus inspect`), recognising the format by its files;
// *known = false when it is none. Local.
status dataset_inspect(const char *path, bool *known);

#endif

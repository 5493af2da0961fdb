// SPDX-License-Identifier: Apache-2.0
// A dataset as a pipeline file describes it: where it is, how its samples fall into subsets, and
// which are collected on and which evaluated on. What a model sees of a dataset is in
// data/dataset/samples.h; stages use this header to open a dataset and to name its subsets. All
// queries are local; subsets count from 0.
#ifndef DATA_DATASET_DATASET_H
#define DATA_DATASET_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/formats/dataset_options.h"
#include "data/image/image.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"

typedef struct dataset dataset;

// Opens and indexes a dataset. Copies what it needs of `options`. Collective on the share (NULL:
// this process alone): text is indexed by its first rank, and the others learn its subsets; then
// samples_prepare must precede samples_open. ERR_INPUT names the file and line; ERR_USAGE an
// unknown format, split or way to form subsets, or a subset in `keep` that does not exist (with the
// nearest right name); its WHERE is then the option's name.
//
// Order: subsets by label index where labels are numbers (those that occur), by sorted name where
// they are folders, files or columns of words, of first appearance where they are fields of a text;
// samples of a subset in file order (files of a folder by sorted path).
//
// Text is indexed, not read into memory: 16 bytes a document, and of a subset with `limit` no more
// than `limit` documents.
status dataset_open(const dataset_options *options, share *s, dataset **out);
void dataset_close(dataset *d); // NULL is a no-op. Collective on the share

int dataset_subsets(const dataset *d);
const char *dataset_subset(const dataset *d, int subset); // borrowed from the dataset

// The options as opened, the format's defaults filled in. Borrowed from the dataset.
const dataset_options *dataset_get_options(const dataset *d);

// Whether samples are text; then there are no labels and no images, and `raw samples` are documents
// (jsonl, text, parquet), questions (mmlu, parquet) or rows and files (tokens).
bool dataset_is_text(const dataset *d);

// All samples of a subset, as the files hold them: `limit` and `collect` are applied by samples.
int64_t dataset_count(const dataset *d, int subset);

// The (fine) label of raw sample i of a subset; how many labels there are; the name of one ("7"
// where the dataset names none; borrowed).
int32_t dataset_label(const dataset *d, int subset, int64_t i);
int dataset_labels(const dataset *d);
const char *dataset_label_name(const dataset *d, int label);
// Whether labels are known by name only (folders, columns of words): their numbers are then those of
// the sorted names.
bool dataset_labels_by_name(const dataset *d);

// The shape of every image; 0, 0, 0 where they differ.
void dataset_image_shape(const dataset *d, int *height, int *width, int *channels);
// What each thread that reads images needs of memory beside the image: a page of a Parquet file.
size_t dataset_reading_bytes(const dataset *d);
// Records that were broken and passed over, as `skip_bad` allows.
int64_t dataset_skipped(const dataset *d);
// What a user should know of how it was read, a line each; "" where there is nothing. Borrowed.
const char *dataset_notes(const dataset *d);
// Files that are no samples and were passed over.
int64_t dataset_ignored(const dataset *d);

// Reads a raw sample into `out`, reusing its memory; the caller frees it with image_free. Local,
// thread-safe. ERR_INPUT names the file that cannot be decoded.
status dataset_image(const dataset *d, int subset, int64_t i, image *out);

// Calls `add` for each file whose bytes decide what the dataset is, in a fixed order; stops at its
// first failure. Local. Fails as dataset_open does where a file is missing.
status dataset_files(const dataset_options *options, status (*add)(void *context, const char *path),
                     void *context);

// Calls `add` for the files beside a model's tokenizer.json that decide how it is read: of a folder or a
// weight file in it. A tokenizer that cannot be read has none. Local.
status dataset_tokenizer_files(const char *model, status (*add)(void *context, const char *path),
                               void *context);

// Prints what a dataset holds (for `sulcus inspect`), recognising the format by its files;
// *known = false when it is none. Local. Fails as dataset_open.
status dataset_inspect(const char *path, bool *known);
// Prints which tokenizer a model's folder, a tokenizer.json or a .gguf holds, what stands around
// every text, and what is to be known of how it is read; nothing where there is none. Local.
status dataset_inspect_tokenizer(const char *path);

#endif

// SPDX-License-Identifier: Apache-2.0
// A dataset as a given model sees it: images after its own preprocessing
// (preprocessor_config.json), text after its own tokenizer. Samples are counted within (subset,
// part), in file order. With `shuffled` a seed chooses which samples of a subset are collected on
// (data/dataset/sample_split.h), else it is the first ones.
//
// Text. A document is tokenised with the special tokens its tokenizer adds, and its first `context`
// tokens are one sample; the rest is not looked at, and a document of fewer than two tokens is no
// sample (nothing can be predicted in it). With `pack`, the tokens of a subset's documents are laid
// end to end (each with its special tokens) and cut every `context` tokens; of what remains at the
// end, two tokens or more are a sample. Samples never lie in both parts, but of a document that the
// end of a collected sample cuts, the rest may be evaluated on: of one document a subset in file
// order, of more where a seed chooses. A plain text file that is a subset
// by itself and a one-dimensional array of tokens have no documents inside: they are always cut
// like that. Every position is scored with the token behind it; the last has none (-1).
//
// Masked language models. Each sample stands between the special tokens of its tokenizer ([CLS] …
// [SEP]), also one that is cut or, without those of its documents, joined; there must be a token
// between them. Of the tokens that are not special, `mask` (the nearest whole number, one at least)
// are masked and are what is scored, by what they were: of ten of them eight become the mask's
// token, one any token that is not special, one stays as it is; with `mask_alone` all become the
// mask's. Which, and what becomes of them, is a function of `mask_seed`, the subset's name, the
// sample's number in it and the position. With `mask` 0 nothing is masked, and nothing scored.
//
// Questions (mmlu, parquet). A sample is a prompt. With `template: ours`, as published
// (docs/published.md):
//
//   The following are multiple choice questions (with answers) about {subject}.
//
//   Question: {question}
//   A. {choice}
//   B. {choice}
//   C. {choice}
//   D. {choice}
//   Answer:
//
// With `template: original`, as hendrycks/test asks, "Question: " is not there, and two spaces stand
// before the subject. With `template: harness`, as lm-evaluation-harness asks, "Question: " is not
// there, and a question has no white space around it. All
// with the special tokens the tokenizer puts in front, none behind. `shots` questions of dev/ stand
// before it in the same form, each with " {letter}" behind its "Answer:". Only the last position is
// scored; its target is the last id of tokenising " {letter}" (what of it comes before that id, the
// "▁" of a small vocabulary, ends the prompt, where it is the same for all letters). A prompt that
// is longer than `context` loses its first shots, one by one; the bare question, if it must, its
// first tokens behind the special ones: its end, where the answer is asked, is never cut.
// `collect` is 0 unless it is set: all questions are evaluated.
//
// Which tokens there are is found when samples are prepared or opened: each document that `limit`
// asks for is tokenised once a dataset, tokenizer and context (a second call for the same finds
// them), on all threads of the pool. Ids take two or four bytes each; beyond 64 MiB they lie in an
// unlinked file in TMPDIR.
//
// All calls but samples_prepare are local.
#ifndef DATA_DATASET_SAMPLES_H
#define DATA_DATASET_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/dataset/dataset.h"
#include "data/dataset/sample_spec.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"

typedef enum part {
    PART_COLLECT,
    PART_EVALUATE,
    PARTS,
} part;

typedef struct samples samples;

// Lets the ranks of the share that `d` was opened with tokenise text once between them: its first
// rank does, and all see what comes out. Those must call it before samples_open of the same, where
// there are several; nothing happens for images. A run that is told to stop ends it, which it cannot
// in samples_open. Collective on the share; fails as samples_open, alike on all ranks.
status samples_prepare(const dataset *d, const sample_spec *spec, share *s);

// Opens a dataset for a model. Grey images are given to a model of three channels as colour, colour
// images to a model of one as their luma. Labels are the dataset's numbers; those of folders are
// the model's numbers of the folders' names where config.json's id2label has them all, else their
// position in sorted order.
//
// Borrows `d` until samples_close. ERR_INPUT: questions, or, to be masked, ids, or a tokenizer
// without a mask, for a masked language model; no usable preprocessing, a size that is not
// the model's, a label beyond the model's classes; text: a malformed tokenizer or document
// (FILE:LINE), an id beyond the model's vocabulary. ERR_USAGE: `context` beyond the model's. Not by
// two threads at once for the same dataset.
status samples_open(const dataset *d, const sample_spec *spec, samples **out);
void samples_close(samples *s); // NULL is a no-op

// Samples of a part of a subset, after `limit` and `collect`.
int64_t samples_count(const samples *s, int subset, part p);
// The number of a part's sample i among all samples of its subset, in file order, from 0.
int64_t samples_number(const samples *s, int subset, part p, int64_t i);
// Whether a seed has chosen which samples are collected on: not where all are, or none.
bool samples_shuffled(const samples *s);
// Rows of a sample: the model's tokens.
int64_t samples_rows(const samples *s, int subset, part p, int64_t i);

// Broken records that the dataset passed over, as `skip_bad` allows.
int64_t samples_skipped(const samples *s);

// What a user should know of how the model's text is read (its tokenizer's notices), a line each; ""
// where there is nothing. Borrowed.
const char *samples_notes(const samples *s);

// What each thread that reads images needs of memory beside them: a page of a Parquet file.
size_t samples_reading_bytes(const samples *s);

// Fills pixels [channels, height, width], rescaled and normalised, and the label (fine).
// Thread-safe. ERR_INPUT: the file cannot be decoded, or its size is not the model's.
status samples_image(const samples *s, int subset, part p, int64_t i, float *pixels,
                     int32_t *label);
// Fills ids [rows] and targets [rows] (-1 = not scored). Thread-safe. ERR_IO: TMPDIR is gone.
status samples_text(const samples *s, int subset, part p, int64_t i, int32_t *ids, int32_t *target);

// The only tokens that can be an answer, by letter; every target is one of them. NULL and *n = 0
// where the answer is sought in the whole vocabulary: of plain text, and of questions when the
// pipeline file says `answers: vocabulary`. Borrowed.
const int32_t *samples_candidates(const samples *s, int *n);

// The id of the last token of a string, tokenised by itself without special tokens; -1 when it has
// none: how lists of frequent tokens are given (docs/published.md). ERR_INPUT for images.
status samples_last_token(const samples *s, const char *string, int32_t *id);

// Prompts that were too long and lost shots or tokens.
int64_t samples_shortened(const samples *s);

#endif

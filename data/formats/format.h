// SPDX-License-Identifier: Apache-2.0
// What a data format is: one const descriptor, in one .c file, and its line in formats.def.
#ifndef DATA_FORMATS_FORMAT_H
#define DATA_FORMATS_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/bytes/name_list.h"
#include "data/formats/catalogue.h"
#include "data/formats/dataset_options.h"
#include "data/image/image.h"
#include "data/tokens/text_maker.h"
#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

typedef struct format {
    const char *name;
    const char *const *splits;  // what `split` may be, ended by NULL
    const char *default_split;  // NULL: the path itself
    const char *const *subsets; // what `subsets` may be, ended by NULL; the first is the default
    bool any_subsets;           // beside those words, `subsets` may be a JSON field
    bool labels_by_name;        // see dataset_labels_by_name; or the catalogue says so
    bool questions;             // text: prompts with an answer; nothing is collected by default
    bool from_archive;          // laid out as an archive: also found in a folder around it
    bool token_ids;             // text: tokenised already
    bool skips_bad;             // `skip_bad` may be given
    const char *raw_samples;    // text: what they are, in the plural: "documents"

    // Where files of one format hold several kinds of data: what these are, by the first of them; of
    // this descriptor only `splits` and `recognise` then count. Optional. Fails as open.
    status (*kind)(const dataset_options *options, const struct format **out);
    // Fills an empty catalogue; on failure dataset_open releases what is in it. The options have
    // their defaults filled in. Fails as dataset_open.
    status (*open)(const dataset_options *options, catalogue *out);
    void (*close)(format_state *state); // never called with NULL
    // Images: reads sample `index`. Thread-safe.
    status (*image)(const format_state *state, int64_t index, image *out);
    // Text: hands its documents to `m`, each group's in file order, passing over those of groups
    // that want no more.
    status (*text)(const format_state *state, text_maker *m);
    // Questions: appends the prompt of the first, under the template of a name.
    status (*prompt)(const format_state *state, const char *template, text *out);
    // Appends the files that dataset_files is to name, but for a tokenizer's.
    status (*files)(const dataset_options *options, name_list *out);
    // Text: the ways to form subsets that an inspection shows instead of all words; optional.
    const char *(*shown)(const dataset_options *options);
    // Whether the path is this format's, by names and first bytes; looks at few files.
    bool (*recognise)(const dataset_options *options);
} format;

#endif

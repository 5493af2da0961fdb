// SPDX-License-Identifier: Apache-2.0
// What a data format is: one const descriptor, in one .c file, and its line in formats.def.
#ifndef DATA_FORMATS_FORMAT_H
#define DATA_FORMATS_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/bytes/name_list.h"
#include "data/dataset/dataset.h"
#include "data/image/image.h"
#include "data/tokens/text_maker.h"
#include "pipeline/base/status.h"

// A format's own open files, format_state, is defined in each format's .c; nobody else looks
// inside.

// What opening a dataset finds: its samples in file order. {0} is the empty one.
typedef struct catalogue {
    int64_t samples;
    int32_t *group;        // [samples] owned: index into group_names
    int32_t *label;        // [samples] owned: index into label_names; the fine label
    name_list group_names; // subsets in order; those without samples are left out by dataset_open
    name_list label_names;
    int height, width, channels; // of every image; 0 where they differ
    int64_t ignored;             // files that are no samples
    int64_t *count; // text: [group_names.n] owned: documents of each; then there are no groups and
                    // labels of samples
    format_state *state; // owned, released by format.close
} catalogue;

typedef struct format {
    const char *name;
    const char *const *splits;  // what `split` may be, ended by NULL
    const char *default_split;  // NULL: the path itself
    const char *const *subsets; // what `subsets` may be, ended by NULL; the first is the default
    bool any_subsets;           // beside those words, `subsets` may be a JSON field
    bool labels_by_name;        // see dataset_labels_by_name
    bool questions;             // text: prompts with an answer; nothing is collected by default
    bool token_ids;             // text: tokenised already
    const char *unit;           // text: what it consists of, "documents"

    // Fills an empty catalogue; on failure dataset_open releases what is in it. The options have
    // their defaults filled in. Fails as dataset_open.
    status (*open)(const dataset_options *options, catalogue *out);
    void (*close)(format_state *state); // never called with NULL
    // Images: reads sample `index`. Thread-safe.
    status (*image)(const format_state *state, int64_t index, image *out);
    // Text: hands its documents to `m`, each group's in file order, passing over those of groups
    // that want no more.
    status (*text)(const format_state *state, text_maker *m);
    // As dataset_files.
    status (*files)(const dataset_options *options, status (*add)(void *context, const char *path),
                    void *context);
    // Text: the ways to form subsets that an inspection shows instead of all words; optional.
    const char *(*shown)(const dataset_options *options);
    // Whether the path is this format's, by names and first bytes; looks at few files.
    bool (*recognise)(const dataset_options *options);
} format;

// Frees what a catalogue owns and empties it; `close` is its format's. Safe on {0}.
void catalogue_free(catalogue *c, void (*close)(format_state *state));

// The registry, in the order of formats.def; ended by NULL.
extern const format *const formats[];

// The member of a NULL-ended list equal to `word`, or NULL.
const char *format_word(const char *const *list, const char *word);

#endif

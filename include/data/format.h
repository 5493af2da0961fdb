// SPDX-License-Identifier: Apache-2.0
// What a data format is: one const descriptor, in one .c file, and its line in formats.def.
#ifndef DATA_FORMAT_H
#define DATA_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/dataset.h"
#include "data/image.h"
#include "data/name_list.h"
#include "pipeline/base/status.h"

// A format's own open files. Each format's .c defines its own; nobody else looks inside.
typedef struct format_state format_state;

// What opening a dataset finds: its samples in file order. {0} is the empty one.
typedef struct catalogue {
    int64_t samples;
    int32_t *group;        // [samples] owned: index into group_names
    int32_t *label;        // [samples] owned: index into label_names; the fine label
    name_list group_names; // subsets in order; those without samples are left out by dataset_open
    name_list label_names;
    int height, width, channels; // of every image; 0 where they differ
    int64_t ignored;             // files that are no samples
    format_state *state;         // owned, released by format.close
} catalogue;

typedef struct format {
    const char *name;
    const char *const *splits;  // what `split` may be, ended by NULL
    const char *default_split;  // NULL: the path itself
    const char *const *subsets; // what `subsets` may be, ended by NULL; the first is the default
    bool labels_by_name;        // see dataset_labels_by_name

    // Fills an empty catalogue; on failure dataset_open releases what is in it. The options have
    // their defaults filled in. Fails as dataset_open.
    status (*open)(const dataset_options *options, catalogue *out);
    void (*close)(format_state *state); // never called with NULL
    // Reads sample `index`. Thread-safe.
    status (*image)(const format_state *state, int64_t index, image *out);
    // As dataset_files.
    status (*files)(const dataset_options *options, status (*add)(void *context, const char *path),
                    void *context);
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

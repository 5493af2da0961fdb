// SPDX-License-Identifier: Apache-2.0
// What a format finds in a dataset when it opens it.
#ifndef DATA_FORMATS_CATALOGUE_H
#define DATA_FORMATS_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/bytes/bad_records.h"
#include "data/bytes/name_list.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// A format's own open files: defined in each format's .c; nobody else looks inside.
typedef struct format_state format_state;

// The samples in file order. {0} is the empty one.
typedef struct catalogue {
    int64_t samples;
    int32_t *group;        // [samples] owned: index into group_names
    int32_t *label;        // [samples] owned: index into label_names; the fine label
    name_list group_names; // subsets in order; those without samples are left out by dataset_open
    name_list label_names;
    int height, width, channels; // of every image; 0 where they differ
    bool labels_by_name;         // see dataset_labels_by_name
    int64_t ignored;             // files that are no samples
    bad_records bad;             // that were passed over; of text on the rank that opened it
    int64_t skipped;             // how many these are, on every rank
    size_t reading_bytes;        // that each thread takes which reads images
    text notes;                  // what a user should know, lines; on the rank that opened it
    bool cut;                    // there is more than `first_records` let it look at
    int64_t *count;      // [group_names.n] owned: documents of each, of text; then there are no
                         // groups and labels of samples
    format_state *state; // owned, released by format.close
} catalogue;

// Frees what a catalogue owns and empties it; `close` is its format's. Safe on {0}.
void catalogue_free(catalogue *c, void (*close)(format_state *state));

// Notes that zeros behind a file's gzip were passed over, where they were.
void catalogue_note_padding(catalogue *c, const char *path, bool padded);

// Gives the ranks of a share what its first rank found of a text dataset (`found`: how that went),
// but for the format's own state. Collective; all return the same status.
status catalogue_share(share *s, status found, catalogue *c);

#endif

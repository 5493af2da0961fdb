// SPDX-License-Identifier: Apache-2.0
// ImageNet's classes are called by numbers of WordNet ("n01440764"); what these mean, lists say that
// come with the data.
#ifndef DATA_BYTES_SYNSETS_H
#define DATA_BYTES_SYNSETS_H

#include <stdbool.h>
#include <stdint.h>

#include "data/bytes/name_list.h"
#include "pipeline/base/status.h"

typedef struct synset {
    char *name;       // owned: "tench, Tinca tinca"; NULL: no list has it
    int32_t position; // among the classes, in lists that have their order; else -1
} synset;

// Whether all labels are such numbers, and there is one.
bool synsets_are_ids(const name_list *labels);
// Appends the paths of the lists in a folder: LOC_synset_mapping.txt, synset_words.txt,
// imagenet_class_index.json and words.txt. Local.
status synsets_find(const char *folder, name_list *out);
// The same for the folder of a dataset, and those it lies in.
status synsets_find_above(const char *data, name_list *out);
// Fills at[labels.n] with what a list says of each that is not known yet. ERR_INPUT where it is
// malformed.
status synsets_read(const char *path, const name_list *labels, synset *at);

#endif

// SPDX-License-Identifier: Apache-2.0
// The names of a column's classes, as the dataset itself tells them.
#ifndef DATA_BYTES_CLASS_NAMES_H
#define DATA_BYTES_CLASS_NAMES_H

#include "data/bytes/name_list.h"
#include "pipeline/base/status.h"

// Appends the names of the classes of a column of the dataset at `data`, numbered from 0: as the
// file's own note says (the text under the key "huggingface" of a Parquet file, or NULL), else
// dataset_info.json, else the head of README.md, beside the data or in the folder above. None where
// nobody tells, or where the README tells of several columns of that name that differ. ERR_INPUT: a
// name that is no text.
status class_names_find(const char *data, const char *note, const char *column, name_list *out);
// Appends those of these files that are there. ERR_INTERNAL when out of memory.
status class_names_files(const char *data, name_list *out);

#endif

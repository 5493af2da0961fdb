// SPDX-License-Identifier: Apache-2.0
// A column of classes of Parquet files, by number or by word: the class of each row, and their names.
#ifndef DATA_FORMATS_PARQUET_CLASSES_H
#define DATA_FORMATS_PARQUET_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/bytes/name_list.h"
#include "data/parquet/parquet_file.h"
#include "data/parquet/parquet_value.h"
#include "pipeline/base/names.h"
#include "pipeline/base/status.h"

// {.column = …} is the empty one.
typedef struct parquet_classes {
    const char *column; // borrowed
    int32_t *at;        // owned [n]: of the rows so far
    size_t n, capacity;
    bool known, words; // known: by its first value, whether the numbers are of the list below
    name_list list;    // of words by first appearance
    names numbers;
    int32_t most; // the greatest number
} parquet_classes;

// The class that a value is. ERR_INPUT at its row where it is none, or of the other kind than those
// before it.
status parquet_classes_find(parquet_classes *c, const parquet_file *f, int64_t row,
                            const parquet_value *v, int32_t *number);
// Notes it as the next row's.
status parquet_classes_add(parquet_classes *c, int32_t number);
// Appends the names of the classes in the order of their numbers: of numbers what the dataset at
// `data` calls them, of words these in sorted order, by which all rows are then numbered. `f` is the
// dataset's first file. ERR_INPUT: there is a class beyond the names.
status parquet_classes_name(parquet_classes *c, const parquet_file *f, const char *data,
                            name_list *out);
void parquet_classes_free(parquet_classes *c); // frees and empties; safe on {0}

#endif

// SPDX-License-Identifier: Apache-2.0
// A list of names: of labels, of subsets, of files.
#ifndef DATA_BYTES_NAME_LIST_H
#define DATA_BYTES_NAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"

// {0} is the empty list.
typedef struct name_list {
    char **at; // owned, and each string
    size_t n, capacity;
} name_list;

// Appends a copy of the first `length` bytes of `name`. ERR_INTERNAL when out of memory.
status name_list_add(name_list *list, const char *name, size_t length);
// Whether n bytes are a name: UTF-8 without control characters.
bool name_list_is_text(const char *bytes, size_t n);
// Appends "0", "1", … "n-1".
status name_list_number(name_list *list, size_t n);
// Appends the lines of a text file, of which there must be n, none empty, none twice, valid UTF-8
// (empty lines at the end are passed over). ERR_INPUT names file and line.
status name_list_read(name_list *list, const char *path, size_t n);
void name_list_free(name_list *list); // frees and empties; safe on {0}

#endif

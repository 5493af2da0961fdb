// SPDX-License-Identifier: Apache-2.0
// Subsets that the documents of a text name themselves, numbered by first appearance, with how many
// documents each has.
#ifndef DATA_BYTES_GROUP_LIST_H
#define DATA_BYTES_GROUP_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/bytes/name_list.h"
#include "pipeline/base/names.h"
#include "pipeline/base/status.h"

// {0} is the empty one.
typedef struct group_list {
    name_list names;
    names numbers;  // of the names
    int64_t *count; // owned [names.n]
    size_t capacity, last;
} group_list;

// Appends a subset without documents. ERR_INPUT, naming the dataset `data` and the field `by` that
// names them, when there are too many.
status group_list_add(group_list *g, const char *data, const char *by, const char *name, size_t n,
                      size_t *number);
// The subset of a name of n bytes, appended where it is new. *problem (static, to stand behind the
// field's name) is set where it is no name of a subset.
status group_list_find(group_list *g, const char *data, const char *by, const char *name, size_t n,
                       const char **problem, size_t *number);
// The same of one that is there; false when it is not.
bool group_list_get(const group_list *g, const char *name, size_t n, size_t *number);
// The name of a file as a subset: its path below the dataset's, *n bytes of it, without endings.
// Borrowed from `path`.
const char *group_list_name_file(const char *data, const char *path, size_t *n);
void group_list_free(group_list *g); // frees and empties; safe on {0}

#endif

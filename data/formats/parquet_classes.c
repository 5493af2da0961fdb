// SPDX-License-Identifier: Apache-2.0
// Words are numbered as they appear and put in order when all are known. A number is a class whether
// its column says so or not; how many there may be is bounded, for each gets a name.
#include "data/formats/parquet_classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/class_names.h"
#include "data/formats/parquet_table.h"
#include "pipeline/base/checked.h"

enum { LABELS_MAX = 1 << 20 };

void parquet_classes_free(parquet_classes *c)
{
    free(c->at);
    name_list_free(&c->list);
    names_free(&c->numbers);
    *c = (parquet_classes){0};
}

// The number of a word; *problem says what is wrong with it.
static status find_word(parquet_classes *c, const parquet_value *v, const char **problem,
                        int64_t *number)
{
    status st = OK;
    size_t found;
    if (v->n == 0 || !name_list_is_text(v->bytes, v->n)) {
        *problem = "is no name of a class: it is empty or has control characters";
        return OK;
    }
    char *word = strndup(v->bytes, v->n);
    if (!word)
        return status_no_memory("labels");
    if (!names_get(&c->numbers, word, &found)) {
        found = c->list.n;
        st = name_list_add(&c->list, word, v->n);
        if (st == OK && !names_put(&c->numbers, c->list.at[found], found))
            st = status_no_memory("labels");
    }
    *number = (int64_t)found;
    free(word);
    return st;
}

status parquet_classes_find(parquet_classes *c, const parquet_file *f, int64_t row,
                            const parquet_value *v, int32_t *number)
{
    const char *problem = NULL;
    int64_t found = -1;
    status st = OK;
    if (v->kind == PARQUET_BYTES && (!c->known || c->words))
        st = find_word(c, v, &problem, &found);
    else if (v->kind == PARQUET_INTEGER || v->kind == PARQUET_TRUTH)
        found = v->integer;
    else if (v->kind == PARQUET_REAL && v->real >= 0 && v->real < LABELS_MAX)
        found = v->real == floor(v->real) ? (int64_t)v->real : -1;
    if (v->kind == PARQUET_NULL)
        problem = "is missing";
    else if (c->known && c->words != (v->kind == PARQUET_BYTES))
        problem = "is a word in one file and a number in another";
    else if (!problem && (found < 0 || found >= LABELS_MAX))
        problem = "is no number of a class";
    if (st == OK && problem)
        return parquet_table_fail(f, row, c->column, problem);
    *number = (int32_t)found;
    c->known = true;
    c->words = v->kind == PARQUET_BYTES;
    return st;
}

status parquet_classes_add(parquet_classes *c, int32_t number)
{
    if (!checked_grow(&c->at, &c->capacity, c->n + 1, sizeof *c->at))
        return status_no_memory("labels");
    c->at[c->n++] = number;
    c->most = number > c->most ? number : c->most;
    return OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Numbers words by their sorted order instead of that of appearance.
static status sort_words(parquet_classes *c, name_list *out)
{
    status st = OK;
    size_t place;
    for (size_t i = 0; i < c->list.n; i++)
        TRY(name_list_add(out, c->list.at[i], strlen(c->list.at[i])));
    if (out->n > 0)
        qsort(out->at, out->n, sizeof *out->at, by_name);
    for (size_t i = 0; i < out->n; i++)
        if (!names_put(&c->numbers, out->at[i], i))
            return status_no_memory("labels");
    for (size_t i = 0; i < c->n; i++)
        if (names_get(&c->numbers, c->list.at[c->at[i]], &place))
            c->at[i] = (int32_t)place;
done:
    return st;
}

status parquet_classes_name(parquet_classes *c, const parquet_file *f, const char *data,
                            name_list *out)
{
    status st;
    if (c->words)
        return sort_words(c, out);
    TRY(class_names_find(data, parquet_file_note(f, "huggingface"), c->column, out));
    if (out->n > 0 && (size_t)c->most >= out->n)
        return status_fail(ERR_INPUT, parquet_file_path(f),
                           "field %s has a class %d, but the dataset names %zu; mend either",
                           c->column, c->most, out->n);
    if (out->n == 0)
        st = name_list_number(out, (size_t)c->most + 1);
done:
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Both sides make the same digest: artefact_create from the values it hands to NetCDF, and this
// file from those it reads back. So what a disk or a library changed on the way is seen.
#include "pipeline/store/artefact_digest.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/hyperslab.h"

enum { BLOCK_BYTES = 8 << 20 };

status digest_part_begin(const char *name, variable_type type, int dims, const int64_t *lengths,
                         digest **out)
{
    status st = digest_new(out);
    if (st != OK)
        return st;
    digest_add_text(*out, name);
    digest_add_text(*out, variable_type_name(type));
    int64_t n = dims;
    digest_add(*out, &n, sizeof n);
    digest_add(*out, lengths, (size_t)dims * sizeof *lengths);
    return OK;
}

void digest_part_add(digest *d, variable_type type, const void *values, int64_t n)
{
    if (type != VARIABLE_TEXT) {
        digest_add(d, values, (size_t)n * variable_item_bytes(type));
        return;
    }
    char *const *texts = values;
    for (int64_t i = 0; i < n; i++)
        digest_add_text(d, texts[i]);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const digest_part *)a)->name, ((const digest_part *)b)->name);
}

status digest_parts_join(digest_part *parts, size_t n, char hex[DIGEST_HEX])
{
    digest *d = NULL;
    status st = digest_new(&d);
    if (st != OK)
        return st;
    if (n > 0)
        qsort(parts, n, sizeof *parts, by_name);
    for (size_t i = 0; i < n; i++)
        digest_add_text(d, parts[i].hex);
    digest_hex(d, hex);
    digest_free(d);
    return OK;
}

static status add_texts(const artefact *a, const char *name, digest *d)
{
    int64_t n;
    char **texts = NULL;
    status st = artefact_read_texts(a, name, &n, &texts);
    if (st == OK)
        digest_part_add(d, VARIABLE_TEXT, texts, n);
    free(texts);
    return st;
}

static status add_numbers(const artefact *a, const char *name, variable_type type, int64_t rows,
                          int64_t row_items, digest *d)
{
    status st = OK;
    size_t row_bytes = (size_t)row_items * variable_item_bytes(type);
    int64_t step = row_bytes < BLOCK_BYTES ? (int64_t)(BLOCK_BYTES / row_bytes) : 1;
    void *block = checked_aligned((size_t)(step < rows ? step : rows), row_bytes);
    if (!block)
        return status_no_memory(name);
    for (int64_t first = 0; first < rows; first += step) {
        int64_t n = rows - first < step ? rows - first : step;
        TRY(artefact_read_rows(a, name, type, first, n, block));
        digest_part_add(d, type, block, n * row_items);
    }
done:
    free(block);
    return st;
}

static status digest_variable(const artefact *a, digest_part *part)
{
    status st;
    digest *d = NULL;
    variable_type type;
    int dims;
    int64_t lengths[VARIABLE_MAX_DIMS], rows, row_items;
    TRY(artefact_shape(a, part->name, &type, &dims, lengths));
    TRY(digest_part_begin(part->name, type, dims, lengths, &d));
    hyperslab_shape(dims, lengths, &rows, &row_items); // checked when the artefact was opened
    if (type == VARIABLE_TEXT)
        TRY(add_texts(a, part->name, d));
    else if (rows > 0 && row_items > 0)
        TRY(add_numbers(a, part->name, type, rows, row_items, d));
    digest_hex(d, part->hex);
done:
    digest_free(d);
    return st;
}

status artefact_digest(const artefact *a, char hex[DIGEST_HEX])
{
    status st = OK;
    size_t n = 0;
    digest_part *parts = checked_calloc(artefact_variables(a), sizeof *parts);
    if (!parts)
        return status_no_memory("a digest");
    for (size_t i = 0; i < artefact_variables(a); i++) {
        if (artefact_is_coordinate(a, i))
            continue;
        parts[n].name = artefact_variable_name(a, i);
        TRY(digest_variable(a, &parts[n++]));
    }
    st = digest_parts_join(parts, n, hex);
done:
    free(parts);
    return st;
}

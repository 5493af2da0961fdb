// SPDX-License-Identifier: Apache-2.0
// What a stage declares is copied and checked here, before any file is there: a mistake in a stage
// is an internal error with the variable's name, not a failure of NetCDF.
#include "pipeline/store/artefact_writer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/store/hyperslab.h"

status artefact_writer_new(artefact_writer **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? OK : status_no_memory("an artefact's description");
}

static void free_variable(written_variable *v)
{
    free(v->name);
    free(v->long_name);
    free(v->units);
    free(v->owned);
}

void artefact_writer_free(artefact_writer *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_dims; i++)
        free(w->dims[i].name);
    for (size_t i = 0; i < w->n_variables; i++)
        free_variable(&w->variables[i]);
    for (size_t i = 0; i < w->n_attributes; i++) {
        free(w->attributes[i].name);
        free(w->attributes[i].value);
    }
    free(w->dims);
    free(w->variables);
    free(w->attributes);
    free(w);
}

// Names come from stages, not from users, so that a bad one is a mistake in the program. Letters,
// digits, _ and . only: what CF recommends and every reader takes.
static status check_name(const char *name)
{
    bool good = name && (isalpha((unsigned char)name[0]) || name[0] == '_') && strlen(name) < 200;
    for (const char *c = name; good && *c; c++)
        good = isalnum((unsigned char)*c) || *c == '_' || *c == '.';
    return good ? OK
                : status_fail(ERR_INTERNAL, NULL, "\"%s\" is no name for a part of an artefact",
                              name ? name : "");
}

static size_t find_dim(const artefact_writer *w, const char *name)
{
    size_t i = 0;
    while (i < w->n_dims && strcmp(w->dims[i].name, name) != 0)
        i++;
    return i;
}

status artefact_dim(artefact_writer *w, const char *name, int64_t length)
{
    status st = check_name(name);
    if (st != OK)
        return st;
    size_t i = find_dim(w, name);
    if (length < 0 || (i < w->n_dims && w->dims[i].length != length))
        return status_fail(ERR_INTERNAL, NULL, "dimension %s cannot have length %lld", name,
                           (long long)length);
    if (i < w->n_dims)
        return OK;
    char *copy = strdup(name);
    if (!copy || !checked_grow(&w->dims, &w->dims_capacity, w->n_dims + 1, sizeof *w->dims)) {
        free(copy);
        return status_no_memory("an artefact's description");
    }
    w->dims[w->n_dims++] = (written_dim){copy, length};
    return OK;
}

static bool has_variable(const artefact_writer *w, const char *name)
{
    for (size_t i = 0; i < w->n_variables; i++)
        if (strcmp(w->variables[i].name, name) == 0)
            return true;
    return false;
}

static status check_variable(const artefact_writer *w, const variable *v)
{
    status st = check_name(v->name);
    if (st != OK)
        return st;
    if (has_variable(w, v->name))
        return status_fail(ERR_INTERNAL, NULL, "variable %s is declared twice", v->name);
    if (v->dims < 0 || v->dims > VARIABLE_MAX_DIMS)
        return status_fail(ERR_INTERNAL, NULL, "variable %s has %d dimensions", v->name, v->dims);
    for (int d = 0; d < v->dims; d++)
        if (!v->dim[d] || find_dim(w, v->dim[d]) == w->n_dims)
            return status_fail(ERR_INTERNAL, NULL, "variable %s: dimension %d is not declared",
                               v->name, d);
    if (!v->long_name || !v->long_name[0] || !v->units)
        return status_fail(ERR_INTERNAL, NULL, "variable %s has no long_name or units", v->name);
    return OK;
}

status artefact_variable(artefact_writer *w, const variable *v)
{
    status st;
    written_variable copy = {0};
    int64_t rows, row_items;
    TRY(check_variable(w, v));
    copy.type = v->type;
    copy.dims = v->dims;
    copy.data = v->data;
    copy.fill = v->fill;
    copy.context = v->context;
    for (int d = 0; d < v->dims; d++) {
        copy.dim[d] = find_dim(w, v->dim[d]);
        copy.lengths[d] = w->dims[copy.dim[d]].length;
    }
    if (!hyperslab_shape(copy.dims, copy.lengths, &rows, &row_items)) {
        st = status_fail(ERR_INTERNAL, NULL, "variable %s is too large", v->name);
        goto done;
    }
    if (!v->data && !v->fill && rows > 0 && row_items > 0) {
        st = status_fail(ERR_INTERNAL, NULL, "variable %s has no data", v->name);
        goto done;
    }
    copy.name = strdup(v->name);
    copy.long_name = strdup(v->long_name);
    copy.units = strdup(v->units);
    if (!copy.name || !copy.long_name || !copy.units ||
        !checked_grow(&w->variables, &w->variables_capacity, w->n_variables + 1,
                      sizeof *w->variables)) {
        st = status_no_memory("an artefact's description");
        goto done;
    }
    w->variables[w->n_variables++] = copy;
    return OK;
done:
    free_variable(&copy);
    return st;
}

status artefact_attribute(artefact_writer *w, const char *name, const char *value)
{
    status st = check_name(name);
    if (st != OK)
        return st;
    char *copy = strdup(value), *name_copy = NULL;
    for (size_t i = 0; copy && i < w->n_attributes; i++)
        if (strcmp(w->attributes[i].name, name) == 0) {
            free(w->attributes[i].value);
            w->attributes[i].value = copy;
            return OK;
        }
    name_copy = strdup(name);
    if (!copy || !name_copy ||
        !checked_grow(&w->attributes, &w->attributes_capacity, w->n_attributes + 1,
                      sizeof *w->attributes)) {
        free(copy);
        free(name_copy);
        return status_no_memory("an artefact's description");
    }
    w->attributes[w->n_attributes++] = (written_attribute){name_copy, copy};
    return OK;
}

const char *artefact_writer_attribute(const artefact_writer *w, const char *name)
{
    for (size_t i = 0; i < w->n_attributes; i++)
        if (strcmp(w->attributes[i].name, name) == 0)
            return w->attributes[i].value;
    return NULL;
}

bool artefact_writer_has(const artefact_writer *w, const char *name)
{
    return find_dim(w, name) < w->n_dims || has_variable(w, name);
}

status artefact_coordinate(artefact_writer *w, const variable *v)
{
    status st = artefact_variable(w, v);
    if (st == OK)
        w->variables[w->n_variables - 1].coordinate = true;
    return st;
}

status artefact_take_coordinate(artefact_writer *w, const variable *v, void *data)
{
    variable coordinate = *v;
    coordinate.data = data;
    status st = artefact_coordinate(w, &coordinate);
    if (st == OK)
        w->variables[w->n_variables - 1].owned = data;
    else
        free(data);
    return st;
}

int64_t artefact_writer_length(const artefact_writer *w, const char *dim)
{
    const size_t i = find_dim(w, dim);
    return i < w->n_dims ? w->dims[i].length : -1;
}

status artefact_writer_add_indices(artefact_writer *w)
{
    status st = OK;
    for (size_t i = 0; st == OK && i < w->n_dims; i++) {
        const written_dim *d = &w->dims[i];
        if (has_variable(w, d->name) || d->length > INT32_MAX)
            continue;
        int32_t *index = checked_calloc((size_t)d->length, sizeof *index);
        if (!index)
            return status_no_memory("indices");
        for (int32_t k = 0; k < (int32_t)d->length; k++)
            index[k] = k;
        st = artefact_take_coordinate(w,
                                      &(variable){.name = d->name,
                                                  .type = VARIABLE_I32,
                                                  .dims = 1,
                                                  .dim = {d->name},
                                                  .long_name = "index, from 0",
                                                  .units = "1"},
                                      index);
    }
    return st;
}

size_t artefact_writer_bytes(const artefact_writer *w)
{
    size_t bytes = 0;
    for (size_t i = 0; i < w->n_variables; i++) {
        const written_variable *v = &w->variables[i];
        int64_t rows, row_items;
        if (hyperslab_shape(v->dims, v->lengths, &rows, &row_items))
            bytes += (size_t)rows * (size_t)row_items * variable_item_bytes(v->type);
    }
    return bytes;
}

// SPDX-License-Identifier: Apache-2.0
// Values are read block by block while they are written, as a stage's are filled in.
#include "pipeline/store/artefact_copy.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/store/artefact_file.h"
#include "pipeline/store/artefact_writer.h"

// What a variable's values are filled from; owned by the writer.
typedef struct copied {
    const artefact *from;
    const char *name;
    variable_type type;
} copied;

static status fill_copied(void *context, int64_t first, int64_t rows, void *out)
{
    const copied *c = context;
    return artefact_read_rows(c->from, c->name, c->type, first, rows, out);
}

// Declares `v`, whose values `owned` gives or is.
static status declare(artefact_writer *w, variable *v, void *owned, bool coordinate)
{
    status st = owned ? OK : status_no_memory(v->name);
    if (st == OK)
        st = coordinate ? artefact_coordinate(w, v) : artefact_variable(w, v);
    if (st == OK)
        w->variables[w->n_variables - 1].owned = owned;
    else
        free(owned);
    return st;
}

static status copy_values(const artefact *a, variable *v, artefact_writer *w, bool coordinate)
{
    int64_t n;
    if (v->type == VARIABLE_TEXT) {
        char **texts = NULL;
        status st = artefact_read_texts(a, v->name, &n, &texts);
        v->data = texts;
        return st == OK ? declare(w, v, texts, coordinate) : st;
    }
    copied *c = malloc(sizeof *c);
    if (c)
        *c = (copied){a, v->name, v->type};
    v->fill = fill_copied;
    v->context = c;
    return declare(w, v, c, coordinate);
}

static status copy_variable(const artefact *a, size_t i, artefact_writer *w)
{
    status st;
    int64_t lengths[VARIABLE_MAX_DIMS];
    variable v = {.name = artefact_variable_name(a, i)};
    char *meaning = artefact_variable_text(a, i, "long_name");
    char *units = artefact_variable_text(a, i, "units");
    const bool coordinate = artefact_is_coordinate(a, i);
    v.long_name = meaning ? meaning : v.name;
    v.units = units ? units : "1";
    TRY(artefact_shape(a, v.name, &v.type, &v.dims, lengths));
    if (coordinate && (v.dims == 0 || v.type != VARIABLE_TEXT))
        goto done;
    for (int d = 0; d < v.dims; d++) {
        v.dim[d] = artefact_variable_dim(a, i, d);
        TRY(artefact_dim(w, v.dim[d], lengths[d]));
    }
    TRY(copy_values(a, &v, w, coordinate));
done:
    free(meaning);
    free(units);
    return st;
}

static status copy_attribute(void *context, const char *name, const char *value)
{
    return strcmp(name, "coordinates") == 0 ? OK : artefact_attribute(context, name, value);
}

status artefact_copy(const artefact *from, artefact_writer *w)
{
    status st = artefact_each_attribute(from, copy_attribute, w);
    for (size_t i = 0; st == OK && i < artefact_variables(from); i++)
        st = copy_variable(from, i, w);
    return st;
}

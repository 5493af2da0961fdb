// SPDX-License-Identifier: Apache-2.0
// Names are found by what artefacts call things (docs/artefacts.md), so that stages that are
// written later are shown with theirs.
#include "stages/report/coordinate.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

int64_t coordinate_find(const artefact *a, const char *name)
{
    for (size_t i = 0; i < artefact_variables(a); i++)
        if (strcmp(artefact_variable_name(a, i), name) == 0)
            return (int64_t)i;
    return -1;
}

// Of texts: copies. Of numbers, or nothing: numbers as words.
static status fill_names(const artefact *a, const char *dim, bool texts, coordinate *c)
{
    status st = OK;
    char **words = NULL;
    int64_t n = c->n;
    if (texts)
        TRY(artefact_read_texts(a, dim, &n, &words));
    for (int64_t i = 0; i < c->n; i++)
        if (!(c->name[i] = texts ? strdup(words[i]) : text_format("%.6g", c->value[i])))
            TRY(status_no_memory("a coordinate"));
done:
    free(words);
    return st;
}

status coordinate_read(const artefact *a, const char *dim, coordinate *out)
{
    status st = OK;
    variable_type type = VARIABLE_F64;
    int dims = 0;
    int64_t length[VARIABLE_MAX_DIMS] = {0};
    bool there = coordinate_find(a, dim) >= 0;
    out->n = artefact_length(a, dim);
    if (there)
        TRY(artefact_shape(a, dim, &type, &dims, length));
    there = there && dims == 1 && length[0] == out->n;
    out->name = checked_calloc((size_t)out->n, sizeof *out->name);
    out->value = checked_calloc((size_t)out->n, sizeof *out->value);
    if (!out->name || !out->value)
        TRY(status_no_memory("a coordinate"));
    for (int64_t i = 0; i < out->n; i++)
        out->value[i] = (double)i;
    if (there && type != VARIABLE_TEXT)
        TRY(artefact_read(a, dim, VARIABLE_F64, out->value));
    TRY(fill_names(a, dim, there && type == VARIABLE_TEXT, out));
done:
    return st;
}

void coordinate_free(coordinate *c)
{
    for (int64_t i = 0; c->name && i < c->n; i++)
        free(c->name[i]);
    free(c->name);
    free(c->value);
    *c = (coordinate){0};
}

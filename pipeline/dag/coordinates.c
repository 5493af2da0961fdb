// SPDX-License-Identifier: Apache-2.0
// Names of steps and resources may change without a task running again, so that nothing here may be
// in a digest. They are what other programs join the tasks of a sweep by.
#include "pipeline/dag/coordinates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/store/artefact_file.h"
#include "pipeline/store/artefact_writer.h"

// A text as the data of a scalar, in one block; NULL when out of memory.
static void *scalar_text(const char *value)
{
    const size_t n = strlen(value) + 1;
    char **block = malloc(sizeof *block + n);
    if (block)
        block[0] = memcpy(block + 1, value, n);
    return block;
}

static void *scalar_number(const char *value, variable_type type)
{
    double *real = malloc(sizeof *real);
    if (real && type == VARIABLE_I64) {
        const int64_t whole = strtoll(value, NULL, 10);
        memcpy(real, &whole, sizeof whole);
    } else if (real) {
        *real = strtod(value, NULL);
    }
    return real;
}

// A number where the parameter is one and the value no word.
static variable_type type_of(const param_def *def, const char *value)
{
    char *end;
    const bool real = def->type == PARAM_REAL, whole = def->type == PARAM_INT;
    if (real || whole)
        strtod(value, &end);
    if ((!real && !whole) || *end || end == value)
        return VARIABLE_TEXT;
    return real ? VARIABLE_F64 : VARIABLE_I64;
}

static status add_scalar(artefact_writer *w, const char *name, const char *meaning,
                         variable_type type, const char *value)
{
    char swept[256];
    if (artefact_writer_has(w, name)) {
        snprintf(swept, sizeof swept, "swept_%s", name);
        name = swept;
    }
    void *data = type == VARIABLE_TEXT ? scalar_text(value) : scalar_number(value, type);
    if (!data)
        return status_no_memory("a coordinate");
    return artefact_take_coordinate(
        w, &(variable){.name = name, .type = type, .long_name = meaning, .units = "1"}, data);
}

static bool is_swept(const task *t, const char *name)
{
    for (size_t i = 0; i < t->n_axes; i++)
        if (strcmp(t->axes[i].name, name) == 0)
            return true;
    return false;
}

static status add_names(const task *t, artefact_writer *w)
{
    static const struct {
        const char *parameter, *name, *meaning;
    } known[] = {{"model", "model", "the model's name in the pipeline file"},
                 {"data", "dataset", "the dataset's name in the pipeline file"}};
    status st = OK;
    for (size_t i = 0; st == OK && i < t->n_axes; i++)
        st = add_scalar(w, t->axes[i].name, "value of a swept parameter",
                        type_of(t->axes[i].def, t->axes[i].canonical), t->axes[i].canonical);
    for (size_t i = 0; st == OK && i < sizeof known / sizeof *known; i++) {
        const task_reference *r = task_find_reference(t, known[i].parameter);
        if (r && r->n == 1 && !is_swept(t, known[i].parameter) &&
            !artefact_writer_has(w, known[i].name))
            st = add_scalar(w, known[i].name, known[i].meaning, VARIABLE_TEXT, r->entry[0]->name);
    }
    return st;
}

// --- From resources and inputs

static status add_of_resources(const task *t, artefact_writer *w)
{
    status st = OK;
    for (size_t i = 0; st == OK && i < t->n_references; i++) {
        const task_reference *r = &t->references[i];
        const resource_entry *e = r->n == 1 && r->taken ? r->entry[0] : NULL;
        if (e && e->object && e->def->coordinates)
            st = e->def->coordinates(e->object, w);
    }
    return st;
}

// Hands on texts along a dimension: the names of modules.
static status add_of_input(const artefact *a, artefact_writer *w)
{
    status st = OK;
    for (size_t i = 0; st == OK && i < artefact_variables(a); i++) {
        const char *name = artefact_variable_name(a, i);
        variable_type type;
        int dims;
        int64_t lengths[VARIABLE_MAX_DIMS], n;
        char **texts = NULL;
        st = artefact_shape(a, name, &type, &dims, lengths);
        if (st != OK || type != VARIABLE_TEXT || dims != 1 || artefact_writer_has(w, name) ||
            artefact_writer_length(w, artefact_variable_dim(a, i, 0)) != lengths[0] ||
            !artefact_is_coordinate(a, i))
            continue;
        char *meaning = artefact_variable_text(a, i, "long_name");
        st = artefact_read_texts(a, name, &n, &texts);
        if (st == OK)
            st = artefact_take_coordinate(w,
                                          &(variable){.name = name,
                                                      .type = VARIABLE_TEXT,
                                                      .dims = 1,
                                                      .dim = {artefact_variable_dim(a, i, 0)},
                                                      .long_name = meaning ? meaning : name,
                                                      .units = "1"},
                                          texts);
        free(meaning);
    }
    return st;
}

status task_coordinates(const task *t, artefact_writer *w)
{
    status st;
    TRY(add_names(t, w));
    TRY(add_of_resources(t, w));
    for (size_t i = 0; i < t->n_inputs; i++)
        if (t->inputs[i]->artefact)
            TRY(add_of_input(t->inputs[i]->artefact, w));
    TRY(artefact_writer_add_indices(w));
done:
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// A page is mailed, so that it may not grow with its artefacts: variables of more rows than a person
// reads are left out, and so is all beyond some number of rows.
#include "stages/report/own_tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/markup.h"
#include "stages/report/coordinate.h"

enum { MOST_ROWS = 400, MOST_COLUMNS = 16, MOST_IN_ALL = 6000 };

// The variables of one task that have the same dimensions. Owned but `task`.
typedef struct table {
    const report_task *task;
    const char *dim[VARIABLE_MAX_DIMS]; // borrowed from the artefact
    coordinate along[VARIABLE_MAX_DIMS];
    int dims;
    int64_t rows;
    size_t column[MOST_COLUMNS]; // places of variables
    double *value[MOST_COLUMNS]; // NULL: a text
    char **word[MOST_COLUMNS];   // one block each
    size_t columns;
} table;

static void table_free(table *t)
{
    for (int i = 0; i < t->dims; i++)
        coordinate_free(&t->along[i]);
    for (size_t c = 0; c < t->columns; c++) {
        free(t->value[c]);
        free(t->word[c]);
    }
}

// The shape of a variable that can stand in a table: not along its own name, and of few values.
static bool find_shape(const artefact *a, size_t v, variable_type *type, int *dims, int64_t *rows)
{
    int64_t length[VARIABLE_MAX_DIMS];
    const char *name = artefact_variable_name(a, v);
    if (artefact_shape(a, name, type, dims, length) != OK || *dims < 1)
        return false;
    *rows = 1;
    for (int i = 0; i < *dims; i++) {
        if (length[i] < 1 || *rows > MOST_ROWS / length[i])
            return false;
        *rows *= length[i];
        if (strcmp(artefact_variable_dim(a, v, i), name) == 0)
            return false;
    }
    return true;
}

static bool same_dims(const artefact *a, const table *t, size_t v, int dims)
{
    bool same = dims == t->dims;
    for (int i = 0; same && i < dims; i++)
        same = strcmp(t->dim[i], artefact_variable_dim(a, v, i)) == 0;
    return same;
}

static status add_column(const artefact *a, size_t v, variable_type type, table *t)
{
    const char *name = artefact_variable_name(a, v);
    const size_t c = t->columns++;
    int64_t n;
    t->column[c] = v;
    if (type == VARIABLE_TEXT)
        return artefact_read_texts(a, name, &n, &t->word[c]);
    if (!(t->value[c] = checked_calloc((size_t)t->rows, sizeof *t->value[c])))
        return status_no_memory("a table");
    return artefact_read(a, name, VARIABLE_F64, t->value[c]);
}

// The table that begins with variable `first`: its own, and those of its dimensions behind it.
static status table_read(const report_task *task, size_t first, table *t)
{
    status st = OK;
    const artefact *a = task->artefact;
    variable_type type;
    int dims;
    int64_t rows;
    *t = (table){.task = task};
    if (!find_shape(a, first, &type, &dims, &t->rows))
        return OK;
    for (int i = 0; i < dims; i++) {
        t->dim[i] = artefact_variable_dim(a, first, i);
        t->dims = i + 1;
        TRY(coordinate_read(a, t->dim[i], &t->along[i]));
    }
    for (size_t v = first; v < artefact_variables(a) && t->columns < MOST_COLUMNS; v++)
        if (find_shape(a, v, &type, &dims, &rows) && same_dims(a, t, v, dims))
            TRY(add_column(a, v, type, t));
done:
    return st;
}

// Does a variable before this one have the same dimensions? Then its table holds both.
static bool is_held(const artefact *a, size_t v)
{
    variable_type type;
    int dims, others;
    int64_t rows;
    if (!find_shape(a, v, &type, &dims, &rows))
        return true;
    for (size_t before = 0; before < v; before++) {
        bool same = find_shape(a, before, &type, &others, &rows) && others == dims;
        for (int i = 0; same && i < dims; i++)
            same = strcmp(artefact_variable_dim(a, before, i), artefact_variable_dim(a, v, i)) == 0;
        if (same)
            return true;
    }
    return false;
}

static void add_head(const table *t, text *page)
{
    text_add(page, "<table><thead><tr>");
    for (int i = 0; i < t->dims; i++) {
        text_add(page, "<th>");
        markup_html(page, t->dim[i]);
        text_add(page, "</th>");
    }
    for (size_t c = 0; c < t->columns; c++) {
        char *words = artefact_variable_text(t->task->artefact, t->column[c], "long_name");
        text_add(page, "<th title=\"");
        markup_html(page, words ? words : "");
        text_add(page, "\">");
        markup_html(page, artefact_variable_name(t->task->artefact, t->column[c]));
        text_add(page, "</th>");
        free(words);
    }
    text_add(page, "</tr></thead><tbody>\n");
}

static void table_add(const table *t, text *page)
{
    add_head(t, page);
    for (int64_t r = 0; r < t->rows; r++) {
        int64_t inner = t->rows;
        text_add(page, "<tr>");
        for (int i = 0; i < t->dims; i++) {
            inner /= t->along[i].n;
            text_add(page, "<td>");
            markup_html(page, t->along[i].name[r / inner % t->along[i].n]);
            text_add(page, "</td>");
        }
        for (size_t c = 0; c < t->columns; c++) {
            if (t->value[c]) {
                markup_html_cell(page, "%.5g", t->value[c][r]);
                continue;
            }
            text_add(page, "<td>");
            markup_html(page, t->word[c][r]);
            text_add(page, "</td>");
        }
        text_add(page, "</tr>\n");
    }
    text_add(page, "</tbody></table>\n");
}

static status add_task(const report_task *task, int64_t *rows, text *page)
{
    status st = OK;
    bool any = false;
    for (size_t v = 0; v < artefact_variables(task->artefact); v++) {
        if (is_held(task->artefact, v))
            continue;
        table t;
        st = table_read(task, v, &t);
        if (st == OK && t.columns > 0 && *rows + t.rows <= MOST_IN_ALL) {
            if (!any) {
                text_add(page, "<details><summary>");
                markup_html(page, task->label);
                text_add(page, "</summary>\n<div class=\"scroll\">\n");
            }
            any = true;
            *rows += t.rows;
            table_add(&t, page);
        }
        table_free(&t);
        if (st != OK)
            break;
    }
    text_add(page, any ? "</div></details>\n" : "");
    return st;
}

static bool is_drawn(const report_task *t, const figure *figures, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < figures[i].n; k++)
            if (figures[i].task[k] == t && !figure_is_own(&figures[i]))
                return true;
    return false;
}

status own_tables(const report_input *in, const figure *figures, size_t n, text *page)
{
    status st = OK;
    text tables = {0};
    int64_t rows = 0;
    for (size_t i = 0; i < in->n_tasks && st == OK; i++)
        if (in->tasks[i].artefact && !is_drawn(&in->tasks[i], figures, n))
            st = add_task(&in->tasks[i], &rows, &tables);
    if (tables.length > 0) {
        text_add(page,
                 "<section>\n<h2>Other results</h2>\n<p class=\"soft\">Artefacts that have no "
                 "figure, but for their largest variables: <code>sulcus table</code> prints "
                 "all.</p>\n");
        text_add(page, text_get(&tables));
        text_add(page, "</section>\n");
    }
    page->failed |= tables.failed;
    text_free(&tables);
    return st;
}

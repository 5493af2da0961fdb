// SPDX-License-Identifier: Apache-2.0
// Which columns there are is known only when the last row is in (tasks differ in their axes,
// artefacts in their dimensions), so that cells are kept as texts until then. Rows come by the
// million, of few columns each: a row has the cells that were put, and no others.
#include "pipeline/results/row_table.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/checked.h"

enum { COLUMNS = 64 };

typedef struct cell {
    const char *text;
    unsigned char column;
    bool number;
} cell;

typedef struct column {
    const char *name;
    int group;
    size_t since;     // in the group: the how manieth column that came to one
    const char *last; // text that was put there
    bool number;      // is that one?
} column;

struct row_table {
    arena memory;
    bool csv;
    column column[COLUMNS];
    size_t columns, came;
    cell *cells;   // owned: a row's, behind those of the row before; only what was put
    size_t *first; // owned: of each row
    size_t n_cells, cells_capacity, n, capacity;
};

status row_table_new(bool csv, row_table **out)
{
    *out = checked_calloc(1, sizeof **out);
    if (!*out)
        return status_no_memory("a table");
    (*out)->csv = csv;
    return OK;
}

void row_table_free(row_table *t)
{
    if (!t)
        return;
    arena_free(&t->memory);
    free(t->cells);
    free(t->first);
    free(t);
}

status row_table_column(row_table *t, int group, const char *name, size_t *out)
{
    for (*out = 0; *out < t->columns; ++*out)
        if (strcmp(t->column[*out].name, name) == 0)
            break;
    column *c = &t->column[*out];
    if (*out < t->columns && c->group <= group)
        return OK;
    if (*out == COLUMNS)
        return status_fail(ERR_INPUT, name,
                           "is one column more than a table can have; name fewer "
                           "files");
    if (*out == t->columns && !(c->name = arena_text(&t->memory, name, strlen(name))))
        return status_no_memory("a table");
    t->columns += *out == t->columns;
    c->group = group;
    c->since = t->came++;
    return OK;
}

status row_table_begin(row_table *t)
{
    if (!checked_grow(&t->first, &t->capacity, t->n + 1, sizeof *t->first))
        return status_no_memory("a table");
    t->first[t->n++] = t->n_cells;
    return OK;
}

// A text is mostly that of the row before.
static status put(row_table *t, int group, const char *name, const char *value, bool number)
{
    size_t i;
    status st = row_table_column(t, group, name, &i);
    if (st != OK)
        return st;
    column *c = &t->column[i];
    if (!c->last || strcmp(c->last, value) != 0)
        c->last = arena_text(&t->memory, value, strlen(value));
    c->number = number;
    if (!c->last || !checked_grow(&t->cells, &t->cells_capacity, t->n_cells + 1, sizeof *t->cells))
        return status_no_memory("a table");
    t->cells[t->n_cells++] = (cell){c->last, (unsigned char)i, number};
    return OK;
}

status row_table_put(row_table *t, int group, const char *name, const char *value)
{
    return put(t, group, name, value, false);
}

status row_table_put_number(row_table *t, int group, const char *name, double value)
{
    char digits[40];
    int precision = t->csv ? 1 : 6;
    if (isnan(value))
        return OK;
    if (fabs(value) < 1e15 && value == trunc(value))
        snprintf(digits, sizeof digits, "%.0f", value == 0 ? 0 : value);
    else
        do
            snprintf(digits, sizeof digits, "%.*g", precision, value);
        while (t->csv && strtod(digits, NULL) != value && ++precision <= 17);
    return put(t, group, name, digits, true);
}

size_t row_table_rows(const row_table *t)
{
    return t->n;
}

static bool is_formula(const char *s)
{
    return *s && strchr("=+-@\t\r", *s);
}

static void print_quoted(const char *s, bool number, FILE *out)
{
    const bool formula = !number && is_formula(s);
    if (!formula && !s[strcspn(s, ",\"\n\r")]) {
        fputs(s, out);
        return;
    }
    fputs(formula ? "\"'" : "\"", out);
    for (; *s; s++) {
        if (*s == '"')
            fputc('"', out);
        fputc(*s, out);
    }
    fputc('"', out);
}

// The columns that have any value, by groups.
static size_t order_columns(const row_table *t, size_t order[COLUMNS])
{
    size_t n = 0;
    for (size_t i = 0; i < t->columns; i++) {
        const column *c = &t->column[i];
        size_t at = n;
        if (!c->last)
            continue;
        for (; at > 0; at--) {
            const column *before = &t->column[order[at - 1]];
            if (before->group < c->group || (before->group == c->group && before->since < c->since))
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
        n++;
    }
    return n;
}

// A row's cells by their columns, NULL where there is none; of the last that was put in a column.
// Row -1: the columns' names.
static void spread_row(const row_table *t, int64_t k, const cell *out[COLUMNS], cell names[COLUMNS])
{
    for (size_t i = 0; i < t->columns; i++) {
        names[i] = (cell){t->column[i].name, 0, t->column[i].number};
        out[i] = k < 0 ? &names[i] : NULL;
    }
    if (k < 0)
        return;
    const size_t end = (size_t)k + 1 < t->n ? t->first[k + 1] : t->n_cells;
    for (size_t i = t->first[k]; i < end; i++)
        out[t->cells[i].column] = &t->cells[i];
}

static void print_csv(const cell *const *row, const size_t *order, size_t n, FILE *out)
{
    for (size_t i = 0; i < n; i++) {
        const cell *c = row[order[i]];
        if (i > 0)
            fputc(',', out);
        if (c)
            print_quoted(c->text, c->number, out);
    }
    fputc('\n', out);
}

// Characters of UTF-8 text.
static int width_of(const char *s)
{
    int n = 0;
    for (; s && *s; s++)
        n += (*s & 0xC0) != 0x80;
    return n;
}

static void print_aligned(const cell *const *row, const size_t *order, size_t n, const int *width,
                          FILE *out)
{
    int blanks = 0; // owed before the next cell, so that no line ends in them
    for (size_t i = 0; i < n; i++) {
        const cell *c = row[order[i]];
        const int wide = width[order[i]], missing = wide - width_of(c ? c->text : NULL),
                  left = c && c->number ? missing : 0;
        if (c)
            fprintf(out, "%*s%s", blanks + left, "", c->text);
        blanks = (c ? missing - left : blanks + wide) + 2;
    }
    fputc('\n', out);
}

void row_table_print(const row_table *t, FILE *out)
{
    int width[COLUMNS] = {0};
    size_t order[COLUMNS];
    const size_t n = order_columns(t, order);
    const cell *row[COLUMNS];
    cell names[COLUMNS];
    for (size_t i = 0; i < t->columns; i++)
        width[i] = width_of(t->column[i].name);
    for (size_t i = 0; i < t->n_cells; i++) {
        const int wide = width_of(t->cells[i].text);
        if (wide > width[t->cells[i].column])
            width[t->cells[i].column] = wide;
    }
    for (int64_t k = -1; k < (int64_t)t->n; k++) {
        spread_row(t, k, row, names);
        if (t->csv)
            print_csv(row, order, n, out);
        else
            print_aligned(row, order, n, width, out);
    }
}

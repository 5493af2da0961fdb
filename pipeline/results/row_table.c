// SPDX-License-Identifier: Apache-2.0
// Which columns there are is known only when the last row is in (tasks differ in their axes,
// artefacts in their dimensions), so that cells are kept as texts until then.
#include "pipeline/results/row_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/names.h"

enum { COLUMNS = 64 };

typedef struct row {
    const char *cell[COLUMNS]; // NULL: empty
    bool number[COLUMNS];
} row;

struct row_table {
    arena memory;
    bool csv;
    const char *column[COLUMNS];
    bool filled[COLUMNS], numbers[COLUMNS]; // has any row a value there, a number?
    size_t columns;
    row **rows; // owned; the rows are the arena's
    size_t n, capacity;
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
    free(t->rows);
    free(t);
}

status row_table_column(row_table *t, const char *name, size_t *out)
{
    for (*out = 0; *out < t->columns; ++*out)
        if (strcmp(t->column[*out], name) == 0)
            return OK;
    if (t->columns == COLUMNS)
        return status_fail(ERR_INPUT, name,
                           "is one column more than a table can have; name fewer "
                           "files");
    t->column[t->columns] = arena_text(&t->memory, name, strlen(name));
    return t->column[t->columns++] ? OK : status_no_memory("a table");
}

status row_table_begin(row_table *t)
{
    if (!checked_grow(&t->rows, &t->capacity, t->n + 1, sizeof *t->rows) ||
        !(t->rows[t->n] = arena_alloc(&t->memory, 1, sizeof(row))))
        return status_no_memory("a table");
    t->n++;
    return OK;
}

static status put(row_table *t, const char *column, const char *value, bool number)
{
    size_t i;
    status st = row_table_column(t, column, &i);
    if (st != OK)
        return st;
    row *r = t->rows[t->n - 1];
    r->cell[i] = arena_text(&t->memory, value, strlen(value));
    r->number[i] = number;
    t->filled[i] = true;
    t->numbers[i] = number;
    return r->cell[i] ? OK : status_no_memory("a table");
}

status row_table_put(row_table *t, const char *column, const char *value)
{
    return put(t, column, value, false);
}

status row_table_put_number(row_table *t, const char *column, double value)
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
    return put(t, column, digits, true);
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

static void print_csv(const row_table *t, const row *r, FILE *out)
{
    const char *comma = "";
    for (size_t i = 0; i < t->columns; i++) {
        if (!t->filled[i])
            continue;
        fputs(comma, out);
        comma = ",";
        if (!r)
            print_quoted(t->column[i], false, out);
        else if (r->cell[i])
            print_quoted(r->cell[i], r->number[i], out);
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

static void print_aligned(const row_table *t, const row *r, const int *width, FILE *out)
{
    int blanks = 0; // owed before the next cell, so that no line ends in them
    for (size_t i = 0; i < t->columns; i++) {
        if (!t->filled[i])
            continue;
        const char *cell = r ? r->cell[i] : t->column[i];
        const int missing = width[i] - width_of(cell),
                  left = (r ? r->number : t->numbers)[i] ? missing : 0;
        if (cell)
            fprintf(out, "%*s%s", blanks + left, "", cell);
        blanks = (cell ? missing - left : blanks + width[i]) + 2;
    }
    fputc('\n', out);
}

void row_table_print(const row_table *t, FILE *out)
{
    int width[COLUMNS] = {0};
    for (size_t i = 0; i < t->columns; i++) {
        width[i] = width_of(t->column[i]);
        for (size_t k = 0; k < t->n; k++)
            if (width_of(t->rows[k]->cell[i]) > width[i])
                width[i] = width_of(t->rows[k]->cell[i]);
    }
    for (size_t k = 0; k <= t->n; k++) {
        const row *r = k > 0 ? t->rows[k - 1] : NULL;
        if (t->csv)
            print_csv(t, r, out);
        else
            print_aligned(t, r, width, out);
    }
}

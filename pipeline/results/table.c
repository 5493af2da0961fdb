// SPDX-License-Identifier: Apache-2.0
// Columns come in one order whatever the run holds, the groups below. Every artefact is read once.
#include <math.h>

#include "pipeline/results/result_rows.h"
#include "pipeline/results/results.h"
#include "pipeline/results/row_table.h"

enum { STEP, AXES, VARIABLE, DIMS, FRACTION, VALUE, LOW, HIGH, REACHED };

typedef struct filling {
    row_table *table;
    const char *only; // this variable; NULL: all
} filling;

static status add_row(void *context, const result_row *r)
{
    row_table *t = ((filling *)context)->table;
    status st;
    TRY(row_table_begin(t));
    if (r->task->step)
        TRY(row_table_put(t, STEP, "step", r->task->step));
    for (size_t i = 0; i < r->task->n; i++)
        TRY(row_table_put(t, AXES, r->task->axis[i], r->task->value[i]));
    TRY(row_table_put(t, VARIABLE, "variable", r->variable));
    for (int d = 0; d < r->dims; d++)
        TRY(row_table_put(t, DIMS, r->dim[d], r->at[d]));
    TRY(row_table_put_number(t, FRACTION, "fraction", r->fraction));
    TRY(row_table_put_number(t, VALUE, "value", r->value));
    TRY(row_table_put_number(t, LOW, "low", r->low));
    TRY(row_table_put_number(t, HIGH, "high", r->high));
    TRY(row_table_put_number(t, REACHED, "reached", r->reached));
done:
    return st;
}

// Axes come in the order of all tasks, also those that have no row.
static status add_file(void *context, const artefact *a, const char *label, const reference *task)
{
    filling *f = context;
    size_t column;
    status st = OK;
    for (size_t i = 0; st == OK && i < task->n; i++)
        st = row_table_column(f->table, AXES, task->axis[i], &column);
    return st == OK ? result_rows(a, label, task, f->only, add_row, f) : st;
}

status results_table(const char *path, const char *only, bool csv, FILE *out)
{
    status st;
    filling f = {.only = only};
    TRY(row_table_new(csv, &f.table));
    TRY(result_files(path, add_file, &f));
    if (row_table_rows(f.table) == 0)
        st = only ? status_fail(ERR_INPUT, path,
                                "there is no table of %s in it; `sulcus inspect` lists variables",
                                only)
                  : status_fail(ERR_INPUT, path,
                                "holds numbers of single neurons only; `sulcus top` lists those");
    else
        row_table_print(f.table, out);
done:
    row_table_free(f.table);
    return st;
}

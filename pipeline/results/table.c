// SPDX-License-Identifier: Apache-2.0
// Columns come in one order whatever the run holds: the task's, the dimensions', the numbers'. So
// those of the task are made in a look of their own, before the first row.
#include <math.h>

#include "pipeline/results/result_rows.h"
#include "pipeline/results/results.h"
#include "pipeline/results/row_table.h"

typedef struct filling {
    row_table *table;
    const char *only; // this variable; NULL: all
} filling;

static status add_axes(void *context, const artefact *a, const char *label, const reference *task)
{
    (void)a;
    (void)label;
    filling *f = context;
    size_t column;
    status st = OK;
    for (size_t i = 0; st == OK && i < task->n; i++)
        st = row_table_column(f->table, task->axis[i], &column);
    return st;
}

static status add_dims(void *context, const result_row *r)
{
    filling *f = context;
    size_t column;
    status st = OK;
    for (int d = 0; st == OK && d < r->dims; d++)
        st = row_table_column(f->table, r->dim[d], &column);
    return st;
}

static status add_file_dims(void *context, const artefact *a, const char *label,
                            const reference *task)
{
    filling *f = context;
    return result_rows(a, label, task, f->only, add_dims, f);
}

static status add_row(void *context, const result_row *r)
{
    filling *f = context;
    status st;
    TRY(row_table_begin(f->table));
    if (r->task->step)
        TRY(row_table_put(f->table, "step", r->task->step));
    for (size_t i = 0; i < r->task->n; i++)
        TRY(row_table_put(f->table, r->task->axis[i], r->task->value[i]));
    TRY(row_table_put(f->table, "variable", r->variable));
    for (int d = 0; d < r->dims; d++)
        TRY(row_table_put(f->table, r->dim[d], r->at[d]));
    TRY(row_table_put_number(f->table, "fraction", r->fraction));
    TRY(row_table_put_number(f->table, "value", r->value));
    TRY(row_table_put_number(f->table, "low", r->low));
    TRY(row_table_put_number(f->table, "high", r->high));
    TRY(row_table_put_number(f->table, "reached", r->reached));
done:
    return st;
}

static status add_rows(void *context, const artefact *a, const char *label, const reference *task)
{
    filling *f = context;
    return result_rows(a, label, task, f->only, add_row, f);
}

status results_table(const char *path, const char *only, bool csv, FILE *out)
{
    status st;
    size_t column;
    filling f = {.only = only};
    static const char *const numbers[] = {"fraction", "value", "low", "high", "reached"};
    TRY(row_table_new(csv, &f.table));
    TRY(row_table_column(f.table, "step", &column));
    TRY(result_files(path, add_axes, &f));
    TRY(row_table_column(f.table, "variable", &column));
    TRY(result_files(path, add_file_dims, &f));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        TRY(row_table_column(f.table, numbers[i], &column));
    TRY(result_files(path, add_rows, &f));
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

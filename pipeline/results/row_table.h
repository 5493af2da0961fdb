// SPDX-License-Identifier: Apache-2.0
// Rows under named columns, printed for people or as CSV.
#ifndef PIPELINE_RESULTS_ROW_TABLE_H
#define PIPELINE_RESULTS_ROW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "pipeline/base/status.h"

typedef struct row_table row_table;

status row_table_new(bool csv, row_table **out);
void row_table_free(row_table *t); // NULL is a no-op

// The number of the column of that name, made where it is new. Columns are printed by their groups,
// from 0 on, and in a group as they came; one that is named in two is of the lower. ERR_INTERNAL.
status row_table_column(row_table *t, int group, const char *name, size_t *out);

// Begins a row; what is put goes into the last one begun. Texts are copied; of an empty cell nothing
// is put. ERR_INTERNAL.
status row_table_begin(row_table *t);
status row_table_put(row_table *t, int group, const char *name, const char *value);
// A number: nothing where it is NaN; for people six digits, in CSV as many as read back alike.
status row_table_put_number(row_table *t, int group, const char *name, double value);

size_t row_table_rows(const row_table *t);
// All of it, a line a row under the columns' names; columns without any value are left out. Texts
// that a spreadsheet would take as formulas begin with a ' in CSV, as those of the report.
void row_table_print(const row_table *t, FILE *out);

#endif

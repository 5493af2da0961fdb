// SPDX-License-Identifier: Apache-2.0
// Numbers are paired by their task, variable and place. Of two single files the tasks are not asked:
// whoever names them wants just these compared.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/names.h"
#include "pipeline/base/text.h"
#include "pipeline/results/result_rows.h"
#include "pipeline/results/results.h"
#include "pipeline/results/row_table.h"

enum { TASK, VARIABLE, DIMS, A, B, DIFFERENCE, INTERVAL }; // groups of columns

typedef struct number {
    double value, low, high;
    bool paired;
} number;

typedef struct comparison {
    arena memory;
    bool runs;       // both are folders: tasks count
    number *numbers; // of A; owned
    size_t n, capacity;
    names index; // key -> number
    row_table *table;
    size_t same, different, beyond, only_b;
} comparison;

// Where a number stands, lengths before the parts so that no two look alike.
static const char *key_of(comparison *c, const result_row *r)
{
    text t = {0};
    text_addf(&t, "%s\n%s", c->runs ? r->label : "", r->variable);
    for (int d = 0; d < r->dims; d++)
        text_addf(&t, "\n%zu:%s=%s", strlen(r->at[d]), r->dim[d], r->at[d]);
    const char *key = t.failed ? NULL : arena_text(&c->memory, text_get(&t), t.length);
    text_free(&t);
    return key;
}

static status keep_row(void *context, const result_row *r)
{
    comparison *c = context;
    const char *key = key_of(c, r);
    if (!key || !checked_grow(&c->numbers, &c->capacity, c->n + 1, sizeof *c->numbers) ||
        !names_put(&c->index, key, c->n))
        return status_no_memory("a comparison");
    c->numbers[c->n++] = (number){r->value, r->low, r->high, false};
    return OK;
}

static status keep_file(void *context, const artefact *a, const char *label, const reference *task)
{
    return result_rows(a, label, task, NULL, keep_row, context);
}

// Does each lie outside the other's interval? Where one has none: outside the one there is.
static bool is_beyond(const number *a, const result_row *b)
{
    const bool left = isnan(b->low) || a->value < b->low || a->value > b->high;
    const bool right = isnan(a->low) || b->value < a->low || b->value > a->high;
    return left && right && !(isnan(a->low) && isnan(b->low));
}

static status put_row(comparison *c, const number *a, const result_row *b)
{
    status st;
    const bool known = !isnan(a->low) || !isnan(b->low), beyond = is_beyond(a, b);
    TRY(row_table_begin(c->table));
    if (c->runs)
        TRY(row_table_put(c->table, TASK, "task", b->label));
    TRY(row_table_put(c->table, VARIABLE, "variable", b->variable));
    for (int d = 0; d < b->dims; d++)
        TRY(row_table_put(c->table, DIMS, b->dim[d], b->at[d]));
    TRY(row_table_put_number(c->table, A, "a", a->value));
    TRY(row_table_put_number(c->table, B, "b", b->value));
    TRY(row_table_put_number(c->table, DIFFERENCE, "difference", b->value - a->value));
    if (known)
        TRY(row_table_put(c->table, INTERVAL, "interval", beyond ? "beyond" : "within"));
    c->beyond += beyond;
done:
    return st;
}

static status compare_row(void *context, const result_row *r)
{
    comparison *c = context;
    size_t i;
    const char *key = key_of(c, r);
    if (!key)
        return status_no_memory("a comparison");
    for (int d = 0; d < r->dims; d++) { // in the order of all rows, also those that do not differ
        status st = row_table_column(c->table, DIMS, r->dim[d], &i);
        if (st != OK)
            return st;
    }
    if (!names_get(&c->index, key, &i)) {
        c->only_b++;
        return OK;
    }
    number *a = &c->numbers[i];
    a->paired = true;
    if (a->value == r->value || (isnan(a->value) && isnan(r->value))) {
        c->same++;
        return OK;
    }
    c->different++;
    return put_row(c, a, r);
}

static status compare_file(void *context, const artefact *a, const char *label,
                           const reference *task)
{
    return result_rows(a, label, task, NULL, compare_row, context);
}

static void print_summary(const comparison *c, FILE *out)
{
    size_t only_a = 0;
    for (size_t i = 0; i < c->n; i++)
        only_a += !c->numbers[i].paired;
    fprintf(out, "%zu numbers are the same, %zu differ, %zu of them beyond their intervals",
            c->same, c->different, c->beyond);
    if (only_a + c->only_b > 0)
        fprintf(out, "; %zu are in the first only, %zu in the second", only_a, c->only_b);
    fputc('\n', out);
}

status results_compare(const char *a, const char *b, bool csv, FILE *out)
{
    status st;
    comparison c = {.runs = file_is_folder(a) && file_is_folder(b)};
    TRY(row_table_new(csv, &c.table));
    TRY(result_files(a, keep_file, &c));
    TRY(result_files(b, compare_file, &c));
    if (c.same + c.different == 0) {
        st = status_fail(ERR_INPUT, b,
                         "has no number that %s has too; name two artefacts of one stage, or two "
                         "runs of one pipeline",
                         a);
        goto done;
    }
    if (c.different > 0 || csv)
        row_table_print(c.table, out);
    if (!csv)
        print_summary(&c, out);
done:
    row_table_free(c.table);
    names_free(&c.index);
    free(c.numbers);
    arena_free(&c.memory);
    return st;
}

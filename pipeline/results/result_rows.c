// SPDX-License-Identifier: Apache-2.0
// Rows are made from the names of docs/artefacts.md alone: a dimension is told by the variable that
// is called as it is, an interval by the endings _low and _high. So stages that are written later
// have rows too.
#include "pipeline/results/result_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/journal.h"
#include "pipeline/store/store.h"

// --- Files

static status visit_file(const artefact *a, const char *label, const char *typed,
                         result_file_visit *visit, void *context)
{
    arena memory = {0};
    reference task = {0};
    const location nowhere = {.origin = label};
    if (*typed && reference_parse(&memory, typed, nowhere, &task) != OK)
        task = (reference){.step = typed};
    status st = visit(context, a, label, &task);
    arena_free(&memory);
    return st;
}

static status visit_one(const char *path, result_file_visit *visit, void *context)
{
    artefact *a = NULL;
    status st = artefact_open(path, &a);
    char *label = st == OK ? artefact_get_attribute(a, "task") : NULL;
    if (st == OK)
        st = visit_file(a, label ? label : "", label ? label : "", visit, context);
    free(label);
    artefact_close(a);
    return st;
}

// "STEP[AXES]" of a committed path "STEP/AXES.nc", whose values are encoded as a label's are not.
static char *reference_of(const char *path)
{
    const char *slash = strchr(path, '/');
    const size_t n = slash ? strlen(slash + 1) : 0;
    if (n <= 3 || strcmp(slash, "/all.nc") == 0)
        return strndup(path, slash ? (size_t)(slash - path) : strlen(path));
    return text_format("%.*s[%.*s]", (int)(slash - path), path, (int)(n - 3), slash + 1);
}

static status visit_committed(const char *output, const journal_commit *c, result_file_visit *visit,
                              void *context)
{
    artefact *a = NULL;
    char *typed = reference_of(c->path);
    status st = typed ? store_open(output, c, true, &a) : status_no_memory("a label");
    if (st == OK)
        st = visit_file(a, c->label, typed, visit, context);
    artefact_close(a);
    free(typed);
    return st;
}

static status visit_run(const char *output, result_file_visit *visit, void *context)
{
    status st;
    journal_state *known = NULL;
    size_t n = 0;
    TRY(journal_load(output, &known));
    for (size_t i = 0; i < journal_tasks(known); i++) {
        const journal_commit *c = journal_task_at(known, i)->commit;
        if (!c || !store_present(output, c))
            continue;
        n++;
        TRY(visit_committed(output, c, visit, context));
    }
    if (n == 0)
        st = status_fail(ERR_INPUT, output,
                         "has no finished task; name an artefact or the output folder of a run");
done:
    journal_state_free(known);
    return st;
}

status result_files(const char *path, result_file_visit *visit, void *context)
{
    if (!file_exists(path))
        return status_fail(ERR_INPUT, path, "does not exist; check the path");
    return file_is_folder(path) ? visit_run(path, visit, context) : visit_one(path, visit, context);
}

// --- Rows

// A variable that is looked at row by row, and what stands beside it.
typedef struct subject {
    const artefact *a;
    int64_t lengths[VARIABLE_MAX_DIMS];
    char **texts[VARIABLE_MAX_DIMS];    // coordinates of a dimension, or NULL; owned
    double *numbers[VARIABLE_MAX_DIMS]; // the same where they are numbers
    double *values, *low, *high;        // owned; the latter two may be NULL
    double *fraction, *reached;         // over dimension `beside`, or NULL; owned
    int beside;
    result_row row;
} subject;

static void subject_free(subject *s)
{
    for (int d = 0; d < VARIABLE_MAX_DIMS; d++) {
        free(s->texts[d]);
        free(s->numbers[d]);
    }
    free(s->values);
    free(s->low);
    free(s->high);
    free(s->fraction);
    free(s->reached);
}

// Dimensions that count what a table of results would drown in.
static bool is_fine_grained(const char *dim)
{
    static const char *const fine[] = {"unit",        "attn_unit", "byte",
                                       "sample_byte", "probe",     "start"};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        if (strcmp(dim, fine[i]) == 0)
            return true;
    return false;
}

static bool ends_in(const char *name, const char *ending)
{
    const size_t n = strlen(name), m = strlen(ending);
    return n > m && strcmp(name + n - m, ending) == 0;
}

// Is `name` the low or high end of another variable's interval?
static bool is_interval(const artefact *a, const char *name)
{
    char whole[256];
    const size_t cut = ends_in(name, "_low") ? 4 : ends_in(name, "_high") ? 5 : 0;
    if (cut == 0 || strlen(name) >= sizeof whole)
        return false;
    snprintf(whole, sizeof whole, "%.*s", (int)(strlen(name) - cut), name);
    return artefact_has(a, whole);
}

static bool is_listed(const artefact *a, size_t i, variable_type type, int dims)
{
    const char *name = artefact_variable_name(a, i);
    bool listed = type != VARIABLE_TEXT && !is_interval(a, name) && !artefact_is_coordinate(a, i);
    for (int d = 0; d < dims; d++)
        listed = listed && !is_fine_grained(artefact_variable_dim(a, i, d)) &&
                 strcmp(artefact_variable_dim(a, i, d), name) != 0;
    // `fraction` and `reached` of a pruning stand beside its numbers.
    if (dims == 1 && (strcmp(name, "fraction") == 0 || strcmp(name, "reached") == 0))
        listed = false;
    return listed;
}

// The numbers of a variable that has `n` of them; *out stays NULL where there is no such.
static status read_numbers(const artefact *a, const char *name, size_t n, double **out)
{
    variable_type type;
    int dims;
    int64_t lengths[VARIABLE_MAX_DIMS];
    size_t found = 1;
    if (!artefact_has(a, name))
        return OK;
    status st = artefact_shape(a, name, &type, &dims, lengths);
    for (int d = 0; st == OK && d < dims; d++)
        found *= (size_t)lengths[d];
    if (st != OK || found != n || type == VARIABLE_TEXT)
        return st;
    if (!(*out = checked_calloc(n, sizeof **out)))
        return status_no_memory(name);
    return artefact_read(a, name, VARIABLE_F64, *out);
}

static status read_coordinate(subject *s, int d)
{
    variable_type type;
    int dims;
    int64_t lengths[VARIABLE_MAX_DIMS], n;
    const char *name = s->row.dim[d];
    if (!artefact_has(s->a, name))
        return OK;
    status st = artefact_shape(s->a, name, &type, &dims, lengths);
    if (st != OK || dims != 1 || lengths[0] != s->lengths[d])
        return st;
    return type == VARIABLE_TEXT ? artefact_read_texts(s->a, name, &n, &s->texts[d])
                                 : read_numbers(s->a, name, (size_t)lengths[0], &s->numbers[d]);
}

static status read_beside(subject *s)
{
    status st = OK;
    s->row.fraction = s->row.reached = NAN;
    for (s->beside = 0; s->beside < s->row.dims; s->beside++)
        if (strcmp(s->row.dim[s->beside], "forget") == 0)
            break;
    if (s->beside == s->row.dims)
        return OK;
    const size_t n = (size_t)s->lengths[s->beside];
    TRY(read_numbers(s->a, "fraction", n, &s->fraction));
    TRY(read_numbers(s->a, "reached", n, &s->reached));
done:
    return st;
}

// Values, interval and coordinates of variable `i`.
static status read_subject(const artefact *a, size_t i, subject *s, size_t *n)
{
    status st;
    variable_type type;
    char end[256];
    *n = 1;
    s->a = a;
    s->row.variable = artefact_variable_name(a, i);
    TRY(artefact_shape(a, s->row.variable, &type, &s->row.dims, s->lengths));
    for (int d = 0; d < s->row.dims; d++) {
        s->row.dim[d] = artefact_variable_dim(a, i, d);
        *n *= (size_t)s->lengths[d];
        TRY(read_coordinate(s, d));
    }
    TRY(read_numbers(a, s->row.variable, *n, &s->values));
    snprintf(end, sizeof end, "%s_low", s->row.variable);
    TRY(read_numbers(a, end, *n, &s->low));
    snprintf(end, sizeof end, "%s_high", s->row.variable);
    TRY(read_numbers(a, end, *n, &s->high));
    TRY(read_beside(s));
done:
    return st;
}

static status visit_values(subject *s, size_t n, result_visit *visit, void *context)
{
    status st = OK;
    char place[VARIABLE_MAX_DIMS][32];
    for (size_t k = 0; st == OK && k < n; k++) {
        size_t rest = k;
        for (int d = s->row.dims; d-- > 0;) {
            const size_t at = rest % (size_t)s->lengths[d];
            rest /= (size_t)s->lengths[d];
            if (s->numbers[d])
                snprintf(place[d], sizeof *place, "%.15g", s->numbers[d][at]);
            else
                snprintf(place[d], sizeof *place, "%zu", at);
            s->row.at[d] = s->texts[d] ? s->texts[d][at] : place[d];
            if (d == s->beside && s->fraction)
                s->row.fraction = s->fraction[at];
            if (d == s->beside && s->reached)
                s->row.reached = s->reached[at];
        }
        s->row.value = s->values[k];
        s->row.low = s->low ? s->low[k] : NAN;
        s->row.high = s->high ? s->high[k] : NAN;
        st = visit(context, &s->row);
    }
    return st;
}

status result_rows(const artefact *a, const char *label, const reference *task, const char *only,
                   result_visit *visit, void *context)
{
    status st = OK;
    for (size_t i = 0; st == OK && i < artefact_variables(a); i++) {
        subject s = {.row = {.label = label, .task = task}};
        variable_type type;
        int dims;
        int64_t lengths[VARIABLE_MAX_DIMS];
        size_t n;
        const char *name = artefact_variable_name(a, i);
        if (only && strcmp(only, name) != 0)
            continue;
        st = artefact_shape(a, name, &type, &dims, lengths);
        if (st != OK || !is_listed(a, i, type, dims))
            continue;
        st = read_subject(a, i, &s, &n);
        if (st == OK)
            st = visit_values(&s, n, visit, context);
        subject_free(&s);
    }
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// compare FIXTURE TENSOR ARTEFACT VARIABLE [abs=A] [rel=R] [differ=N] [rows=0,7,14]
//
// Is a variable of an artefact what a fixture (safetensors, made by a script in tests/reference)
// says it is? Each value may be off by A + R times the expected one (1e-6 and 1e-4), but for N of
// them (0), as neurons at a threshold. `rows` picks from the variable's first dimension before the
// comparison. Prints the worst value; exit 1 when they differ, 2 when they cannot be compared.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/files/safetensors.h"
#include "pipeline/base/checked.h"
#include "pipeline/store/artefact_file.h"

typedef struct tolerance {
    double absolute, relative;
    long differ;
    const char *rows;
} tolerance;

static double value_at(const tensor *t, size_t i)
{
    float f32;
    double f64;
    int32_t i32;
    if (strcmp(t->type->name, "F32") == 0)
        return (double)*(float *)memcpy(&f32, t->bytes + 4 * i, 4);
    if (strcmp(t->type->name, "F64") == 0)
        return *(double *)memcpy(&f64, t->bytes + 8 * i, 8);
    if (strcmp(t->type->name, "I32") == 0)
        return *(int32_t *)memcpy(&i32, t->bytes + 4 * i, 4);
    return strcmp(t->type->name, "U8") == 0 ? t->bytes[i] : NAN;
}

static const tensor *find(const safetensors *s, const char *name)
{
    for (size_t i = 0; s && i < safetensors_count(s); i++)
        if (strcmp(safetensors_at(s, i)->name, name) == 0)
            return safetensors_at(s, i);
    status_fail(ERR_INPUT, "compare", "the fixture has no %s", name);
    return NULL;
}

// Keeps the rows asked for at the front of the values, and returns how many values there are then.
static size_t pick(double *value, size_t n, size_t rows, const char *wanted)
{
    size_t width = rows ? n / rows : 0, kept = 0;
    char *end;
    for (const char *at = wanted; *at; at = *end == ',' ? end + 1 : end) {
        size_t row = strtoul(at, &end, 10);
        if (end == at || row >= rows)
            return 0;
        memmove(value + kept * width, value + row * width, width * sizeof *value);
        kept++;
    }
    return kept * width;
}

// The values of the variable that are compared. Owned by the caller.
static status read_values(const char *path, const char *name, const char *rows, double **out,
                          size_t *n)
{
    status st = OK;
    artefact *a = NULL;
    variable_type type;
    int dims;
    int64_t length[VARIABLE_MAX_DIMS];
    *n = 1;
    TRY(artefact_open(path, &a));
    TRY(artefact_shape(a, name, &type, &dims, length));
    for (int d = 0; d < dims; d++)
        *n *= (size_t)length[d];
    if (!(*out = checked_calloc(*n, sizeof **out)))
        TRY(status_no_memory("values"));
    TRY(artefact_read(a, name, VARIABLE_F64, *out));
    if (rows)
        *n = pick(*out, *n, (size_t)length[0], rows);
done:
    artefact_close(a);
    return st;
}

static int compare(const tensor *t, const double *value, const tolerance *allowed, const char *name)
{
    long off = 0;
    size_t at = 0;
    double worst = -1;
    for (size_t i = 0; i < t->elements; i++) {
        double expected = value_at(t, i);
        double excess = isnan(expected) && isnan(value[i])
                            ? 0
                            : fabs(value[i] - expected) /
                                  (allowed->absolute + allowed->relative * fabs(expected));
        off += !(excess <= 1);
        if (!(excess <= worst)) {
            worst = excess;
            at = i;
        }
    }
    printf("%s: %ld of %zu off; worst at %zu: %.9g, expected %.9g (%.2g of what is allowed)\n",
           name, off, t->elements, at, value[at], value_at(t, at), worst);
    return off > allowed->differ;
}

int main(int argc, char **argv)
{
    tolerance allowed = {1e-6, 1e-4, 0, NULL};
    safetensors *fixture = NULL;
    const tensor *t = NULL;
    double *value = NULL;
    size_t n = 0;
    int code = 2;
    for (int i = 5; i < argc; i++) {
        if (strncmp(argv[i], "abs=", 4) == 0)
            allowed.absolute = strtod(argv[i] + 4, NULL);
        else if (strncmp(argv[i], "rel=", 4) == 0)
            allowed.relative = strtod(argv[i] + 4, NULL);
        else if (strncmp(argv[i], "differ=", 7) == 0)
            allowed.differ = strtol(argv[i] + 7, NULL, 10);
        else if (strncmp(argv[i], "rows=", 5) == 0)
            allowed.rows = argv[i] + 5;
        else
            argc = 0;
    }
    if (argc < 5) {
        fprintf(stderr, "compare FIXTURE TENSOR ARTEFACT VARIABLE [abs=A] [rel=R] [differ=N] "
                        "[rows=0,7]\n");
        return 2;
    }
    if (safetensors_open(argv[1], &fixture) == OK && (t = find(fixture, argv[2])) &&
        read_values(argv[3], argv[4], allowed.rows, &value, &n) == OK) {
        if (n == t->elements && n > 0)
            code = compare(t, value, &allowed, argv[4]);
        else
            status_fail(ERR_INPUT, argv[4], "%zu values, expected %zu", n, t->elements);
    }
    if (code == 2)
        fprintf(stderr, "%s\n", status_text());
    free(value);
    safetensors_close(fixture);
    return code;
}

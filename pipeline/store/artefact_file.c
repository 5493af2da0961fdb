// SPDX-License-Identifier: Apache-2.0
// Reading, through a table of dimensions and variables taken when the file is opened: NetCDF is
// asked for values only. NetCDF and HDF5 are not thread-safe, so that every call of theirs holds
// one lock.
#include "pipeline/store/artefact_file.h"

#include <dlfcn.h>
#include <netcdf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"
#include "pipeline/store/artefact_header.h"
#include "pipeline/store/hyperslab.h"

typedef struct read_dim {
    char name[NC_MAX_NAME + 1];
    int64_t length;
} read_dim;

typedef struct read_variable {
    char name[NC_MAX_NAME + 1];
    variable_type type;
    int dims, dim[VARIABLE_MAX_DIMS];
    int64_t lengths[VARIABLE_MAX_DIMS];
    bool coordinate; // that no digest covers
} read_variable;

struct artefact {
    char *path; // owned
    int file;   // NetCDF's number, or -1
    read_dim *dims;
    read_variable *variables; // by NetCDF's number
    size_t n_dims, n_variables;
};

static const nc_type types[] = {
    [VARIABLE_F64] = NC_DOUBLE,  [VARIABLE_F32] = NC_FLOAT, [VARIABLE_I64] = NC_INT64,
    [VARIABLE_I32] = NC_INT,     [VARIABLE_I8] = NC_BYTE,   [VARIABLE_U8] = NC_UBYTE,
    [VARIABLE_TEXT] = NC_STRING,
};

// NetCDF and HDF5 keep state of the process behind every file, so the lock is the process's too.
static pthread_mutex_t netcdf_lock = PTHREAD_MUTEX_INITIALIZER;

void artefact_lock(void)
{
    pthread_mutex_lock(&netcdf_lock);
}

void artefact_unlock(void)
{
    pthread_mutex_unlock(&netcdf_lock);
}

const char *artefact_library(void)
{
    return nc_inq_libvers();
}

static status check_nc(const artefact *a, int code, const char *what)
{
    return code == NC_NOERR
               ? OK
               : status_fail(ERR_INPUT, a->path, "cannot read %s (%s); verify the run with fsck",
                             what, nc_strerror(code));
}

static bool is_out_of_digest(int file, int id)
{
    char said[2];
    nc_type type;
    size_t n;
    return nc_inq_att(file, id, ARTEFACT_IN_DIGEST, &type, &n) == NC_NOERR && type == NC_CHAR &&
           n == sizeof said && nc_get_att_text(file, id, ARTEFACT_IN_DIGEST, said) == NC_NOERR &&
           memcmp(said, "no", sizeof said) == 0;
}

static int list_variable(const artefact *a, int id, read_variable *v)
{
    nc_type type;
    int dims, code = nc_inq_varndims(a->file, id, &dims);
    if (code || dims > VARIABLE_MAX_DIMS)
        return code ? code : NC_EMAXDIMS;
    if ((code = nc_inq_var(a->file, id, v->name, &type, &v->dims, v->dim, NULL)))
        return code;
    size_t known = sizeof types / sizeof *types, t = 0;
    while (t < known && types[t] != type)
        t++;
    if (t == known)
        return NC_EBADTYPE;
    v->type = (variable_type)t;
    v->coordinate = is_out_of_digest(a->file, id);
    for (int d = 0; d < v->dims; d++) {
        if (v->dim[d] < 0 || (size_t)v->dim[d] >= a->n_dims)
            return NC_EBADDIM;
        v->lengths[d] = a->dims[v->dim[d]].length;
    }
    int64_t rows, row_items;
    return hyperslab_shape(v->dims, v->lengths, &rows, &row_items) ? NC_NOERR : NC_EVARSIZE;
}

// Reads the table of contents once, so that look-ups need neither NetCDF nor its lock.
static status list_contents(artefact *a)
{
    status st = OK;
    int dims = 0, variables = 0;
    artefact_lock();
    int code = nc_inq(a->file, &dims, &variables, NULL, NULL);
    if (!code) {
        a->dims = checked_calloc((size_t)dims, sizeof *a->dims);
        a->variables = checked_calloc((size_t)variables, sizeof *a->variables);
        if (!a->dims || !a->variables)
            st = status_no_memory(a->path);
    }
    for (int i = 0; st == OK && !code && i < dims; i++) {
        size_t length;
        code = nc_inq_dim(a->file, i, a->dims[i].name, &length);
        a->dims[i].length = length > INT64_MAX ? -1 : (int64_t)length;
        a->n_dims++;
    }
    for (int i = 0; st == OK && !code && i < variables; i++) {
        code = list_variable(a, i, &a->variables[i]);
        a->n_variables++;
    }
    artefact_unlock();
    return st != OK ? st : check_nc(a, code, "its list of variables");
}

status artefact_open(const char *path, artefact **out)
{
    status st;
    artefact *a = NULL;
    TRY(artefact_check_header(path));
    if (!(a = calloc(1, sizeof *a)) || !(a->path = strdup(path))) {
        st = status_no_memory("an artefact");
        goto done;
    }
    artefact_lock();
    int code = nc_open(path, NC_NOWRITE, &a->file);
    artefact_unlock();
    if (code)
        a->file = -1;
    TRY(check_nc(a, code, "it as NetCDF-4"));
    TRY(list_contents(a));
    *out = a;
    a = NULL;
done:
    artefact_close(a);
    return st;
}

void artefact_close(artefact *a)
{
    if (!a)
        return;
    if (a->path && a->file >= 0) {
        artefact_lock();
        nc_close(a->file);
        artefact_unlock();
    }
    free(a->dims);
    free(a->variables);
    free(a->path);
    free(a);
}

const char *artefact_path(const artefact *a)
{
    return a->path;
}

size_t artefact_variables(const artefact *a)
{
    return a->n_variables;
}

const char *artefact_variable_name(const artefact *a, size_t i)
{
    return a->variables[i].name;
}

const char *artefact_variable_dim(const artefact *a, size_t index, int i)
{
    return a->dims[a->variables[index].dim[i]].name;
}

bool artefact_is_coordinate(const artefact *a, size_t i)
{
    return a->variables[i].coordinate;
}

static const read_variable *find_variable(const artefact *a, const char *name)
{
    for (size_t i = 0; i < a->n_variables; i++)
        if (strcmp(a->variables[i].name, name) == 0)
            return &a->variables[i];
    return NULL;
}

static status get_variable(const artefact *a, const char *name, const read_variable **out)
{
    *out = find_variable(a, name);
    return *out ? OK
                : status_fail(ERR_INPUT, a->path,
                              "there is no variable %s in it; `inspect` lists them", name);
}

bool artefact_has(const artefact *a, const char *name)
{
    return find_variable(a, name) != NULL;
}

int64_t artefact_length(const artefact *a, const char *dim)
{
    for (size_t i = 0; i < a->n_dims; i++)
        if (strcmp(a->dims[i].name, dim) == 0)
            return a->dims[i].length;
    return -1;
}

status artefact_shape(const artefact *a, const char *name, variable_type *type, int *dims,
                      int64_t lengths[VARIABLE_MAX_DIMS])
{
    const read_variable *v;
    status st = get_variable(a, name, &v);
    if (st != OK)
        return st;
    *type = v->type;
    *dims = v->dims;
    memcpy(lengths, v->lengths, sizeof v->lengths);
    return OK;
}

static int get_slab(int file, int id, variable_type type, const hyperslab *s, void *out)
{
    switch (type) {
    case VARIABLE_F64:
        return nc_get_vara_double(file, id, s->start, s->count, out);
    case VARIABLE_F32:
        return nc_get_vara_float(file, id, s->start, s->count, out);
    case VARIABLE_I64:
        return nc_get_vara_longlong(file, id, s->start, s->count, out);
    case VARIABLE_I32:
        return nc_get_vara_int(file, id, s->start, s->count, out);
    case VARIABLE_I8:
        return nc_get_vara_schar(file, id, s->start, s->count, out);
    case VARIABLE_U8:
        return nc_get_vara_uchar(file, id, s->start, s->count, out);
    case VARIABLE_TEXT:
        return nc_get_vara_string(file, id, s->start, s->count, out);
    }
    return NC_EBADTYPE;
}

// Texts come as pointers that nc_free_string gives back to NetCDF.
static status get_rows(const artefact *a, const read_variable *v, variable_type type, int64_t first,
                       int64_t rows, void *out)
{
    int64_t all, row_items;
    hyperslab_shape(v->dims, v->lengths, &all, &row_items);
    if (first < 0 || rows < 0 || first > all || rows > all - first)
        return status_fail(ERR_INTERNAL, a->path, "rows %lld to %lld of %s: it has %lld",
                           (long long)first, (long long)(first + rows), v->name, (long long)all);
    char *at = out;
    int code = NC_NOERR;
    artefact_lock();
    while (code == NC_NOERR && rows > 0 && row_items > 0) {
        hyperslab s = hyperslab_next(v->dims, v->lengths, first, rows);
        code = get_slab(a->file, (int)(v - a->variables), type, &s, at);
        at += (size_t)(s.rows * row_items) * variable_item_bytes(type);
        first += s.rows;
        rows -= s.rows;
    }
    artefact_unlock();
    return check_nc(a, code, v->name);
}

status artefact_read_rows(const artefact *a, const char *name, variable_type type, int64_t first,
                          int64_t rows, void *out)
{
    const read_variable *v;
    status st = get_variable(a, name, &v);
    if (st != OK)
        return st;
    if (type == VARIABLE_TEXT || v->type == VARIABLE_TEXT)
        return status_fail(ERR_INPUT, a->path, "%s is %s and does not convert to %s", name,
                           variable_type_name(v->type), variable_type_name(type));
    return get_rows(a, v, type, first, rows, out);
}

status artefact_read(const artefact *a, const char *name, variable_type type, void *out)
{
    const read_variable *v;
    int64_t rows, row_items;
    status st = get_variable(a, name, &v);
    if (st != OK)
        return st;
    hyperslab_shape(v->dims, v->lengths, &rows, &row_items);
    return artefact_read_rows(a, name, type, 0, rows, out);
}

status artefact_read_texts(const artefact *a, const char *name, int64_t *n, char ***out)
{
    const read_variable *v;
    char **texts = NULL, **block = NULL;
    int64_t rows, row_items, read = 0;
    size_t bytes;
    status st = get_variable(a, name, &v);
    if (st != OK)
        return st;
    if (v->type != VARIABLE_TEXT)
        return status_fail(ERR_INPUT, a->path, "%s is %s, not string", name,
                           variable_type_name(v->type));
    hyperslab_shape(v->dims, v->lengths, &rows, &row_items);
    bytes = (size_t)(rows * row_items) * sizeof *texts;
    if (!(texts = checked_calloc((size_t)(rows * row_items), sizeof *texts))) {
        st = status_no_memory(name);
        goto done;
    }
    TRY(get_rows(a, v, VARIABLE_TEXT, 0, rows, texts));
    read = rows * row_items;
    for (int64_t i = 0; i < read; i++)
        bytes += texts[i] ? strlen(texts[i]) + 1 : 1;
    if (!(block = malloc(bytes ? bytes : 1))) {
        st = status_no_memory(name);
        goto done;
    }
    char *at = (char *)(block + read);
    for (int64_t i = 0; i < read; i++) {
        block[i] = at;
        at = stpcpy(at, texts[i] ? texts[i] : "") + 1;
    }
    *n = read;
    *out = block;
done:
    artefact_lock();
    nc_free_string((size_t)read, texts);
    artefact_unlock();
    free(texts);
    return st;
}

static char *get_text_attribute(const artefact *a, int id, const char *name)
{
    nc_type type;
    size_t n, bytes;
    char *value = NULL;
    artefact_lock();
    if (nc_inq_att(a->file, id, name, &type, &n) == NC_NOERR && type == NC_CHAR &&
        checked_add(n, 1, &bytes) && (value = malloc(bytes))) {
        value[n] = 0;
        if (nc_get_att_text(a->file, id, name, value) != NC_NOERR) {
            free(value);
            value = NULL;
        }
    }
    artefact_unlock();
    return value;
}

char *artefact_get_attribute(const artefact *a, const char *name)
{
    return get_text_attribute(a, NC_GLOBAL, name);
}

char *artefact_get_field(const artefact *a, const char *name)
{
    char *fields = artefact_get_attribute(a, "task_key_fields"), *value = NULL;
    const size_t n = strlen(name);
    for (char *line = fields, *next; line && !value; line = next) { // "NAME = VALUE"
        if ((next = strchr(line, '\n')))
            *next++ = 0;
        if (strncmp(line, name, n) == 0 && strncmp(line + n, " = ", 3) == 0)
            value = strdup(line + n + 3);
    }
    free(fields);
    return value;
}

status artefact_each_attribute(const artefact *a,
                               status (*visit)(void *context, const char *name, const char *value),
                               void *context)
{
    int n = 0, code;
    char name[NC_MAX_NAME + 1];
    artefact_lock();
    code = nc_inq_natts(a->file, &n);
    artefact_unlock();
    status st = check_nc(a, code, "its attributes");
    for (int i = 0; st == OK && i < n; i++) {
        artefact_lock();
        code = nc_inq_attname(a->file, NC_GLOBAL, i, name);
        artefact_unlock();
        st = check_nc(a, code, "its attributes");
        char *value = st == OK ? artefact_get_attribute(a, name) : NULL;
        if (value)
            st = visit(context, name, value);
        free(value);
    }
    return st;
}

char *artefact_variable_text(const artefact *a, size_t index, const char *attribute)
{
    return get_text_attribute(a, (int)index, attribute);
}

static void add_netcdf_version(text *found)
{
    const char *said = artefact_library(); // "4.9.0 of Aug  7 2022 23:42:36 $"
    text_add_bytes(found, said, strcspn(said, " "));
}

const version_def library_netcdf = {"NetCDF", add_netcdf_version};

// HDF5 is NetCDF's business: asked only where it was loaded with it, by name.
static void add_hdf5_version(text *found)
{
    unsigned major = 0, minor = 0, release = 0;
    int (*ask)(unsigned *, unsigned *, unsigned *);
    *(void **)&ask = dlsym(RTLD_DEFAULT, "H5get_libversion");
    if (ask && ask(&major, &minor, &release) >= 0)
        text_addf(found, "%u.%u.%u", major, minor, release);
    else
        text_add(found, "unknown");
}

const version_def library_hdf5 = {"HDF5", add_hdf5_version};

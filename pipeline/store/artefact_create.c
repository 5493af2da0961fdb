// SPDX-License-Identifier: Apache-2.0
// One rank writes the whole file, a block of rows after the other, since NC_STRING fails through a
// parallel handle and integers are deflated. Each value passes the digest on its way to NetCDF.
#include "pipeline/store/artefact_create.h"

#include <errno.h>
#include <fcntl.h>
#include <netcdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/store/artefact_digest.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/hyperslab.h"

enum {
    BLOCK_BYTES = 8 << 20,    // what a fill callback is asked for at once, if a row is not larger
    DEFLATE_BYTES = 64 << 10, // smaller variables are not worth a chunk index
    CHUNK_BYTES = 1 << 20,
    MOST_FILES = 1 << 16, // open ones that are looked through
};

static const nc_type types[] = {
    [VARIABLE_F64] = NC_DOUBLE,  [VARIABLE_F32] = NC_FLOAT, [VARIABLE_I64] = NC_INT64,
    [VARIABLE_I32] = NC_INT,     [VARIABLE_I8] = NC_BYTE,   [VARIABLE_U8] = NC_UBYTE,
    [VARIABLE_TEXT] = NC_STRING,
};

typedef struct creation {
    const char *path;
    const artefact_writer *w;
    int file;       // NetCDF's number, or -1
    int *dims;      // NetCDF's numbers of the writer's dims; owned
    int *variables; // and variables; owned
} creation;

// HDF5 says that something failed, errno mostly what: cleared before each call, it is believed where
// it is about a disk.
static bool is_known(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG || code == EROFS || code == EACCES ||
           code == EIO || code == ESTALE;
}

static status check_nc(const creation *c, int code, const char *what)
{
    const int reason = errno;
    char line[NC_MAX_NAME + 32];
    if (code == NC_NOERR)
        return OK;
    if (!is_known(reason))
        return status_fail(ERR_IO, c->path,
                           "cannot write %s (%s); check free space, quota and permission", what,
                           nc_strerror(code));
    snprintf(line, sizeof line, "cannot write %s", what);
    errno = reason;
    return status_fail_errno(ERR_IO, c->path, line);
}

// Integers of a mask or a cluster shrink tenfold under deflate at the speed of the disk.
// Floating-point statistics stay contiguous: deflate saved 5 to 13% and took 12 to 15 times as
// long, and rows can be written by many ranks.
static int define_layout(int file, int id, const written_variable *v, int64_t rows,
                         int64_t row_items)
{
    size_t row_bytes = (size_t)row_items * variable_item_bytes(v->type), chunk[VARIABLE_MAX_DIMS];
    bool real = v->type == VARIABLE_F64 || v->type == VARIABLE_F32;
    if (real || v->type == VARIABLE_TEXT || (size_t)rows * row_bytes < DEFLATE_BYTES)
        return NC_NOERR;
    int64_t fit = row_bytes < CHUNK_BYTES ? (int64_t)(CHUNK_BYTES / row_bytes) : 1;
    hyperslab s = hyperslab_next(v->dims, v->lengths, 0, fit < rows ? fit : rows);
    memcpy(chunk, s.count, sizeof chunk);
    if (row_bytes > CHUNK_BYTES)
        chunk[v->dims - 1] = CHUNK_BYTES / variable_item_bytes(v->type);
    int code = nc_def_var_chunking(file, id, NC_CHUNKED, chunk);
    return code ? code : nc_def_var_deflate(file, id, 1, 1, 1);
}

static int define_variable(creation *c, size_t i, int *id)
{
    const written_variable *v = &c->w->variables[i];
    // coverage_content_type is ACDD's: a variable named like its only dimension is a coordinate.
    bool coordinate =
        v->coordinate || (v->dims == 1 && strcmp(c->w->dims[v->dim[0]].name, v->name) == 0);
    const char *coverage = coordinate ? "coordinate" : "modelResult";
    int dims[VARIABLE_MAX_DIMS], code;
    int64_t rows, row_items;
    hyperslab_shape(v->dims, v->lengths, &rows, &row_items);
    for (int d = 0; d < v->dims; d++)
        dims[d] = c->dims[v->dim[d]];
    if ((code = nc_def_var(c->file, v->name, types[v->type], v->dims, dims, id)) ||
        (rows > 0 && row_items > 0 && (code = define_layout(c->file, *id, v, rows, row_items))) ||
        (code = nc_put_att_text(c->file, *id, "long_name", strlen(v->long_name), v->long_name)) ||
        (code = nc_put_att_text(c->file, *id, "units", strlen(v->units), v->units)) ||
        (v->coordinate &&
         (code = nc_put_att_text(c->file, *id, ARTEFACT_IN_DIGEST, strlen("no"), "no"))))
        return code;
    return nc_put_att_text(c->file, *id, "coverage_content_type", strlen(coverage), coverage);
}

// The names of coordinates that no dimension is called after, as one text, owned by the caller:
// readers cannot tell them otherwise.
static status list_coordinates(const artefact_writer *w, char **out)
{
    text names = {0};
    for (size_t i = 0; i < w->n_variables; i++) {
        const written_variable *v = &w->variables[i];
        bool own = v->dims == 1 && strcmp(w->dims[v->dim[0]].name, v->name) == 0;
        if (v->coordinate && !own)
            text_addf(&names, "%s%s", names.length ? " " : "", v->name);
    }
    if (names.failed) {
        text_free(&names);
        return status_no_memory("coordinates");
    }
    *out = names.at;
    return OK;
}

static status define_variables(creation *c, const char *coordinates)
{
    const artefact_writer *w = c->w;
    const char *what = "the header";
    artefact_lock();
    errno = 0;
    int code = nc_create(c->path, NC_NETCDF4 | NC_NOCLOBBER, &c->file);
    if (code)
        c->file = -1;
    for (size_t i = 0; !code && i < w->n_attributes; i++) {
        what = w->attributes[i].name;
        code = nc_put_att_text(c->file, NC_GLOBAL, what, strlen(w->attributes[i].value),
                               w->attributes[i].value);
    }
    // A length of 0 makes an unlimited dimension without records: the one way to say 0 in NetCDF.
    for (size_t i = 0; !code && i < w->n_dims; i++) {
        what = w->dims[i].name;
        code = nc_def_dim(c->file, what, (size_t)w->dims[i].length, &c->dims[i]);
    }
    for (size_t i = 0; !code && i < w->n_variables; i++) {
        what = w->variables[i].name;
        code = define_variable(c, i, &c->variables[i]);
    }
    if (!code && coordinates)
        code = nc_put_att_text(c->file, NC_GLOBAL, "coordinates", strlen(coordinates), coordinates);
    if (!code)
        code = nc_enddef(c->file);
    artefact_unlock();
    return check_nc(c, code, what);
}

// Writes rows [first, first + rows) from `values`.
static status put_rows(const creation *c, size_t i, int64_t first, int64_t rows, int64_t row_items,
                       const void *values)
{
    const written_variable *v = &c->w->variables[i];
    const char *at = values;
    int code = NC_NOERR;
    if (v->type == VARIABLE_TEXT)
        for (int64_t k = 0; k < rows * row_items; k++)
            if (!((char *const *)values)[k])
                return status_fail(ERR_INTERNAL, v->name, "text %lld is missing",
                                   (long long)(first * row_items + k));
    artefact_lock();
    errno = 0;
    while (code == NC_NOERR && rows > 0) {
        hyperslab s = hyperslab_next(v->dims, v->lengths, first, rows);
        code = nc_put_vara(c->file, c->variables[i], s.start, s.count, at);
        at += (size_t)(s.rows * row_items) * variable_item_bytes(v->type);
        first += s.rows;
        rows -= s.rows;
    }
    artefact_unlock();
    return check_nc(c, code, v->name);
}

static status put_variable(const creation *c, size_t i, char hex[DIGEST_HEX])
{
    status st;
    const written_variable *v = &c->w->variables[i];
    digest *d = NULL;
    void *block = NULL;
    int64_t rows, row_items;
    hyperslab_shape(v->dims, v->lengths, &rows, &row_items);
    size_t row_bytes = (size_t)row_items * variable_item_bytes(v->type);
    int64_t step = rows;
    TRY(digest_part_begin(v->name, v->type, v->dims, v->lengths, &d));
    if (row_items == 0)
        rows = 0;
    if (!v->data && rows > 0) {
        step = row_bytes < BLOCK_BYTES ? (int64_t)(BLOCK_BYTES / row_bytes) : 1;
        if (!(block = checked_aligned((size_t)(step < rows ? step : rows), row_bytes))) {
            st = status_no_memory(v->name);
            goto done;
        }
    }
    for (int64_t first = 0; first < rows; first += step) {
        int64_t n = rows - first < step ? rows - first : step;
        if (block)
            TRY(v->fill(v->context, first, n, block));
        TRY(put_rows(c, i, first, n, row_items, block ? block : v->data));
        digest_part_add(d, v->type, block ? block : v->data, n * row_items);
    }
    digest_hex(d, hex);
done:
    digest_free(d);
    free(block);
    return st;
}

// Gives HDF5 memory in place of a file that cannot be written. What it has buffered must go
// somewhere: where it cannot close a file, it tries again when MPI ends, and crashes.
static void let_go(const char *path)
{
    struct stat wanted, info;
    int memory = memfd_create("artefact", MFD_CLOEXEC);
    if (memory < 0 || stat(path, &wanted) != 0)
        goto done;
    long most = sysconf(_SC_OPEN_MAX);
    if (most < 0 || most > MOST_FILES)
        most = MOST_FILES;
    for (int file = 0; file < most; file++)
        if (fstat(file, &info) == 0 && info.st_ino == wanted.st_ino && info.st_dev == wanted.st_dev)
            dup3(memory, file, O_CLOEXEC);
done:
    if (memory >= 0)
        close(memory);
}

// What was buffered may meet a full disk only here.
static status close_file(const creation *c, status st)
{
    artefact_lock();
    errno = 0;
    int code = st == OK ? nc_sync(c->file) : NC_NOERR;
    const int reason = errno;
    if (st != OK || code)
        let_go(c->path);
    errno = 0;
    int closed = nc_close(c->file);
    artefact_unlock();
    if (code)
        errno = reason;
    return st == OK ? check_nc(c, code ? code : closed, "the end") : st;
}

status artefact_create(const char *path, const artefact_writer *w, char hex[DIGEST_HEX])
{
    status st;
    size_t n = 0;
    char *coordinates = NULL;
    creation c = {.path = path, .w = w, .file = -1};
    digest_part *parts = checked_calloc(w->n_variables, sizeof *parts);
    c.dims = checked_calloc(w->n_dims, sizeof *c.dims);
    c.variables = checked_calloc(w->n_variables, sizeof *c.variables);
    if (!parts || !c.dims || !c.variables) {
        st = status_no_memory("an artefact");
        goto done;
    }
    TRY(list_coordinates(w, &coordinates));
    TRY(define_variables(&c, coordinates));
    for (size_t i = 0; i < w->n_variables; i++) {
        parts[n].name = w->variables[i].name;
        TRY(put_variable(&c, i, parts[n].hex));
        n += !w->variables[i].coordinate;
    }
    st = digest_parts_join(parts, n, hex);
done:
    if (c.file >= 0)
        st = close_file(&c, st);
    free(coordinates);
    free(parts);
    free(c.dims);
    free(c.variables);
    return st;
}

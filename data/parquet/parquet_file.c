// SPDX-License-Identifier: Apache-2.0
// A Parquet file ends in its footer, the footer's length and "PAR1". The footer is read whole, once,
// and what is kept of it holds no pointer into it. Everything that later becomes an offset or a
// size is checked here against the file, so that a reader need not doubt it.
#include "data/parquet/parquet_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/bytes/name_list.h"
#include "pipeline/base/checked.h"

enum { MAGIC = 4, TAIL = 8, FOOTER_MAX = 1 << 28 };

struct parquet_file {
    char *path;
    int64_t size, rows;
    schema schema;
    size_t groups, first_capacity, chunk_capacity;
    int64_t *first;       // owned [groups + 1]
    parquet_chunk *chunk; // owned [groups, columns]
    name_list keys, notes;
};

static status read_at(int file, const char *path, void *bytes, size_t n, int64_t at)
{
    for (size_t have = 0; have < n;) {
        ssize_t got = pread(file, (char *)bytes + have, n - have, (off_t)at + (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_fail_errno(ERR_IO, path, "cannot read");
        if (got == 0)
            return status_fail(ERR_INPUT, path, "has changed while it was read");
        have += (size_t)got;
    }
    return OK;
}

// --- Notes

static status read_note(parquet_file *f, thrift *t, const thrift_field *from)
{
    status st = OK;
    const char *key = "", *value = "";
    size_t key_n = 0, value_n = 0;
    for (thrift_field g = {0}; thrift_struct(t, from) && thrift_next(t, &g);)
        if (g.id == 1)
            key = thrift_string(t, &g, &key_n);
        else if (g.id == 2)
            value = thrift_string(t, &g, &value_n);
        else
            thrift_skip(t, &g);
    TRY(name_list_add(&f->keys, key, key_n));
    TRY(name_list_add(&f->notes, value, value_n));
done:
    return st;
}

static status read_notes(parquet_file *f, thrift *t, const thrift_field *from)
{
    status st = OK;
    thrift_field e;
    size_t n = thrift_list(t, from, &e);
    for (size_t i = 0; i < n && !t->bad; i++)
        TRY(read_note(f, t, &e));
done:
    return st;
}

// --- Row groups

static void read_chunk_data(thrift *t, const thrift_field *from, parquet_chunk *c,
                            schema_type *type)
{
    int64_t dictionary = 0;
    for (thrift_field f = {0}; thrift_struct(t, from) && thrift_next(t, &f);)
        switch (f.id) {
        case 1:
            *type = (schema_type)thrift_count(t, &f, SCHEMA_TYPES - 1);
            break;
        case 4:
            c->codec = (uint8_t)thrift_count(t, &f, UINT8_MAX);
            break;
        case 5:
            c->entries = thrift_count(t, &f, INT64_MAX);
            break;
        case 6:
            c->unpacked = thrift_count(t, &f, INT64_MAX);
            break;
        case 7:
            c->size = thrift_count(t, &f, INT64_MAX);
            break;
        case 9:
            c->offset = thrift_count(t, &f, INT64_MAX);
            break;
        case 11:
            dictionary = thrift_integer(t, &f);
            break;
        default:
            thrift_skip(t, &f);
        }
    if (dictionary > 0 && (dictionary < c->offset || c->offset == 0)) // 0 is written for none
        c->offset = dictionary;
}

// The n-th chunk of a group.
static void read_chunk(parquet_file *f, thrift *t, const thrift_field *from, size_t n,
                       parquet_chunk *c)
{
    schema_type type = SCHEMA_TYPES;
    size_t elsewhere = 0;
    *c = (parquet_chunk){0};
    for (thrift_field g = {0}; thrift_struct(t, from) && thrift_next(t, &g);)
        switch (g.id) {
        case 1:
            thrift_string(t, &g, &elsewhere);
            break;
        case 3:
            read_chunk_data(t, &g, c, &type);
            break;
        case 8:
            c->encrypted = true;
            thrift_skip(t, &g);
            break;
        default:
            thrift_skip(t, &g);
        }
    c->elsewhere = elsewhere > 0;
    if (c->encrypted || c->elsewhere) // refused where it is wanted
        return;
    int64_t end = f->size - TAIL;
    if (type != f->schema.at[n].type || c->offset < MAGIC || c->offset > end ||
        c->size > end - c->offset)
        t->bad = true;
}

static status read_chunks(parquet_file *f, thrift *t, const thrift_field *from)
{
    thrift_field e;
    size_t n = thrift_list(t, from, &e), columns = f->schema.n;
    if (n != columns)
        t->bad = true;
    if (t->bad)
        return OK;
    if (!checked_grow(&f->chunk, &f->chunk_capacity, (f->groups + 1) * columns, sizeof *f->chunk))
        return status_no_memory("a list of row groups");
    for (size_t i = 0; i < n && !t->bad; i++)
        read_chunk(f, t, &e, i, &f->chunk[f->groups * columns + i]);
    return OK;
}

static status read_group(parquet_file *f, thrift *t, const thrift_field *from)
{
    status st = OK;
    int64_t rows = -1;
    bool chunks = false;
    if (!checked_grow(&f->first, &f->first_capacity, f->groups + 2, sizeof *f->first))
        return status_no_memory("a list of row groups");
    for (thrift_field g = {0}; thrift_struct(t, from) && thrift_next(t, &g);)
        switch (g.id) {
        case 1:
            chunks = true;
            TRY(read_chunks(f, t, &g));
            break;
        case 3:
            rows = thrift_count(t, &g, INT64_MAX);
            break;
        default:
            thrift_skip(t, &g);
        }
    if (rows < 0 || rows > INT64_MAX - f->first[f->groups] || !chunks)
        t->bad = true;
    f->first[f->groups + 1] = f->first[f->groups] + (t->bad ? 0 : rows);
    f->groups++;
done:
    return st;
}

static status read_groups(parquet_file *f, thrift *t, const thrift_field *from)
{
    status st = OK;
    thrift_field e;
    size_t n = thrift_list(t, from, &e);
    if (f->schema.n == 0 || f->groups > 0) // the schema comes first, the groups once
        t->bad = true;
    for (size_t i = 0; i < n && !t->bad; i++)
        TRY(read_group(f, t, &e));
done:
    return st;
}

// --- The footer

static status fail_broken(const parquet_file *f, const char *what)
{
    return status_fail(ERR_INPUT, f->path, "%s; fetch it again", what);
}

static status read_footer(parquet_file *f, const uint8_t *bytes, size_t n)
{
    status st = OK;
    bool encrypted = false;
    f->rows = -1;
    thrift t = {.at = bytes, .end = bytes + n};
    for (thrift_field g = {0}; thrift_next(&t, &g);)
        switch (g.id) {
        case 2:
            if (f->schema.n > 0)
                t.bad = true;
            else
                TRY(schema_read(&t, &g, f->path, &f->schema));
            break;
        case 3:
            f->rows = thrift_count(&t, &g, INT64_MAX);
            break;
        case 4:
            TRY(read_groups(f, &t, &g));
            break;
        case 5:
            TRY(read_notes(f, &t, &g));
            break;
        case 8:
            encrypted = true;
            thrift_skip(&t, &g);
            break;
        default:
            thrift_skip(&t, &g);
        }
    if (t.bad || f->rows < 0)
        st = fail_broken(f, "its footer is broken");
    else if (encrypted)
        st = status_fail(ERR_INPUT, f->path, "is encrypted; write it without");
    else if (f->rows != f->first[f->groups])
        st = fail_broken(f, "its footer counts other rows than its row groups have");
done:
    return st;
}

static status find_footer(parquet_file *f, int file, uint8_t **footer, size_t *n)
{
    status st = OK;
    uint8_t head[MAGIC] = {0}, tail[TAIL] = {0};
    struct stat info;
    if (fstat(file, &info) != 0)
        return status_fail_errno(ERR_INPUT, f->path, "cannot open");
    if (!S_ISREG(info.st_mode))
        return status_fail(ERR_INPUT, f->path, "is not a file");
    f->size = (int64_t)info.st_size;
    if (f->size >= MAGIC)
        TRY(read_at(file, f->path, head, sizeof head, 0));
    if (f->size >= MAGIC + TAIL)
        TRY(read_at(file, f->path, tail, sizeof tail, f->size - TAIL));
    if (memcmp(head, "PARE", MAGIC) == 0)
        return status_fail(ERR_INPUT, f->path, "is encrypted; write it without");
    if (memcmp(head, "PAR1", MAGIC) != 0)
        return status_fail(ERR_INPUT, f->path, "is no Parquet file: it does not begin with PAR1");
    if (memcmp(tail + 4, "PAR1", MAGIC) != 0)
        return fail_broken(f, "is cut short: it does not end with PAR1");
    *n = (size_t)tail[0] | (size_t)tail[1] << 8 | (size_t)tail[2] << 16 | (size_t)tail[3] << 24;
    if (*n > FOOTER_MAX || (int64_t)*n > f->size - MAGIC - TAIL)
        return fail_broken(f, "its footer is longer than it can be");
    if (!(*footer = checked_calloc(*n, 1)))
        return status_no_memory("a footer");
    TRY(read_at(file, f->path, *footer, *n, f->size - TAIL - (int64_t)*n));
done:
    return st;
}

status parquet_file_open(const char *path, parquet_file **out)
{
    status st;
    uint8_t *footer = NULL;
    size_t n = 0;
    int file = -1;
    parquet_file *f = checked_calloc(1, sizeof *f);
    if (f)
        f->path = strdup(path);
    if (!f || !f->path || !checked_grow(&f->first, &f->first_capacity, 1, sizeof *f->first)) {
        st = status_no_memory("a Parquet file");
        goto done;
    }
    f->first[0] = 0;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        st = status_fail_errno(ERR_INPUT, path, "cannot open");
        goto done;
    }
    TRY(find_footer(f, file, &footer, &n));
    TRY(read_footer(f, footer, n));
    *out = f;
    f = NULL;
done:
    if (file >= 0)
        close(file);
    free(footer);
    parquet_file_close(f);
    return st;
}

void parquet_file_close(parquet_file *f)
{
    if (!f)
        return;
    schema_free(&f->schema);
    name_list_free(&f->keys);
    name_list_free(&f->notes);
    free(f->first);
    free(f->chunk);
    free(f->path);
    free(f);
}

const char *parquet_file_path(const parquet_file *f)
{
    return f->path;
}

const schema *parquet_file_schema(const parquet_file *f)
{
    return &f->schema;
}

const schema_column *parquet_file_find(const parquet_file *f, const char *name)
{
    for (size_t i = 0; i < f->schema.n; i++)
        if (strcmp(f->schema.at[i].name, name) == 0)
            return &f->schema.at[i];
    return NULL;
}

int64_t parquet_file_rows(const parquet_file *f)
{
    return f->rows;
}

size_t parquet_file_groups(const parquet_file *f)
{
    return f->groups;
}

int64_t parquet_file_first(const parquet_file *f, size_t group)
{
    return f->first[group];
}

const parquet_chunk *parquet_file_chunk(const parquet_file *f, size_t group,
                                        const schema_column *column)
{
    return &f->chunk[group * f->schema.n + (size_t)(column - f->schema.at)];
}

const char *parquet_file_note(const parquet_file *f, const char *key)
{
    for (size_t i = 0; i < f->keys.n; i++)
        if (strcmp(f->keys.at[i], key) == 0)
            return f->notes.at[i];
    return NULL;
}

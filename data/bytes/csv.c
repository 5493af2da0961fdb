// SPDX-License-Identifier: Apache-2.0
// The table is read in place: a field's bytes are moved together over its doubled quotes, never
// copied, so a table takes its file and two arrays. Lines are counted through quoted fields, for
// messages name the line an editor shows.
#include "data/bytes/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/byte_stream.h"
#include "data/bytes/utf8.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

enum { STEP = 1 << 16, FILE_MAX = 64 << 20 };

typedef struct reader {
    const char *path;
    char *at, *end;
    int64_t line;
    csv_table *out;
    size_t field_capacity, line_capacity, n; // fields so far
} reader;

static status fail_row(const reader *r, const char *problem)
{
    char *where = text_format("%s:%lld", r->path, (long long)r->line);
    status st =
        where ? status_fail(ERR_INPUT, where, "%s", problem) : status_no_memory("a message");
    free(where);
    return st;
}

static status read_all(const char *path, csv_table *t, size_t *size)
{
    status st;
    byte_stream *in = NULL;
    size_t capacity = 0, got = STEP;
    *size = 0;
    TRY(byte_stream_open(path, &in));
    while (got == STEP) {
        if (*size > FILE_MAX) {
            st = status_fail(ERR_INPUT, path, "has more than %d MiB; is it a table of questions?",
                             FILE_MAX >> 20);
            goto done;
        }
        if (!checked_grow(&t->bytes, &capacity, *size + STEP, 1)) {
            st = status_no_memory("a table");
            goto done;
        }
        TRY(byte_stream_read(in, t->bytes + *size, STEP, &got));
        *size += got;
    }
    t->padded = byte_stream_padded(in);
done:
    byte_stream_close(in);
    return st;
}

// Past an opening quote: moves the field's bytes together over its doubled quotes.
static status read_quoted(reader *r, csv_field *f)
{
    char *to = r->at;
    int64_t first = r->line;
    f->bytes = r->at;
    for (; r->at < r->end; r->at++) {
        if (*r->at == '"' && (r->end - r->at < 2 || r->at[1] != '"'))
            break;
        r->at += *r->at == '"';
        r->line += *r->at == '\n';
        *to++ = *r->at;
    }
    f->n = (size_t)(to - f->bytes);
    if (r->at == r->end) {
        r->line = first;
        return fail_row(r, "a quote that opens here is not closed; close it");
    }
    r->at++;
    if (r->at < r->end && *r->at != ',' && *r->at != '\n' && *r->at != '\r')
        return fail_row(r, "something stands behind a closing quote; double quotes inside a field");
    return OK;
}

static void read_plain(reader *r, csv_field *f)
{
    f->bytes = r->at;
    while (r->at < r->end && *r->at != ',' && *r->at != '\n')
        r->at++;
    f->n = (size_t)(r->at - f->bytes);
    if (f->n > 0 && f->bytes[f->n - 1] == '\r' && (r->at == r->end || *r->at == '\n'))
        f->n--;
}

static status read_field(reader *r)
{
    csv_table *t = r->out;
    csv_field f;
    if (r->at < r->end && *r->at == '"') {
        r->at++;
        status st = read_quoted(r, &f);
        if (st != OK)
            return st;
    } else {
        read_plain(r, &f);
    }
    if (!checked_grow(&t->field, &r->field_capacity, r->n + 1, sizeof *t->field))
        return status_no_memory("a table");
    t->field[r->n++] = f;
    return OK;
}

static status read_row(reader *r)
{
    csv_table *t = r->out;
    status st;
    size_t first = r->n;
    char problem[80];
    if (!checked_grow(&t->line, &r->line_capacity, t->rows + 1, sizeof *t->line))
        return status_no_memory("a table");
    t->line[t->rows] = r->line;
    for (;;) {
        TRY(read_field(r));
        if (r->at == r->end || *r->at != ',')
            break;
        r->at++;
    }
    if (r->n - first != t->fields) {
        snprintf(problem, sizeof problem, "has %zu fields; %zu are expected", r->n - first,
                 t->fields);
        r->line = t->line[t->rows];
        return fail_row(r, problem);
    }
    t->rows++;
    r->at += r->at < r->end && *r->at == '\r';
    if (r->at < r->end) {
        r->at++; // the line's end
        r->line++;
    }
done:
    return st;
}

status csv_read(const char *path, size_t fields, csv_table *out)
{
    status st;
    size_t size, bad;
    *out = (csv_table){.fields = fields};
    reader r = {.path = path, .line = 1, .out = out};
    TRY(read_all(path, out, &size));
    r.at = out->bytes;
    r.end = out->bytes + size;
    bad = utf8_first_bad(r.at, size);
    const char *nul = memchr(r.at, 0, bad);
    bad = nul ? (size_t)(nul - r.at) : bad;
    if (bad < size) {
        for (size_t i = 0; i < bad; i++)
            r.line += r.at[i] == '\n';
        st = fail_row(&r, "is not UTF-8 text; save it as UTF-8");
        goto done;
    }
    if (size >= 3 && memcmp(r.at, "\xEF\xBB\xBF", 3) == 0)
        r.at += 3;
    while (r.at < r.end) {
        size_t ending = *r.at == '\r' && r.end - r.at > 1 && r.at[1] == '\n' ? 2 : *r.at == '\n';
        if (ending == 0)
            TRY(read_row(&r));
        r.at += ending;
        r.line += ending > 0;
    }
done:
    if (st != OK)
        csv_free(out);
    return st;
}

void csv_free(csv_table *t)
{
    free(t->bytes);
    free(t->field);
    free(t->line);
    *t = (csv_table){0};
}

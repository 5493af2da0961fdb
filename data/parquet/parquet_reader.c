// SPDX-License-Identifier: Apache-2.0
// A row group's part of a column is a row of pages: a dictionary, where there is one, and data. They
// are read one at a time. Levels say for each entry whether a row begins there and whether a value
// is there; both are unpacked entry by entry with the values, so that no count of a file's is ever
// trusted with memory.
#include "data/parquet/parquet_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/parquet/page.h"
#include "data/parquet/runs.h"
#include "data/parquet/values.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/stopping.h"
#include "pipeline/base/text.h"

enum { HEAD_BYTES = 1 << 13, HEAD_MAX = 1 << 24, LIST_MAX = 1 << 16, LIST_BYTES_MAX = 1 << 26 };
enum {
    SMALL = 1 << 26,
    RATIO = 1000
}; // bytes any page may unpack to; above, so many times its own

// Packed bytes, or a page's: kept from page to page.
typedef struct buffer {
    uint8_t *at; // owned
    size_t capacity;
} buffer;

struct parquet_reader {
    const parquet_file *file;
    const schema_column *column;
    const atomic_bool *stopping;
    int descriptor;
    // The row group.
    size_t group;     // the number of groups: behind the last
    int64_t at, end;  // bytes of the file that are its pages yet to come
    int64_t entries;  // of those pages and of what is left of the page
    int64_t next_row; // of the file
    dictionary words;
    buffer words_page;
    // The page.
    page_head head;
    int64_t page_at;         // where it begins in the file
    int64_t first_row, rows; // of a column that is no list; none while there is no page
    int64_t left;            // entries
    buffer packed, page;
    runs definitions, repetitions;
    values values;
    // Lists: what has been looked at of the entry at hand.
    bool looked;
    uint32_t repetition;
    parquet_value *elements; // owned
    size_t elements_capacity;
    text bytes; // of the elements
};

static status fail_page(const parquet_reader *r, const char *problem)
{
    return status_fail(
        ERR_INPUT, parquet_file_path(r->file),
        "column %s, row group %zu: the page at byte %lld %s; fetch the file again, or "
        "write it anew (pyarrow's defaults are read)",
        r->column->name, r->group, (long long)r->page_at, problem);
}

status parquet_reader_open(const parquet_file *f, const schema_column *column,
                           const atomic_bool *stopping, parquet_reader **out)
{
    status st = OK;
    const char *path = parquet_file_path(f), *type = values_refuse(column);
    if (type)
        return status_fail(ERR_INPUT, path,
                           "column %s is of type %s, which is not supported; write it as text or "
                           "numbers",
                           column->name, type);
    if (column->repetition > 1)
        return status_fail(ERR_INPUT, path, "column %s has lists in lists, which are not supported",
                           column->name);
    parquet_reader *r = checked_calloc(1, sizeof *r);
    if (!r)
        return status_no_memory("a column");
    *r = (parquet_reader){.file = f, .column = column, .stopping = stopping};
    r->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (r->descriptor < 0) {
        st = status_fail_errno(ERR_INPUT, path, "cannot open");
        goto done;
    }
    r->group = SIZE_MAX; // before the first
    *out = r;
    r = NULL;
done:
    parquet_reader_close(r);
    return st;
}

void parquet_reader_close(parquet_reader *r)
{
    if (!r)
        return;
    if (r->descriptor >= 0)
        close(r->descriptor);
    dictionary_free(&r->words);
    values_free(&r->values);
    text_free(&r->bytes);
    free(r->words_page.at);
    free(r->packed.at);
    free(r->page.at);
    free(r->elements);
    free(r);
}

// --- Pages

static status read_at(const parquet_reader *r, uint8_t *bytes, size_t n, int64_t at)
{
    for (size_t have = 0; have < n;) {
        ssize_t got = pread(r->descriptor, bytes + have, n - have, (off_t)at + (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_fail_errno(ERR_IO, parquet_file_path(r->file), "cannot read");
        if (got == 0)
            return status_fail(ERR_INPUT, parquet_file_path(r->file),
                               "has changed while it was read");
        have += (size_t)got;
    }
    return OK;
}

// Reads the head of the next page, and moves behind it.
static status read_head(parquet_reader *r)
{
    status st = OK;
    bool well = false;
    size_t left = (size_t)(r->end - r->at);
    r->page_at = r->at;
    TRY(stopping_check(r->stopping));
    for (size_t n = HEAD_BYTES; !well; n *= 8) { // some writers keep long statistics in it
        size_t got = n < left ? n : left;
        if (!checked_grow(&r->packed.at, &r->packed.capacity, got, 1))
            return status_no_memory("a page");
        TRY(read_at(r, r->packed.at, got, r->at));
        well = page_read_head(r->packed.at, got, &r->head);
        if (!well && (got == left || n > HEAD_MAX))
            return fail_page(r, "is none: its head is broken");
    }
    r->at += (int64_t)r->head.head;
    if (r->head.size > (size_t)(r->end - r->at))
        return fail_page(r, "is longer than its column");
done:
    return st;
}

// Reads the body of the page whose head was read, and moves behind it.
static status read_body(parquet_reader *r, buffer *to)
{
    status st = OK;
    const page_head *p = &r->head;
    const parquet_chunk *c = parquet_file_chunk(r->file, r->group, r->column);
    if (p->unpacked > SMALL && p->unpacked / RATIO > p->size)
        return fail_page(r, "unpacks to a thousand times its size");
    const bool plain = page_is_plain(p, c->codec) && p->size <= p->unpacked;
    if ((!plain && !checked_grow(&r->packed.at, &r->packed.capacity, p->size, 1)) ||
        !checked_grow(&to->at, &to->capacity, p->unpacked + 1,
                      1)) // zlib wants a place for nothing too
        return status_no_memory("a page");
    uint8_t *body = plain ? to->at : r->packed.at;
    TRY(read_at(r, body, p->size, r->at));
    const char *problem = page_unpack(p, c->codec, body, to->at);
    if (problem)
        return fail_page(r, problem);
    r->at += (int64_t)p->size;
done:
    return st;
}

static int count_bits(int most)
{
    int n = 0;
    for (; most > 0; most >>= 1)
        n++;
    return n;
}

// Levels in front of a page's values; moves behind them. A page of the first version says in four
// bytes how long they are, or in the old form nothing.
static bool open_levels(const parquet_reader *r, int most, int encoding, size_t given, runs *out,
                        const uint8_t **at, const uint8_t *end)
{
    size_t left = (size_t)(end - *at), n = given;
    int width = count_bits(most);
    if (r->head.kind == PAGE_DATA_2)
        return n <= left && runs_open(out, *at, n, width) && (*at += n, true);
    if (most == 0)
        return true;
    if (encoding == ENCODING_BITS) {
        n = ((size_t)r->head.entries * (size_t)width + 7) / 8;
        return n <= left && runs_open_alone(out, *at, n, width) && (*at += n, true);
    }
    if (encoding != ENCODING_RLE || left < 4)
        return false;
    n = (size_t)(*at)[0] | (size_t)(*at)[1] << 8 | (size_t)(*at)[2] << 16 | (size_t)(*at)[3] << 24;
    *at += 4;
    return n <= left - 4 && runs_open(out, *at, n, width) && (*at += n, true);
}

// Stands before the first entry of the page at hand.
static status begin_page(parquet_reader *r)
{
    const page_head *p = &r->head;
    const uint8_t *at = r->page.at, *end = at + p->unpacked;
    if (!open_levels(r, r->column->repetition, p->repetition_encoding, p->repetition_bytes,
                     &r->repetitions, &at, end) ||
        !open_levels(r, r->column->definition, p->definition_encoding, p->definition_bytes,
                     &r->definitions, &at, end))
        return fail_page(r, "has levels that do not fit it");
    const char *problem =
        values_open(&r->values, r->column, p->encoding, &r->words, at, (size_t)(end - at));
    r->left = problem ? 0 : p->entries;
    return problem ? fail_page(r, problem) : OK;
}

static status read_dictionary(parquet_reader *r)
{
    status st;
    TRY(read_body(r, &r->words_page));
    const char *problem =
        dictionary_read(&r->words, r->column, r->head.entries, r->words_page.at, r->head.unpacked);
    if (problem)
        return fail_page(r, problem);
done:
    return st;
}

// Reads on to the page of data that holds `row`; -1: to the next one.
static status read_page(parquet_reader *r, int64_t row)
{
    status st = OK;
    r->rows = r->left = 0;
    for (;;) {
        if (r->at == r->end || r->entries == 0) {
            r->page_at = r->at;
            return fail_page(r, "should follow, but its column ends before its rows do");
        }
        TRY(read_head(r));
        const bool data = r->head.kind == PAGE_DATA || r->head.kind == PAGE_DATA_2;
        if (r->head.kind == PAGE_DICTIONARY) {
            TRY(read_dictionary(r));
        } else if (!data || r->head.entries == 0) {
            r->at += (int64_t)r->head.size;
        } else if (r->head.entries > r->entries) {
            return fail_page(r, "has more entries than its column");
        } else if (row >= 0 && row >= r->next_row + r->head.entries) { // no list: entries are rows
            r->at += (int64_t)r->head.size;
            r->entries -= r->head.entries;
            r->next_row += r->head.entries;
        } else {
            break;
        }
    }
    TRY(read_body(r, &r->page));
    TRY(begin_page(r));
    r->first_row = r->next_row;
    r->rows = r->head.entries;
done:
    return st;
}

// --- Row groups

static status enter_group(parquet_reader *r, size_t group)
{
    r->group = group;
    r->left = r->rows = 0;
    r->looked = false;
    r->next_row = parquet_file_first(r->file, group);
    dictionary_free(&r->words);
    const parquet_chunk *c = parquet_file_chunk(r->file, group, r->column);
    r->at = c->offset;
    r->end = c->offset + c->size;
    r->entries = c->entries;
    r->page_at = r->at;
    if (c->encrypted)
        return fail_page(r, "is encrypted, which is not supported");
    if (c->elsewhere)
        return fail_page(r, "lies in another file, which is not supported");
    if (r->column->repetition == 0 &&
        c->entries != parquet_file_first(r->file, group + 1) - r->next_row)
        return fail_page(r, "begins a column that has not as many values as there are rows");
    return OK;
}

// Enters the group that has the next row, where the one at hand has no more.
static status reach_group(parquet_reader *r)
{
    status st = OK;
    const size_t groups = parquet_file_groups(r->file);
    while (r->group == SIZE_MAX || r->next_row == parquet_file_first(r->file, r->group + 1)) {
        if (r->group + 1 == groups) // SIZE_MAX + 1 is 0
            return status_fail(ERR_INTERNAL, parquet_file_path(r->file), "has no more rows");
        TRY(enter_group(r, r->group + 1));
    }
done:
    return st;
}

// --- Rows

// The next entry of the page at hand: its levels, and its value where there is one.
static status next_entry(parquet_reader *r, uint32_t *definition, parquet_value *out)
{
    const char *problem = NULL;
    *definition = 0;
    *out = (parquet_value){0};
    if (r->column->definition > 0 && !runs_next(&r->definitions, definition))
        problem = "ends before its levels do";
    if (!problem && *definition == r->column->definition)
        problem = values_next(&r->values, out);
    if (problem)
        return fail_page(r, problem);
    r->left--;
    r->entries--;
    return OK;
}

status parquet_reader_next(parquet_reader *r, parquet_value *out)
{
    status st;
    uint32_t definition;
    TRY(reach_group(r));
    if (r->left == 0)
        TRY(read_page(r, -1));
    TRY(next_entry(r, &definition, out));
    r->next_row++;
done:
    return st;
}

// Whether the row is in the page at hand.
static bool holds(const parquet_reader *r, int64_t row)
{
    return row >= r->first_row && row < r->first_row + r->rows;
}

status parquet_reader_seek(parquet_reader *r, int64_t row)
{
    status st = OK;
    parquet_value skipped;
    uint32_t definition;
    if (!holds(r, row)) {
        size_t group = 0, groups = parquet_file_groups(r->file);
        while (group + 1 < groups && row >= parquet_file_first(r->file, group + 1))
            group++;
        if (group != r->group || row < r->next_row)
            TRY(enter_group(r, group));
        r->next_row += r->left; // of the page at hand nothing more is wanted
        r->entries -= r->left;
        TRY(read_page(r, row));
    } else if (row < r->next_row) {
        r->entries += r->rows - r->left;
        r->next_row = r->first_row;
        TRY(begin_page(r));
    }
    for (; r->next_row < row; r->next_row++)
        TRY(next_entry(r, &definition, &skipped));
done:
    return st;
}

status parquet_reader_page_bytes(parquet_reader *r, size_t group, size_t *bytes)
{
    status st;
    *bytes = 0;
    TRY(enter_group(r, group));
    while (r->at < r->end) {
        TRY(read_head(r));
        const bool plain =
            page_is_plain(&r->head, parquet_file_chunk(r->file, group, r->column)->codec);
        size_t n = r->head.unpacked + (plain ? 0 : r->head.size);
        *bytes = n > *bytes ? n : *bytes;
        r->at += (int64_t)r->head.size;
    }
done:
    return st;
}

// --- Lists

// Looks whether the next entry goes on with the row: *more. Reads on to the next page of the group.
static status look_on(parquet_reader *r, bool *more)
{
    status st = OK;
    *more = false;
    if (!r->looked && r->entries > 0) {
        if (r->left == 0)
            TRY(read_page(r, -1));
        if (!runs_next(&r->repetitions, &r->repetition))
            return fail_page(r, "ends before its levels do");
        r->looked = true;
    }
    *more = r->looked && r->repetition > 0;
done:
    return st;
}

// Keeps an element: its page may be gone before its row is whole. Until then `integer` is where its
// bytes begin.
static status add_element(parquet_reader *r, const parquet_value *v, size_t n)
{
    if (n == LIST_MAX || r->bytes.length + v->n > LIST_BYTES_MAX)
        return fail_page(r, "has a list of more than 65536 elements or 64 MiB, which is too long");
    if (!checked_grow(&r->elements, &r->elements_capacity, n + 1, sizeof *r->elements))
        return status_no_memory("a list");
    r->elements[n] = *v;
    if (v->kind == PARQUET_BYTES) {
        r->elements[n].integer = (int64_t)r->bytes.length;
        text_add_bytes(&r->bytes, v->bytes, v->n);
    }
    return r->bytes.failed ? status_no_memory("a list") : OK;
}

status parquet_reader_next_list(parquet_reader *r, parquet_list *out)
{
    status st;
    uint32_t definition;
    parquet_value v;
    size_t n = 0;
    bool more;
    r->bytes.length = 0;
    TRY(reach_group(r));
    TRY(look_on(r, &more));
    if (!r->looked) // no entries are left
        TRY(read_page(r, -1));
    if (more)
        return fail_page(r, "begins inside a row");
    do {
        r->looked = false;
        TRY(next_entry(r, &definition, &v));
        if (definition >= r->column->element)
            TRY(add_element(r, &v, n++));
        TRY(look_on(r, &more));
    } while (more);
    for (size_t i = 0; i < n; i++)
        if (r->elements[i].kind == PARQUET_BYTES)
            r->elements[i].bytes = text_get(&r->bytes) + r->elements[i].integer;
    *out = (parquet_list){r->elements, n};
    r->next_row++;
done:
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Images in Parquet files: a column of {bytes, path} or of bytes, and a column of labels, numbers or
// words. Numbers are the labels, named as the dataset itself names its classes (class_names.h);
// words are numbered in sorted order, as folders are. Subsets are the labels, or another such column.
//
// Opening reads the columns of labels; with `skip_bad` the images, too, and where `whole_images` asks
// for it, so that one that is broken is found before any work. Images are then read at
// random by all threads, and what can be read at once is a page: each thread keeps a reader, and with
// it the page of the image it read last. Samples of a subset follow each other in file order, so a
// page is read once for each subset that has images in it.
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/class_names.h"
#include "data/formats/parquet_classes.h"
#include "data/formats/parquet_table.h"
#include "data/image/decode.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/stopping.h"
#include "pipeline/base/text.h"

enum { FIRST_IMAGES = 16 }; // of a file, where the first records are enough

// A thread's reader. Its page takes the memory.
typedef struct seat {
    pthread_t thread; // that had it last
    bool taken;
    size_t file; // of the reader
    parquet_reader *reader;
} seat;

typedef struct seats {
    pthread_mutex_t lock;
    seat **at; // owned
    size_t n, capacity, wanted;
} seats;

struct format_state {
    name_list files;
    char *image, *label;  // owned: the columns
    parquet_file **table; // owned [files.n], and each
    int64_t *first;       // owned [files.n + 1]: the row of all with which each begins
    int64_t *row;         // owned [samples]: of all; NULL: they are the samples
    size_t row_capacity;
    bool skips;   // bad rows
    seats *seats; // owned; changed behind const
};

// --- Opening

static status find_image_column(const parquet_file *f, const dataset_options *o, char **name)
{
    const char ending[] = ".bytes";
    const schema *s = parquet_file_schema(f);
    const schema_column *found = o->image ? parquet_table_find_image(f, o->image) : NULL;
    for (size_t i = 0; i < s->n && !o->image; i++) {
        size_t n = strlen(s->at[i].name), m = sizeof ending - 1;
        if (n <= m || strcmp(s->at[i].name + n - m, ending) != 0)
            continue;
        if (found)
            return status_fail(ERR_INPUT, parquet_file_path(f),
                               "has several columns of images, %s and %s; name one with image:",
                               found->name, s->at[i].name);
        found = &s->at[i];
    }
    if (!found)
        return status_fail(ERR_INPUT, parquet_file_path(f),
                           "has no column %s of images; name one with image:",
                           o->image ? o->image : "{bytes, path}");
    *name = strdup(found->name);
    return *name ? OK : status_no_memory("a dataset");
}

// The memory of the greatest page of images, as far as the file's footer and that page's chunk tell.
static status find_reading_bytes(const format_state *s, const dataset_options *o, size_t *bytes)
{
    status st = OK;
    const parquet_file *file = NULL;
    parquet_reader *r = NULL;
    int64_t most = 0;
    size_t group = 0;
    for (size_t i = 0; i < s->files.n; i++)
        for (size_t g = 0; g < parquet_file_groups(s->table[i]); g++) {
            const schema_column *c = parquet_table_find(s->table[i], s->image);
            const parquet_chunk *chunk = parquet_file_chunk(s->table[i], g, c);
            if (chunk->size <= most)
                continue;
            most = chunk->size;
            file = s->table[i];
            group = g;
        }
    if (!file)
        return OK;
    TRY(parquet_table_read(file, s->image, false, o->stopping, &r));
    TRY(parquet_reader_page_bytes(r, group, bytes));
done:
    parquet_reader_close(r);
    return st;
}

// The columns that are read when the dataset is opened, side by side.
typedef struct columns {
    const parquet_file *file;
    parquet_classes *label, *subset;           // borrowed; subset: NULL where it is the label
    parquet_reader *labels, *subsets, *images; // images: NULL where they are not looked at
    int64_t most;                              // rows whose images are
} columns;

static void close_columns(columns *c)
{
    parquet_reader_close(c->labels);
    parquet_reader_close(c->subsets);
    parquet_reader_close(c->images);
}

// That an image is whole: by its first and its last bytes or, where these do not say, decoded.
static status check_image(const parquet_file *f, int64_t row, const char *name,
                          const parquet_value *v)
{
    const uint8_t *bytes = (const uint8_t *)v->bytes;
    const size_t end = v->kind != PARQUET_BYTES || v->n < DECODE_END ? 0 : v->n - DECODE_END;
    image i = {0};
    if (v->kind != PARQUET_BYTES)
        return parquet_table_fail(f, row, name, "holds no image");
    if (v->n >= DECODE_MAGIC && decode_knows(bytes, v->n) &&
        decode_ends(bytes, bytes + end, v->n - end, v->n))
        return OK;
    char *where = text_format("%s:%lld", parquet_file_path(f), (long long)row + 1);
    status st = where ? decode(bytes, v->n, where, &i) : status_no_memory("a message");
    image_free(&i);
    free(where);
    return st;
}

// Reads a row's values, all of them, whatever is wrong with one; *bad: how that went.
static status read_row(const columns *c, const format_state *s, int64_t row, int32_t *label,
                       int32_t *subset, status *bad)
{
    status st;
    parquet_value l, g = {0}, i = {0};
    const bool looks = c->images && row < c->most;
    TRY(parquet_reader_next(c->labels, &l));
    if (c->subsets)
        TRY(parquet_reader_next(c->subsets, &g));
    if (looks)
        TRY(parquet_reader_next(c->images, &i));
    *bad = parquet_classes_find(c->label, c->file, row, &l, label);
    if (*bad == OK && c->subsets)
        *bad = parquet_classes_find(c->subset, c->file, row, &g, subset);
    if (*bad == OK && looks)
        *bad = check_image(c->file, row, s->image, &i);
done:
    return st;
}

static status add_row(const columns *c, format_state *s, size_t file, int64_t row, bad_records *bad)
{
    status st, found = OK;
    int32_t label = 0, subset = 0;
    const size_t n = c->label->n;
    const int64_t before = (int64_t)bad->said.n;
    TRY(read_row(c, s, row, &label, &subset, &found));
    TRY(bad_records_pass(bad, found));
    if ((int64_t)bad->said.n > before)
        goto done;
    TRY(parquet_classes_add(c->label, label));
    if (c->subsets)
        TRY(parquet_classes_add(c->subset, subset));
    if (s->skips && !checked_grow(&s->row, &s->row_capacity, n + 1, sizeof *s->row))
        return status_no_memory("labels");
    if (s->skips)
        s->row[n] = s->first[file] + row;
done:
    return st;
}

static status open_table(const dataset_options *o, catalogue *all, size_t i, columns *c)
{
    status st;
    format_state *s = all->state;
    TRY(stopping_check(o->stopping));
    TRY(parquet_file_open(s->files.at[i], &s->table[i]));
    const parquet_file *f = c->file = s->table[i];
    const schema_column *column = parquet_table_find(f, s->image);
    if (!column || column->type != SCHEMA_BYTES || column->repetition > 0)
        return status_fail(ERR_INPUT, s->files.at[i],
                           "has no column %s of images; name one with image:", s->image);
    s->first[i + 1] = s->first[i] + parquet_file_rows(f);
    TRY(parquet_table_read(f, c->label->column, false, o->stopping, &c->labels));
    if (c->subset)
        TRY(parquet_table_read(f, c->subset->column, false, o->stopping, &c->subsets));
    if (s->skips || o->whole_images)
        TRY(parquet_table_read(f, s->image, false, o->stopping, &c->images));
    c->most = o->first_records ? FIRST_IMAGES : parquet_file_rows(f);
    for (int64_t row = 0; row < parquet_file_rows(f); row++)
        TRY(add_row(c, s, i, row, &all->bad));
done:
    return st;
}

static status parquet_images_begin(const dataset_options *o, catalogue *c)
{
    status st;
    format_state *s = c->state = checked_calloc(1, sizeof *s);
    if (!s || !(s->seats = checked_calloc(1, sizeof *s->seats)))
        return status_no_memory("a dataset");
    pthread_mutex_init(&s->seats->lock, NULL);
    s->skips = o->skip_bad > 0;
    c->bad.most = o->skip_bad;
    s->seats->wanted = o->threads > 1 ? (size_t)o->threads : 1;
    TRY(parquet_table_files(o, o->split, &s->files, &c->ignored));
    s->table = checked_calloc(s->files.n, sizeof *s->table);
    s->first = checked_calloc(s->files.n + 1, sizeof *s->first);
    if (!s->table || !s->first)
        return status_no_memory("a dataset");
    TRY(parquet_file_open(s->files.at[0], &s->table[0]));
    TRY(find_image_column(s->table[0], o, &s->image));
    if (!(s->label = strdup(parquet_table_label(s->table[0], o))))
        return status_no_memory("a dataset");
    parquet_file_close(s->table[0]);
    s->table[0] = NULL;
done:
    return st;
}

static status parquet_images_open(const dataset_options *o, catalogue *c)
{
    status st;
    parquet_classes label = {0}, subset = {.column = o->subsets};
    TRY(parquet_images_begin(o, c));
    format_state *s = c->state;
    label.column = s->label;
    const bool apart = strcmp(o->subsets, "label") != 0 && strcmp(o->subsets, s->label) != 0;
    for (size_t i = 0; i < s->files.n; i++) {
        columns read = {.label = &label, .subset = apart ? &subset : NULL};
        st = open_table(o, c, i, &read);
        close_columns(&read);
        if (st != OK)
            goto done;
    }
    c->samples = (int64_t)label.n;
    if (c->samples == 0)
        goto done;
    TRY(parquet_classes_name(&label, s->table[0], o->path, &c->label_names));
    parquet_classes *by = apart ? &subset : &label;
    if (apart)
        TRY(parquet_classes_name(&subset, s->table[0], o->path, &c->group_names));
    for (size_t i = 0; i < c->label_names.n && !apart; i++)
        TRY(name_list_add(&c->group_names, c->label_names.at[i], strlen(c->label_names.at[i])));
    c->labels_by_name = label.words;
    if (!(c->group = checked_calloc(by->n, sizeof *c->group)))
        return status_no_memory("a dataset");
    memcpy(c->group, by->at, by->n * sizeof *c->group);
    c->label = label.at;
    label.at = NULL;
    TRY(find_reading_bytes(s, o, &c->reading_bytes));
done:
    parquet_classes_free(&label);
    parquet_classes_free(&subset);
    return st;
}

static void parquet_images_close(format_state *s)
{
    for (size_t i = 0; s->seats && i < s->seats->n; i++) {
        parquet_reader_close(s->seats->at[i]->reader);
        free(s->seats->at[i]);
    }
    if (s->seats) {
        pthread_mutex_destroy(&s->seats->lock);
        free(s->seats->at);
    }
    for (size_t i = 0; s->table && i < s->files.n; i++)
        parquet_file_close(s->table[i]);
    name_list_free(&s->files);
    free(s->seats);
    free(s->table);
    free(s->first);
    free(s->row);
    free(s->image);
    free(s->label);
    free(s);
}

// --- Reading

// A seat for this thread: its own; else, while there are fewer than threads, a new one; else any that
// is free. NULL when out of memory.
static seat *take_seat(seats *all)
{
    seat *found = NULL;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n; i++)
        if (!all->at[i]->taken && pthread_equal(all->at[i]->thread, pthread_self()))
            found = all->at[i];
    for (size_t i = 0; i < all->n && !found && all->n >= all->wanted; i++)
        if (!all->at[i]->taken)
            found = all->at[i];
    if (!found && checked_grow(&all->at, &all->capacity, all->n + 1, sizeof *all->at) &&
        (found = checked_calloc(1, sizeof *found)))
        all->at[all->n++] = found;
    if (found) {
        found->taken = true;
        found->thread = pthread_self();
    }
    pthread_mutex_unlock(&all->lock);
    return found;
}

static void leave_seat(seats *all, seat *s)
{
    pthread_mutex_lock(&all->lock);
    s->taken = false;
    pthread_mutex_unlock(&all->lock);
}

static status read_image(const format_state *s, seat *at, size_t file, int64_t row, image *out)
{
    status st;
    parquet_value v;
    char *where = NULL;
    if (at->reader && at->file != file) {
        parquet_reader_close(at->reader);
        at->reader = NULL;
    }
    at->file = file;
    if (!at->reader)
        TRY(parquet_table_read(s->table[file], s->image, false, NULL, &at->reader));
    TRY(parquet_reader_seek(at->reader, row));
    TRY(parquet_reader_next(at->reader, &v));
    if (v.kind != PARQUET_BYTES)
        return parquet_table_fail(s->table[file], row, s->image, "holds no image");
    if (!(where = text_format("%s:%lld", s->files.at[file], (long long)row + 1)))
        return status_no_memory("a message");
    TRY(decode((const uint8_t *)v.bytes, v.n, where, out));
done:
    free(where);
    return st;
}

static status parquet_images_image(const format_state *s, int64_t index, image *out)
{
    size_t low = 0, high = s->files.n; // the file is in [low, high)
    const int64_t row = s->row ? s->row[index] : index;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(s->first[middle] <= row ? &low : &high) = middle;
    }
    seat *at = take_seat(s->seats);
    if (!at)
        return status_no_memory("a column");
    status st = read_image(s, at, low, row - s->first[low], out);
    leave_seat(s->seats, at);
    return st;
}

static status parquet_images_files(const dataset_options *o, name_list *out)
{
    status st = parquet_table_list(o, out);
    return st == OK ? class_names_files(o->path, out) : st;
}

const format format_parquet_images = {
    .name = "parquet",
    .splits = parquet_table_splits,
    .subsets = (const char *const[]){"label", NULL},
    .any_subsets = true,
    .skips_bad = true,
    .open = parquet_images_open,
    .close = parquet_images_close,
    .image = parquet_images_image,
    .files = parquet_images_files,
};

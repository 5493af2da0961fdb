// SPDX-License-Identifier: Apache-2.0
// Images in Parquet files: a column of {bytes, path} or of bytes, and a column of labels, numbers or
// words. Numbers are the labels, named as the dataset itself names its classes (class_names.h);
// words are numbered in sorted order, as folders are. Subsets are the labels, or another such column.
//
// Opening reads the columns of labels alone. Images are then read at random by all threads, and what
// can be read at once is a page: each thread keeps a reader, and with it the page of the image it
// read last. Samples of a subset follow each other in file order, so where a dataset is sorted by
// subset a page is read once; where it is mixed, once an image.
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/class_names.h"
#include "data/formats/parquet_table.h"
#include "data/image/decode.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/names.h"
#include "pipeline/base/stopping.h"
#include "pipeline/base/text.h"

enum { LABELS_MAX = 1 << 20 };

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
    int64_t *first;       // owned [files.n + 1]: sample with which each begins
    seats *seats;         // owned; changed behind const
};

// --- Columns of classes

// The classes of a column, as they are found: by number, or by word.
typedef struct classes {
    const char *column;
    int32_t *at; // owned [rows so far]
    size_t n, capacity;
    bool words;     // the numbers are of the list below
    name_list list; // of words by first appearance
    names numbers;
    int32_t most; // the greatest number
} classes;

static void free_classes(classes *c)
{
    free(c->at);
    name_list_free(&c->list);
    names_free(&c->numbers);
    *c = (classes){0};
}

// The number of a word; *problem says what is wrong with it.
static status find_word(classes *c, const parquet_value *v, const char **problem, int64_t *number)
{
    status st = OK;
    size_t found;
    if (v->n == 0 || !name_list_is_text(v->bytes, v->n)) {
        *problem = "is no name of a class: it is empty or has control characters";
        return OK;
    }
    char *word = strndup(v->bytes, v->n);
    if (!word)
        return status_no_memory("labels");
    if (!names_get(&c->numbers, word, &found)) {
        found = c->list.n;
        st = name_list_add(&c->list, word, v->n);
        if (st == OK && !names_put(&c->numbers, c->list.at[found], found))
            st = status_no_memory("labels");
    }
    *number = (int64_t)found;
    free(word);
    return st;
}

static status add_class(classes *c, const parquet_file *f, int64_t row, const parquet_value *v)
{
    const char *problem = NULL;
    int64_t number = -1;
    status st = OK;
    if (v->kind == PARQUET_BYTES)
        st = find_word(c, v, &problem, &number);
    else if (v->kind == PARQUET_INTEGER || v->kind == PARQUET_TRUTH)
        number = v->integer;
    else if (v->kind == PARQUET_REAL && v->real >= 0 && v->real < LABELS_MAX)
        number = v->real == floor(v->real) ? (int64_t)v->real : -1;
    if (v->kind == PARQUET_NULL)
        problem = "is missing";
    else if (c->n > 0 && c->words != (v->kind == PARQUET_BYTES))
        problem = "is a word in one file and a number in another";
    else if (!problem && (number < 0 || number >= LABELS_MAX))
        problem = "is no number of a class";
    if (st == OK && problem)
        return parquet_table_fail(f, row, c->column, problem);
    if (st == OK && !checked_grow(&c->at, &c->capacity, c->n + 1, sizeof *c->at))
        return status_no_memory("labels");
    if (st == OK) {
        c->words = v->kind == PARQUET_BYTES;
        c->at[c->n++] = (int32_t)number;
        c->most = number > c->most ? (int32_t)number : c->most;
    }
    return st;
}

static status read_classes(classes *c, const parquet_file *f, const dataset_options *o)
{
    status st;
    parquet_reader *r = NULL;
    parquet_value v;
    TRY(parquet_table_read(f, c->column, false, o->stopping, &r));
    for (int64_t i = 0; i < parquet_file_rows(f); i++) {
        TRY(parquet_reader_next(r, &v));
        TRY(add_class(c, f, i, &v));
    }
done:
    parquet_reader_close(r);
    return st;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Numbers words by their sorted order instead of that of appearance.
static status sort_words(classes *c, name_list *out)
{
    status st = OK;
    size_t place;
    for (size_t i = 0; i < c->list.n; i++)
        TRY(name_list_add(out, c->list.at[i], strlen(c->list.at[i])));
    if (out->n > 0)
        qsort(out->at, out->n, sizeof *out->at, by_name);
    for (size_t i = 0; i < out->n; i++)
        if (!names_put(&c->numbers, out->at[i], i))
            return status_no_memory("labels");
    for (size_t i = 0; i < c->n; i++)
        if (names_get(&c->numbers, c->list.at[c->at[i]], &place))
            c->at[i] = (int32_t)place;
done:
    return st;
}

// Gives the classes their names, in the order of their numbers.
static status name_classes(classes *c, const parquet_file *f, const dataset_options *o,
                           name_list *out)
{
    status st;
    if (c->words)
        return sort_words(c, out);
    TRY(class_names_find(o->path, parquet_file_note(f, "huggingface"), c->column, out));
    if (out->n > 0 && (size_t)c->most >= out->n)
        return status_fail(ERR_INPUT, parquet_file_path(f),
                           "field %s has a class %d, but the dataset names %zu; mend either",
                           c->column, c->most, out->n);
    if (out->n == 0)
        st = name_list_number(out, (size_t)c->most + 1);
done:
    return st;
}

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

static status open_table(const dataset_options *o, catalogue *c, size_t i, classes *label,
                         classes *subset)
{
    status st;
    format_state *s = c->state;
    TRY(stopping_check(o->stopping));
    TRY(parquet_file_open(s->files.at[i], &s->table[i]));
    const parquet_file *f = s->table[i];
    const schema_column *column = parquet_table_find(f, s->image);
    if (!column || column->type != SCHEMA_BYTES || column->repetition > 0)
        return status_fail(ERR_INPUT, s->files.at[i],
                           "has no column %s of images; name one with image:", s->image);
    s->first[i + 1] = s->first[i] + parquet_file_rows(f);
    TRY(read_classes(label, f, o));
    if (subset)
        TRY(read_classes(subset, f, o));
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
    classes label = {0}, subset = {.column = o->subsets};
    TRY(parquet_images_begin(o, c));
    format_state *s = c->state;
    label.column = s->label;
    const bool apart = strcmp(o->subsets, "label") != 0 && strcmp(o->subsets, s->label) != 0;
    for (size_t i = 0; i < s->files.n; i++)
        TRY(open_table(o, c, i, &label, apart ? &subset : NULL));
    c->samples = s->first[s->files.n];
    if (c->samples == 0)
        goto done;
    TRY(name_classes(&label, s->table[0], o, &c->label_names));
    classes *by = apart ? &subset : &label;
    if (apart)
        TRY(name_classes(&subset, s->table[0], o, &c->group_names));
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
    free_classes(&label);
    free_classes(&subset);
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
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(s->first[middle] <= index ? &low : &high) = middle;
    }
    seat *at = take_seat(s->seats);
    if (!at)
        return status_no_memory("a column");
    status st = read_image(s, at, low, index - s->first[low], out);
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
    .open = parquet_images_open,
    .close = parquet_images_close,
    .image = parquet_images_image,
    .files = parquet_images_files,
};

// SPDX-License-Identifier: Apache-2.0
// CIFAR-10 and CIFAR-100 in their binary version (https://www.cs.toronto.edu/~kriz/cifar.html):
// records of label bytes and 3,072 pixels, the red plane first, then green, then blue, each 32 rows
// of 32. A path is one such file (`split` is then not looked at), or a folder laid out as the
// archive; every file also as .gz.
#include "data/formats/format.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/unpacked.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

#define SIDE   32
#define PLANE  (SIDE * SIDE)
#define PIXELS (3 * PLANE)
#define FILES  5 // of a split, at most

typedef struct label_kind {
    int offset; // in the record; -1: the format has none
    int n;
    const char *names_file;
} label_kind;

typedef struct layout {
    int record;
    label_kind fine, coarse;
    const char *const *files[2]; // of each split, each list ended by NULL
} layout;

static const char *const splits[] = {"test", "train", NULL};

static const layout layout10 = {
    .record = 1 + PIXELS,
    .fine = {0, 10, "batches.meta.txt"},
    .coarse = {-1, 0, NULL},
    .files = {(const char *const[]){"test_batch.bin", NULL},
              (const char *const[]){"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                    "data_batch_4.bin", "data_batch_5.bin", NULL}},
};

static const layout layout100 = {
    .record = 2 + PIXELS,
    .fine = {1, 100, "fine_label_names.txt"},
    .coarse = {0, 20, "coarse_label_names.txt"},
    .files = {(const char *const[]){"test.bin", NULL}, (const char *const[]){"train.bin", NULL}},
};

struct format_state {
    const layout *layout;
    int n;
    unpacked file[FILES];
    int64_t first[FILES + 1]; // sample each file begins with
};

// folder/name, or folder/name.gz where only that exists; NULL when neither does (or no memory).
static char *find_file(const char *folder, const char *name)
{
    char *path = file_join(folder, name);
    if (!path || file_exists(path))
        return path;
    char *packed = text_format("%s.gz", path);
    if (packed && !file_exists(packed)) {
        free(packed);
        packed = NULL;
    }
    free(path);
    return packed;
}

// Nothing of the split is there. The Python version has the same names without .bin.
static status fail_folder(const dataset_options *o, const char *wanted)
{
    static const char *const python[] = {"meta", "batches.meta"};
    for (size_t i = 0; i < 2; i++) {
        char *path = file_join(o->path, python[i]);
        const bool is = path && file_exists(path);
        free(path);
        if (is)
            return status_fail(
                ERR_INPUT, o->path,
                "holds the Python version, which is not read; fetch the binary version "
                "(%s-binary.tar.gz) and unpack it",
                i == 0 ? "cifar-100" : "cifar-10");
    }
    return status_fail(ERR_INPUT, o->path,
                       "holds neither %s nor %s.gz; give `path` the "
                       "folder of the binary version, or another `split`",
                       wanted, wanted);
}

// Appends the files of the split, at most FILES.
static status find_data(const layout *l, const dataset_options *o, name_list *out)
{
    status st = OK;
    const char *const *wanted = l->files[strcmp(o->split, splits[0]) != 0];
    if (!file_is_folder(o->path))
        return name_list_add(out, o->path, strlen(o->path));
    for (; *wanted && st == OK; wanted++) {
        char *path = find_file(o->path, *wanted);
        if (!path)
            return fail_folder(o, *wanted);
        st = name_list_add(out, path, strlen(path));
        free(path);
    }
    return st;
}

// *path = the names file of a kind of label, NULL where there is none. Owned by the caller.
static status find_names(const label_kind *kind, const dataset_options *o, char **path)
{
    *path = NULL;
    if (kind->offset < 0)
        return OK;
    char *folder = file_is_folder(o->path) ? strdup(o->path) : file_folder(o->path);
    *path = folder ? file_join(folder, kind->names_file) : NULL;
    free(folder);
    if (!*path)
        return status_no_memory("a path");
    if (!file_exists(*path)) {
        free(*path);
        *path = NULL;
    }
    return OK;
}

static status load_names(const label_kind *kind, const dataset_options *o, name_list *out)
{
    char *path;
    status st = find_names(kind, o, &path);
    if (st == OK)
        st = path ? name_list_read(out, path, (size_t)kind->n)
                  : name_list_number(out, (size_t)kind->n);
    free(path);
    return st;
}

static status open_file(format_state *s, const char *path)
{
    unpacked *u = &s->file[s->n];
    size_t record = (size_t)s->layout->record;
    status st = unpacked_open(path, u);
    if (st != OK)
        return st;
    s->n++;
    if (u->size > 2 && u->bytes[0] == 0x80 && u->bytes[1] <= 5 && u->size % record != 0)
        return status_fail(ERR_INPUT, path,
                           "is of the Python version, which is not read; fetch the binary version "
                           "(cifar-%s-binary.tar.gz) and unpack it",
                           s->layout->coarse.offset < 0 ? "10" : "100");
    if (u->size == 0 || u->size % record != 0)
        return status_fail(ERR_INPUT, path,
                           "holds %zu bytes, which is not a number of records of "
                           "%zu; fetch it again, or set another `format`",
                           u->size, record);
    s->first[s->n] = s->first[s->n - 1] + (int64_t)(u->size / record);
    return OK;
}

static const unsigned char *record_at(const format_state *s, int64_t index)
{
    int f = 0;
    while (index >= s->first[f + 1])
        f++;
    return s->file[f].bytes + (size_t)(index - s->first[f]) * (size_t)s->layout->record;
}

static status read_labels(const label_kind *kind, const format_state *s, const name_list *paths,
                          int32_t *out)
{
    for (int f = 0; f < s->n; f++)
        for (int64_t i = s->first[f]; i < s->first[f + 1]; i++) {
            out[i] = record_at(s, i)[kind->offset];
            if (out[i] >= kind->n)
                return status_fail(ERR_INPUT, paths->at[f],
                                   "record %lld has label %d; labels end at %d: "
                                   "set another `format`, or fetch it again",
                                   (long long)(i - s->first[f]), out[i], kind->n - 1);
        }
    return OK;
}

static status cifar_open(const layout *l, const dataset_options *o, catalogue *c)
{
    status st;
    name_list paths = {0};
    const label_kind *groups = strcmp(o->subsets, "coarse") == 0 ? &l->coarse : &l->fine;
    if (!(c->state = checked_calloc(1, sizeof *c->state)))
        return status_no_memory("a dataset");
    c->state->layout = l;
    TRY(find_data(l, o, &paths));
    for (size_t f = 0; f < paths.n; f++) {
        TRY(open_file(c->state, paths.at[f]));
        catalogue_note_padding(c, paths.at[f], c->state->file[f].padded);
    }
    c->samples = c->state->first[c->state->n];
    c->height = c->width = SIDE;
    c->channels = 3;
    c->group = checked_calloc((size_t)c->samples, sizeof *c->group);
    c->label = checked_calloc((size_t)c->samples, sizeof *c->label);
    if (!c->group || !c->label) {
        st = status_no_memory("labels");
        goto done;
    }
    TRY(read_labels(&l->fine, c->state, &paths, c->label));
    TRY(read_labels(groups, c->state, &paths, c->group));
    TRY(load_names(&l->fine, o, &c->label_names));
    TRY(load_names(groups, o, &c->group_names));
done:
    name_list_free(&paths);
    return st;
}

static void cifar_close(format_state *s)
{
    for (int f = 0; f < s->n; f++)
        unpacked_close(&s->file[f]);
    free(s);
}

static status cifar_image(const format_state *s, int64_t index, image *out)
{
    status st = image_shape(out, SIDE, SIDE, 3);
    if (st != OK)
        return st;
    const unsigned char *plane = record_at(s, index) + s->layout->record - PIXELS;
    for (int c = 0; c < 3; c++, plane += PLANE)
        for (int p = 0; p < PLANE; p++)
            out->pixels[3 * p + c] = plane[p];
    return OK;
}

static status cifar_files(const layout *l, const dataset_options *o, name_list *out)
{
    status st = find_data(l, o, out);
    for (int k = 0; k < 2 && st == OK; k++) {
        char *path;
        st = find_names(k == 0 ? &l->fine : &l->coarse, o, &path);
        if (st == OK && path)
            st = name_list_add(out, path, strlen(path));
        free(path);
    }
    return st;
}

static bool cifar_recognise(const layout *l, const dataset_options *o)
{
    name_list paths = {0};
    bool found = false;
    const char *name = basename(o->path);
    if (file_is_folder(o->path))
        found = find_data(l, o, &paths) == OK;
    else
        for (const char *const *f = l->files[strcmp(o->split, splits[0]) != 0]; *f; f++)
            found = found || strncmp(name, *f, strlen(*f)) == 0;
    name_list_free(&paths);
    return found;
}

// The two formats: the same functions, each with its layout.
#define CIFAR(NAME, LAYOUT, ...)                                                                   \
    static status NAME##_open(const dataset_options *o, catalogue *c)                              \
    {                                                                                              \
        return cifar_open(&LAYOUT, o, c);                                                          \
    }                                                                                              \
    static status NAME##_files(const dataset_options *o, name_list *out)                           \
    {                                                                                              \
        return cifar_files(&LAYOUT, o, out);                                                       \
    }                                                                                              \
    static bool NAME##_recognise(const dataset_options *o)                                         \
    {                                                                                              \
        return cifar_recognise(&LAYOUT, o);                                                        \
    }                                                                                              \
    const format format_##NAME = {.name = #NAME,                                                   \
                                  .splits = splits,                                                \
                                  .default_split = "test",                                         \
                                  .subsets = (const char *const[]){__VA_ARGS__, NULL},             \
                                  .from_archive = true,                                            \
                                  .open = NAME##_open,                                             \
                                  .close = cifar_close,                                            \
                                  .image = cifar_image,                                            \
                                  .files = NAME##_files,                                           \
                                  .recognise = NAME##_recognise};

CIFAR(cifar10, layout10, "label", "fine")
CIFAR(cifar100, layout100, "fine", "coarse", "label")

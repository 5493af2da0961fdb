// SPDX-License-Identifier: Apache-2.0
// IDX, the format of MNIST and its kin: a magic number (0, 0, type, dimensions), the dimensions as
// big-endian 32-bit numbers, then the values. Images are unsigned bytes [n, height, width], grey;
// labels unsigned bytes [n] in a file whose name has `labels` for `images` and `idx1` for `idx3`. A
// path is an images file (`split` is then not looked at), or MNIST's folder: t10k- (test) and
// train-images-idx3-ubyte, with `.idx3` for `-idx3` as some copies have it. Every file also as .gz.
#include "data/formats/format.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/unpacked.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

#define UBYTE  0x08
#define LABELS 256

static const char *const splits[] = {"test", "train", NULL};
static const char *const prefixes[] = {"t10k", "train"};
static const char *const endings[] = {"", ".gz"};
static const char *const marks[] = {"-idx", ".idx"};

struct format_state {
    unpacked images;
    const unsigned char *pixels; // in `images`
    int height, width;
};

// *path = the file PREFIX-KIND-idxN-ubyte of a folder in any of its spellings, NULL where there is
// none.
static status find_in_folder(const char *folder, const char *prefix, const char *kind, int n,
                             char **path)
{
    *path = NULL;
    for (int i = 0; i < 4 && !*path; i++) {
        char *name =
            text_format("%s-%s%s%d-ubyte%s", prefix, kind, marks[i / 2], n, endings[i % 2]);
        *path = name ? file_join(folder, name) : NULL;
        free(name);
        if (!*path)
            return status_no_memory("a path");
        if (!file_exists(*path)) {
            free(*path);
            *path = NULL;
        }
    }
    return OK;
}

// *path = the labels file beside an images file, NULL where there is none.
static status find_beside(const char *images, char **path)
{
    char *folder = file_folder(images);
    const char *name = basename(images), *word = strstr(name, "images");
    status st = OK;
    *path = NULL;
    for (size_t i = 0; word && i < 4 && !*path && st == OK; i++) {
        // With the other file's ending too: one may be packed and the other not.
        text t = {0};
        text_add_bytes(&t, name, (size_t)(word - name));
        text_addf(&t, "labels%s", word + strlen("images"));
        if (t.length > 3 && strcmp(text_get(&t) + t.length - 3, ".gz") == 0)
            t.at[t.length -= 3] = 0;
        char *digit = t.failed ? NULL : strstr(t.at, "idx3");
        if (digit && i / 2 == 0)
            digit[3] = '1';
        text_add(&t, endings[i % 2]);
        *path = t.failed || !folder ? NULL : file_join(folder, text_get(&t));
        text_free(&t);
        if (!*path)
            st = status_no_memory("a path");
        else if (!file_exists(*path) || strcmp(*path, images) == 0) {
            free(*path);
            *path = NULL;
        }
    }
    free(folder);
    return st;
}

// The two files of a dataset; owned by the caller, whatever is returned.
static status find_files(const dataset_options *o, char **images, char **labels)
{
    const char *prefix = prefixes[strcmp(o->split, splits[0]) != 0];
    status st;
    *images = *labels = NULL;
    if (file_is_folder(o->path)) {
        TRY(find_in_folder(o->path, prefix, "images", 3, images));
        TRY(find_in_folder(o->path, prefix, "labels", 1, labels));
    } else {
        if (!(*images = strdup(o->path)))
            return status_no_memory("a path");
        TRY(find_beside(o->path, labels));
    }
    if (!*images || !*labels)
        st = status_fail(ERR_INPUT, o->path,
                         "holds no %s file of the %s split; MNIST's names are "
                         "expected (%s-images-idx3-ubyte and %s-labels-idx1-ubyte, or with .gz)",
                         *images ? "labels" : "images", o->split, prefix, prefix);
done:
    return st;
}

// Checks the header and that the file holds exactly what it announces. dims[0..n) in file order.
static status read_header(const unpacked *u, const char *path, int n, uint32_t *dims,
                          const unsigned char **values)
{
    size_t header = 4 + 4 * (size_t)n, total = 1;
    if (u->size < header)
        return status_fail(ERR_INPUT, path, "ends inside the header (%zu bytes); fetch it again",
                           u->size);
    if (u->bytes[0] != 0 || u->bytes[1] != 0 || u->bytes[2] != UBYTE || u->bytes[3] != n)
        return status_fail(ERR_INPUT, path,
                           "begins with %02x%02x%02x%02x; IDX %s begin with 0000080%d", u->bytes[0],
                           u->bytes[1], u->bytes[2], u->bytes[3], n == 1 ? "labels" : "images", n);
    for (int i = 0; i < n; i++) {
        const unsigned char *b = u->bytes + 4 + 4 * i;
        dims[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        if (dims[i] == 0 || !checked_mul(total, dims[i], &total))
            return status_fail(ERR_INPUT, path, "dimension %d is %u; fetch it again", i, dims[i]);
    }
    if (u->size - header != total)
        return status_fail(ERR_INPUT, path,
                           "holds %zu bytes after the header, which announces %zu; "
                           "fetch it again",
                           u->size - header, total);
    *values = u->bytes + header;
    return OK;
}

static status open_images(format_state *s, const char *path, catalogue *c)
{
    status st;
    uint32_t dims[3] = {0};
    TRY(unpacked_open(path, &s->images));
    catalogue_note_padding(c, path, s->images.padded);
    TRY(read_header(&s->images, path, 3, dims, &s->pixels));
    if ((size_t)dims[1] * dims[2] > IMAGE_PIXELS_MAX) {
        st = status_fail(ERR_INPUT, path, "holds images of %u×%u, which is too large", dims[2],
                         dims[1]);
        goto done;
    }
    c->samples = dims[0];
    c->height = s->height = (int)dims[1];
    c->width = s->width = (int)dims[2];
    c->channels = 1;
done:
    return st;
}

static status open_labels(const char *path, catalogue *c)
{
    status st;
    unpacked u = {0};
    uint32_t n = 0;
    const unsigned char *values = NULL;
    TRY(unpacked_open(path, &u));
    catalogue_note_padding(c, path, u.padded);
    TRY(read_header(&u, path, 1, &n, &values));
    if (n != c->samples) {
        st = status_fail(ERR_INPUT, path, "holds %u labels for %lld images; fetch both again", n,
                         (long long)c->samples);
        goto done;
    }
    c->group = checked_calloc(n, sizeof *c->group);
    c->label = checked_calloc(n, sizeof *c->label);
    if (!c->group || !c->label) {
        st = status_no_memory("labels");
        goto done;
    }
    for (uint32_t i = 0; i < n; i++)
        c->label[i] = c->group[i] = values[i];
    TRY(name_list_number(&c->group_names, LABELS));
    TRY(name_list_number(&c->label_names, LABELS));
done:
    unpacked_close(&u);
    return st;
}

static status idx_open(const dataset_options *o, catalogue *c)
{
    status st;
    char *images, *labels;
    TRY(find_files(o, &images, &labels));
    if (!(c->state = checked_calloc(1, sizeof *c->state))) {
        st = status_no_memory("a dataset");
        goto done;
    }
    TRY(open_images(c->state, images, c));
    TRY(open_labels(labels, c));
done:
    free(images);
    free(labels);
    return st;
}

static void idx_close(format_state *s)
{
    unpacked_close(&s->images);
    free(s);
}

static status idx_image(const format_state *s, int64_t index, image *out)
{
    size_t n = (size_t)s->height * (size_t)s->width;
    status st = image_shape(out, s->height, s->width, 1);
    if (st == OK)
        memcpy(out->pixels, s->pixels + (size_t)index * n, n);
    return st;
}

static status idx_files(const dataset_options *o, name_list *out)
{
    status st;
    char *images, *labels;
    TRY(find_files(o, &images, &labels));
    TRY(name_list_add(out, images, strlen(images)));
    TRY(name_list_add(out, labels, strlen(labels)));
done:
    free(images);
    free(labels);
    return st;
}

static bool idx_recognise(const dataset_options *o)
{
    char *images, *labels;
    bool named = file_is_folder(o->path) || strstr(o->path, "idx3");
    bool found = named && find_files(o, &images, &labels) == OK;
    if (named) {
        free(images);
        free(labels);
    }
    return found;
}

const format format_idx = {
    .name = "idx",
    .splits = splits,
    .default_split = "test",
    .subsets = (const char *const[]){"label", "fine", NULL},
    .from_archive = true,
    .open = idx_open,
    .close = idx_close,
    .image = idx_image,
    .files = idx_files,
    .recognise = idx_recognise,
};

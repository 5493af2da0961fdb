// SPDX-License-Identifier: Apache-2.0
// A folder of folders of JPEG, PNG and WebP images: each folder a subset and a class, in sorted order of
// names; its images, also those of folders inside it, in sorted order. `split` names a folder
// between the path and these.
//
// Images are known by their first bytes, and whole by their last. Other files, names that begin with
// a dot, links to nothing and folders that systems leave are passed over and counted; a file that is
// named as an image and is none, or is cut short, is refused, or a damaged image would silently
// leave the dataset.
#include "data/formats/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "data/bytes/file_tree.h"
#include "data/bytes/foreign_files.h"
#include "data/bytes/synsets.h"
#include "data/image/decode.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/stopping.h"
#include "pipeline/base/text.h"

enum { FIRST_IMAGES = 4 }; // of a folder, where the first records are enough

#define FILE_MAX ((size_t)1 << 28)

struct format_state {
    text paths; // of all images, each ended by NUL
    size_t *at; // [samples] where each begins
    size_t at_capacity, group_capacity, label_capacity;
    bool first_records; // of each folder only the first files are looked at
    int looked;         // at of the present folder
};

static bool is_named_as_image(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".webp"};
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(ending, endings[i]) == 0)
            return true;
    return false;
}

// Reads n bytes from `at` on, or to the file's end.
static status read_part(int file, const char *path, uint8_t *bytes, size_t n, off_t at, size_t *got)
{
    for (*got = 0; *got < n;) {
        ssize_t some = pread(file, bytes + *got, n - *got, at + (off_t)*got);
        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0)
            return status_fail_errno(ERR_IO, path, "cannot read");
        if (some == 0)
            break;
        *got += (size_t)some;
    }
    return OK;
}

// What the first and the last bytes of a file say.
typedef struct sniffed {
    bool known, ends; // it begins as an image does; and ends so
} sniffed;

static status sniff_image(const char *path, sniffed *out)
{
    status st;
    uint8_t begin[DECODE_MAGIC], end[DECODE_END];
    size_t n = 0, m = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *out = (sniffed){0};
    if (file < 0)
        return status_fail_errno(ERR_INPUT, path, "cannot open");
    TRY(read_part(file, path, begin, sizeof begin, 0, &n));
    out->known = decode_knows(begin, n);
    if (!out->known)
        goto done;
    const off_t size = lseek(file, 0, SEEK_END), at = size - (off_t)sizeof end;
    TRY(read_part(file, path, end, sizeof end, at > 0 ? at : 0, &m));
    out->ends = decode_ends(begin, end, m, (size_t)size);
done:
    close(file);
    return st;
}

// An image that does not end as one is decoded: a copy that was cut short is found now, and not by
// the run that reaches it.
static status check_whole(const char *path)
{
    char *bytes;
    size_t n;
    image i = {0};
    status st = file_read(path, FILE_MAX, &bytes, &n);
    if (st != OK)
        return st;
    st = decode((const uint8_t *)bytes, n, path, &i);
    image_free(&i);
    free(bytes);
    return st;
}

static status add_image(catalogue *c, const char *path)
{
    format_state *s = c->state;
    size_t i = (size_t)c->samples;
    if (!checked_grow(&s->at, &s->at_capacity, i + 1, sizeof *s->at) ||
        !checked_grow(&c->group, &s->group_capacity, i + 1, sizeof *c->group) ||
        !checked_grow(&c->label, &s->label_capacity, i + 1, sizeof *c->label))
        return status_no_memory("a list of images");
    s->at[i] = s->paths.length;
    text_add_bytes(&s->paths, path, strlen(path) + 1);
    if (s->paths.failed)
        return status_no_memory("a list of images");
    c->group[i] = c->label[i] = (int32_t)c->group_names.n - 1;
    c->samples++;
    return OK;
}

static status visit_file(catalogue *c, const FTSENT *e)
{
    sniffed seen;
    format_state *s = c->state;
    if (e->fts_level < 2 || e->fts_name[0] == '.') {
        c->ignored++;
        return OK;
    }
    if (s->first_records && is_named_as_image(e->fts_name) && s->looked++ >= FIRST_IMAGES)
        return add_image(c, e->fts_path);
    status st = sniff_image(e->fts_accpath, &seen);
    if (st == OK && seen.known && !seen.ends)
        st = check_whole(e->fts_path);
    if (st != OK)
        return bad_records_pass(&c->bad, st);
    if (seen.known)
        return add_image(c, e->fts_path);
    if (is_named_as_image(e->fts_name))
        return bad_records_pass(
            &c->bad, status_fail(ERR_INPUT, e->fts_path,
                                 "is named as an image and is neither JPEG, PNG nor WebP; "
                                 "fetch it again, convert it or remove it"));
    c->ignored++;
    return OK;
}

static status enter_folder(catalogue *c, FTS *walk, FTSENT *e)
{
    if (file_tree_is_clutter(e)) {
        fts_set(walk, e, FTS_SKIP);
        c->ignored++;
        return OK;
    }
    if (e->fts_level != 1)
        return OK;
    c->state->looked = 0;
    if (!name_list_is_text(e->fts_name, strlen(e->fts_name)))
        return status_fail(ERR_INPUT, e->fts_path, "is not a UTF-8 name; rename the folder");
    status st = name_list_add(&c->label_names, e->fts_name, strlen(e->fts_name));
    return st == OK ? name_list_add(&c->group_names, e->fts_name, strlen(e->fts_name)) : st;
}

// A class without images would shift no label today and all of them when it is removed: refuse it.
static status leave_folder(const catalogue *c, const FTSENT *e)
{
    int32_t group = (int32_t)c->group_names.n - 1;
    if (e->fts_level != 1 || (c->samples > 0 && c->group[c->samples - 1] == group))
        return OK;
    return status_fail(ERR_INPUT, e->fts_path,
                       "holds no JPEG, PNG or WebP image; each folder is a class: fill"
                       " it or remove it");
}

static status visit_entry(catalogue *c, FTS *walk, FTSENT *e)
{
    switch (e->fts_info) {
    case FTS_D:
        return enter_folder(c, walk, e);
    case FTS_DP:
        return file_tree_is_clutter(e) ? OK : leave_folder(c, e);
    case FTS_F:
        return visit_file(c, e);
    default: // devices and pipes, where nothing is wrong
        c->ignored++;
        return file_tree_check(e);
    }
}

// Folders that are all called as splits are hardly classes: that is said.
static void note_splits(const dataset_options *o, catalogue *c)
{
    static const char *const words[] = {"train", "training",   "test", "testing",
                                        "val",   "validation", "dev"};
    const name_list *l = &c->label_names;
    size_t splits = 0;
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            splits += strcasecmp(l->at[i], words[k]) == 0;
    if (l->n > 0 && splits == l->n)
        text_addf(&c->notes,
                  "%s: its folders are called as splits are (%s), and are taken for classes; name "
                  "one with split: or path:\n",
                  o->path, l->at[0]);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static status images_open(const dataset_options *o, catalogue *c)
{
    status st = OK;
    FTS *walk = NULL;
    FTSENT *e;
    char *root = o->split ? file_join(o->path, o->split) : strdup(o->path);
    if (!root || !(c->state = checked_calloc(1, sizeof *c->state))) {
        st = status_no_memory("a dataset");
        goto done;
    }
    c->bad.most = o->skip_bad;
    c->state->first_records = o->first_records;
    if (!file_is_folder(root)) {
        TRY(foreign_files_refuse(root));
        st = status_fail(ERR_INPUT, root, "is not a folder; `images` reads a folder of folders");
        goto done;
    }
    walk = fts_open((char *const[]){root, NULL}, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (!walk) {
        st = status_fail_errno(ERR_INPUT, root, "cannot read the folder");
        goto done;
    }
    for (errno = 0; (e = fts_read(walk)) != NULL; errno = 0) {
        TRY(stopping_check(o->stopping));
        TRY(visit_entry(c, walk, e));
    }
    if (errno != 0)
        st = status_fail_errno(ERR_INPUT, root, "cannot read the folder");
    else if (c->samples == 0)
        st = foreign_files_refuse(root);
    if (st == OK && c->samples == 0)
        st = status_fail(ERR_INPUT, root,
                         "holds no folder of images; one folder a class is expected");
    if (st == OK && !o->split)
        note_splits(o, c);
done:
    if (walk)
        fts_close(walk);
    free(root);
    return st;
}

static void images_close(format_state *s)
{
    text_free(&s->paths);
    free(s->at);
    free(s);
}

static status images_image(const format_state *s, int64_t index, image *out)
{
    const char *path = s->paths.at + s->at[index];
    char *bytes;
    size_t n;
    status st = file_read(path, FILE_MAX, &bytes, &n);
    if (st != OK)
        return st;
    st = decode((const uint8_t *)bytes, n, path, out);
    free(bytes);
    return st;
}

static status images_files(const dataset_options *o, name_list *out)
{
    status st;
    catalogue c = {0};
    TRY(images_open(o, &c));
    for (int64_t i = 0; i < c.samples; i++) {
        const char *path = c.state->paths.at + c.state->at[i];
        TRY(name_list_add(out, path, strlen(path)));
    }
    if (synsets_are_ids(&c.label_names)) // which decide what classes they are
        TRY(synsets_find_above(o->path, out));
done:
    catalogue_free(&c, images_close);
    return st;
}

// Whether a folder has a folder that has an image: looks at the first entries only, for any folder
// may be asked.
static bool images_recognise(const dataset_options *o)
{
    char *root = o->split ? file_join(o->path, o->split) : strdup(o->path);
    FTS *walk = root && file_is_folder(root)
                    ? fts_open((char *const[]){root, NULL}, FTS_LOGICAL | FTS_NOCHDIR, NULL)
                    : NULL;
    FTSENT *e;
    sniffed seen = {0};
    for (int looked = 0; walk && !seen.known && looked < 1000 && (e = fts_read(walk)); looked++) {
        if (e->fts_info == FTS_D && e->fts_level > 1)
            fts_set(walk, e, FTS_SKIP);
        if (e->fts_info == FTS_F && e->fts_level == 2 && sniff_image(e->fts_accpath, &seen) != OK)
            seen.known = false;
    }
    if (walk)
        fts_close(walk);
    free(root);
    return seen.known;
}

const format format_images = {
    .name = "images",
    .splits = (const char *const[]){"train", "test", "validation", "val", NULL},
    .subsets = (const char *const[]){"folder", "label", "fine", NULL},
    .labels_by_name = true,
    .skips_bad = true,
    .open = images_open,
    .close = images_close,
    .image = images_image,
    .files = images_files,
    .recognise = images_recognise,
};

// SPDX-License-Identifier: Apache-2.0
// Everything is checked before it is believed: a killed writer, a full disk or another machine's
// byte order must give a task that starts anew, never a wrong sum.
#include "pipeline/store/checkpoint_file.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

static const uint64_t MAGIC = 0x3174706b63637573; // "succkpt1"

typedef struct file_head {
    uint64_t magic;
    checkpoint_head head;
    int64_t fields;
    struct {
        int64_t type, length;
    } field[PARTIAL_MAX_FIELDS];
} file_head;

enum { DIGEST = DIGEST_HEX - 1, PIECES = PARTIAL_MAX_FIELDS + 4 };

int64_t checkpoint_file_words(int64_t units)
{
    return units / 64 + (units % 64 != 0);
}

char *checkpoint_file_path(const char *output, const char *artefact_name)
{
    size_t n = strlen(artefact_name), suffix = strlen(".nc");
    if (n > suffix && strcmp(artefact_name + n - suffix, ".nc") == 0)
        n -= suffix;
    char *name = text_format(CHECKPOINT_FOLDER "/%.*s" CHECKPOINT_SUFFIX, (int)n, artefact_name);
    char *path = name ? file_join(output, name) : NULL;
    free(name);
    return path;
}

static size_t item_bytes(int64_t type)
{
    return type == PARTIAL_COUNT ? sizeof(int64_t) : sizeof(fixed);
}

// --- Writing

static status sum_up(const file_piece *pieces, size_t n, char hex[DIGEST_HEX])
{
    digest *d = NULL;
    status st = digest_new(&d);
    for (size_t i = 0; st == OK && i < n; i++)
        digest_add(d, pieces[i].bytes, pieces[i].n);
    if (st == OK)
        digest_hex(d, hex);
    digest_free(d);
    return st;
}

static status write_pieces(const char *path, const file_piece *pieces, size_t n,
                           status (*allowed)(void *context), void *context)
{
    status st;
    char *folder = file_folder(path);
    if (!folder)
        return status_no_memory("a path");
    TRY(file_make_folders(folder));
    TRY(file_write_pieces(path, pieces, n, allowed, context));
done:
    free(folder);
    return st;
}

status checkpoint_file_write(const char *path, const checkpoint_head *head, const int64_t *vector,
                             const uint64_t *bits, const partial *sum,
                             status (*allowed)(void *context), void *context)
{
    file_head h;
    file_piece pieces[PIECES];
    char hex[DIGEST_HEX];
    size_t n = 0;
    memset(&h, 0, sizeof h); // the padding is part of the digest
    h.magic = MAGIC;
    memcpy(h.head.key, head->key, sizeof h.head.key);
    h.head.epoch = head->epoch;
    h.head.round = head->round;
    h.head.length = head->length;
    h.head.units = head->units;
    h.head.done = head->done;
    h.head.earlier = head->earlier;
    h.head.operations = head->operations;
    h.head.seconds = head->seconds;
    pieces[n++] = (file_piece){&h, sizeof h};
    pieces[n++] = (file_piece){vector, (size_t)head->length * sizeof *vector};
    if (head->done > 0) {
        const partial_shape *shape = partial_get_shape(sum);
        h.fields = shape->fields;
        pieces[n++] = (file_piece){bits, (size_t)checkpoint_file_words(head->units) * sizeof *bits};
        for (int f = 0; f < shape->fields; f++) {
            partial_type type = shape->field[f].type;
            int64_t length = shape->field[f].length;
            h.field[f].type = type;
            h.field[f].length = length;
            pieces[n++] = (file_piece){partial_data(sum, f), (size_t)length * item_bytes(type)};
        }
    }
    status st = sum_up(pieces, n, hex);
    if (st != OK)
        return st;
    pieces[n++] = (file_piece){hex, DIGEST};
    return write_pieces(path, pieces, n, allowed, context);
}

// --- Reading

// Takes n items off the rest of the file; NULL when it is too short.
static const void *take_bytes(const mapping *file, size_t *at, int64_t n, size_t item)
{
    size_t bytes, end;
    if (n < 0 || !checked_mul((size_t)n, item, &bytes) || !checked_add(*at, bytes, &end) ||
        end > file->size - DIGEST)
        return NULL;
    const void *place = file->bytes + *at;
    *at = end;
    return place;
}

static bool lay_out(checkpoint_file *s)
{
    const file_head *h = (const file_head *)(const void *)s->file.bytes;
    size_t at = sizeof *h;
    s->head = h->head;
    s->head.key[DIGEST_HEX - 1] = 0;
    if (h->magic != MAGIC || h->head.units < 0 || h->head.done < 0 || h->fields < 0 ||
        h->head.done > h->head.units || h->fields > PARTIAL_MAX_FIELDS || h->head.round < 0)
        return false;
    s->vector = take_bytes(&s->file, &at, h->head.length, sizeof *s->vector);
    if (h->head.done > 0)
        s->bits = take_bytes(&s->file, &at, checkpoint_file_words(h->head.units), sizeof *s->bits);
    s->shape.fields = (int)h->fields;
    for (int f = 0; f < s->shape.fields; f++) {
        int64_t type = h->field[f].type, length = h->field[f].length;
        if (type != PARTIAL_COUNT && type != PARTIAL_SUM)
            return false;
        s->shape.field[f] = (partial_field){"", (partial_type)type, length};
        if (!(s->values[f] = take_bytes(&s->file, &at, length, item_bytes(type))))
            return false;
    }
    int64_t done = 0;
    for (int64_t w = 0; s->bits && w < checkpoint_file_words(h->head.units); w++)
        done += __builtin_popcountll(s->bits[w]);
    return s->vector && (s->bits || h->head.done == 0) && done == h->head.done &&
           at == s->file.size - DIGEST;
}

status checkpoint_file_open(const char *path, checkpoint_file *out)
{
    status st;
    char hex[DIGEST_HEX];
    *out = (checkpoint_file){0};
    TRY(file_map(path, &out->file));
    if (out->file.size < sizeof(file_head) + DIGEST) {
        st = status_fail(ERR_INPUT, path, "is no whole checkpoint");
        goto done;
    }
    size_t n = out->file.size - DIGEST;
    TRY(sum_up(&(file_piece){out->file.bytes, n}, 1, hex));
    if (memcmp(hex, out->file.bytes + n, DIGEST) != 0 || !lay_out(out))
        st = status_fail(ERR_INPUT, path, "is no whole checkpoint: its digest does not match");
done:
    if (st != OK)
        checkpoint_file_close(out);
    return st;
}

void checkpoint_file_close(checkpoint_file *s)
{
    if (s->file.bytes)
        file_unmap(&s->file);
    *s = (checkpoint_file){0};
}

// --- All of them

static status visit_folder(const char *output, const char *step,
                           status (*visit)(void *context, const char *name), void *context)
{
    status st = OK;
    char *folder = text_format("%s/" CHECKPOINT_FOLDER "/%s", output, step);
    DIR *d = folder ? opendir(folder) : NULL;
    for (struct dirent *entry; st == OK && d && (entry = readdir(d));) {
        size_t n = strlen(entry->d_name), suffix = strlen(CHECKPOINT_SUFFIX);
        if (n <= suffix || strcmp(entry->d_name + n - suffix, CHECKPOINT_SUFFIX) != 0)
            continue;
        char *name = text_format(CHECKPOINT_FOLDER "/%s/%s", step, entry->d_name);
        st = name ? visit(context, name) : status_no_memory("a path");
        free(name);
    }
    if (d)
        closedir(d);
    if (!folder)
        st = status_no_memory("a path");
    free(folder);
    return st;
}

status checkpoint_file_each(const char *output, status (*visit)(void *context, const char *name),
                            void *context)
{
    status st = OK;
    char *all = file_join(output, CHECKPOINT_FOLDER);
    if (!all)
        return status_no_memory("a path");
    DIR *d = opendir(all);
    for (struct dirent *entry; st == OK && d && (entry = readdir(d));)
        if (entry->d_name[0] != '.')
            st = visit_folder(output, entry->d_name, visit, context);
    if (d)
        closedir(d);
    free(all);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Token ids (data/tokens/token_file.h): a file, or a folder of .bin and .npy files, by sorted name;
// each is a subset, by its name without ending. Of an array of two dimensions each row is a
// document, cut at `context`; one of a single dimension has no documents inside: it is cut every
// `context` ids. No tokenizer is needed: ids must be the model's own.
#include "data/formats/format.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/byte_stream.h"
#include "data/bytes/file_tree.h"
#include "data/tokens/token_file.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

enum { BLOCK_IDS = 1 << 16 };

struct format_state {
    name_list files;
    token_file *header; // owned [files.n]
};

static bool is_token_file(const char *below, const void *context)
{
    static const char *const endings[] = {".bin", ".npy", NULL};
    size_t n = strlen(below);
    (void)context;
    return !strchr(below, '/') && file_tree_ending(below, endings) && n > 4 &&
           below[n - 4] == '.' &&
           strcmp(below + n - 4, ".zst") != 0; // ids do not pack, and are read where they are
}

static int find_width(const dataset_options *o)
{
    return o->dtype && strcmp(o->dtype, "uint32") == 0 ? 4 : 2;
}

static status find_files(const dataset_options *o, name_list *files, int64_t *ignored)
{
    status st = file_tree(o->path, is_token_file, NULL, files, ignored);
    if (st == OK && files->n == 0)
        st = status_fail(ERR_INPUT, o->path, "holds no .bin or .npy file of token ids");
    return st;
}

static status tokens_open(const dataset_options *o, catalogue *c)
{
    status st;
    format_state *s = c->state = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a dataset");
    TRY(find_files(o, &s->files, &c->ignored));
    s->header = checked_calloc(s->files.n, sizeof *s->header);
    c->count = checked_calloc(s->files.n, sizeof *c->count);
    if (!s->header || !c->count) {
        st = status_no_memory("a dataset");
        goto done;
    }
    for (size_t i = 0; i < s->files.n; i++) {
        const char *path = s->files.at[i], *name = basename(path), *dot = strrchr(name, '.');
        size_t n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
        for (size_t k = 0; k < i; k++)
            if (strncmp(c->group_names.at[k], name, n) == 0 && !c->group_names.at[k][n])
                n = strlen(name); // x.bin beside x.npy
        TRY(token_file_open(path, find_width(o), &s->header[i]));
        TRY(name_list_add(&c->group_names, name, n));
        c->count[i] = s->header[i].columns ? s->header[i].rows : 1;
        c->samples += c->count[i];
        if (s->header[i].from)
            text_addf(&c->notes, "%s begins with a header of %s's, which is passed over\n", path,
                      s->header[i].from);
    }
done:
    return st;
}

static void tokens_close(format_state *s)
{
    name_list_free(&s->files);
    free(s->header);
    free(s);
}

// One id from its bytes.
static int64_t decode_id(const token_file *f, const char *bytes)
{
    const int unused = 64 - 8 * f->width;
    uint64_t value = 0; // little-endian, as this machine
    memcpy(&value, bytes, (size_t)f->width);
    return f->is_signed ? (int64_t)(value << unused) >> unused
                        : (int64_t)(value < INT64_MAX ? value : INT64_MAX);
}

// What is wrong with an id.
static status fail_id(const char *path, const token_file *f, int64_t position, int64_t value)
{
    const int64_t values = f->width < 8 ? (int64_t)1 << 8 * f->width : 0;
    const bool padding = !f->is_signed && (value == values - 100 || value == values - 1);
    if (value < 0 || padding)
        return status_fail(ERR_INPUT, path, "id %lld is %lld, %s%s; %s", (long long)position,
                           (long long)value, padding ? "which is " : "which is no token",
                           !padding              ? value == -100 ? " but what losses pass over" : ""
                           : value == values - 1 ? "-1 without its sign, and no token"
                                                 : "-100 without its sign, and no token",
                           "save the ids without padding or masks");
    return status_fail(
        ERR_INPUT, path,
        "id %lld is %lld, beyond the model's vocabulary; give the model its own tokens "
        "and check dtype:",
        (long long)position, (long long)value);
}

// Ids of a file, the first of them at a position, from their bytes. What -100 or -1 becomes in two
// bytes is an id of large vocabularies, but hardly twice in a row.
static status decode_ids(const char *path, const token_file *f, const char *bytes, size_t n,
                         int64_t position, int64_t vocabulary, int32_t *id)
{
    int64_t before = -1;
    for (size_t i = 0; i < n; i++) {
        const int64_t value = decode_id(f, bytes + i * (size_t)f->width);
        const bool padding =
            f->width == 2 && value == before && (value == UINT16_MAX || value == UINT16_MAX - 99);
        if (value < 0 || value >= vocabulary || padding)
            return fail_id(path, f, position + (int64_t)i, value);
        id[i] = (int32_t)value;
        before = value;
    }
    return OK;
}

static status feed_file(const format_state *s, size_t i, char *bytes, int32_t *id, text_maker *m)
{
    status st;
    byte_stream *in = NULL;
    const token_file *f = &s->header[i];
    const char *path = s->files.at[i];
    size_t got, width = (size_t)f->width;
    int64_t position = 0, step = f->columns ? f->columns : BLOCK_IDS;
    int64_t left = f->columns ? f->rows * f->columns : f->rows;
    const size_t block = (size_t)(step < BLOCK_IDS ? step : BLOCK_IDS);
    TRY(byte_stream_open_plain(path, &in));
    byte_stream_stop_by(in, text_maker_stopping(m));
    for (; left > 0 && text_maker_wants(m, i); position += step, left -= step) {
        size_t n = (int64_t)block < left ? block : (size_t)left;
        TRY(byte_stream_skip_to(in, f->begin + (uint64_t)position * width));
        TRY(byte_stream_read(in, bytes, n * width, &got));
        if (got < n * width) {
            st = status_fail(ERR_INPUT, path, "has changed while it was read");
            goto done;
        }
        TRY(decode_ids(path, f, bytes, n, position, text_maker_vocabulary(m), id));
        TRY(text_maker_add_ids(m, i, id, n, f->columns == 0 || text_maker_packs(m)));
    }
done:
    byte_stream_close(in);
    return st;
}

static status tokens_text(const format_state *s, text_maker *m)
{
    status st = OK;
    char *bytes = checked_calloc(BLOCK_IDS, 8);
    int32_t *id = checked_calloc(BLOCK_IDS, sizeof *id);
    if (!bytes || !id)
        st = status_no_memory("tokens");
    for (size_t i = 0; i < s->files.n && st == OK; i++)
        if (text_maker_wants(m, i))
            st = feed_file(s, i, bytes, id, m);
    free(bytes);
    free(id);
    return st;
}

static status tokens_files(const dataset_options *o, name_list *out)
{
    return find_files(o, out, NULL);
}

// A folder of models holds .bin files too: those begin as ZIP or pickle, or lie beside config.json.
static bool is_alien(const char *path)
{
    char bytes[8] = {0}, *folder = file_folder(path), *config = file_join(folder, "config.json");
    size_t n = 0;
    byte_stream *in = NULL;
    bool readable =
        byte_stream_open(path, &in) == OK && byte_stream_read(in, bytes, sizeof bytes, &n) == OK;
    bool alien =
        !readable || n == 0 || memcmp(bytes, "PK\3\4", 4) == 0 || (config && file_exists(config));
    byte_stream_close(in);
    free(folder);
    free(config);
    return alien;
}

static bool tokens_recognise(const dataset_options *o)
{
    name_list files = {0};
    token_file f;
    bool is = (file_is_folder(o->path) || is_token_file(basename(o->path), NULL)) &&
              find_files(o, &files, NULL) == OK && !is_alien(files.at[0]) &&
              token_file_open(files.at[0], find_width(o), &f) == OK;
    name_list_free(&files);
    return is;
}

const format format_tokens = {
    .name = "tokens",
    .splits = (const char *const[]){NULL},
    .subsets = (const char *const[]){"file", NULL},
    .token_ids = true,
    .raw_samples = "documents",
    .open = tokens_open,
    .close = tokens_close,
    .text = tokens_text,
    .files = tokens_files,
    .recognise = tokens_recognise,
};

// SPDX-License-Identifier: Apache-2.0
// Plain text. In a folder each sub-folder is a subset, and each file under it (.txt, .md or without
// an ending) a document; a file that lies in the folder itself, or that is the path, is a subset of
// its own, by its name without ending. Such a file has no documents inside: its tokens are cut
// every `context`. With `subsets: file` every file is like that. Files may be .gz or .zst. Subsets
// and files come by sorted name. Malformed UTF-8 is read as U+FFFD.
//
// A file is tokenised as one text up to BLOCK_BYTES; a longer one in blocks of about that, which
// end at a line's end, so that no file is ever whole in memory.
#include "data/formats/format.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/byte_stream.h"
#include "data/bytes/file_tree.h"
#include "data/bytes/foreign_files.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

enum { BLOCK_BYTES = 8 << 20, SNIFF_BYTES = 4096 };

struct format_state {
    name_list files;
    int32_t *group; // owned [files.n]
    bool *joined;   // owned [files.n]: a subset of its own
};

static bool is_text_name(const char *below, const void *context)
{
    static const char *const endings[] = {".txt", ".md", ".text", NULL};
    const char *name = basename(below);
    (void)context;
    return !strchr(name, '.') || file_tree_ending(name, endings);
}

// The name below the dataset's path.
static const char *path_below(const dataset_options *o, const char *path)
{
    if (!file_is_folder(o->path))
        return basename(path);
    path += strlen(o->path);
    return path + strspn(path, "/");
}

static status name_group(const dataset_options *o, catalogue *c, size_t i, text *name)
{
    const char *path = path_below(o, c->state->files.at[i]);
    bool by_file = strcmp(o->subsets, "file") == 0;
    size_t n = strcspn(path, "/");
    c->state->joined[i] = by_file || path[n] == 0;
    if (c->state->joined[i]) {
        const char *base = basename(path), *dot = strchr(base, '.');
        n = dot && dot > base ? (size_t)(dot - path) : strlen(path);
    }
    if (!name_list_is_text(path, n))
        return status_fail(ERR_INPUT, c->state->files.at[i], "is not a UTF-8 name; rename it");
    name->length = 0;
    text_add_bytes(name, path, n);
    if (name->failed)
        return status_no_memory("a list of subsets");
    const name_list *known = &c->group_names;
    c->state->group[i] = (int32_t)known->n - 1;
    if (known->n > 0 && strcmp(known->at[known->n - 1], name->at) == 0)
        return OK;
    c->state->group[i]++;
    return name_list_add(&c->group_names, name->at, n);
}

static status text_open(const dataset_options *o, catalogue *c)
{
    status st;
    text name = {0};
    format_state *s = c->state = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a dataset");
    TRY(file_tree(o->path, is_text_name, NULL, &s->files, &c->ignored));
    if (s->files.n == 0) {
        TRY(foreign_files_refuse(o->path));
        st = status_fail(ERR_INPUT, o->path, "holds no text file (.txt, .md or without an ending)");
        goto done;
    }
    s->group = checked_calloc(s->files.n, sizeof *s->group);
    s->joined = checked_calloc(s->files.n, sizeof *s->joined);
    c->count = checked_calloc(s->files.n, sizeof *c->count);
    if (!s->group || !s->joined || !c->count) {
        st = status_no_memory("a dataset");
        goto done;
    }
    for (size_t i = 0; i < s->files.n; i++) {
        TRY(name_group(o, c, i, &name));
        c->count[s->group[i]]++;
    }
    c->samples = (int64_t)s->files.n;
done:
    text_free(&name);
    return st;
}

static void text_close(format_state *s)
{
    name_list_free(&s->files);
    free(s->group);
    free(s->joined);
    free(s);
}

// Where a block of n bytes may end: behind its last line end, else behind its last whole character.
static size_t block_end(const char *bytes, size_t n)
{
    const char *line = memrchr(bytes, '\n', n);
    if (line && line > bytes)
        return (size_t)(line - bytes) + 1;
    size_t end = n;
    for (int i = 0; i < 3 && end > 1 && ((unsigned char)bytes[end - 1] & 0xC0) == 0x80; i++)
        end--;
    return (unsigned char)bytes[end - 1] >= 0xC0 && end > 1 ? end - 1 : n;
}

static status add_block(const format_state *s, size_t i, const char *bytes, size_t n, bool inner,
                        bool outer, text_maker *m)
{
    if (memchr(bytes, 0, n))
        return status_fail(ERR_INPUT, s->files.at[i],
                           "holds zero bytes, so it is no text; remove it or convert it to UTF-8");
    text_document d = {.group = (size_t)s->group[i],
                       .bytes = bytes,
                       .n = n,
                       .file = s->files.at[i],
                       .joined = s->joined[i],
                       .inner = inner,
                       .outer = outer};
    return text_maker_add(m, &d);
}

static status feed_file(const format_state *s, size_t i, char *block, text_maker *m)
{
    status st;
    byte_stream *in = NULL;
    size_t have = 0, got, end;
    bool inner = false;
    const size_t most = text_maker_block(m, BLOCK_BYTES);
    TRY(byte_stream_open(s->files.at[i], &in));
    byte_stream_stop_by(in, text_maker_stopping(m));
    while (text_maker_wants(m, (size_t)s->group[i])) {
        TRY(byte_stream_read(in, block + have, most - have, &got));
        have += got;
        if (have < most) {
            if (byte_stream_padded(in))
                text_maker_note_padding(m, s->files.at[i]);
            TRY(add_block(s, i, block, have, inner, false, m));
            break;
        }
        end = block_end(block, have);
        // A document is cut at its first `context` tokens, which are in its first block.
        TRY(add_block(s, i, block, end, inner, true, m));
        inner = true;
        have -= end;
        memmove(block, block + end, have);
        if (!s->joined[i] && !text_maker_packs(m))
            break;
    }
done:
    byte_stream_close(in);
    return st;
}

static status text_feed(const format_state *s, text_maker *m)
{
    status st = OK;
    char *block = malloc(BLOCK_BYTES);
    if (!block)
        return status_no_memory("a text");
    for (size_t i = 0; i < s->files.n && st == OK; i++)
        if (text_maker_wants(m, (size_t)s->group[i]))
            st = feed_file(s, i, block, m);
    free(block);
    return st;
}

static status text_files(const dataset_options *o, name_list *out)
{
    return file_tree(o->path, is_text_name, NULL, out, NULL);
}

// Whether the first bytes are text.
static bool looks_like_text(const char *path)
{
    char bytes[SNIFF_BYTES];
    size_t n = 0;
    byte_stream *in = NULL;
    bool is =
        byte_stream_open(path, &in) == OK && byte_stream_read(in, bytes, sizeof bytes, &n) == OK;
    byte_stream_close(in);
    return is && n > 0 && !memchr(bytes, 0, n);
}

static bool text_recognise(const dataset_options *o)
{
    static const char *const endings[] = {".txt", ".md", ".text", NULL};
    name_list files = {0};
    bool folder = file_is_folder(o->path);
    bool is = (folder || file_tree_ending(o->path, endings)) &&
              file_tree(o->path, is_text_name, NULL, &files, NULL) == OK && files.n > 0 &&
              file_tree_ending(files.at[0], endings) && looks_like_text(files.at[0]);
    name_list_free(&files);
    return is;
}

const format format_text = {
    .name = "text",
    .splits = (const char *const[]){NULL},
    .subsets = (const char *const[]){"folder", "file", NULL},
    .raw_samples = "files",
    .open = text_open,
    .close = text_close,
    .text = text_feed,
    .files = text_files,
    .recognise = text_recognise,
};

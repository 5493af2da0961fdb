// SPDX-License-Identifier: Apache-2.0
// A corpus may have more tokens than there is memory. The file that then holds them has no name any
// more once it is open, so that a killed run leaves nothing behind; other ranks of the node reach
// it through /proc.
#include "data/tokens/token_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

enum { WRITE_BYTES = 1 << 20, READ_IDS = 4096 };

struct token_store {
    size_t width; // bytes an id: 2 or 4
    size_t in_memory;
    unsigned char *bytes; // owned: all ids, or those not yet in the file
    size_t n, capacity;   // bytes there
    bool borrowed;        // they are not owned
    int file;             // -1: all are in memory
    uint64_t written;     // bytes in the file
};

status token_store_new(int64_t vocabulary, size_t in_memory, token_store **out)
{
    token_store *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("samples");
    *s = (token_store){.width = vocabulary <= 1 << 16 ? 2 : 4, .in_memory = in_memory, .file = -1};
    *out = s;
    return OK;
}

void token_store_free(token_store *s)
{
    if (!s)
        return;
    if (s->file >= 0)
        close(s->file);
    if (!s->borrowed)
        free(s->bytes);
    free(s);
}

static const char *find_folder(void)
{
    const char *given = getenv("TMPDIR");
    return given && *given ? given : "/tmp";
}

static status open_own_file(token_store *s)
{
    char *path = text_format("%s/sulcus-tokens-%ld-%p", find_folder(), (long)getpid(), (void *)s);
    if (!path)
        return status_no_memory("a path");
    s->file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    status st =
        s->file < 0 ? status_fail_errno(ERR_IO, find_folder(), "cannot hold the tokens") : OK;
    if (s->file >= 0)
        unlink(path);
    free(path);
    return st;
}

static status write_to_file(token_store *s)
{
    for (size_t at = 0; at < s->n;) {
        ssize_t w = write(s->file, s->bytes + at, s->n - at);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return status_fail_errno(ERR_IO, find_folder(),
                                     "cannot hold the tokens (set TMPDIR to a larger disk)");
        at += (size_t)w;
    }
    s->written += s->n;
    s->n = 0;
    return OK;
}

// What is still in memory behind a full file stays readable there: reads look at both.
static status spill_where_full(token_store *s)
{
    status st = OK;
    size_t most = s->file < 0 ? s->in_memory : WRITE_BYTES;
    if (s->n < most)
        return OK;
    if (s->file < 0)
        TRY(open_own_file(s));
    TRY(write_to_file(s));
    free(s->bytes);
    s->bytes = NULL;
    s->capacity = 0;
done:
    return st;
}

status token_store_add(token_store *s, const int32_t *id, size_t n)
{
    status st;
    TRY(spill_where_full(s));
    if (!checked_grow(&s->bytes, &s->capacity, s->n + n * s->width, 1))
        return status_no_memory("tokens");
    for (size_t i = 0; i < n; i++) {
        uint16_t narrow = (uint16_t)id[i];
        memcpy(s->bytes + s->n + i * s->width, s->width == 2 ? (void *)&narrow : (void *)&id[i],
               s->width);
    }
    s->n += n * s->width;
done:
    return st;
}

// Reads `size` bytes of the file from `at` on.
static status read_from_file(const token_store *s, uint64_t at, unsigned char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t r = pread(s->file, bytes + done, size - done, (off_t)(at + done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return status_fail_errno(ERR_IO, find_folder(), "cannot read the tokens back");
        done += (size_t)r;
    }
    return OK;
}

static void widen_ids(const token_store *s, const unsigned char *bytes, size_t n, int32_t *id)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t narrow;
        memcpy(s->width == 2 ? (void *)&narrow : (void *)&id[i], bytes + i * s->width, s->width);
        if (s->width == 2)
            id[i] = narrow;
    }
}

status token_store_read(const token_store *s, int64_t first, size_t n, int32_t *id)
{
    unsigned char block[READ_IDS * 4];
    uint64_t at = (uint64_t)first * s->width;
    while (n > 0 && at < s->written) {
        size_t left = (size_t)((s->written - at) / s->width), now = n < READ_IDS ? n : READ_IDS;
        now = now < left ? now : left;
        status st = read_from_file(s, at, block, now * s->width);
        if (st != OK)
            return st;
        widen_ids(s, block, now, id);
        id += now;
        n -= now;
        at += now * s->width;
    }
    if (n > 0)
        widen_ids(s, s->bytes + (at - s->written), n, id);
    return OK;
}

int64_t token_store_count(const token_store *s)
{
    return (int64_t)((s->written + s->n) / s->width);
}

token_store_layout token_store_get_layout(const token_store *s)
{
    return (token_store_layout){s->width, s->n, s->written, s->file, (int)getpid()};
}

void token_store_copy(const token_store *s, unsigned char *bytes)
{
    if (s->n)
        memcpy(bytes, s->bytes, s->n);
}

// Opens the unlinked file of another process.
static status open_shared_file(const token_store_layout *layout, int *file)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", layout->process, layout->file);
    *file = open(path, O_RDONLY | O_CLOEXEC);
    return *file >= 0 ? OK
                      : status_fail_errno(ERR_IO, path,
                                          "cannot read the tokens that another rank of the node "
                                          "made (ranks of a node must see each other's processes)");
}

status token_store_borrow(token_store *s, const token_store_layout *layout, unsigned char *bytes)
{
    if (layout->file >= 0 && layout->process != (int)getpid()) {
        status st = open_shared_file(layout, &s->file);
        if (st != OK)
            return st;
    }
    if (!s->borrowed)
        free(s->bytes);
    s->borrowed = true;
    s->width = layout->width;
    s->bytes = bytes;
    s->n = layout->n;
    s->written = layout->written;
    return OK;
}

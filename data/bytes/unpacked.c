// SPDX-License-Identifier: Apache-2.0
// Image records are read at random, so a file of them is in memory or mapped as a whole, unlike
// text (byte_stream.c). Unpacking stops at a limit, for a few kilobytes of gzip may hold gigabytes.
#include "data/bytes/unpacked.h"

#include <stdlib.h>
#include <zlib.h>

#include "pipeline/base/checked.h"

#define SMALL ((size_t)64 << 20) // bytes any gzipped file may unpack to
#define RATIO 100                // above that, so many times its own size
#define STEP  ((size_t)1 << 20)  // output bytes a call: keeps zlib's 32-bit counters small

typedef struct gunzip {
    const char *path;
    const mapping *in;
    size_t at; // next byte of `in` to hand over
    size_t limit;
    unsigned char *out; // owned
    size_t size, capacity;
    z_stream stream;
} gunzip;

// Unpacks some more into `out`; *ended at the end of a gzip member.
static status unpack_step(gunzip *g, bool *ended)
{
    size_t left = g->in->size - g->at, most = left < STEP ? left : STEP;
    if (g->size >= g->limit)
        return status_fail(ERR_INPUT, g->path,
                           "unpacks to more than %zu bytes, %d times its size;"
                           " unpack it by hand if it is right",
                           g->limit, RATIO);
    if (!checked_grow(&g->out, &g->capacity, g->size + STEP, 1))
        return status_no_memory(g->path);
    g->stream.next_in = (unsigned char *)(uintptr_t)(g->in->bytes + g->at);
    g->stream.avail_in = (unsigned)most;
    g->stream.next_out = g->out + g->size;
    g->stream.avail_out = (unsigned)STEP;
    int result = inflate(&g->stream, Z_NO_FLUSH);
    size_t used = most - g->stream.avail_in, made = STEP - g->stream.avail_out;
    g->at += used;
    g->size += made;
    *ended = result == Z_STREAM_END;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return status_fail(ERR_INPUT, g->path, "is not valid gzip at byte %zu (%s); fetch it again",
                           g->at, g->stream.msg ? g->stream.msg : "broken");
    if (!*ended && used == 0 && made == 0)
        return status_fail(ERR_INPUT, g->path, "is cut short at byte %zu; fetch it again", g->at);
    return OK;
}

// Whether nothing but zeros is left, as tapes and old tools leave them behind a file.
static bool only_zeros_left(const gunzip *g)
{
    size_t at = g->at;
    while (at < g->in->size && g->in->bytes[at] == 0)
        at++;
    return at == g->in->size;
}

// Unpacks every member of the file: gzip files may be concatenated.
static status unpack_all(gunzip *g)
{
    status st = OK;
    bool started = false;
    if (inflateInit2(&g->stream, 15 + 16) != Z_OK)
        return status_no_memory(g->path);
    do {
        bool ended = false;
        if (started && inflateReset(&g->stream) != Z_OK) {
            st = status_fail(ERR_INTERNAL, g->path, "zlib cannot start again");
            goto done;
        }
        started = true;
        while (!ended)
            TRY(unpack_step(g, &ended));
    } while (!only_zeros_left(g));
done:
    inflateEnd(&g->stream);
    return st;
}

status unpacked_open(const char *path, unpacked *out)
{
    status st;
    gunzip g = {.path = path};
    *out = (unpacked){0};
    TRY(file_map(path, &out->mapped));
    out->bytes = out->mapped.bytes;
    out->size = out->mapped.size;
    if (out->size < 2 || out->bytes[0] != 0x1f || out->bytes[1] != 0x8b)
        goto done;
    g.in = &out->mapped;
    if (!checked_mul(out->size, RATIO, &g.limit))
        g.limit = SIZE_MAX;
    g.limit = g.limit < SMALL ? SMALL : g.limit;
    TRY(unpack_all(&g));
    out->memory = g.out;
    g.out = NULL;
    out->bytes = out->memory;
    out->size = g.size;
    out->padded = g.at < g.in->size;
    file_unmap(&out->mapped);
done:
    free(g.out);
    if (st != OK)
        unpacked_close(out);
    return st;
}

void unpacked_close(unpacked *u)
{
    file_unmap(&u->mapped);
    free(u->memory);
    *u = (unpacked){0};
}

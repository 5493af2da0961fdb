// SPDX-License-Identifier: Apache-2.0
// Plain, gzip and zstd files look alike from outside: both libraries are driven from one buffer of
// input, and hand out what they can. The trap is the end: a file may end behind a member or frame
// (then it is whole, or another follows) or inside one (then it was cut short); `inside` tells them
// apart.
#include "data/bytes/byte_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/stopping.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

enum { INPUT_BYTES = 1 << 18, SKIP_BYTES = 1 << 18 };

typedef enum packing { PLAIN, GZIP, ZSTD } packing;

struct byte_stream {
    char *path;
    int file;
    packing packing;
    const atomic_bool *stopping; // or NULL
    uint64_t at, size;           // unpacked bytes so far; size of the file
    // Packed files.
    unsigned char *input; // owned [INPUT_BYTES]
    size_t have, used;    // of `input`
    uint64_t passed;      // bytes of the file before `input`
    bool ended;           // nothing more in the file
    bool inside;          // a member or frame has begun and not ended
    bool behind, padded;  // of gzip: a member has ended; zeros were behind it
    z_stream gzip;
    ZSTD_DCtx *zstd;
};

// Reads on in the file until n bytes are there or it ends.
static status read_fully(byte_stream *s, void *bytes, size_t n, size_t *got)
{
    for (*got = 0; *got < n;) {
        ssize_t r = read(s->file, (char *)bytes + *got, n - *got);
        if (r == 0)
            break;
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return status_fail_errno(ERR_IO, s->path, "cannot read");
        *got += (size_t)r;
    }
    return OK;
}

static status refill_input(byte_stream *s)
{
    status st;
    if (s->used < s->have || s->ended)
        return OK;
    s->passed += s->have;
    s->used = s->have = 0;
    TRY(read_fully(s, s->input, INPUT_BYTES, &s->have));
    s->ended = s->have < INPUT_BYTES;
done:
    return st;
}

static status fail_broken(const byte_stream *s, const char *kind, const char *why)
{
    return status_fail(ERR_INPUT, s->path, "is not valid %s at byte %llu (%s); fetch it again",
                       kind, (unsigned long long)(s->passed + s->used), why);
}

// A frame of zstd, or one that zstd skips (pzstd begins with one).
static bool begins_zstd(const unsigned char magic[4])
{
    static const unsigned char frame[] = {0x28, 0xb5, 0x2f, 0xfd}, skipped[] = {0x2a, 0x4d, 0x18};
    return memcmp(magic, frame, 4) == 0 ||
           ((magic[0] & 0xf0) == 0x50 && memcmp(magic + 1, skipped, 3) == 0);
}

// Sets up unpacking by the file's first bytes.
static status detect_packing(byte_stream *s)
{
    static const unsigned char gzip[] = {0x1f, 0x8b};
    unsigned char magic[4];
    size_t n;
    status st = read_fully(s, magic, sizeof magic, &n);
    if (st != OK)
        return st;
    if (n >= 2 && memcmp(magic, gzip, 2) == 0)
        s->packing = GZIP;
    else if (n == 4 && begins_zstd(magic))
        s->packing = ZSTD;
    if (lseek(s->file, 0, SEEK_SET) != 0)
        return status_fail_errno(ERR_IO, s->path, "cannot read from the beginning");
    if (s->packing == PLAIN)
        return OK;
    s->input = malloc(INPUT_BYTES);
    if (s->packing == ZSTD)
        s->zstd = ZSTD_createDCtx();
    bool made = s->packing == ZSTD ? s->zstd != NULL : inflateInit2(&s->gzip, 15 + 16) == Z_OK;
    if (!made && s->packing == GZIP)
        s->packing = PLAIN; // inflateEnd must not see it
    return s->input && made ? OK : status_no_memory("a packed file");
}

static status open_stream(const char *path, bool unpacks, byte_stream **out)
{
    status st = OK;
    struct stat info;
    byte_stream *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a file");
    s->file = -1;
    if (!(s->path = strdup(path))) {
        st = status_no_memory("a path");
        goto done;
    }
    s->file = open(path, O_RDONLY | O_CLOEXEC);
    if (s->file < 0 || fstat(s->file, &info) != 0) {
        st = status_fail_errno(ERR_INPUT, path, "cannot open");
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        st = status_fail(ERR_INPUT, path, "is not a file");
        goto done;
    }
    s->size = (uint64_t)info.st_size;
    if (unpacks)
        TRY(detect_packing(s));
    *out = s;
    s = NULL;
done:
    byte_stream_close(s);
    return st;
}

status byte_stream_open(const char *path, byte_stream **out)
{
    return open_stream(path, true, out);
}

status byte_stream_open_plain(const char *path, byte_stream **out)
{
    return open_stream(path, false, out);
}

void byte_stream_close(byte_stream *s)
{
    if (!s)
        return;
    if (s->packing == GZIP)
        inflateEnd(&s->gzip);
    ZSTD_freeDCtx(s->zstd);
    if (s->file >= 0)
        close(s->file);
    free(s->input);
    free(s->path);
    free(s);
}

void byte_stream_stop_by(byte_stream *s, const atomic_bool *stopping)
{
    s->stopping = stopping;
}

// Unpacks some gzip into [bytes, bytes + n), n > 0; *made = 0 with input left is no error.
static status unpack_gzip(byte_stream *s, char *bytes, size_t n, size_t *made)
{
    *made = 0;
    for (; s->behind && !s->inside && s->used < s->have && s->input[s->used] == 0; s->used++)
        s->padded = true; // as tapes and old tools leave them: gzip passes them over, too
    if (s->used == s->have && !s->inside)
        return OK;
    if (s->padded)
        return fail_broken(s, "gzip", "zeros behind its end, and then more");
    if (!s->inside && inflateReset(&s->gzip) != Z_OK)
        return status_fail(ERR_INTERNAL, s->path, "zlib cannot start again");
    unsigned most = n < INPUT_BYTES ? (unsigned)n : INPUT_BYTES;
    s->gzip.next_in = s->input + s->used;
    s->gzip.avail_in = (unsigned)(s->have - s->used);
    s->gzip.next_out = (unsigned char *)bytes;
    s->gzip.avail_out = most;
    int result = inflate(&s->gzip, Z_NO_FLUSH);
    s->used = s->have - s->gzip.avail_in;
    *made = most - s->gzip.avail_out;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return fail_broken(s, "gzip", s->gzip.msg ? s->gzip.msg : "broken");
    s->inside = result != Z_STREAM_END;
    s->behind |= !s->inside;
    return OK;
}

static status unpack_zstd(byte_stream *s, char *bytes, size_t n, size_t *made)
{
    ZSTD_inBuffer in = {s->input, s->have, s->used};
    ZSTD_outBuffer out = {bytes, n, 0};
    size_t result = ZSTD_decompressStream(s->zstd, &out, &in);
    s->used = in.pos;
    *made = out.pos;
    if (ZSTD_isError(result)) {
        if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
            return status_fail(ERR_INPUT, s->path,
                               "needs a window of more than 128 MiB to unpack; "
                               "unpack it by hand (zstd -d --long=31)");
        return fail_broken(s, "zstd", ZSTD_getErrorName(result));
    }
    s->inside = result != 0;
    return OK;
}

status byte_stream_read(byte_stream *s, char *bytes, size_t n, size_t *got)
{
    status st = OK;
    *got = 0;
    TRY(stopping_check(s->stopping));
    if (s->packing == PLAIN)
        TRY(read_fully(s, bytes, n, got));
    while (s->packing != PLAIN && *got < n) {
        size_t made = 0, before;
        TRY(refill_input(s));
        before = s->used;
        bool more = s->used < s->have;
        if (!more && !s->inside)
            break;
        TRY(s->packing == GZIP ? unpack_gzip(s, bytes + *got, n - *got, &made)
                               : unpack_zstd(s, bytes + *got, n - *got, &made));
        *got += made;
        if (!more && made == 0 && s->used == before && s->inside && s->ended) {
            st = status_fail(ERR_INPUT, s->path, "is cut short at byte %llu; fetch it again",
                             (unsigned long long)(s->passed + s->used));
            goto done;
        }
    }
    s->at += *got;
done:
    return st;
}

status byte_stream_skip_to(byte_stream *s, uint64_t offset)
{
    status st = OK;
    char *drop = NULL;
    if (s->packing == PLAIN) {
        if (offset > s->size || lseek(s->file, (off_t)offset, SEEK_SET) < 0)
            return status_fail(ERR_INPUT, s->path, "has changed while it was read");
        s->at = offset;
        return OK;
    }
    if (s->at < offset && !(drop = malloc(SKIP_BYTES)))
        return status_no_memory("a packed file");
    while (s->at < offset) {
        size_t got, want = offset - s->at < SKIP_BYTES ? (size_t)(offset - s->at) : SKIP_BYTES;
        TRY(byte_stream_read(s, drop, want, &got));
        if (got < want) {
            st = status_fail(ERR_INPUT, s->path, "has changed while it was read");
            goto done;
        }
    }
done:
    free(drop);
    return st;
}

bool byte_stream_padded(const byte_stream *s)
{
    return s->padded;
}

void byte_stream_note_padding(const char *path, text *notes)
{
    text_addf(notes, "%s has zeros behind the end of its gzip, which are passed over\n", path);
}

const char *byte_stream_path(const byte_stream *s)
{
    return s->path;
}

static void add_zlib_version(text *found)
{
    text_add(found, zlibVersion());
}

const version_def library_zlib = {"zlib", add_zlib_version};

static void add_zstd_version(text *found)
{
    text_add(found, ZSTD_versionString());
}

const version_def library_zstd = {"zstd", add_zstd_version};

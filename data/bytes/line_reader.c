// SPDX-License-Identifier: Apache-2.0
// Lines are handed out where they lie in the buffer; only a line that the buffer's end cuts is
// moved. The buffer grows to the longest line, up to a limit: a file without line ends must not
// take the memory.
#include "data/bytes/line_reader.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/byte_stream.h"
#include "pipeline/base/checked.h"

enum { STEP = 1 << 20 }; // bytes read at a time

struct line_reader {
    byte_stream *stream;
    char *buffer; // owned
    size_t capacity, begin, end;
    uint64_t base; // unpacked bytes before `buffer`
    int64_t number;
    bool ended;
};

status line_reader_open(const char *path, line_reader **out)
{
    status st;
    line_reader *r = checked_calloc(1, sizeof *r);
    if (!r)
        return status_no_memory("a file's lines");
    TRY(byte_stream_open(path, &r->stream));
    *out = r;
    r = NULL;
done:
    line_reader_close(r);
    return st;
}

void line_reader_close(line_reader *r)
{
    if (!r)
        return;
    byte_stream_close(r->stream);
    free(r->buffer);
    free(r);
}

void line_reader_stop_by(line_reader *r, const atomic_bool *stopping)
{
    byte_stream_stop_by(r->stream, stopping);
}

// Moves what is left to the front and reads some more behind it.
static status refill_buffer(line_reader *r)
{
    status st;
    size_t left = r->end - r->begin, got;
    if (left > LINE_READER_MAX)
        return status_fail(ERR_INPUT, byte_stream_path(r->stream),
                           "line %lld has more than %zu MiB; one document a line is expected",
                           (long long)r->number + 1, LINE_READER_MAX >> 20);
    if (left > 0)
        memmove(r->buffer, r->buffer + r->begin, left);
    r->base += r->begin;
    r->begin = 0;
    r->end = left;
    if (!checked_grow(&r->buffer, &r->capacity, left + STEP, 1))
        return status_no_memory("a line");
    TRY(byte_stream_read(r->stream, r->buffer + left, STEP, &got));
    r->end += got;
    r->ended = got < STEP;
done:
    return st;
}

status line_reader_next(line_reader *r, const char **line, size_t *n, uint64_t *offset)
{
    status st = OK;
    size_t seen = 0;
    const char *end = NULL;
    for (;;) {
        size_t left = r->end - r->begin;
        end = left > seen ? memchr(r->buffer + r->begin + seen, '\n', left - seen) : NULL;
        if (end || r->ended)
            break;
        seen = left;
        TRY(refill_buffer(r));
    }
    *line = NULL;
    if (!end && r->begin == r->end)
        return OK;
    *line = r->buffer + r->begin;
    *n = (end ? (size_t)(end - r->buffer) : r->end) - r->begin;
    *offset = r->base + r->begin;
    r->begin += *n + (end != NULL);
    r->number++;
    if (*n > 0 && (*line)[*n - 1] == '\r')
        --*n;
done:
    return st;
}

bool line_reader_padded(const line_reader *r)
{
    return byte_stream_padded(r->stream);
}

int64_t line_reader_number(const line_reader *r)
{
    return r->number;
}

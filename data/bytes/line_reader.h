// SPDX-License-Identifier: Apache-2.0
// The lines of a file, which may be gzip or zstd as in data/bytes/byte_stream.h.
#ifndef DATA_BYTES_LINE_READER_H
#define DATA_BYTES_LINE_READER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

// One thread's at a time.
typedef struct line_reader line_reader;

#define LINE_READER_MAX ((size_t)32 << 20) // a longer line is refused

// Local; fails as byte_stream_open.
status line_reader_open(const char *path, line_reader **out);
void line_reader_close(line_reader *r);                                // NULL is a no-op
void line_reader_stop_by(line_reader *r, const atomic_bool *stopping); // as byte_stream_stop_by
// The next line without its end ("\n", "\r\n"), borrowed until the next call; NULL at the end of
// the file. *offset is where it begins in the unpacked bytes. Fails as byte_stream_read, and with
// ERR_INPUT for a line of more than LINE_READER_MAX.
status line_reader_next(line_reader *r, const char **line, size_t *n, uint64_t *offset);
bool line_reader_padded(const line_reader *r);    // as byte_stream_padded
int64_t line_reader_number(const line_reader *r); // of the last line, from 1

#endif

// SPDX-License-Identifier: Apache-2.0
// A file read from its beginning to its end, unpacked on the way where it is gzip or zstd (told by
// its first bytes, not by its name; both may be several members or frames in a row, and zeros may follow
// gzip's). Read, not
// mapped: the pages of a large corpus would count as this process's memory.
#ifndef DATA_BYTES_BYTE_STREAM_H
#define DATA_BYTES_BYTE_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// One thread's at a time.
typedef struct byte_stream byte_stream;

// Local. ERR_INPUT when the file is missing or a folder. `path` is copied.
status byte_stream_open(const char *path, byte_stream **out);
// The same, but its bytes are those of the file, whatever they look like.
status byte_stream_open_plain(const char *path, byte_stream **out);
void byte_stream_close(byte_stream *s); // NULL is a no-op
// From now on, reading ends with ERR_INTERRUPTED once the flag, borrowed, is true. NULL: never.
void byte_stream_stop_by(byte_stream *s, const atomic_bool *stopping);

// Reads the next n bytes; fewer only at the end. ERR_INPUT when packed data are broken or cut short
// (naming the byte of the file), ERR_IO when reading fails.
status byte_stream_read(byte_stream *s, char *bytes, size_t n, size_t *got);
// Moves on to byte `offset` of the unpacked bytes, not backwards: at once in a plain file, by
// unpacking in a packed one. ERR_INPUT when the file ends before it.
status byte_stream_skip_to(byte_stream *s, uint64_t offset);
// Whether zeros behind the end of gzip were passed over, as far as it was read.
bool byte_stream_padded(const byte_stream *s);
// Adds the line that tells a user so.
void byte_stream_note_padding(const char *path, text *notes);
const char *byte_stream_path(const byte_stream *s); // borrowed

#endif

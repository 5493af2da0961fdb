// SPDX-License-Identifier: Apache-2.0
// A tar has no magic number at its beginning, but one behind the fields of its first entry.
#include "data/bytes/tar_head.h"

#include <string.h>

#include "data/bytes/byte_stream.h"

enum { MAGIC = 257 };

size_t tar_head_read(const char *path, bool plain, char head[TAR_HEAD])
{
    size_t n = 0;
    byte_stream *in = NULL;
    memset(head, 0, TAR_HEAD);
    if ((plain ? byte_stream_open_plain(path, &in) : byte_stream_open(path, &in)) != OK ||
        byte_stream_read(in, head, TAR_HEAD, &n) != OK)
        n = 0;
    byte_stream_close(in);
    return n;
}

bool tar_head_is_tar(const char head[TAR_HEAD], size_t n)
{
    return n == TAR_HEAD && memcmp(head + MAGIC, "ustar", 5) == 0;
}

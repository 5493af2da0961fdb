// SPDX-License-Identifier: Apache-2.0
// Each library is asked for the whole block at once and never trusted about its size. Snappy and
// LZ4 are optional: a centre without them builds the rest, and a file that needs them is refused.
#include "data/bytes/packed_block.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#ifdef SULCUS_SNAPPY
#include <snappy-c.h>
#endif
#ifdef SULCUS_LZ4
#include <lz4.h>
#endif

#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

enum { LZ4_HEAD = 8 };

static const char broken[] = "is not what was packed";

static const char *copy_plain(const unsigned char *bytes, size_t n, unsigned char *out, size_t size)
{
    if (n != size)
        return "is of another size than it says";
    if (n > 0)
        memcpy(out, bytes, n);
    return NULL;
}

static const char *unpack_gzip(const unsigned char *bytes, size_t n, unsigned char *out,
                               size_t size)
{
    z_stream z = {.next_in = (unsigned char *)(size_t)bytes,
                  .avail_in = (unsigned)n,
                  .next_out = out,
                  .avail_out = (unsigned)size};
    if (n > UINT_MAX || size > UINT_MAX)
        return "is too large";
    if (inflateInit2(&z, 15 + 32) != Z_OK) // gzip's head or zlib's
        return "found no memory to unpack it";
    int result = inflate(&z, Z_FINISH);
    while (result == Z_STREAM_END && z.avail_in > 0 && inflateReset(&z) == Z_OK) // more members
        result = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return result == Z_STREAM_END && z.avail_out == 0 ? NULL : broken;
}

static const char *unpack_snappy(const unsigned char *bytes, size_t n, unsigned char *out,
                                 size_t size)
{
#ifdef SULCUS_SNAPPY
    size_t made = size, announced;
    const char *in = (const char *)bytes;
    bool well = snappy_uncompressed_length(in, n, &announced) == SNAPPY_OK && announced == size &&
                snappy_uncompress(in, n, (char *)out, &made) == SNAPPY_OK && made == size;
    return well ? NULL : broken;
#else
    (void)bytes, (void)n, (void)out, (void)size;
    return "is packed with Snappy, which this program was built without (libsnappy-dev)";
#endif
}

static const char *unpack_lz4(const unsigned char *bytes, size_t n, unsigned char *out, size_t size)
{
#ifdef SULCUS_LZ4
    bool well =
        n <= INT_MAX && size <= INT_MAX &&
        LZ4_decompress_safe((const char *)bytes, (char *)out, (int)n, (int)size) == (int)size;
    return well ? NULL : broken;
#else
    (void)bytes, (void)n, (void)out, (void)size;
    return "is packed with LZ4, which this program was built without (liblz4-dev)";
#endif
}

static size_t big_endian(const unsigned char *b)
{
    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

static const char *unpack_lz4_hadoop(const unsigned char *bytes, size_t n, unsigned char *out,
                                     size_t size)
{
    const char *problem = NULL;
    size_t at = 0, made = 0;
    while (!problem && n - at >= LZ4_HEAD) {
        size_t raw = big_endian(bytes + at), packed = big_endian(bytes + at + 4);
        at += LZ4_HEAD;
        if (raw > size - made || packed > n - at)
            problem = broken;
        else
            problem = unpack_lz4(bytes + at, packed, out + made, raw);
        at += problem ? 0 : packed;
        made += problem ? 0 : raw;
    }
    if (problem || at < n || made < size)
        return unpack_lz4(bytes, n, out, size);
    return NULL;
}

const char *packed_block_unpack(packed_kind kind, const unsigned char *bytes, size_t n,
                                unsigned char *out, size_t size)
{
    switch (kind) {
    case PACKED_NOT:
        return copy_plain(bytes, n, out, size);
    case PACKED_SNAPPY:
        return unpack_snappy(bytes, n, out, size);
    case PACKED_GZIP:
        return unpack_gzip(bytes, n, out, size);
    case PACKED_ZSTD:
        return ZSTD_decompress(out, size, bytes, n) == size ? NULL : broken;
    case PACKED_LZ4:
        return unpack_lz4(bytes, n, out, size);
    case PACKED_LZ4_HADOOP:
        return unpack_lz4_hadoop(bytes, n, out, size);
    }
    return broken;
}

#ifdef SULCUS_SNAPPY
// Its interface for C tells no version; the header's is what it was built with.
static void add_snappy_version(text *found)
{
    text_add(found, SULCUS_SNAPPY);
}

const version_def library_snappy = {"Snappy", add_snappy_version};
#endif

#ifdef SULCUS_LZ4
static void add_lz4_version(text *found)
{
    text_add(found, LZ4_versionString());
}

const version_def library_lz4 = {"LZ4", add_lz4_version};
#endif

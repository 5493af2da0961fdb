// SPDX-License-Identifier: Apache-2.0
// A .npy header is a Python dictionary as text: its three keys are looked up by the spelling that
// numpy.save gives them, anything else is refused. Ids are not read here, only where they are.
#include "data/tokens/token_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/bytes/byte_stream.h"
#include "data/tokens/foreign_tokens.h"
#include "pipeline/base/checked.h"

enum { HEADER_MAX = 4096 };

// Whether these first bytes of a file are those of a .npy.
static bool is_npy_file(const char *bytes, size_t n)
{
    return n >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0;
}

static status fail_header(const char *path, const char *what)
{
    return status_fail(ERR_INPUT, path,
                       "%s; save the ids with numpy.save as a C-ordered array of one or two "
                       "dimensions of uint16, uint32, int32 or int64",
                       what);
}

// The text behind 'key': in the header's dictionary, or NULL.
static const char *find_key(const char *header, const char *key)
{
    char quoted[24];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(header, quoted);
    return at ? at + strlen(quoted) + strspn(at + strlen(quoted), " ") : NULL;
}

static bool read_kind(const char *at, token_file *f)
{
    static const char *const known[] = {"'<u2'", "'<u4'", "'<u8'", "'<i2'", "'<i4'", "'<i8'"};
    for (size_t i = 0; at && i < sizeof known / sizeof *known; i++)
        if (strncmp(at, known[i], strlen(known[i])) == 0) {
            f->is_signed = known[i][2] == 'i';
            f->width = known[i][3] - '0';
            return true;
        }
    return false;
}

static bool read_shape(const char *at, token_file *f)
{
    int64_t dims[2] = {0};
    int n = 0;
    if (!at || *at++ != '(')
        return false;
    for (at += strspn(at, " "); *at >= '0' && *at <= '9'; at += strspn(at, ", ")) {
        char *end;
        if (n == 2 || strspn(at, "0123456789") > 18)
            return false;
        dims[n++] = strtoll(at, &end, 10);
        at = end;
    }
    f->rows = dims[0];
    f->columns = dims[1];
    return n > 0 && *at == ')' && (n == 1 || dims[1] > 0);
}

static status read_header(const char *path, const char *bytes, size_t n, token_file *f)
{
    char header[HEADER_MAX + 1];
    size_t begin = n >= 8 && bytes[6] >= 2 ? 12 : 10, length = 0;
    if (n < begin || bytes[6] < 1 || bytes[6] > 3)
        return fail_header(path, "has a .npy header that is cut short or of an unknown version");
    for (size_t i = begin; i-- > 8;)
        length = length << 8 | (unsigned char)bytes[i];
    if (length > HEADER_MAX || length > n - begin)
        return fail_header(path, "announces a longer .npy header than there is");
    memcpy(header, bytes + begin, length);
    header[length] = 0;
    f->begin = begin + length;
    f->is_npy = true;
    const char *order = find_key(header, "fortran_order");
    if (!read_kind(find_key(header, "descr"), f))
        return fail_header(path, "does not hold little-endian integers of 2, 4 or 8 bytes");
    if (!order || strncmp(order, "False", 5) != 0)
        return fail_header(path, "is in Fortran order");
    if (!read_shape(find_key(header, "shape"), f))
        return fail_header(path, "has not one or two dimensions");
    return OK;
}

// No .npy: ids alone, or behind another tool's header.
static status read_bare(const char *path, const char *bytes, size_t n, size_t size, token_file *f)
{
    foreign_header header;
    status st;
    TRY(foreign_tokens_look(path, bytes, n, size, f->width, &header));
    if (header.from)
        *f = (token_file){
            .begin = header.begin, .rows = header.ids, .width = header.width, .from = header.from};
    else
        f->rows = (int64_t)(size / (size_t)f->width);
done:
    return st;
}

status token_file_open(const char *path, int width, token_file *out)
{
    status st;
    struct stat info;
    byte_stream *in = NULL;
    char bytes[HEADER_MAX + 12];
    size_t n, values, size;
    *out = (token_file){.width = width};
    TRY(byte_stream_open_plain(path, &in));
    TRY(byte_stream_read(in, bytes, sizeof bytes, &n));
    if (stat(path, &info) != 0) {
        st = status_fail_errno(ERR_INPUT, path, "cannot look at");
        goto done;
    }
    size_t whole = (size_t)info.st_size;
    if (is_npy_file(bytes, n))
        TRY(read_header(path, bytes, n, out));
    else
        TRY(read_bare(path, bytes, n, whole, out));
    bool fits = checked_mul((size_t)out->rows, out->columns ? (size_t)out->columns : 1, &values) &&
                checked_mul(values, (size_t)out->width, &size) &&
                checked_add(size, out->begin, &size) && size == whole;
    if (!fits)
        st = status_fail(ERR_INPUT, path,
                         out->is_npy ? "holds %zu bytes, not what its header announces; fetch it "
                                       "again"
                                     : "holds %zu bytes, not a whole number of ids; check dtype:",
                         whole);
    else if (values == 0)
        st = status_fail(ERR_INPUT, path, "holds no ids");
done:
    byte_stream_close(in);
    return st;
}

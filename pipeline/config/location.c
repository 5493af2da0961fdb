// SPDX-License-Identifier: Apache-2.0
// Columns are counted in characters, as editors count them, while libyaml counts bytes.
#include "pipeline/config/location.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

// "FILE:LINE:COLUMN" or "-s key.path=value". Owned by the caller; NULL when out of memory.
static char *format_location(location at)
{
    return at.line ? text_format("%s:%d:%d", at.origin, at.line, at.column)
                   : text_format("%s", at.origin);
}

status location_fail(status code, location at, const char *format, ...)
{
    char *what = NULL, *where = format_location(at);
    va_list args;
    va_start(args, format);
    int n = vasprintf(&what, format, args);
    va_end(args);
    status st =
        n < 0 || !where ? status_no_memory("a message") : status_fail(code, where, "%s", what);
    if (n >= 0)
        free(what);
    free(where);
    return st;
}

status location_place(status code, location at)
{
    const char *said = status_text();
    const size_t n = strlen(at.origin);
    if (strncmp(said, "-s ", 3) == 0 || (strncmp(said, at.origin, n) == 0 && said[n] == ':'))
        return code;
    char *copy = strdup(said);
    status st = copy ? location_fail(code, at, "%s", copy) : status_no_memory("a message");
    free(copy);
    return st;
}

// The length of the UTF-8 character at s, of n bytes left, or 0 when it is not one that YAML
// allows.
static size_t character_length(const unsigned char *s, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (s[0] < 0x80)
        return s[0] == '\t' || s[0] == '\n' || s[0] == '\r' || (s[0] >= ' ' && s[0] != 127);
    size_t length = s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    if (length == 0 || length > n)
        return 0;
    uint32_t c = s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (s[i] >> 6 != 2)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    bool allowed = c >= least[length] && (c == 0x85 || c >= 0xa0) && !(c >= 0xd800 && c < 0xe000) &&
                   c != 0xfffe && c != 0xffff && c <= 0x10ffff;
    return allowed ? length : 0;
}

status location_check_text(location at, const char *bytes, size_t n)
{
    size_t length;
    for (size_t i = 0; i < n; i += length) {
        const unsigned char *c = (const unsigned char *)bytes + i;
        length = character_length(c, n - i);
        if (length == 0 && *c < 0x80)
            return location_fail(ERR_USAGE, at, "control character 0x%02x; remove it", *c);
        if (length == 0)
            return location_fail(ERR_USAGE, at, "byte 0x%02x is not UTF-8; save the file as UTF-8",
                                 *c);
        if (at.line == 0)
            continue;
        bool ends = *c == '\n' || (*c == '\r' && (i + 1 == n || c[1] != '\n'));
        at.line += ends;
        at.column = ends ? 1 : at.column + 1;
    }
    return OK;
}

const char *location_find(const char *bytes, size_t n, size_t line, size_t column)
{
    const char *c = bytes, *end = bytes + n;
    for (size_t l = 0; l < line && c < end; c++)
        l += *c == '\n';
    for (size_t k = 0; k < column && c < end; k++)
        for (c++; c < end && (unsigned char)*c >> 6 == 2;)
            c++;
    return c < end ? c : "";
}

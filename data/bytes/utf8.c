// SPDX-License-Identifier: Apache-2.0
// What is ill-formed is judged here, not by utf8proc, which says that something is wrong but not
// how long it is: Python and the Unicode standard put one U+FFFD for each maximal ill-formed part.
#include "data/bytes/utf8.h"

#include <string.h>
#include <utf8proc.h>

#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

// Bytes of the well-formed character at s (of n > 0 bytes), or 0 when it is ill-formed; *bad is
// then the length of the maximal ill-formed part (Unicode standard, table 3-8).
static size_t character_length(const char *s, size_t n, size_t *bad)
{
    const unsigned char *u = (const unsigned char *)s;
    unsigned low = 0x80, high = 0xBF; // of the second byte
    size_t want;
    *bad = 1;
    if (u[0] < 0x80)
        return 1;
    if (u[0] < 0xC2 || u[0] > 0xF4)
        return 0;
    want = u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
    if (u[0] == 0xE0)
        low = 0xA0; // no overlong forms
    else if (u[0] == 0xED)
        high = 0x9F; // no surrogates
    else if (u[0] == 0xF0)
        low = 0x90;
    else if (u[0] == 0xF4)
        high = 0x8F; // at most U+10FFFF
    for (size_t i = 1; i < want; i++) {
        if (i >= n || u[i] < low || u[i] > high) {
            *bad = i;
            return 0;
        }
        low = 0x80;
        high = 0xBF;
    }
    return want;
}

int32_t utf8_decode(const char *s, size_t *length)
{
    utf8proc_int32_t code;
    *length = (size_t)utf8proc_iterate((const utf8proc_uint8_t *)s, 4, &code);
    return code;
}

void utf8_repair(const char *s, size_t n, text *out)
{
    size_t from = 0, at = 0, bad;
    while (at < n) {
        size_t length = character_length(s + at, n - at, &bad);
        if (length > 0) {
            at += length;
            continue;
        }
        text_add_bytes(out, s + from, at - from);
        text_add(out, "\xEF\xBF\xBD");
        at += bad;
        from = at;
    }
    text_add_bytes(out, s + from, n - from);
}

size_t utf8_first_bad(const char *s, size_t n)
{
    size_t at = 0, length, bad;
    uint64_t word[2];
    while (at < n) {
        // Sixteen bytes of ASCII at a time: most text is.
        for (; n - at >= sizeof word; at += sizeof word) {
            memcpy(word, s + at, sizeof word);
            if ((word[0] | word[1]) & 0x8080808080808080u)
                break;
        }
        for (size_t end = n - at < 16 ? n : at + 16; at < end; at += length)
            if ((length = character_length(s + at, n - at, &bad)) == 0)
                return at;
    }
    return n;
}

bool utf8_valid(const char *s, size_t n)
{
    return utf8_first_bad(s, n) == n;
}

bool utf8_is_space(int32_t code)
{
    return (code >= 9 && code <= 13) || code == ' ' || code == 0x85 || code == 0xA0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
           code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool utf8_is_number(int32_t code)
{
    utf8proc_category_t c = utf8proc_category(code);
    return c == UTF8PROC_CATEGORY_ND || c == UTF8PROC_CATEGORY_NL || c == UTF8PROC_CATEGORY_NO;
}

static void add_utf8proc_version(text *found)
{
    text_add(found, utf8proc_version());
}

const version_def library_utf8proc = {"utf8proc", add_utf8proc_version};

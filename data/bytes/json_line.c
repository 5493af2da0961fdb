// SPDX-License-Identifier: Apache-2.0
// A corpus is more bytes than all else that is read, so a line is looked at once and nothing is
// copied: `rest` follows each field's path down as keys are met, and the insides of texts are
// passed over sixteen bytes at a time. Escapes are resolved only where a text is used. The grammar
// is held in full: what a JSON library refuses is refused here too, but for NaN and Infinity, which
// Python writes.
#include "data/bytes/json_line.h"

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "data/bytes/utf8.h"

enum { DEPTH = 64, KEY_BYTES = 256 };

typedef struct scanner {
    const char *line, *at, *end;
    const char *problem;
    json_field *fields;
    int n_fields;
    const char *rest[8]; // what is left of each field's path at this depth; NULL: not on its way
} scanner;

static bool fail_scan(scanner *s, const char *problem)
{
    if (!s->problem)
        s->problem = problem;
    return false;
}

static void skip_space(scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r' || *s->at == '\n'))
        s->at++;
}

// The first byte at or after `at` that is a quote, a backslash or a control character.
static const char *find_special(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
                  last = _mm_set1_epi8(0x1f);
    for (; end - at >= 16; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(x, last), x));
        int mask = _mm_movemask_epi8(hit);
        if (mask)
            return at + __builtin_ctz((unsigned)mask);
    }
#endif
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at > 0x1f)
        at++;
    return at;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Past an opening quote; leaves the inside in [*begin, s->at) and stops behind the closing one.
static bool read_text(scanner *s, const char **begin, size_t *n)
{
    *begin = s->at;
    for (;;) {
        s->at = find_special(s->at, s->end);
        if (s->at == s->end)
            return fail_scan(s, "a text does not end");
        if (*s->at == '"')
            break;
        if (*s->at != '\\')
            return fail_scan(s, "a control character inside a text");
        char c = s->end - s->at > 1 ? s->at[1] : 0;
        if (c == 'u') {
            for (int i = 2; i < 6; i++)
                if (s->end - s->at <= i || !is_hex(s->at[i]))
                    return fail_scan(s, "\\u without four hexadecimal digits");
            s->at += 6;
        } else if (c && strchr("\"\\/bfnrt", c)) {
            s->at += 2;
        } else {
            return fail_scan(s, "an unknown escape in a text");
        }
    }
    *n = (size_t)(s->at - *begin);
    s->at++;
    return true;
}

static bool skip_digits(scanner *s)
{
    const char *begin = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > begin;
}

static bool read_number(scanner *s)
{
    if (s->at < s->end && *s->at == '-')
        s->at++;
    if (s->at < s->end && *s->at == '0')
        s->at++;
    else if (!skip_digits(s))
        return fail_scan(s, "not a value");
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!skip_digits(s))
            return fail_scan(s, "a number without digits behind its point");
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        if (!skip_digits(s))
            return fail_scan(s, "a number without digits in its exponent");
    }
    return true;
}

static bool read_scalar(scanner *s)
{
    static const char *const words[] = {"true", "false", "null", "NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->at) >= n && memcmp(s->at, words[i], n) == 0) {
            s->at += n;
            return true;
        }
    }
    return read_number(s);
}

static bool read_value(scanner *s, int depth);

// What is left of a path below this key: "" when the key is its end, NULL when it leads elsewhere.
static const char *path_below(const char *path, const char *key, size_t n)
{
    if (strncmp(path, key, n) != 0 || memchr(key, 0, n))
        return NULL;
    return path[n] == 0 ? path + n : path[n] == '.' ? path + n + 1 : NULL;
}

static void note_value(scanner *s, int depth, json_kind kind, const char *begin, size_t n)
{
    for (int i = 0; i < s->n_fields; i++)
        if (s->rest[i] && *s->rest[i] == 0 && depth > 0) {
            s->fields[i].kind = kind;
            s->fields[i].bytes = begin;
            s->fields[i].n = n;
        }
}

// The value of a key, with each path's rest below it.
static bool read_member(scanner *s, int depth, const char *key, size_t n)
{
    const char *outer[8];
    char plain[KEY_BYTES];
    if (memchr(key, '\\', n)) {
        text t = {0};
        json_line_unescape(key, n, &t);
        n = t.length < KEY_BYTES && !t.failed ? t.length : 0;
        memcpy(plain, text_get(&t), n);
        text_free(&t);
        key = plain;
    }
    for (int i = 0; i < s->n_fields; i++) {
        outer[i] = s->rest[i];
        s->rest[i] = outer[i] && *outer[i] ? path_below(outer[i], key, n) : NULL;
    }
    bool ok = read_value(s, depth + 1);
    for (int i = 0; i < s->n_fields; i++)
        s->rest[i] = outer[i];
    return ok;
}

static bool read_object(scanner *s, int depth)
{
    for (bool first = true;; first = false) {
        const char *key;
        size_t n;
        skip_space(s);
        if (first && s->at < s->end && *s->at == '}')
            break;
        if (s->at == s->end || *s->at != '"')
            return fail_scan(s, "a key in quotes is expected");
        s->at++;
        if (!read_text(s, &key, &n))
            return false;
        skip_space(s);
        if (s->at == s->end || *s->at != ':')
            return fail_scan(s, "':' is expected");
        s->at++;
        if (!read_member(s, depth, key, n))
            return false;
        skip_space(s);
        if (s->at < s->end && *s->at == '}')
            break;
        if (s->at == s->end || *s->at != ',')
            return fail_scan(s, "',' or '}' is expected");
        s->at++;
    }
    s->at++;
    return true;
}

static bool read_array(scanner *s, int depth)
{
    const char *outer[8];
    for (int i = 0; i < s->n_fields; i++) {
        outer[i] = s->rest[i];
        s->rest[i] = NULL;
    }
    for (bool first = true;; first = false) {
        skip_space(s);
        if (first && s->at < s->end && *s->at == ']')
            break;
        if (!read_value(s, depth + 1))
            return false;
        skip_space(s);
        if (s->at < s->end && *s->at == ']')
            break;
        if (s->at == s->end || *s->at != ',')
            return fail_scan(s, "',' or ']' is expected");
        s->at++;
    }
    s->at++;
    for (int i = 0; i < s->n_fields; i++)
        s->rest[i] = outer[i];
    return true;
}

static bool read_value(scanner *s, int depth)
{
    skip_space(s);
    if (s->at == s->end)
        return fail_scan(s, "it ends where a value is expected");
    const char *begin = s->at;
    size_t n;
    if (*s->at == '"') {
        s->at++;
        if (!read_text(s, &begin, &n))
            return false;
        note_value(s, depth, JSON_TEXT, begin, n);
        return true;
    }
    if (*s->at == '{' || *s->at == '[') {
        if (depth >= DEPTH)
            return fail_scan(s, "nested too deeply");
        s->at++;
        note_value(s, depth, JSON_TREE, begin, 0);
        return *begin == '{' ? read_object(s, depth) : read_array(s, depth);
    }
    if (!read_scalar(s))
        return false;
    note_value(s, depth, JSON_SCALAR, begin, (size_t)(s->at - begin));
    return true;
}

bool json_line_read(const char *line, size_t n, json_field *fields, int n_fields, size_t *column,
                    const char **problem)
{
    scanner s = {.line = line, .at = line, .end = line + n, .fields = fields};
    s.n_fields = n_fields < 8 ? n_fields : 8;
    for (int i = 0; i < s.n_fields; i++) {
        fields[i].kind = JSON_ABSENT;
        s.rest[i] = fields[i].path;
    }
    skip_space(&s);
    size_t bad = utf8_first_bad(line, n);
    bool ok = bad == n || fail_scan(&s, "not UTF-8");
    if (!ok)
        s.at = line + bad;
    ok =
        ok && (s.at < s.end && *s.at == '{' ? read_value(&s, 0) : fail_scan(&s, "'{' is expected"));
    skip_space(&s);
    if (ok && s.at < s.end)
        ok = fail_scan(&s, "something stands behind the object");
    *column = (size_t)(s.at - line) + 1;
    *problem = s.problem;
    return ok;
}

bool json_line_is_blank(const char *line, size_t n)
{
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
        n--;
    return n == 0;
}

// Four hexadecimal digits, known to be there.
static int32_t read_hex4(const char *at)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        value = value * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
}

static void add_code(text *out, int32_t c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i-- > 1; c >>= 6)
        b[i] = (char)(0x80 | (c & 0x3F));
    b[0] = (char)(lead[n] | c);
    text_add_bytes(out, b, n);
}

// Appends the character of a \u escape at `at`, and of the one behind it where they are a pair;
// returns how many bytes were taken.
static size_t add_unicode(const char *at, const char *end, text *out)
{
    int32_t c = read_hex4(at + 2), low;
    if (c >= 0xD800 && c < 0xDC00 && end - at >= 12 && at[6] == '\\' && at[7] == 'u') {
        low = read_hex4(at + 8);
        if (low >= 0xDC00 && low < 0xE000) {
            add_code(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
            return 12;
        }
    }
    add_code(out, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
    return 6;
}

void json_line_unescape(const char *bytes, size_t n, text *out)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    const char *at = bytes, *end = bytes + n;
    while (at < end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at));
        text_add_bytes(out, at, (size_t)((slash ? slash : end) - at));
        if (!slash)
            return;
        at = slash;
        if (at[1] == 'u') {
            at += add_unicode(at, end, out);
            continue;
        }
        const char *name = strchr(names, at[1]);
        text_add_bytes(out, name ? &values[name - names] : &at[1], 1);
        at += 2;
    }
}

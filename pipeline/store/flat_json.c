// SPDX-License-Identifier: Apache-2.0
// jansson would build a tree for each of a long journal's lines; this reads a flat object in place,
// the only kind that the journal writes, and refuses any other.
#include "pipeline/store/flat_json.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

typedef struct cursor {
    char *at, *end;
} cursor;

static void skip_space(cursor *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at)
        c->at++;
}

static bool take_char(cursor *c, char wanted)
{
    skip_space(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The four hexadecimal digits behind \u.
static bool take_unit(cursor *c, unsigned *unit)
{
    *unit = 0;
    if (c->end - c->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*c->at++);
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (unsigned)digit;
    }
    return true;
}

static char *put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

// What stands behind a backslash; never longer than what it replaces. NULL: no escape, or one that
// would end the text.
static char *take_escape(cursor *c, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned unit, low;
    if (c->at == c->end)
        return NULL;
    char kind = *c->at++;
    const char *simple = kind ? strchr(from, kind) : NULL;
    if (simple) {
        *out++ = to[simple - from];
        return out;
    }
    if (kind != 'u' || !take_unit(c, &unit) || unit == 0)
        return NULL;
    if (unit >= 0xd800 && unit < 0xdc00 && c->end - c->at >= 6 && c->at[0] == '\\' &&
        c->at[1] == 'u') {
        c->at += 2;
        if (!take_unit(c, &low) || low < 0xdc00 || low > 0xdfff)
            return NULL;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    return put_utf8(out, unit);
}

static bool take_text(cursor *c, const char **text)
{
    if (!take_char(c, '"'))
        return false;
    char *out = c->at;
    *text = out;
    while (c->at < c->end && *c->at != '"') {
        if (*c->at == '\\') {
            c->at++;
            if (!(out = take_escape(c, out)))
                return false;
        } else {
            *out++ = *c->at++;
        }
    }
    if (c->at == c->end)
        return false;
    c->at++;
    *out = 0; // at the latest where the closing quote was
    return true;
}

// Finds the end of an object or array by its brackets, which do not count inside strings.
static bool take_nested(cursor *c, flat_member *m)
{
    int depth = 0;
    bool quoted = false;
    m->nested = c->at;
    for (; c->at < c->end; c->at++) {
        if (quoted && *c->at == '\\' && c->at + 1 < c->end)
            c->at++;
        else if (*c->at == '"')
            quoted = !quoted;
        else if (!quoted && (*c->at == '{' || *c->at == '['))
            depth++;
        else if (!quoted && (*c->at == '}' || *c->at == ']') && --depth == 0)
            break;
    }
    if (c->at == c->end)
        return false;
    c->at++;
    m->nested_size = (size_t)(c->at - m->nested);
    return true;
}

// A number, or one of the words true, false and null, which count as 0.
static bool take_number(cursor *c, flat_member *m)
{
    char *end, *word_end = c->at;
    while (word_end < c->end && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *word_end) &&
           *word_end)
        word_end++;
    if (word_end == c->at || word_end == c->end)
        return false;
    m->integer = strtoll(c->at, &end, 10);
    m->real = (double)m->integer;
    if (end != word_end)
        m->real = strtod(c->at, &end);
    c->at = word_end;
    return true;
}

static bool take_value(cursor *c, flat_member *m)
{
    skip_space(c);
    if (c->at == c->end)
        return false;
    if (*c->at == '"')
        return take_text(c, &m->text);
    return *c->at == '{' || *c->at == '[' ? take_nested(c, m) : take_number(c, m);
}

bool flat_json_parse(char *bytes, size_t n, flat_member *members, size_t capacity, size_t *count)
{
    cursor c = {bytes, bytes + n};
    *count = 0;
    if (!take_char(&c, '{'))
        return false;
    if (take_char(&c, '}'))
        return true;
    do {
        if (*count == capacity)
            return false;
        flat_member *m = &members[(*count)++];
        *m = (flat_member){0};
        if (!take_text(&c, &m->name) || !take_char(&c, ':') || !take_value(&c, m))
            return false;
    } while (take_char(&c, ','));
    return take_char(&c, '}');
}

const flat_member *flat_json_find(const flat_member *members, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

status flat_json_fields(char *bytes, size_t n, key_field **out, size_t *count)
{
    enum { LIMIT = 4096 };
    status st = OK;
    flat_member *members = checked_calloc(LIMIT, sizeof *members);
    *count = 0;
    *out = NULL;
    if (!members)
        st = status_no_memory("fields");
    else if (!flat_json_parse(bytes, n, members, LIMIT, count))
        *count = 0;
    else if (!(*out = checked_calloc(*count, sizeof **out)))
        st = status_no_memory("fields");
    for (size_t i = 0; *out && i < *count; i++)
        (*out)[i] = (key_field){members[i].name, members[i].text};
    free(members);
    return st;
}

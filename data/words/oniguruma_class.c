// SPDX-License-Identifier: Apache-2.0
// Oniguruma's classes are sets: they hold others, and meet by "&&". PCRE2's are flat, so what is
// more than a list becomes looks ahead at one character: "[\p{L}&&[^x]]" is "(?=[\p{L}])[^x]".
// Where letters match in either case, Oniguruma folds by rules that PCRE2 has not (one letter to
// two): only what they do not touch is taken there.
#include "data/words/oniguruma_class.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/utf8.h"
#include "data/words/oniguruma_property.h"

static void add_other(onig_set *s, const char *expression)
{
    text_addf(&s->others, "%s%s", s->n_others++ ? "|" : "", expression);
}

void onig_set_free(onig_set *s)
{
    text_free(&s->items);
    text_free(&s->others);
    s->n_others = 0;
}

void onig_set_write(const onig_set *s, bool negated, text *out)
{
    const char *items = text_get(&s->items), *others = text_get(&s->others);
    if (!*others) {
        text_addf(out, "[%s%s]", negated ? "^" : "", items);
        return;
    }
    if (s->n_others == 1 && !*items && !negated) {
        text_add(out, others);
        return;
    }
    text_add(out, negated ? "(?:(?!" : "(?>"); // one way only: others would cost time
    if (*items)
        text_addf(out, "[%s]|", items);
    text_addf(out, "%s%s", others, negated ? ")(?s:.))" : ")");
}

status onig_refuse(const onig_reader *r, size_t at, const char *what)
{
    size_t n = r->n - at < 40 ? r->n - at : 40;
    while (n > 0 && at + n < r->n && ((unsigned char)r->source[at + n] & 0xC0) == 0x80)
        n--;
    return status_fail(ERR_INPUT, r->file,
                       "pattern of the pre-tokenizer, at character %zu: %s is not supported: %.*s",
                       at, what, (int)n, r->source + at);
}

char onig_peek(const onig_reader *r, size_t ahead)
{
    return r->n - r->at > ahead ? r->source[r->at + ahead] : 0;
}

void onig_write_code(int32_t code, text *out)
{
    if (code < 128 && isalnum((int)code))
        text_addf(out, "%c", (int)code);
    else
        text_addf(out, "\\x{%x}", (unsigned)code);
}

// "{L}", "{^Script}" behind \p or \P.
static status read_property(onig_reader *r, bool *negated, text *items)
{
    char name[ONIG_NAME + 1];
    const char *begin = r->source + r->at + 1;
    const char *end = onig_peek(r, 0) == '{' ? memchr(begin, '}', r->n - r->at - 1) : NULL;
    if (!end || end == begin || end - begin > ONIG_NAME)
        return onig_refuse(r, r->at - 2, "a property without its name");
    r->at += (size_t)(end - begin) + 2;
    if (*begin == '^') {
        *negated = !*negated;
        begin++;
    }
    for (const char *c = begin; c < end; c++)
        if (!isalnum((unsigned char)*c) && !strchr(" _-", *c))
            return onig_refuse(r, (size_t)(c - r->source), "this name of a property");
    memcpy(name, begin, (size_t)(end - begin));
    name[end - begin] = 0;
    onig_property(name, items);
    return OK;
}

// Does folding leave these items as they are, in a class?
static bool is_closed(const char *items)
{
    static const char *const closed[] = {"0", "\\x{9}", "\\p{N", "\\p{Z", "\\p{P"};
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (strncmp(items, closed[i], strlen(closed[i])) == 0)
            return true;
    return false;
}

static void add_named(onig_set *s, const char *items, bool negated)
{
    text whole = {0};
    if (!negated) {
        text_add(&s->items, items);
        return;
    }
    if (strncmp(items, "\\p", 2) == 0 && strchr(items, '}')[1] == 0) {
        text_addf(&s->items, "\\P%s", items + 2);
        return;
    }
    text_addf(&whole, "[^%s]", items);
    add_other(s, text_get(&whole));
    s->others.failed |= whole.failed;
    text_free(&whole);
}

status onig_shorthand(onig_reader *r, bool in_class, bool *found, onig_set *s)
{
    status st;
    text items = {0};
    static const char *const names[] = {"digit", "space", "word", "xdigit"};
    const char c = onig_peek(r, 0);
    const int lower = tolower((unsigned char)c);
    const size_t at = r->at - 1;
    bool negated = c && strchr("DSWHP", c);
    *found = c && strchr("dswhpDSWHP", c);
    if (!*found)
        return OK;
    r->at++;
    if (lower == 'p')
        TRY(read_property(r, &negated, &items));
    else if (in_class && lower == 'w')
        onig_posix("word", &items);
    else
        onig_property(names[lower == 'd' ? 0 : lower == 's' ? 1 : lower == 'w' ? 2 : 3], &items);
    if (r->fold && in_class && !is_closed(text_get(&items)))
        TRY(onig_refuse(r, at, "this in a class where letters match in either case"));
    add_named(s, text_get(&items), negated);
    st = OK;
done:
    text_free(&items);
    return st;
}

static status read_hex(onig_reader *r, size_t least, size_t most, int32_t *code)
{
    size_t n = 0;
    *code = 0;
    for (; n < most && isxdigit((unsigned char)onig_peek(r, 0)); n++, r->at++) {
        const char c = onig_peek(r, 0);
        *code = 16 * *code + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return n < least || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000)
               ? onig_refuse(r, r->at, "this number of a character")
               : OK;
}

status onig_escaped_code(onig_reader *r, bool in_class, int32_t *code)
{
    static const char names[] = "tnrfvae", codes[] = "\t\n\r\f\v\a\x1b";
    status st = OK;
    const size_t at = r->at - 1;
    const char c = onig_peek(r, 0);
    const char *name = c ? strchr(names, c) : NULL;
    size_t length = 1;
    if (name || (in_class && c == 'b')) {
        *code = name ? codes[name - names] : 8;
    } else if ((c == 'x' && onig_peek(r, 1) != '{') || c == 'u') {
        r->at++;
        TRY(c == 'u' ? read_hex(r, 4, 4, code) : read_hex(r, 1, 2, code));
        if (c == 'x' && *code >= 0x80)
            return onig_refuse(r, at, "a byte that is no character");
        return OK;
    } else if (c == 'x') {
        r->at += 2;
        TRY(read_hex(r, 1, 7, code));
        if (onig_peek(r, 0) != '}')
            return onig_refuse(r, at, "this number of a character");
    } else if (r->at >= r->n || isalnum((unsigned char)c)) {
        return onig_refuse(r, at, "this escape");
    } else {
        *code = utf8_decode(r->source + r->at, &length);
    }
    r->at += length;
done:
    return st;
}

// "[:alpha:]", "[:^alpha:]"
static status read_posix(onig_reader *r, onig_set *s)
{
    static const char *const names[] = {"alnum", "alpha", "ascii",  "blank", "cntrl",
                                        "digit", "graph", "lower",  "print", "punct",
                                        "space", "upper", "xdigit", "word"};
    const size_t at = r->at;
    const char *begin = r->source + at + 2, *end = memmem(begin, r->n - at - 2, ":]", 2);
    const bool negated = onig_peek(r, 2) == '^';
    const size_t n = end ? (size_t)(end - begin) - negated : 0;
    text items = {0};
    status st = OK;
    for (size_t i = 0; end && i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == n && memcmp(names[i], begin + negated, n) == 0)
            onig_posix(names[i], &items);
    if (!*text_get(&items) || (r->fold && !is_closed(text_get(&items))))
        st = onig_refuse(r, at, "this class");
    else
        add_named(s, text_get(&items), negated);
    text_free(&items);
    r->at += 4 + n + negated;
    return st;
}

static status read_code(onig_reader *r, int32_t *code)
{
    size_t length;
    const size_t at = r->at;
    if (onig_peek(r, 0) == '\\') {
        r->at++;
        status st = onig_escaped_code(r, true, code);
        if (st != OK)
            return st;
    } else {
        *code = utf8_decode(r->source + r->at, &length);
        r->at += length;
    }
    return r->fold && *code >= 128
               ? onig_refuse(r, at, "this in a class where letters match in either case")
               : OK;
}

// A character, or a range of them. What Oniguruma warns of is refused.
static status read_range(onig_reader *r, bool first, onig_set *s)
{
    status st;
    int32_t low, high;
    const size_t at = r->at;
    const bool dash = onig_peek(r, 0) == '-';
    if (dash && onig_peek(r, 1) != ']' && (!first || onig_peek(r, 1) == '-'))
        return onig_refuse(r, at, "this \"-\"");
    TRY(read_code(r, &low));
    onig_write_code(low, &s->items);
    if (onig_peek(r, 0) != '-' || onig_peek(r, 1) == ']')
        return OK;
    r->at++;
    if (onig_peek(r, 0) == '[' || onig_peek(r, 0) == '-' ||
        (onig_peek(r, 0) == '&' && onig_peek(r, 1) == '&') || r->at >= r->n)
        return onig_refuse(r, at, "this range");
    TRY(read_code(r, &high));
    if (high < low || (onig_peek(r, 0) == '-' && onig_peek(r, 1) != ']'))
        return onig_refuse(r, at, "this range");
    text_add(&s->items, "-");
    onig_write_code(high, &s->items);
done:
    return st;
}

static status read_class(onig_reader *r, onig_set *into);

// One thing of a class's list.
static status read_item(onig_reader *r, bool first, onig_set *s)
{
    status st = OK;
    bool found = false;
    const char c = onig_peek(r, 0);
    if (c == '[' && onig_peek(r, 1) == ':')
        return read_posix(r, s);
    if (c == '[') {
        if (r->fold)
            return onig_refuse(r, r->at, "a class in a class where letters match in either case");
        r->at++;
        return read_class(r, s);
    }
    if (c == '\\') {
        r->at++;
        TRY(onig_shorthand(r, true, &found, s));
        r->at -= !found;
    }
    if (!found)
        TRY(read_range(r, first, s));
done:
    return st;
}

// The whole set, in `looks` those that it meets, into another.
static void add_class(onig_set *into, const onig_set *s, const text *looks, bool negated)
{
    text whole = {0};
    if (looks->length == 0 && !negated) {
        text_add(&into->items, text_get(&s->items));
        if (s->n_others)
            add_other(into, text_get(&s->others));
        into->n_others += s->n_others > 1;
        return;
    }
    if (looks->length == 0) {
        onig_set_write(s, true, &whole);
    } else {
        text_addf(&whole, "(?:%s%s", negated ? "(?!" : "", text_get(looks));
        onig_set_write(s, false, &whole);
        text_add(&whole, negated ? ")(?s:.))" : ")");
    }
    add_other(into, text_get(&whole));
    into->items.failed |= whole.failed;
    text_free(&whole);
}

static bool is_empty(const onig_set *s)
{
    return s->items.length == 0 && s->n_others == 0;
}

static status read_class(onig_reader *r, onig_set *into)
{
    status st = OK;
    const size_t at = r->at - 1, begin = r->at + (onig_peek(r, 0) == '^');
    onig_set s = {0};
    text looks = {0};
    if (++r->classes > ONIG_DEPTH)
        TRY(onig_refuse(r, at, "a class so deep"));
    r->at = begin;
    while (onig_peek(r, 0) != ']' || is_empty(&s)) {
        if (r->at >= r->n)
            TRY(onig_refuse(r, at, "a class without its end"));
        const bool meets = onig_peek(r, 0) == '&' && onig_peek(r, 1) == '&';
        if (is_empty(&s) && (meets || onig_peek(r, 0) == ']'))
            TRY(onig_refuse(r, r->at, "an empty class"));
        if (!meets) {
            TRY(read_item(r, r->at == begin, &s));
            continue;
        }
        if (r->fold)
            TRY(onig_refuse(r, r->at, "\"&&\" where letters match in either case"));
        text_add(&looks, "(?=");
        onig_set_write(&s, false, &looks);
        text_add(&looks, ")");
        onig_set_free(&s);
        r->at += 2;
    }
    // Oniguruma loses its way where such a set turns out to be empty.
    const bool negated = begin > at + 1;
    if (negated && r->classes > 1 && (s.n_others || strstr(text_get(&s.items), "\\P")))
        TRY(onig_refuse(r, at, "a negated class of negated ones in another class"));
    r->at++;
    add_class(into, &s, &looks, negated);
    into->items.failed |= looks.failed || s.items.failed || s.others.failed;
    r->classes--;
done:
    onig_set_free(&s);
    text_free(&looks);
    return st;
}

status onig_class(onig_reader *r, text *out)
{
    onig_set s = {0};
    status st = read_class(r, &s);
    if (st == OK && (s.items.failed || s.others.failed))
        st = status_no_memory("a pattern");
    if (st == OK)
        onig_set_write(&s, false, out);
    onig_set_free(&s);
    return st;
}

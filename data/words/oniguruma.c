// SPDX-License-Identifier: Apache-2.0
// What is not known here is refused, never handed on: then a pattern has one reading. Everything
// whose meaning hangs on PCRE2's options is spelled out. Groups need no numbers where nothing refers
// to them. Folding of one letter to two ("ss" matches a sharp s) is Oniguruma's alone: two letters
// in a row that could be one are refused where case does not count.
#include "data/words/oniguruma.h"

#include <ctype.h>
#include <string.h>

#include "data/bytes/utf8.h"
#include "data/words/oniguruma_class.h"

typedef struct translator {
    onig_reader r;
    text *out;
    bool refers, names; // "\1" somewhere; "(?<name>"
    int groups;         // numbered, begun
    bool closed[10];    // by number: ended
    int32_t last;       // the letter that was written just before, in a fold; 0: none
} translator;

typedef enum atom {
    ATOM_NONE,   // nothing was written, or what stands for no text
    ATOM_ANCHOR, // cannot be repeated
    ATOM_TEXT,   // can
    ATOM_REST,   // "(?i)", which has taken the rest of its group
} atom;

static status read_alternatives(translator *t);

static void insert(text *out, size_t at, const char *what)
{
    const size_t n = strlen(what), rest = out->length - at;
    text_add(out, what); // for its room
    if (out->failed)
        return;
    memmove(out->at + at + n, out->at + at, rest);
    memcpy(out->at + at, what, n);
}

// "{2}", "{2,}", "{,2}", "{2,3}" at the reader: its bytes, or 0 where "{" stands for itself.
static size_t interval_bytes(const onig_reader *r, long *low, long *high)
{
    size_t at = 1;
    long *bound = low;
    bool digits = false, comma = false;
    *low = 0;
    *high = -1;
    for (; at < 16; at++) {
        const char c = onig_peek(r, at);
        if (isdigit((unsigned char)c)) {
            *bound = (*bound < 0 ? 0 : *bound) * 10 + (c - '0');
            digits = true;
        } else if (c == ',' && !comma) {
            bound = high;
            comma = true;
        } else {
            break;
        }
    }
    if (onig_peek(r, at) != '}' || !digits)
        return 0;
    if (!comma)
        *high = *low;
    return at + 1;
}

// What repeats the atom that was written from `begin` on.
static status read_repeat(translator *t, atom a, size_t begin)
{
    onig_reader *r = &t->r;
    long low = 0, high = -1;
    const size_t at = r->at;
    char c = onig_peek(r, 0);
    const size_t braces = c == '{' ? interval_bytes(r, &low, &high) : 0;
    if (!braces && (c == 0 || !strchr("*+?", c)))
        return OK;
    if (a != ATOM_TEXT || (high >= 0 && low > high))
        return onig_refuse(r, at, "this repetition");
    t->last = 0;
    if (!braces) {
        text_add_bytes(t->out, &c, 1);
        r->at++;
        c = onig_peek(r, 0);
        if (c == '?' || c == '+') {
            text_add_bytes(t->out, &c, 1);
            r->at++;
        }
    } else {
        text_addf(t->out, high < 0 ? "{%ld,}" : "{%ld,%ld}", low, high);
        r->at += braces;
        c = onig_peek(r, 0);
        if (c == '?' && low != high) {
            text_add(t->out, "?");
            r->at++;
        } else if (c == '?' || c == '+') { // repeats what was repeated
            insert(t->out, begin, "(?:");
            text_addf(t->out, ")%c", c);
            r->at++;
        }
    }
    c = onig_peek(r, 0);
    if ((c && strchr("*+?", c)) || (c == '{' && interval_bytes(r, &low, &high)))
        return onig_refuse(r, r->at, "a repetition of a repetition");
    return OK;
}

// Would Oniguruma take these two letters for one, too?
static bool folds_to_one(int32_t a, int32_t b)
{
    static const char pairs[][3] = {"ss", "ff", "fi", "fl", "st"};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if ((a | 32) == pairs[i][0] && (b | 32) == pairs[i][1])
            return true;
    return false;
}

static status write_literal(translator *t, size_t at, int32_t code)
{
    const bool fold = t->r.fold;
    if (fold && (code >= 128 || folds_to_one(t->last, code)))
        return onig_refuse(&t->r, at, "this text where letters match in either case");
    t->last = fold ? code : 0;
    onig_write_code(code, t->out);
    return OK;
}

// "\b": between a character of a word and another.
static void write_boundary(text *out, bool negated)
{
#define WORD "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}]"
    text_add(out, negated ? "(?:(?<=" WORD ")(?=" WORD ")|(?<!" WORD ")(?!" WORD "))"
                          : "(?:(?<=" WORD ")(?!" WORD ")|(?<!" WORD ")(?=" WORD "))");
}

static status read_reference(translator *t, size_t at)
{
    onig_reader *r = &t->r;
    const int number = onig_peek(r, 0) - '0';
    r->at++;
    if (t->names || isdigit((unsigned char)onig_peek(r, 0)) || !t->closed[number])
        return onig_refuse(r, at, "this reference to a group");
    text_addf(t->out, "\\g{%d}", number);
    return OK;
}

static status read_escape(translator *t, atom *a)
{
    status st = OK;
    onig_reader *r = &t->r;
    const size_t at = r->at++;
    const char c = onig_peek(r, 0);
    bool found;
    onig_set set = {0};
    static const char anchors[] = "AzZbBK", *const texts[] = {"\\A", "\\z", "(?=\\x{a}?\\z)",
                                                              "",    "",    "\\K"};
    const char *anchor = c ? strchr(anchors, c) : NULL;
    *a = anchor ? ATOM_ANCHOR : ATOM_TEXT;
    if (anchor) {
        r->at++;
        text_add(t->out, texts[anchor - anchors]);
        if (c == 'b' || c == 'B')
            write_boundary(t->out, c == 'B');
    } else if (c == 'R' || c == 'N' || c == 'O') {
        r->at++;
        text_add(t->out, c == 'N'   ? "[^\\x{a}]"
                         : c == 'O' ? "(?s:.)"
                                    : "(?>\\x{d}\\x{a}|[\\x{a}-\\x{d}\\x{85}\\x{2028}\\x{2029}])");
    } else if (c >= '1' && c <= '9') {
        TRY(read_reference(t, at));
    } else {
        int32_t code;
        TRY(onig_shorthand(r, false, &found, &set));
        if (!found) {
            TRY(onig_escaped_code(r, false, &code));
            return write_literal(t, at, code);
        }
        if (r->fold) // a set with a name is not folded
            text_add(t->out, "(?-i:");
        onig_set_write(&set, false, t->out);
        if (r->fold)
            text_add(t->out, ")");
    }
    t->last = 0;
done:
    onig_set_free(&set);
    return st;
}

// "i", "m", "-i" behind "(?", up to ":" or ")", which is passed over.
static status read_options(translator *t, size_t at, bool *group)
{
    onig_reader *r = &t->r;
    bool on = true;
    for (; onig_peek(r, 0) != ':' && onig_peek(r, 0) != ')'; r->at++) {
        const char c = onig_peek(r, 0);
        if (c == 'i')
            r->fold = on;
        else if (c == 'm')
            r->dot_all = on;
        else if (c == '-' && on)
            on = false;
        else
            return onig_refuse(r, at, "this kind of group");
    }
    *group = onig_peek(r, 0) == ':';
    r->at++;
    return OK;
}

// "(?<name>": passed over.
static status read_name(translator *t, size_t at)
{
    onig_reader *r = &t->r;
    if (isdigit((unsigned char)onig_peek(r, 0)) || onig_peek(r, 0) == '>')
        return onig_refuse(r, at, "this name of a group");
    while (isalnum((unsigned char)onig_peek(r, 0)) || onig_peek(r, 0) == '_')
        r->at++;
    if (onig_peek(r, 0) != '>')
        return onig_refuse(r, at, "this name of a group");
    r->at++;
    return OK;
}

// What follows "(", up to where its alternatives begin. *number: of a group that is referred to.
static status begin_group(translator *t, size_t at, atom *a, int *number)
{
    static const char *const alike[] = {"?:", "?=", "?!", "?>", "?<=", "?<!"};
    status st = OK;
    onig_reader *r = &t->r;
    bool group = true;
    *a = ATOM_TEXT;
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        const size_t n = strlen(alike[i]);
        if (r->n - r->at >= n && memcmp(r->source + r->at, alike[i], n) == 0) {
            *a = i == 0 || i == 3 ? ATOM_TEXT : ATOM_ANCHOR;
            r->at += n;
            text_addf(t->out, "(%s", alike[i]);
            return OK;
        }
    }
    if (onig_peek(r, 0) == '*')
        return onig_refuse(r, at, "a verb");
    if (onig_peek(r, 0) != '?') {
        *number = t->refers && !t->names ? ++t->groups : 0;
        text_add(t->out, *number ? "(" : "(?:");
        return OK;
    }
    r->at++;
    if (onig_peek(r, 0) == '<') {
        r->at++;
        TRY(read_name(t, at));
        text_add(t->out, "(?:");
        return OK;
    }
    TRY(read_options(t, at, &group));
    text_add(t->out, r->fold ? "(?i:" : "(?-i:");
    if (!group)
        *a = ATOM_REST;
done:
    return st;
}

static status read_comment(translator *t, size_t at)
{
    onig_reader *r = &t->r;
    for (; r->at < r->n && onig_peek(r, 0) != ')'; r->at++)
        r->at += onig_peek(r, 0) == '\\';
    if (r->at >= r->n)
        return onig_refuse(r, at, "a comment without its end");
    r->at++;
    return OK;
}

static status read_group(translator *t, atom *a)
{
    status st;
    onig_reader *r = &t->r;
    const size_t at = r->at++;
    const bool fold = r->fold, dot_all = r->dot_all;
    int number = 0;
    if (onig_peek(r, 0) == '?' && onig_peek(r, 1) == '#') {
        *a = ATOM_NONE;
        return read_comment(t, at);
    }
    if (++r->depth > ONIG_DEPTH)
        return onig_refuse(r, at, "a group so deep");
    TRY(begin_group(t, at, a, &number));
    TRY(read_alternatives(t));
    if (*a != ATOM_REST) {
        if (onig_peek(r, 0) != ')')
            return onig_refuse(r, at, "a group without its end");
        r->at++;
    }
    text_add(t->out, ")");
    if (number > 0 && number < 10)
        t->closed[number] = true;
    r->fold = fold;
    r->dot_all = dot_all;
    r->depth--;
done:
    return st;
}

static status read_atom(translator *t, atom *a)
{
    onig_reader *r = &t->r;
    const size_t at = r->at;
    size_t length;
    long low, high;
    const char c = onig_peek(r, 0);
    *a = ATOM_TEXT;
    if (c == '(')
        return read_group(t, a);
    if (c == '\\')
        return read_escape(t, a);
    if ((c && strchr("*+?", c)) || (c == '{' && interval_bytes(r, &low, &high)))
        return onig_refuse(r, at, "this repetition");
    if (c && strchr("^$.[", c)) {
        t->last = 0;
        r->at++;
        *a = c == '^' || c == '$' ? ATOM_ANCHOR : ATOM_TEXT;
        if (c == '[')
            return onig_class(r, t->out);
        text_add(t->out, c == '^'     ? "(?m:^)"
                         : c == '$'   ? "(?m:$)"
                         : r->dot_all ? "(?s:.)"
                                      : "[^\\x{a}]");
        return OK;
    }
    const int32_t code = utf8_decode(r->source + at, &length);
    r->at += length;
    return write_literal(t, at, code);
}

// Up to the end of the group, whose ")" is left, or of the pattern.
static status read_alternatives(translator *t)
{
    status st = OK;
    onig_reader *r = &t->r;
    while (r->at < r->n && onig_peek(r, 0) != ')') {
        atom a;
        const size_t begin = t->out->length;
        if (onig_peek(r, 0) == '|') {
            text_add(t->out, "|");
            t->last = 0;
            r->at++;
            continue;
        }
        TRY(read_atom(t, &a));
        TRY(read_repeat(t, a, begin));
    }
done:
    return st;
}

// Are there references to groups, and groups with names? What only looks so is of no consequence:
// the former costs time, and the latter is refused only together with references.
static void look_ahead(translator *t)
{
    const onig_reader *r = &t->r;
    for (size_t i = 0; i + 1 < r->n; i++) {
        const char *c = r->source + i;
        if (*c == '\\') {
            t->refers = t->refers || (c[1] >= '1' && c[1] <= '9');
            i++;
        } else if (i + 3 < r->n && memcmp(c, "(?<", 3) == 0 && c[3] != '=' && c[3] != '!') {
            t->names = true;
        }
    }
}

status oniguruma_translate(const char *source, size_t n, const char *file, text *out)
{
    status st;
    translator t = {.r = {.source = source, .n = n, .file = file}, .out = out};
    look_ahead(&t);
    TRY(read_alternatives(&t));
    if (t.r.at < n)
        return onig_refuse(&t.r, t.r.at, "a \")\" without its \"(\"");
    if (out->failed)
        return status_no_memory("a pattern");
done:
    return st;
}

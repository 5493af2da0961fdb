// SPDX-License-Identifier: Apache-2.0
// Rules rewrite the text one after the other, between two buffers. Unicode's forms are the dear
// ones: utf8proc is given only the stretches they can change, which most text has none of. Rules
// that let a text grow without end (a letter to a thousand, ten times over) meet a limit.
#include "data/words/normalizer.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "data/bytes/utf8.h"
#include "pipeline/base/checked.h"

typedef struct rule rule;
typedef status rule_fn(const rule *r, const char *bytes, size_t n, text *out);

struct rule {
    rule_fn *apply;
    const char *file; // borrowed, for messages
    int options;      // of utf8proc
    char *from, *to;  // Replace, Prepend (to)
    bool left, right; // Strip
};

struct normalizer {
    rule *rules;
    size_t n, capacity;
};

enum {
    MOST_RULES = 256,     // those in use have ten at most
    GROWTH = 64,          // times as long a text may become; Unicode's own forms make 18 at most
    FREE_BYTES = 1 << 20, // that any text may have beside
    MARKS = 1024,         // in a row, out of order: Unicode's safe streams have 30
};

static status check_growth(const rule *r, size_t from, size_t to)
{
    return to / GROWTH <= from + FREE_BYTES / GROWTH
               ? OK
               : status_fail(ERR_INPUT, r->file,
                             "the normalizer makes more than %d bytes of each of a text", GROWTH);
}

// Marks behind a letter are sorted by swapping neighbours, which takes ever so long for millions.
static status check_marks(const rule *r, const utf8proc_uint8_t *bytes, size_t n)
{
    utf8proc_int32_t code;
    utf8proc_propval_t before = 0;
    size_t run = 0;
    bool sorted = true;
    for (size_t at = 0; at < n;) {
        utf8proc_ssize_t size = utf8proc_iterate(bytes + at, (utf8proc_ssize_t)(n - at), &code);
        if (size < 1)
            return OK; // no Unicode: utf8proc_map says so
        const utf8proc_propval_t class = utf8proc_get_property(code)->combining_class;
        run = class ? run + 1 : 0;
        sorted = run < 2 || (sorted && class >= before);
        if (run > MARKS && !sorted)
            return status_fail(ERR_INPUT, r->file,
                               "the normalizer cannot sort more than %d marks behind one letter",
                               MARKS);
        before = class;
        at += (size_t)size;
    }
    return OK;
}

static status map_unicode(const rule *r, const char *bytes, size_t n, text *out)
{
    utf8proc_uint8_t *mapped = NULL;
    const status st = check_marks(r, (const utf8proc_uint8_t *)bytes, n);
    if (st != OK)
        return st;
    utf8proc_ssize_t length = utf8proc_map((const utf8proc_uint8_t *)bytes, (utf8proc_ssize_t)n,
                                           &mapped, (utf8proc_option_t)r->options);
    if (length < 0)
        return status_no_memory("a normalised text");
    text_add_bytes(out, (const char *)mapped, (size_t)length);
    free(mapped);
    return OK;
}

// Only what can change is mapped: ASCII stays as it is in every form, and what lies below U+0300
// (lead bytes below 0xCC) is composed already. Nothing joins across the beginning of an ASCII
// character, but a mark may join the one before it.
static status apply_unicode(const rule *r, const char *bytes, size_t n, text *out)
{
    const unsigned char *u = (const unsigned char *)bytes;
    unsigned char first = r->options == (UTF8PROC_STABLE | UTF8PROC_COMPOSE) ? 0xCC : 0x80;
    size_t from = 0, at = 0;
    status st = OK;
    while (at < n && st == OK) {
        while (at < n && u[at] < first)
            at++;
        size_t begin = at, end = at;
        if (at == n)
            break;
        while (begin > from && u[begin - 1] >= 0x80)
            begin--;
        begin -= begin > from;
        while (end < n && u[end] >= 0x80)
            end++;
        text_add_bytes(out, bytes + from, begin - from);
        st = map_unicode(r, bytes + begin, end - begin, out);
        from = at = end;
    }
    text_add_bytes(out, bytes + from, n - from);
    return st;
}

static status apply_lowercase(const rule *r, const char *bytes, size_t n, text *out)
{
    (void)r;
    for (size_t at = 0, length; at < n; at += length) {
        utf8proc_uint8_t lower[4];
        int32_t code = utf8_decode(bytes + at, &length);
        if (code == 0x130) { // the one character whose lower case is two
            text_add(out, "i\xCC\x87");
            continue;
        }
        utf8proc_ssize_t size = utf8proc_encode_char(utf8proc_tolower(code), lower);
        text_add_bytes(out, (const char *)lower, (size_t)size);
    }
    return OK;
}

static status apply_prepend(const rule *r, const char *bytes, size_t n, text *out)
{
    if (n > 0)
        text_add(out, r->to);
    text_add_bytes(out, bytes, n);
    return OK;
}

static status apply_replace(const rule *r, const char *bytes, size_t n, text *out)
{
    size_t length = strlen(r->from);
    const char *end = bytes + n, *hit;
    while ((hit = memmem(bytes, (size_t)(end - bytes), r->from, length))) {
        text_add_bytes(out, bytes, (size_t)(hit - bytes));
        text_add(out, r->to);
        bytes = hit + length;
        if (check_growth(r, n, out->length) != OK)
            return ERR_INPUT;
    }
    text_add_bytes(out, bytes, (size_t)(end - bytes));
    return OK;
}

static status apply_strip(const rule *r, const char *bytes, size_t n, text *out)
{
    size_t begin = 0, end = n, length;
    while (r->left && begin < end && utf8_is_space(utf8_decode(bytes + begin, &length)))
        begin += length;
    while (r->right && end > begin) {
        size_t last = end - 1;
        while (last > begin && ((unsigned char)bytes[last] & 0xC0) == 0x80)
            last--;
        if (!utf8_is_space(utf8_decode(bytes + last, &length)))
            break;
        end = last;
    }
    text_add_bytes(out, bytes + begin, end - begin);
    return OK;
}

enum { CANONICAL = UTF8PROC_STABLE, COMPATIBLE = UTF8PROC_STABLE | UTF8PROC_COMPAT };

static const struct {
    const char *type;
    rule_fn *apply;
    int options;
} kinds[] = {
    {"NFC", apply_unicode, CANONICAL | UTF8PROC_COMPOSE},
    {"NFD", apply_unicode, CANONICAL | UTF8PROC_DECOMPOSE},
    {"NFKC", apply_unicode, COMPATIBLE | UTF8PROC_COMPOSE},
    {"NFKD", apply_unicode, COMPATIBLE | UTF8PROC_DECOMPOSE},
    {"Lowercase", apply_lowercase, 0},
    {"Prepend", apply_prepend, 0},
    {"Replace", apply_replace, 0},
    {"Strip", apply_strip, 0},
};

static status copy_text(const json_t *value, const char *file, const char *type, char **out)
{
    const char *s = json_string_value(value);
    if (!s)
        return status_fail(ERR_INPUT, file, "normalizer %s lacks a text", type);
    *out = strdup(s);
    return *out ? OK : status_no_memory("a normalizer");
}

static status read_rule(const json_t *json, const char *file, rule *r)
{
    status st = OK;
    const char *type = json_string_value(json_object_get(json, "type"));
    size_t k = 0, n = sizeof kinds / sizeof *kinds;
    while (k < n && !(type && strcmp(kinds[k].type, type) == 0))
        k++;
    if (k == n)
        return status_fail(ERR_INPUT, file, "normalizer %s is not supported",
                           type ? type : "without a type");
    r->file = file;
    r->apply = kinds[k].apply;
    r->options = kinds[k].options;
    if (r->apply == apply_prepend)
        TRY(copy_text(json_object_get(json, "prepend"), file, type, &r->to));
    if (r->apply == apply_replace) {
        const json_t *pattern = json_object_get(json_object_get(json, "pattern"), "String");
        if (!pattern)
            return status_fail(ERR_INPUT, file,
                               "normalizer Replace with a regular expression is "
                               "not supported");
        TRY(copy_text(pattern, file, type, &r->from));
        TRY(copy_text(json_object_get(json, "content"), file, type, &r->to));
        if (!*r->from)
            return status_fail(ERR_INPUT, file, "normalizer Replace has an empty pattern");
    }
    r->left = json_is_true(json_object_get(json, "strip_left"));
    r->right = json_is_true(json_object_get(json, "strip_right"));
done:
    return st;
}

static status read_rules(normalizer *n, const json_t *json, const char *file, int depth)
{
    status st = OK;
    const char *type = json_string_value(json_object_get(json, "type"));
    if (type && strcmp(type, "Sequence") == 0) {
        const json_t *list = json_object_get(json, "normalizers");
        if (depth > 8)
            return status_fail(ERR_INPUT, file, "normalizers are nested too deeply");
        for (size_t i = 0; i < json_array_size(list) && st == OK; i++)
            st = read_rules(n, json_array_get(list, i), file, depth + 1);
        return st;
    }
    if (n->n == MOST_RULES)
        return status_fail(ERR_INPUT, file, "the normalizer has more than %d rules", MOST_RULES);
    if (!checked_grow(&n->rules, &n->capacity, n->n + 1, sizeof *n->rules))
        return status_no_memory("a normalizer");
    n->rules[n->n] = (rule){0};
    return read_rule(json, file, &n->rules[n->n++]);
}

status normalizer_new(const json_t *rules, const char *file, normalizer **out)
{
    *out = NULL;
    if (!rules || json_is_null(rules))
        return OK;
    normalizer *n = checked_calloc(1, sizeof *n);
    if (!n)
        return status_no_memory("a normalizer");
    status st = read_rules(n, rules, file, 0);
    if (st != OK) {
        normalizer_free(n);
        return st;
    }
    *out = n;
    return OK;
}

void normalizer_free(normalizer *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n; i++) {
        free(n->rules[i].from);
        free(n->rules[i].to);
    }
    free(n->rules);
    free(n);
}

status normalizer_apply(const normalizer *n, const char *bytes, size_t length, text *out)
{
    status st = OK;
    text a = {0}, b = {0};
    if (!n || n->n == 0) {
        text_add_bytes(out, bytes, length);
        return OK;
    }
    for (size_t i = 0; i < n->n && st == OK; i++) {
        b.length = 0;
        st = n->rules[i].apply(&n->rules[i], i ? text_get(&a) : bytes, i ? a.length : length, &b);
        if (st == OK)
            st = check_growth(&n->rules[i], length, b.length);
        text swap = a;
        a = b;
        b = swap;
        if (st == OK && (a.failed || b.failed))
            st = status_no_memory("a normalised text");
    }
    if (st == OK)
        text_add_bytes(out, text_get(&a), a.length);
    text_free(&a);
    text_free(&b);
    return st;
}

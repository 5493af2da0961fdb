// SPDX-License-Identifier: Apache-2.0
// Unicode's forms are the dear rules: utf8proc is given only the stretches they can change, which
// most text has none of. Rules that let a text grow without end (a letter to a thousand, ten times
// over) meet a limit.
#include "data/words/normalizer_rules.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "data/bytes/utf8.h"
#include "data/words/unicode_sets.h"

enum {
    GROWTH = 64,          // times as long a text may become; Unicode's own forms make 18 at most
    FREE_BYTES = 1 << 20, // that any text may have beside
    MARKS = 1024,         // in a row, out of order: Unicode's safe streams have 30
    COMPOSED = UTF8PROC_STABLE | UTF8PROC_COMPOSE, // NFC
};

status normal_check_growth(const normal_rule *r, size_t from, size_t to)
{
    return to / GROWTH <= from + FREE_BYTES / GROWTH
               ? OK
               : status_fail(ERR_INPUT, r->file,
                             "the normalizer makes more than %d bytes of each of a text", GROWTH);
}

// Marks behind a letter are sorted by swapping neighbours, which takes ever so long for millions.
static status check_marks(const normal_rule *r, const utf8proc_uint8_t *bytes, size_t n)
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

static status map_unicode(const normal_rule *r, const char *bytes, size_t n, text *out)
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

// What has had a form only since later versions of Unicode parts a stretch.
static status map_stretch(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    status st = OK;
    size_t from = 0, step;
    for (size_t at = 0; at < n && st == OK; at += step)
        if (unicode_has_new_form(utf8_decode(bytes + at, &step))) {
            st = map_unicode(r, bytes + from, at - from, out);
            text_add_bytes(out, bytes + at, step);
            from = at + step;
        }
    return st == OK ? map_unicode(r, bytes + from, n - from, out) : st;
}

// Only what can change is mapped: ASCII stays as it is in every form, and what lies below U+0300
// (lead bytes below 0xCC) is composed already. Nothing joins across the beginning of an ASCII
// character, but a mark may join the one before it.
status normal_unicode(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    const unsigned char *u = (const unsigned char *)bytes;
    unsigned char first = r->options == COMPOSED ? 0xCC : 0x80;
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
        st = r->options == COMPOSED ? map_unicode(r, bytes + begin, end - begin, out)
                                    : map_stretch(r, bytes + begin, end - begin, out);
        from = at = end;
    }
    text_add_bytes(out, bytes + from, n - from);
    return st;
}

status normal_lowercase(const normal_rule *r, const char *bytes, size_t n, text *out)
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

status normal_prepend(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    if (n > 0)
        text_add_bytes(out, text_get(&r->to), r->to.length);
    text_add_bytes(out, bytes, n);
    return OK;
}

status normal_replace(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    const char *end = bytes + n, *hit;
    while ((hit = memmem(bytes, (size_t)(end - bytes), text_get(&r->from), r->from.length))) {
        text_add_bytes(out, bytes, (size_t)(hit - bytes));
        text_add_bytes(out, text_get(&r->to), r->to.length);
        bytes = hit + r->from.length;
        if (normal_check_growth(r, n, out->length) != OK)
            return ERR_INPUT;
    }
    text_add_bytes(out, bytes, (size_t)(end - bytes));
    return OK;
}

status normal_pattern(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    status st;
    pattern_matcher *m = NULL;
    size_t from = 0, begin, end;
    bool found = true;
    TRY(pattern_matcher_new(&m));
    pattern_matcher_begin(m, n);
    while (from < n) {
        TRY(pattern_next(r->pattern, m, bytes, n, from, &found, &begin, &end));
        if (!found)
            break;
        if (begin == end)
            TRY(status_fail(ERR_INPUT, r->file,
                            "normalizer Replace: its pattern matches an empty text, which is not "
                            "supported"));
        text_add_bytes(out, bytes + from, begin - from);
        text_add_bytes(out, text_get(&r->to), r->to.length);
        from = end;
        TRY(normal_check_growth(r, n, out->length));
    }
    text_add_bytes(out, bytes + from, n - from);
done:
    pattern_matcher_free(m);
    return st;
}

status normal_map(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    precompiled_apply(r->map, bytes, n, out);
    return OK;
}

// Copies the characters that `change` lets pass; it may append others instead. None changes what is
// printable in ASCII.
static status filter(const char *bytes, size_t n, bool (*change)(int32_t code, text *out),
                     text *out)
{
    size_t from = 0, step;
    for (size_t at = 0; at < n; at += step) {
        step = 1;
        if (bytes[at] >= ' ' && bytes[at] < 127)
            continue;
        text_add_bytes(out, bytes + from, at - from);
        from = at;
        if (change(utf8_decode(bytes + at, &step), out))
            from = at + step;
    }
    text_add_bytes(out, bytes + from, n - from);
    return OK;
}

// BertNormalizer's clean_text.
static bool change_control(int32_t code, text *out)
{
    const bool control = unicode_is_other(code) && code != '\t' && code != '\n' && code != '\r';
    if (!control && code != 0xFFFD && utf8_is_space(code)) {
        text_add(out, " ");
        return true;
    }
    return control || code == 0 || code == 0xFFFD;
}

status normal_clean(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    (void)r;
    return filter(bytes, n, change_control, out);
}

static bool part_ideographs(int32_t code, text *out)
{
    utf8proc_uint8_t spelled[4];
    if (!unicode_is_ideograph(code))
        return false;
    text_add(out, " ");
    text_add_bytes(out, (const char *)spelled, (size_t)utf8proc_encode_char(code, spelled));
    text_add(out, " ");
    return true;
}

status normal_ideographs(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    (void)r;
    return filter(bytes, n, part_ideographs, out);
}

static bool drop_nonspacing(int32_t code, text *out)
{
    (void)out;
    return unicode_is_nonspacing(code);
}

status normal_nonspacing(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    (void)r;
    return filter(bytes, n, drop_nonspacing, out);
}

static bool drop_mark(int32_t code, text *out)
{
    (void)out;
    return unicode_is_mark(code);
}

status normal_accents(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    (void)r;
    return filter(bytes, n, drop_mark, out);
}

// SentencePiece's rules for what translation makes of odd spaces and controls.
static bool change_nmt(int32_t code, text *out)
{
    if (code == '\t' || code == '\n' || code == '\f' || code == '\r' || code == 0x1680 ||
        (code >= 0x200B && code <= 0x200F) || code == 0x2028 || code == 0x2029 || code == 0x2581 ||
        code == 0xFEFF || code == 0xFFFD) {
        text_add(out, " ");
        return true;
    }
    return (code > 0 && code < ' ') || code == 0x7F || code == 0x8F || code == 0x9F;
}

status normal_nmt(const normal_rule *r, const char *bytes, size_t n, text *out)
{
    (void)r;
    return filter(bytes, n, change_nmt, out);
}

status normal_strip(const normal_rule *r, const char *bytes, size_t n, text *out)
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

status normal_drops_start(const normal_rule *r, const char *bytes, size_t n, bool *drops)
{
    status st = OK;
    size_t step, begin = 1, end;
    bool found = false;
    text first = {0};
    pattern_matcher *m = NULL;
    *drops = false;
    // Of what SentencePiece's table drops there, `tokenizers` loses sight.
    if (n == 0 || r->map || r->apply == normal_prepend ||
        ((r->pattern || r->from.length) && r->to.length))
        return OK;
    if (r->pattern) {
        TRY(pattern_matcher_new(&m));
        pattern_matcher_begin(m, n);
        TRY(pattern_next(r->pattern, m, bytes, n, 0, &found, &begin, &end));
        *drops = found && begin == 0;
    } else if (r->from.length) {
        *drops = n >= r->from.length && memcmp(bytes, r->from.at, r->from.length) == 0;
    } else {
        utf8_decode(bytes, &step);
        TRY(r->apply(r, bytes, step, &first));
        *drops = first.length == 0;
    }
done:
    text_free(&first);
    pattern_matcher_free(m);
    return st;
}

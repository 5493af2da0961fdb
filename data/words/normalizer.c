// SPDX-License-Identifier: Apache-2.0
// Rules rewrite the text one after the other, between two buffers. One of a file may be several here:
// BertNormalizer is four.
#include "data/words/normalizer.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "data/words/normalizer_rules.h"
#include "data/words/oniguruma.h"
#include "pipeline/base/checked.h"

struct normalizer {
    normal_rule *rules;
    size_t n, capacity;
};

enum {
    MOST_RULES = 256, // those in use have ten at most
    CANONICAL = UTF8PROC_STABLE,
    COMPATIBLE = UTF8PROC_STABLE | UTF8PROC_COMPAT,
};

static status add_rule(normalizer *n, const char *file, normal_fn *apply, int options)
{
    if (n->n == MOST_RULES)
        return status_fail(ERR_INPUT, file, "the normalizer has more than %d rules", MOST_RULES);
    if (!checked_grow(&n->rules, &n->capacity, n->n + 1, sizeof *n->rules))
        return status_no_memory("a normalizer");
    n->rules[n->n++] = (normal_rule){.apply = apply, .file = file, .options = options};
    return OK;
}

// true where a flag is missing, as `otherwise` says
static bool flag(const json_t *json, const char *key, bool otherwise)
{
    const json_t *v = json_object_get(json, key);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

static status read_bert(normalizer *n, const json_t *json, const char *file)
{
    status st = OK;
    const bool lower = flag(json, "lowercase", true);
    if (flag(json, "clean_text", true))
        TRY(add_rule(n, file, normal_clean, 0));
    if (flag(json, "handle_chinese_chars", true))
        TRY(add_rule(n, file, normal_ideographs, 0));
    if (flag(json, "strip_accents", lower)) {
        TRY(add_rule(n, file, normal_unicode, CANONICAL | UTF8PROC_DECOMPOSE));
        TRY(add_rule(n, file, normal_nonspacing, 0));
    }
    if (lower)
        TRY(add_rule(n, file, normal_lowercase, 0));
done:
    return st;
}

static status copy_text(const json_t *value, const char *file, const char *type, text *out)
{
    if (!json_is_string(value))
        return status_fail(ERR_INPUT, file, "normalizer %s lacks a text", type);
    text_add_bytes(out, json_string_value(value), json_string_length(value));
    return out->failed ? status_no_memory("a normalizer") : OK;
}

static status read_prepend(normalizer *n, const json_t *json, const char *file)
{
    status st = add_rule(n, file, normal_prepend, 0);
    return st == OK ? copy_text(json_object_get(json, "prepend"), file, "Prepend",
                                &n->rules[n->n - 1].to)
                    : st;
}

static status read_replace(normalizer *n, const json_t *json, const char *file)
{
    status st;
    text translated = {0};
    const json_t *given = json_object_get(json, "pattern"),
                 *regex = json_object_get(given, "Regex");
    TRY(add_rule(n, file, regex ? normal_pattern : normal_replace, 0));
    normal_rule *r = &n->rules[n->n - 1];
    TRY(copy_text(json_object_get(json, "content"), file, "Replace", &r->to));
    TRY(copy_text(regex ? regex : json_object_get(given, "String"), file, "Replace", &r->from));
    if (!r->from.length)
        return status_fail(ERR_INPUT, file, "normalizer Replace has an empty pattern");
    if (regex) {
        TRY(oniguruma_translate(text_get(&r->from), r->from.length, file, &translated));
        TRY(pattern_new(text_get(&translated), translated.length, false, file, &r->pattern));
    }
done:
    text_free(&translated);
    return st;
}

static status read_strip(normalizer *n, const json_t *json, const char *file)
{
    status st = add_rule(n, file, normal_strip, 0);
    if (st == OK) {
        n->rules[n->n - 1].left = flag(json, "strip_left", false);
        n->rules[n->n - 1].right = flag(json, "strip_right", false);
    }
    return st;
}

static status read_precompiled(normalizer *n, const json_t *json, const char *file)
{
    const json_t *map = json_object_get(json, "precompiled_charsmap");
    if (json_is_null(map) || (json_is_string(map) && json_string_length(map) == 0))
        return OK; // a model without one
    if (!json_is_string(map))
        return status_fail(ERR_INPUT, file, "normalizer Precompiled lacks its table");
    status st = add_rule(n, file, normal_map, 0);
    return st == OK ? precompiled_new(json_string_value(map), json_string_length(map), file,
                                      &n->rules[n->n - 1].map)
                    : st;
}

static const struct {
    const char *type;
    normal_fn *apply; // NULL: what `read` adds
    int options;
    status (*read)(normalizer *n, const json_t *json, const char *file);
} kinds[] = {
    {"NFC", normal_unicode, CANONICAL | UTF8PROC_COMPOSE, NULL},
    {"NFD", normal_unicode, CANONICAL | UTF8PROC_DECOMPOSE, NULL},
    {"NFKC", normal_unicode, COMPATIBLE | UTF8PROC_COMPOSE, NULL},
    {"NFKD", normal_unicode, COMPATIBLE | UTF8PROC_DECOMPOSE, NULL},
    {"Lowercase", normal_lowercase, 0, NULL},
    {"StripAccents", normal_accents, 0, NULL},
    {"Nmt", normal_nmt, 0, NULL},
    {"BertNormalizer", NULL, 0, read_bert},
    {"Prepend", NULL, 0, read_prepend},
    {"Replace", NULL, 0, read_replace},
    {"Strip", NULL, 0, read_strip},
    {"Precompiled", NULL, 0, read_precompiled},
};

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
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (type && strcmp(kinds[k].type, type) == 0)
            return kinds[k].apply ? add_rule(n, file, kinds[k].apply, kinds[k].options)
                                  : kinds[k].read(n, json, file);
    return status_fail(ERR_INPUT, file, "normalizer %s is not supported",
                       type ? type : "without a type");
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
        text_free(&n->rules[i].from);
        text_free(&n->rules[i].to);
        pattern_free(n->rules[i].pattern);
        precompiled_free(n->rules[i].map);
    }
    free(n->rules);
    free(n);
}

status normalizer_apply(const normalizer *n, const char *bytes, size_t length, text *out,
                        bool *whole)
{
    status st = OK;
    text a = {0}, b = {0};
    if (!n || n->n == 0) {
        text_add_bytes(out, bytes, length);
        return OK;
    }
    for (size_t i = 0; i < n->n && st == OK; i++) {
        bool drops = false;
        b.length = 0;
        if (*whole)
            st = normal_drops_start(&n->rules[i], i ? text_get(&a) : bytes, i ? a.length : length,
                                    &drops);
        *whole = *whole && !drops;
        if (st == OK)
            st = n->rules[i].apply(&n->rules[i], i ? text_get(&a) : bytes, i ? a.length : length,
                                   &b);
        if (st == OK)
            st = normal_check_growth(&n->rules[i], length, b.length);
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

// SPDX-License-Identifier: Apache-2.0
// One table says of each type how an item is read and what it is called. What is read has a
// canonical text beside it: two spellings of one value must have one key.
#include "pipeline/config/param_value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/config/param_range.h"

// Indexed by param_type: what a value is called, the type of a list's items, and how one item is
// read.
typedef status read_item(const param_context *c, const param_def *def, const node *n,
                         param_item *out);
static read_item read_bool, read_whole, read_real, read_text, read_path, read_duration, read_size;
static const struct {
    const char *name;
    bool list;
    read_item *read;
} types[] = {
    [PARAM_BOOL] = {"true or false", false, read_bool},
    [PARAM_INT] = {"a whole number", false, read_whole},
    [PARAM_REAL] = {"a number", false, read_real},
    [PARAM_TEXT] = {"a text", false, read_text},
    [PARAM_PATH] = {"a path", false, read_path},
    [PARAM_DURATION] = {"a duration", false, read_duration},
    [PARAM_SIZE] = {"a size", false, read_size},
    [PARAM_RESOURCE] = {"a name", false, read_text},
    [PARAM_FROM] = {"steps", true, read_text},
    [PARAM_INTS] = {"a list of whole numbers", true, read_whole},
    [PARAM_REALS] = {"a list of numbers", true, read_real},
    [PARAM_TEXTS] = {"a list of texts", true, read_text},
    [PARAM_RESOURCES] = {"a list of names", true, read_text},
};

bool param_is_list(param_type type)
{
    return types[type].list;
}

const char *param_type_name(param_type type)
{
    return types[type].name;
}

static status wrong_type(const param_def *def, const node *n, const char *example)
{
    return location_fail(ERR_USAGE, n->at, "`%s` takes %s, not %s%s%s%s; write %s", def->name,
                         param_type_name(def->type),
                         n->kind != NODE_SCALAR ? node_kind_name(n)
                         : n->quoted            ? "the quoted text "
                                                : "",
                         n->kind == NODE_SCALAR ? "`" : "", n->kind == NODE_SCALAR ? n->text : "",
                         n->kind == NODE_SCALAR ? "`" : "", example);
}

static status check_range(const param_def *def, const node *n, double value)
{
    if ((def->low == 0 && def->high == 0) || (value >= def->low && value <= def->high))
        return OK;
    if (def->high >= 1e15)
        return location_fail(ERR_USAGE, n->at, "`%s` is %s, out of range; give %.15g or more",
                             def->name, n->text, def->low);
    return location_fail(ERR_USAGE, n->at, "`%s` is %s, out of range; give %.15g to %.15g",
                         def->name, n->text, def->low, def->high);
}

// Is `word` one of "abs|rms|std"?
static bool is_choice(const char *choices, const char *word)
{
    size_t n = strlen(word);
    for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
        if (strncmp(c, word, n) == 0 && (c[n] == '|' || c[n] == 0))
            return n > 0;
    return false;
}

static status wrong_choice(const param_context *c, const param_def *def, const node *n)
{
    const char *words[64], *nearest;
    size_t count = 0;
    char *copy = arena_text(c->memory, def->choices, strlen(def->choices)), *rest = copy, *word;
    if (!copy)
        return status_no_memory("a message");
    while (count < 64 && (word = strsep(&rest, "|")))
        words[count++] = word;
    nearest = text_nearest(n->text, words, count);
    if (nearest)
        return location_fail(ERR_USAGE, n->at, "`%s` is no value of `%s`; did you mean `%s`?",
                             n->text, def->name, nearest);
    return location_fail(ERR_USAGE, n->at, "`%s` is no value of `%s`; choose one of %s", n->text,
                         def->name, def->choices);
}

static status read_bool(const param_context *c, const param_def *def, const node *n,
                        param_item *out)
{
    (void)c;
    static const char *const words[] = {"false", "true", "False", "True", "FALSE", "TRUE"};
    for (int i = 0; i < 6 && !n->quoted; i++)
        if (strcmp(n->text, words[i]) == 0) {
            out->whole = i % 2;
            return OK;
        }
    return wrong_type(def, n, "true or false");
}

// The length of a decimal number at the start of `s`, 0 when there is none. Neither leading zeros
// (octal to some), nor hexadecimal, nor infinities.
static size_t number_length(const char *s, bool whole)
{
    size_t i = s[0] == '-' || s[0] == '+', digits = i;
    while (isdigit((unsigned char)s[i]))
        i++;
    if (i - digits > 1 && s[digits] == '0')
        return 0;
    bool any = i > digits;
    if (!whole && s[i] == '.')
        for (i++; isdigit((unsigned char)s[i]); i++)
            any = true;
    if (any && !whole && (s[i] == 'e' || s[i] == 'E')) {
        size_t exponent = i + 1 + (s[i + 1] == '-' || s[i + 1] == '+');
        if (isdigit((unsigned char)s[exponent]))
            for (i = exponent; isdigit((unsigned char)s[i]);)
                i++;
    }
    return any ? i : 0;
}

static status read_whole(const param_context *c, const param_def *def, const node *n,
                         param_item *out)
{
    if (def->choices && is_choice(def->choices, n->text)) {
        out->text = n->text;
        return OK;
    }
    bool number = !n->quoted && *n->text && number_length(n->text, true) == strlen(n->text);
    if (!number && def->choices)
        return wrong_choice(c, def, n);
    if (!number)
        return wrong_type(def, n, "decimal digits without quotes, such as 10");
    errno = 0;
    out->whole = strtoll(n->text, NULL, 10);
    if (errno)
        return location_fail(ERR_USAGE, n->at, "`%s` is %s, out of range; give a smaller number",
                             def->name, n->text);
    return check_range(def, n, (double)out->whole);
}

static status read_real(const param_context *c, const param_def *def, const node *n,
                        param_item *out)
{
    if (def->choices && is_choice(def->choices, n->text)) {
        out->text = n->text;
        return OK;
    }
    bool number = !n->quoted && *n->text && number_length(n->text, false) == strlen(n->text);
    if (!number && def->choices)
        return wrong_choice(c, def, n);
    if (!number)
        return wrong_type(def, n, "a decimal number without quotes, such as 0.5");
    out->real = strtod(n->text, NULL);
    if (!isfinite(out->real))
        return location_fail(ERR_USAGE, n->at, "`%s` is %s, out of range; give a smaller number",
                             def->name, n->text);
    return check_range(def, n, out->real);
}

static status read_text(const param_context *c, const param_def *def, const node *n,
                        param_item *out)
{
    out->text = n->text;
    if (def->choices && !is_choice(def->choices, n->text))
        return wrong_choice(c, def, n);
    if (!*n->text)
        return wrong_type(def, n, "at least one character");
    return OK;
}

static status read_path(const param_context *c, const param_def *def, const node *n,
                        param_item *out)
{
    if (!*n->text)
        return wrong_type(def, n, "the name of a file or folder");
    char *joined = file_join(n->at.line ? c->folder : c->here, n->text);
    out->text = joined ? arena_text(c->memory, joined, strlen(joined)) : NULL;
    free(joined);
    return out->text ? OK : status_no_memory("a path");
}

// A number and its unit; the unit's index, or -1 when it is not such a value.
static int read_unit(const node *n, const char *const *units, const double *factors, int count,
                     double *out)
{
    size_t length = number_length(n->text, false);
    const char *unit = n->text + length + strspn(n->text + length, " ");
    *out = length ? strtod(n->text, NULL) : NAN;
    for (int i = 0; i < count; i++)
        if (strcmp(unit, units[i]) == 0) {
            *out *= factors[i];
            return isfinite(*out) && *out >= 0 ? i : -1;
        }
    return -1;
}

static status read_duration(const param_context *c, const param_def *def, const node *n,
                            param_item *out)
{
    (void)c;
    static const char *const units[] = {"", "s", "m", "h"};
    static const double factors[] = {1, 1, 60, 3600};
    if (read_unit(n, units, factors, 4, &out->real) < 0)
        return wrong_type(def, n, "seconds, or a number and s, m or h: 90s, 5m, 2h");
    return check_range(def, n, out->real);
}

static status read_size(const param_context *c, const param_def *def, const node *n,
                        param_item *out)
{
    (void)c;
    enum { PERCENT };
    static const char *const units[] = {"%",  "",    "B",   "kB",  "MB",  "GB",
                                        "TB", "kiB", "KiB", "MiB", "GiB", "TiB"};
    static const double factors[] = {0.01, 1,      1,      1e3,    1e6,    1e9,
                                     1e12, 0x1p10, 0x1p10, 0x1p20, 0x1p30, 0x1p40};
    int unit = read_unit(n, units, factors, 12, &out->real);
    if (unit < 0 || out->real == 0 || (unit == PERCENT && out->real > 1))
        return wrong_type(def, n, "a number and MB, GB, GiB or % of the node: 500MB, 4GiB, 80%");
    if (unit == PERCENT)
        out->real = -out->real;
    return unit == PERCENT ? OK : check_range(def, n, out->real);
}

static bool is_null(const node *n)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < 5; i++)
        if (n->kind == NODE_SCALAR && !n->quoted && strcmp(n->text, nulls[i]) == 0)
            return true;
    return false;
}

// The shortest decimal number that reads back as the same double.
static void add_real(text *t, double value)
{
    char digits[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value == 0 ? 0 : value);
        if (strtod(digits, NULL) == value)
            break;
    }
    text_add(t, digits);
}

// Texts in lists get their separators escaped, so that no two lists look alike.
static void add_item(text *t, const param_def *def, const param_item *item)
{
    bool list = param_is_list(def->type);
    if (item->text)
        for (const char *c = item->text; *c; c++) {
            if (list && strchr("\\,[]", *c))
                text_add(t, "\\");
            text_add_bytes(t, c, 1);
        }
    else if (def->type == PARAM_BOOL)
        text_add(t, item->whole ? "true" : "false");
    else if (def->type == PARAM_INT || def->type == PARAM_INTS)
        text_addf(t, "%lld", (long long)item->whole);
    else
        add_real(t, item->real);
}

static status make_canonical(const param_context *c, const param_def *def, param_value *v)
{
    text t = {0};
    bool list = param_is_list(def->type);
    text_add(&t, list ? "[" : "");
    for (size_t i = 0; i < v->n; i++) {
        text_add(&t, i ? ", " : "");
        add_item(&t, def, &v->item[i]);
    }
    text_add(&t, list ? "]" : "");
    v->canonical = t.failed ? NULL : arena_text(c->memory, text_get(&t), t.length);
    text_free(&t);
    return v->canonical ? OK : status_no_memory("a parameter");
}

static status read_one(const param_context *c, const param_def *def, const node *n, param_item *out)
{
    if (is_null(n))
        return location_fail(ERR_USAGE, n->at, "`%s` has no value; give one, or remove the key",
                             def->name);
    if (n->kind == NODE_LIST && !param_is_list(def->type))
        return location_fail(
            ERR_USAGE, n->at,
            "`%s` takes one value here, not a list; only parameters of steps sweep", def->name);
    if (n->kind != NODE_SCALAR)
        return wrong_type(def, n, "one value");
    return types[def->type].read(c, def, n, out);
}

// A list as one text, as labels have it: its items with a + between them; NULL: out of memory, or
// no list of values.
static const char *typed_list(const param_context *c, const node *n)
{
    text t = {0};
    for (size_t i = 0; i < n->n; i++) {
        if (n->item[i]->kind == NODE_SCALAR)
            text_addf(&t, "%s%s", i ? "+" : "", n->item[i]->text);
        else
            t.failed = true;
    }
    const char *typed = t.failed ? NULL : arena_text(c->memory, text_get(&t), t.length);
    text_free(&t);
    return typed;
}

status param_value_read(const param_context *c, const param_def *def, const node *n,
                        param_value *out)
{
    const node *written = n;
    if (def->type == PARAM_REALS) {
        status st = param_range_expand(c->memory, def->name, written, &n);
        if (st != OK)
            return st;
    }
    bool list = param_is_list(def->type) && n->kind == NODE_LIST;
    size_t count = list ? n->n : 1;
    param_item *items = arena_alloc(c->memory, count, sizeof *items);
    if (!items)
        return status_no_memory("a parameter");
    if (count == 0)
        return location_fail(ERR_USAGE, n->at,
                             "`%s` is an empty list; give a value, or remove the key", def->name);
    *out = (param_value){.present = true, .given = true, .at = n->at, .n = count, .item = items};
    if (written->kind == NODE_SCALAR)
        out->typed = written->text;
    else if (written->kind == NODE_LIST)
        out->typed = typed_list(c, written);
    for (size_t i = 0; i < count; i++) {
        status st = read_one(c, def, list ? n->item[i] : n, &items[i]);
        if (st != OK)
            return st;
    }
    return make_canonical(c, def, out);
}

status param_value_read_text(const param_context *c, const param_def *def, const char *typed,
                             location at, param_value *out)
{
    const node n = {.kind = NODE_SCALAR, .at = at, .text = typed, .size = 1};
    if (!param_is_list(def->type) || def->type == PARAM_FROM || !strchr(typed, '+'))
        return param_value_read(c, def, &n, out);
    size_t parts = 1, i = 0;
    for (const char *p = typed; *p; p++)
        parts += *p == '+';
    char *rest = arena_text(c->memory, typed, strlen(typed)), *part;
    node *items = arena_alloc(c->memory, parts, sizeof *items);
    const node **item = arena_alloc(c->memory, parts, sizeof *item);
    if (!rest || !items || !item)
        return status_no_memory("a parameter");
    for (; (part = strsep(&rest, "+")); i++) {
        items[i] = (node){.kind = NODE_SCALAR, .at = at, .text = part, .size = 1};
        item[i] = &items[i];
    }
    const node list = {.kind = NODE_LIST, .at = at, .n = parts, .item = item, .size = parts + 1};
    return param_value_read(c, def, &list, out);
}

// SPDX-License-Identifier: Apache-2.0
// Labels become file names, so that names are narrow and values are percent-encoded where needed.
#include "pipeline/config/reference.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static status fail_malformed(const char *typed, location at)
{
    return location_fail(ERR_USAGE, at, "`%s` names no task; write step, or step[axis=value,…]",
                         typed);
}

// Turns %2C into a comma and so on, in place. A % without two hexadecimal digits stands for itself.
static void decode_value(char *value)
{
    char *out = value;
    for (const char *c = value; *c; c++) {
        if (*c == '%' && isxdigit((unsigned char)c[1]) && isxdigit((unsigned char)c[2])) {
            const char digits[] = {c[1], c[2], 0};
            *out++ = (char)strtol(digits, NULL, 16);
            c += 2;
        } else {
            *out++ = *c;
        }
    }
    *out = 0;
}

static char *trim_spaces(char *s)
{
    while (*s == ' ')
        s++;
    for (size_t n = strlen(s); n > 0 && s[n - 1] == ' '; n--)
        s[n - 1] = 0;
    return s;
}

status reference_parse(arena *memory, const char *typed, location at, reference *out)
{
    char *copy = arena_text(memory, typed, strlen(typed)), *rest, *part;
    size_t length = strlen(typed), most = 1;
    *out = (reference){0};
    if (!copy)
        return status_no_memory("a reference");
    rest = strchr(copy, '[');
    if (rest) {
        if (copy[length - 1] != ']')
            return fail_malformed(typed, at);
        copy[length - 1] = 0;
        *rest++ = 0;
    }
    out->step = trim_spaces(copy);
    if (!*out->step)
        return fail_malformed(typed, at);
    for (const char *c = rest; c && *c; c++)
        most += *c == ',';
    out->axis = arena_alloc(memory, most, sizeof *out->axis);
    out->value = arena_alloc(memory, most, sizeof *out->value);
    if (!out->axis || !out->value)
        return status_no_memory("a reference");
    while ((part = strsep(&rest, ","))) {
        char *value = strchr(part, '=');
        if (!value)
            return fail_malformed(typed, at);
        *value++ = 0;
        out->axis[out->n] = trim_spaces(part);
        out->value[out->n] = trim_spaces(value);
        decode_value(value);
        if (!*out->axis[out->n] || !*out->value[out->n])
            return fail_malformed(typed, at);
        out->n++;
    }
    return OK;
}

bool reference_is_name(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > 100 || *name == '.' || *name == '-')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_-.", *name))
            return false;
    return true;
}

char *reference_encode(arena *memory, const char *value)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(memory, strlen(value) + 1, 3), *o = out;
    if (!out)
        return NULL;
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if (isalnum(*c) || *c >= 0x80 || strchr("_-.+=@~^", *c)) {
            *o++ = (char)*c;
        } else {
            *o++ = '%';
            *o++ = digits[*c >> 4];
            *o++ = digits[*c & 15];
        }
    }
    return out;
}

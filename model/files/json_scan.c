// SPDX-License-Identifier: Apache-2.0
// Strings are handed to jansson, which knows escapes and UTF-8; the rest is small enough to be
// checked here, without its tree of objects.
#include "model/files/json_scan.h"

#include <jansson.h>
#include <string.h>

#include "pipeline/base/checked.h"

static status fail_at(const json_scan *s, const char *what)
{
    return status_fail(ERR_INPUT, s->path,
                       "header byte %zu: %s; the file is damaged or no safetensors",
                       (size_t)(s->at - s->begin), what);
}

static void skip_space(json_scan *s)
{
    while (s->at < s->end && strchr(" \t\n\r", *s->at) && *s->at)
        s->at++;
}

// Takes the character c if it is next.
static bool accept_char(json_scan *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

status json_scan_expect(json_scan *s, char c)
{
    char what[] = "'x' was expected";
    what[1] = c;
    return accept_char(s, c) ? OK : fail_at(s, what);
}

status json_scan_more(json_scan *s, bool first, char close, bool *more)
{
    *more = !accept_char(s, close);
    return *more && !first ? json_scan_expect(s, ',') : OK;
}

status json_scan_string(json_scan *s, char **text)
{
    status st = OK;
    json_t *string = NULL;
    skip_space(s);
    const char *token = s->at;
    TRY(json_scan_expect(s, '"'));
    while (s->at < s->end && *s->at != '"')
        s->at += *s->at == '\\' && s->at + 1 < s->end ? 2 : 1;
    if (s->at == s->end) {
        st = fail_at(s, "a string does not end");
        goto done;
    }
    s->at++;
    // Escapes and UTF-8 are jansson's to judge; it refuses NUL inside.
    string = json_loadb(token, (size_t)(s->at - token), JSON_DECODE_ANY, NULL);
    if (!string) {
        s->at = token;
        st = fail_at(s, "not a string of valid UTF-8");
    } else if (!(*text = strdup(json_string_value(string)))) {
        st = status_no_memory(s->path);
    }
done:
    json_decref(string);
    return st;
}

status json_scan_size(json_scan *s, size_t *value)
{
    skip_space(s);
    const char *first = s->at;
    *value = 0;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        if (!checked_mul(*value, 10, value) || !checked_add(*value, (size_t)(*s->at - '0'), value))
            return fail_at(s, "a number is too large");
        s->at++;
    }
    if (s->at == first || (*first == '0' && s->at - first > 1) ||
        (s->at < s->end && strchr(".eE", *s->at) && *s->at))
        return fail_at(s, "a whole number, not negative, was expected");
    return OK;
}

status json_scan_end(json_scan *s)
{
    skip_space(s);
    return s->at == s->end ? OK : fail_at(s, "something follows the closing brace");
}

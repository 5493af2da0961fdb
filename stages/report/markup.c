// SPDX-License-Identifier: Apache-2.0
// One function a language, each of which lets through only what is known to be harmless: names come
// from files that somebody else wrote.
#include "stages/report/markup.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Length of the valid UTF-8 character at s, or 0: no overlong forms, no surrogates, nothing above
// U+10FFFF.
static size_t character_length(const unsigned char *s)
{
    static const struct {
        unsigned char first, last, low, high; // range of the first byte, and of the second
        size_t length;
    } form[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
                {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
                {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    if (*s < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof form / sizeof *form; i++) {
        if (*s < form[i].first || *s > form[i].last)
            continue;
        if (s[1] < form[i].low || s[1] > form[i].high)
            return 0;
        for (size_t j = 2; j < form[i].length; j++)
            if (s[j] < 0x80 || s[j] > 0xBF)
                return 0;
        return form[i].length;
    }
    return 0;
}

void markup_html(text *out, const char *string)
{
    for (const char *s = string; *s;) {
        size_t n = character_length((const unsigned char *)s);
        unsigned char c = (unsigned char)*s;
        if (c == '&')
            text_add(out, "&amp;");
        else if (c == '<')
            text_add(out, "&lt;");
        else if (c == '>')
            text_add(out, "&gt;");
        else if (c == '"')
            text_add(out, "&quot;");
        else if (c == '\'')
            text_add(out, "&#39;");
        else if (n == 0 || c == 0x7F || (c < 0x20 && c != '\n' && c != '\t'))
            text_add(out, "\xEF\xBF\xBD");
        else
            text_add_bytes(out, s, n);
        s += n ? n : 1;
    }
}

void markup_csv(text *out, const char *string)
{
    if (!strpbrk(string, ",\"\r\n")) {
        text_add(out, string);
        return;
    }
    text_add(out, "\"");
    for (const char *s = string; *s; s++) {
        if (*s == '"')
            text_add(out, "\"");
        text_add_bytes(out, s, 1);
    }
    text_add(out, "\"");
}

void markup_csv_number(text *out, double value)
{
    char number[40];
    if (isnan(value)) { // printf would say -nan for some
        text_add(out, "NaN");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(number, sizeof number, "%.*g", digits, value);
        if (strtod(number, NULL) == value)
            break;
    }
    text_add(out, number);
}

void markup_gnuplot(text *out, const char *string)
{
    text_add(out, "'");
    for (const char *s = string; *s; s++) {
        if (*s == '\'')
            text_add(out, "'");
        bool control = (unsigned char)*s < 0x20 || *s == 0x7F;
        text_add_bytes(out, control ? " " : s, 1);
    }
    text_add(out, "'");
}

void markup_file_name(text *out, const char *string)
{
    for (const char *s = string; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("._=-", *s))
            text_add_bytes(out, s, 1);
        else
            text_addf(out, "%%%02X", (unsigned char)*s);
    }
}

size_t markup_width(const char *string)
{
    size_t n = 0;
    for (const char *s = string; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

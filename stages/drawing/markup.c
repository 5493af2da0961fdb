// SPDX-License-Identifier: Apache-2.0
// One function a language, each of which lets through only what is known to be harmless: names come
// from files that somebody else wrote.
#include "stages/drawing/markup.h"

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

// Where the letters are wide, a spreadsheet takes wide signs too.
static bool begins_formula(const char *string)
{
    static const char *const wide[] = {"\uff1d", "\uff0b", "\uff0d", "\uff20"};
    bool does = *string && strchr("=+-@\t\r", *string);
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        does = does || strncmp(string, wide[i], strlen(wide[i])) == 0;
    return does;
}

void markup_csv(text *out, const char *string)
{
    const char *formula = begins_formula(string) ? "'" : "";
    if (!strpbrk(string, ",\"\r\n")) {
        text_addf(out, "%s%s", formula, string);
        return;
    }
    text_addf(out, "\"%s", formula);
    for (const char *s = string; *s; s++) {
        if (*s == '"')
            text_add(out, "\"");
        text_add_bytes(out, s, 1);
    }
    text_add(out, "\"");
}

void markup_html_cell(text *out, const char *format, double value)
{
    text_add(out, "<td>");
    if (isnan(value))
        text_add(out, "–");
    else
        text_addf(out, format, value);
    text_add(out, "</td>");
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

// What XML, and so SVG, cannot hold: half a character, and two that are none (U+FFFE, U+FFFF).
static bool is_drawable(const char *s, size_t n)
{
    return n > 0 && !(n == 3 && memcmp(s, "\xEF\xBF", 2) == 0 && (unsigned char)s[2] >= 0xBE);
}

// In double quotes, each ASCII character that might mean something as a number: single quotes that
// hold ' are read wrongly by gnuplot 5.4, and inside double ones ` would run a command. Its SVG
// leaves > as it is, and "]]>" is no XML: a space without width comes between.
static void quote_gnuplot(text *out, const char *string, const char *percent, const char *line)
{
    text_add(out, "\"");
    for (const char *s = string; *s;) {
        const unsigned char c = (unsigned char)*s;
        size_t n = character_length((const unsigned char *)s);
        if (s >= string + 2 && memcmp(s - 2, "]]>", 3) == 0)
            text_add(out, "\xE2\x80\x8B");
        if (c < 0x20 || c == 0x7F)
            text_add(out, c == '\n' ? line : " ");
        else if (c == '%')
            text_add(out, percent);
        else if (c < 0x80 && !isalnum(c) && !strchr(" .,:;()<>=+-_/", c))
            text_addf(out, "\\%03o", c);
        else if (is_drawable(s, n))
            text_add_bytes(out, s, n);
        else
            text_add(out, "\xEF\xBF\xBD");
        s += n ? n : 1;
    }
    text_add(out, "\"");
}

void markup_gnuplot(text *out, const char *string)
{
    quote_gnuplot(out, string, "%", " ");
}

void markup_gnuplot_tic(text *out, const char *string)
{
    quote_gnuplot(out, string, "%%", " ");
}

void markup_gnuplot_lines(text *out, const char *string)
{
    quote_gnuplot(out, string, "%", "\\n");
}

// Bytes of the first `width` characters, or of all where there are fewer.
static size_t first_bytes(const char *string, size_t n, size_t width)
{
    size_t at = 0;
    for (size_t i = 0; at < n && i < width; i++)
        do
            at++;
        while (at < n && ((unsigned char)string[at] & 0xC0) == 0x80);
    return at;
}

size_t markup_wrap(text *out, const char *string, size_t width)
{
    size_t lines = 1, used = 0;
    for (const char *s = string + strspn(string, " \n\t"); *s;) {
        size_t n = strcspn(s, " \n\t"), part = first_bytes(s, n, width), wide = 0;
        for (size_t i = 0; i < part; i++)
            wide += ((unsigned char)s[i] & 0xC0) != 0x80;
        if (used > 0 && used + 1 + wide > width) {
            text_add(out, "\n");
            lines++;
            used = 0;
        }
        text_add(out, used > 0 ? " " : "");
        text_add_bytes(out, s, part);
        used += (used > 0) + wide;
        s += part;
        if (part < n)
            used = width; // the rest of a word that was cut
        s += strspn(s, " \n\t");
    }
    return lines;
}

size_t markup_lines(const char *string, size_t width)
{
    text unused = {0};
    const size_t lines = markup_wrap(&unused, string, width);
    text_free(&unused);
    return lines;
}

void markup_gnuplot_wrapped(text *out, const char *string, size_t width)
{
    text lines = {0};
    markup_wrap(&lines, string, width);
    markup_gnuplot_lines(out, text_get(&lines));
    out->failed |= lines.failed;
    text_free(&lines);
}

void markup_json(text *out, const char *string)
{
    text_add(out, "\"");
    for (const char *s = string; *s;) {
        const unsigned char c = (unsigned char)*s;
        size_t n = character_length((const unsigned char *)s);
        if (n == 0)
            text_add(out, "\xEF\xBF\xBD");
        else if (c < 0x20 || c == 0x7F || strchr("\"\\<>&'", c))
            text_addf(out, "\\u%04x", c);
        else
            text_add_bytes(out, s, n);
        s += n ? n : 1;
    }
    text_add(out, "\"");
}

void markup_json_number(text *out, double value)
{
    if (isfinite(value))
        text_addf(out, "%.5g", value);
    else
        text_add(out, "null");
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

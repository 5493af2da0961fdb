// SPDX-License-Identifier: Apache-2.0
// A failure to grow is kept in the text, to be asked once at the end instead of after every piece.
#include "pipeline/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

void text_add_bytes(text *t, const char *bytes, size_t n)
{
    size_t need;
    if (t->failed || !checked_add(t->length, n, &need) || !checked_add(need, 1, &need) ||
        !checked_grow(&t->at, &t->capacity, need, 1)) {
        t->failed = true;
        return;
    }
    if (n > 0)
        memcpy(t->at + t->length, bytes, n);
    t->length += n;
    t->at[t->length] = 0;
}

void text_add(text *t, const char *string)
{
    text_add_bytes(t, string, strlen(string));
}

void text_addf(text *t, const char *format, ...)
{
    char *formatted = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&formatted, format, args);
    va_end(args);
    if (n < 0) {
        t->failed = true;
        return;
    }
    text_add_bytes(t, formatted, (size_t)n);
    free(formatted);
}

const char *text_get(const text *t)
{
    return t->at ? t->at : "";
}

void text_free(text *t)
{
    free(t->at);
    *t = (text){0};
}

char *text_format(const char *format, ...)
{
    char *formatted = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&formatted, format, args);
    va_end(args);
    return n < 0 ? NULL : formatted;
}

const char *text_line(const char **at, int *n)
{
    const char *line = *at, *end = strchr(line, '\n');
    if (!end)
        return NULL;
    *n = (int)(end - line);
    *at = end + 1;
    return line;
}

bool text_ends_with(const char *string, const char *ending)
{
    const size_t n = strlen(string), m = strlen(ending);
    return n >= m && memcmp(string + n - m, ending, m) == 0;
}

// Edit distance with single-character insertions, deletions and replacements, of words of at most
// 63 characters.
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(a), m = strlen(b);
    if (n > 63 || m > 63)
        return 64;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *nearest = NULL;
    size_t best = strlen(word) / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(word, candidates[i]);
        if (d < best) {
            best = d;
            nearest = candidates[i];
        }
    }
    return nearest;
}

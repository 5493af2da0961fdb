// SPDX-License-Identifier: Apache-2.0
// Each name is a string of its own: lists of labels and subsets are short, lists of files come
// once. Names end up in artefacts and on terminals, hence no control characters.
#include "data/bytes/name_list.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

#define NAMES_FILE_MAX ((size_t)1 << 20)

status name_list_add(name_list *list, const char *name, size_t length)
{
    char *copy = strndup(name, length);
    if (!copy || !checked_grow(&list->at, &list->capacity, list->n + 1, sizeof *list->at)) {
        free(copy);
        return status_no_memory("a name");
    }
    list->at[list->n++] = copy;
    return OK;
}

status name_list_number(name_list *list, size_t n)
{
    status st = OK;
    for (size_t i = 0; i < n && st == OK; i++) {
        char *name = text_format("%zu", i);
        st = name ? name_list_add(list, name, strlen(name)) : status_no_memory("a name");
        free(name);
    }
    return st;
}

bool name_list_is_text(const char *bytes, size_t n)
{
    utf8proc_int32_t c;
    while (n > 0) {
        utf8proc_ssize_t used =
            utf8proc_iterate((const utf8proc_uint8_t *)bytes, (utf8proc_ssize_t)n, &c);
        if (used <= 0 || c < ' ' || c == 127)
            return false;
        bytes += used;
        n -= (size_t)used;
    }
    return true;
}

// Appends one line, which is line `number` (from 1) of the file.
static status add_line(name_list *list, const char *path, size_t number, const char *line, size_t n)
{
    if (n > 0 && line[n - 1] == '\r')
        n--;
    if (n == 0)
        return status_fail(ERR_INPUT, path, "line %zu is empty; one name a line is expected",
                           number);
    if (!name_list_is_text(line, n))
        return status_fail(ERR_INPUT, path, "line %zu is not UTF-8 text; save it as UTF-8", number);
    for (size_t i = 0; i < list->n; i++)
        if (strlen(list->at[i]) == n && memcmp(list->at[i], line, n) == 0)
            return status_fail(ERR_INPUT, path, "line %zu repeats the name %s", number,
                               list->at[i]);
    return name_list_add(list, line, n);
}

status name_list_read(name_list *list, const char *path, size_t n)
{
    status st;
    char *bytes = NULL;
    size_t size, number = 0;
    TRY(file_read(path, NAMES_FILE_MAX, &bytes, &size));
    while (size > 0 && (bytes[size - 1] == '\n' || bytes[size - 1] == '\r'))
        size--;
    for (size_t at = 0; at < size && number <= n; number++) {
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t length = (end ? (size_t)(end - bytes) : size) - at;
        TRY(add_line(list, path, number + 1, bytes + at, length));
        at += length + 1;
    }
    if (number != n)
        st = status_fail(ERR_INPUT, path, "holds %s than the %zu names expected, one a line",
                         number > n ? "more" : "fewer", n);
done:
    free(bytes);
    return st;
}

void name_list_free(name_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->at[i]);
    free(list->at);
    *list = (name_list){0};
}

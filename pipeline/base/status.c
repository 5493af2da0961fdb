// SPDX-License-Identifier: Apache-2.0
// The line is per thread, so that threads of a pool may fail at once; the pool, or a vote, carries
// one of them on. Whatever a file name holds, it stays one line.
#include "pipeline/base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Per thread, like errno: an error is recorded where it happens, and memory may be what has run
// out.
static _Thread_local char line[1024];

status status_fail(status code, const char *where, const char *format, ...)
{
    char text[sizeof line / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(line, sizeof line, "%.*s%s%s", (int)(sizeof line / 2 - 4), where ? where : "",
             where ? ": " : "", text);
    for (char *c = line; *c; c++) // one line, whatever a file name or a token holds
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    return code;
}

// What to do about a file that cannot be written.
static const char *find_remedy(int code)
{
    switch (code) {
    case ENOSPC:
        return "; free some space";
    case EDQUOT:
        return "; your quota is used up: free some of it, or give another `output`";
    case EROFS:
    case EACCES:
    case EPERM:
        return "; give an `output` that you may write to";
    case ESTALE:
        return "; the file system was lost for a while: run the same command again";
    default:
        return "";
    }
}

status status_fail_errno(status code, const char *path, const char *what)
{
    const char *remedy = code == ERR_IO && !strchr(what, ';') ? find_remedy(errno) : "";
    return status_fail(code, path, "%s: %s%s", what, strerror(errno), remedy);
}

status status_no_memory(const char *what)
{
    return status_fail(ERR_INTERNAL, NULL, "out of memory for %s", what);
}

const char *status_text(void)
{
    return line;
}

status status_carry(status code, const char *text)
{
    if (text != line)
        snprintf(line, sizeof line, "%s", text);
    return code;
}

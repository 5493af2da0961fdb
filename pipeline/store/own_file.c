// SPDX-License-Identifier: Apache-2.0
// A named pipe hangs who opens it, and through a link the work of a run lands, or is taken away,
// where nobody looks for it.
#include "pipeline/store/own_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

status own_file_check(const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return OK; // nothing, or what the next call will tell
    const bool link = S_ISLNK(info.st_mode);
    if (link && stat(path, &info) != 0)
        return status_fail(ERR_IO, path, "is a link to nothing; remove it");
    if (!S_ISREG(info.st_mode) && !S_ISCHR(info.st_mode))
        return status_fail(ERR_IO, path, "is no regular file; move it away");
    return OK;
}

char *own_file_folder(const char *artefact, const char *key)
{
    enum { KEY_DIGITS = 8 };
    return text_format("%.*s.%.*s", (int)(strlen(artefact) - strlen(".nc")), artefact, KEY_DIGITS,
                       key);
}

bool own_file_is_below(const char *path)
{
    if (path[0] == '/')
        return false;
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (strcmp(part, "..") == 0 || strncmp(part, "../", 3) == 0)
            return false;
    return true;
}

bool own_file_is_inside(const char *output, const char *path)
{
    struct stat info;
    char *full = file_join(output, path);
    bool inside = full != NULL;
    for (char *at = full ? full + strlen(full) - strlen(path) : NULL; inside && at;) {
        char *slash = strchr(at, '/');
        if (slash)
            *slash = 0;
        inside = lstat(full, &info) != 0 || !S_ISLNK(info.st_mode);
        if (slash)
            *slash = '/';
        at = slash ? slash + 1 : NULL;
    }
    free(full);
    return inside;
}

status own_file_check_folder(const char *output, const char *path)
{
    char *folder = file_folder(path), *full = folder ? file_join(output, folder) : NULL;
    status st = full ? OK : status_no_memory("a path");
    if (st == OK && !own_file_is_inside(output, folder))
        st = status_fail(
            ERR_IO, full,
            "is reached through a link, which a run does not follow; put a folder there, or "
            "let `output:` be where there is room");
    free(folder);
    free(full);
    return st;
}

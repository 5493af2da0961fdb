// SPDX-License-Identifier: Apache-2.0
// Every rank, machine and day must find the same order, and a folder's entries come in the disk's.
// So paths are sorted when all are found, with "/" before any other character: folder by folder.
#include "data/bytes/file_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/file.h"

typedef struct finder {
    size_t root; // bytes of the folder's own path
    bool (*wanted)(const char *below, const void *context);
    const void *context;
    name_list *out;
    int64_t ignored;
} finder;

status file_tree_check(const FTSENT *e)
{
    switch (e->fts_info) {
    case FTS_DC:
        return status_fail(ERR_INPUT, e->fts_path,
                           "leads back into a folder above it; remove the link");
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        errno = e->fts_errno;
        return status_fail_errno(ERR_INPUT, e->fts_path, "cannot read");
    default:
        return OK;
    }
}

bool file_tree_is_clutter(const FTSENT *e)
{
    static const char *const names[] = {"__MACOSX", "lost+found", "$RECYCLE.BIN",
                                        "System Volume Information", "@eaDir"};
    for (size_t i = 0; e->fts_level > 0 && i < sizeof names / sizeof *names; i++)
        if (strcmp(e->fts_name, names[i]) == 0)
            return true;
    return e->fts_level > 0 && e->fts_name[0] == '.';
}

static status visit_entry(finder *f, FTS *walk, FTSENT *e)
{
    bool hidden = e->fts_level > 0 && e->fts_name[0] == '.';
    const char *below = e->fts_path + f->root;
    switch (e->fts_info) {
    case FTS_D:
        if (file_tree_is_clutter(e))
            fts_set(walk, e, FTS_SKIP);
        return OK;
    case FTS_SLNONE:
        f->ignored++;
        return OK;
    case FTS_F:
        while (*below == '/')
            below++;
        if (!hidden && f->wanted(below, f->context))
            return name_list_add(f->out, e->fts_path, strlen(e->fts_path));
        f->ignored++;
        return OK;
    default:
        return file_tree_check(e);
    }
}

// Folder by folder, as sorted names give it: "a/x" before "a-b/x".
static int by_path(const void *a, const void *b)
{
    const unsigned char *x = *(unsigned char *const *)a, *y = *(unsigned char *const *)b;
    while (*x && *x == *y)
        x++, y++;
    int left = *x == '/' ? 1 : *x, right = *y == '/' ? 1 : *y;
    return (left > right) - (left < right);
}

status file_tree(const char *folder, bool (*wanted)(const char *below, const void *context),
                 const void *context, name_list *out, int64_t *ignored)
{
    status st = OK;
    FTSENT *e;
    finder f = {strlen(folder), wanted, context, out, 0};
    if (!file_is_folder(folder))
        return file_exists(folder) ? name_list_add(out, folder, strlen(folder))
                                   : status_fail(ERR_INPUT, folder, "does not exist");
    FTS *walk =
        fts_open((char *const[]){(char *)(uintptr_t)folder, NULL}, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    if (!walk)
        return status_fail_errno(ERR_INPUT, folder, "cannot read the folder");
    for (errno = 0; (e = fts_read(walk)) != NULL; errno = 0)
        TRY(visit_entry(&f, walk, e));
    if (errno != 0) {
        st = status_fail_errno(ERR_INPUT, folder, "cannot read the folder");
        goto done;
    }
    if (out->n > 0)
        qsort(out->at, out->n, sizeof *out->at, by_path);
    if (ignored)
        *ignored = f.ignored;
done:
    fts_close(walk);
    return st;
}

static bool ends_with(const char *name, size_t n, const char *ending)
{
    size_t length = strlen(ending);
    return n >= length && memcmp(name + n - length, ending, length) == 0;
}

bool file_tree_ending(const char *name, const char *const *endings)
{
    size_t n = strlen(name);
    if (ends_with(name, n, ".gz"))
        n -= 3;
    else if (ends_with(name, n, ".zst"))
        n -= 4;
    for (; *endings; endings++)
        if (ends_with(name, n, *endings))
            return true;
    return false;
}

// SPDX-License-Identifier: Apache-2.0
// An archive brings a folder of its own (cifar-100-binary/, MNIST/raw/, data/), and people name the
// one around it.
#include "data/dataset/archive_folder.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/file_tree.h"
#include "pipeline/base/file.h"

enum { DEPTH = 2, LOOKED_AT = 1000 };

static bool is_laid_out(const format *f, const dataset_options *o, const char *path)
{
    dataset_options at = *o;
    at.path = path;
    return f->recognise(&at);
}

// Takes a folder that is laid out so.
static status take(const dataset_options *o, const char *path, char **inner)
{
    if (*inner)
        return status_fail(ERR_INPUT, o->path,
                           "holds the dataset twice, in %s and in %s; give one "
                           "of them as path",
                           *inner, path);
    *inner = strdup(path);
    return *inner ? OK : status_no_memory("a path");
}

status archive_folder_find(const format *f, const dataset_options *o, char **inner)
{
    status st = OK;
    FTSENT *e;
    *inner = NULL;
    if (!f->from_archive || !file_is_folder(o->path) || is_laid_out(f, o, o->path))
        return OK;
    FTS *walk = fts_open((char *const[]){(char *)(uintptr_t)o->path, NULL},
                         FTS_LOGICAL | FTS_NOCHDIR, NULL);
    for (int i = 0; walk && st == OK && i < LOOKED_AT && (e = fts_read(walk)); i++) {
        if (e->fts_info != FTS_D || e->fts_level == 0)
            continue;
        const bool found = !file_tree_is_clutter(e) && is_laid_out(f, o, e->fts_path);
        if (found)
            st = take(o, e->fts_path, inner);
        if (found || e->fts_level == DEPTH || file_tree_is_clutter(e))
            fts_set(walk, e, FTS_SKIP);
    }
    if (walk)
        fts_close(walk);
    if (st != OK) {
        free(*inner);
        *inner = NULL;
    }
    return st;
}

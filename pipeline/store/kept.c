// SPDX-License-Identifier: Apache-2.0
// A result costs hours and a file costs disk space, so that nothing is overwritten: `sulcus gc`
// removes what nobody refers to. A rename is all that keeping takes.
#include "pipeline/store/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/store/own_file.h"
#include "pipeline/store/store.h"

static void set_path(kept_result *k)
{
    snprintf(k->path, sizeof k->path, KEPT_FOLDER "/%.32s.nc", k->commit.key);
    k->commit.path = k->path;
}

bool kept_find(const char *output, const journal_state *known, const char *key, kept_result *out)
{
    for (const journal_commit *c = journal_find_key(known, key, NULL); c;
         c = journal_find_key(known, key, c)) {
        *out = (kept_result){.commit = *c};
        if (store_present(output, c))
            return true;
        set_path(out);
        if (store_present(output, &out->commit))
            return true;
    }
    return false;
}

void kept_forget(const char *output, const kept_result *k)
{
    char *path = k->commit.path == k->path ? file_join(output, k->path) : NULL;
    if (path)
        unlink(path);
    free(path);
}

status kept_put(const char *output, const journal_commit *c)
{
    status st;
    kept_result to = {.commit = *c};
    char *from = NULL, *path = NULL, *folder = NULL;
    set_path(&to);
    from = file_join(output, c->path);
    path = file_join(output, to.path);
    folder = file_join(output, KEPT_FOLDER);
    if (!from || !path || !folder) {
        st = status_no_memory("a path");
        goto done;
    }
    if (!file_exists(from)) {
        st = OK;
        goto done;
    }
    TRY(own_file_check_folder(output, c->path));
    TRY(own_file_check_folder(output, to.path));
    TRY(file_make_folders(folder));
    if (rename(from, path) != 0)
        st = status_fail_errno(ERR_IO, from, "cannot move it to " KEPT_FOLDER);
done:
    free(from);
    free(path);
    free(folder);
    return st;
}

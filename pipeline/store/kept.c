// SPDX-License-Identifier: Apache-2.0
// A result costs hours and a file costs disk space, so that nothing is overwritten: `sulcus gc`
// removes what nobody refers to. A rename is all that keeping takes.
#include "pipeline/store/kept.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/store/own_file.h"
#include "pipeline/store/store.h"

void kept_place(const journal_commit *c, kept_result *out)
{
    *out = (kept_result){.commit = *c};
    snprintf(out->path, sizeof out->path, KEPT_FOLDER "/%.32s.nc", c->key);
    out->commit.path = out->path;
}

// May a commit's file lie where it was put? Not where its task has a later result under another key.
static bool is_last(const journal_state *known, const journal_commit *c)
{
    const journal_task *t = journal_find_task(known, c->label);
    return t && t->commit && strcmp(t->commit->key, c->key) == 0;
}

bool kept_find(const char *output, const journal_state *known, const char *key, const char *label,
               kept_result *out)
{
    for (const journal_commit *c = journal_find_key(known, key, NULL); c;
         c = journal_find_key(known, key, c)) {
        kept_place(c, out);
        if (store_present(output, &out->commit))
            return true;
        *out = (kept_result){.commit = *c};
        if (strcmp(c->label, label) != 0 && is_last(known, c) && store_present(output, c))
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
    kept_result to;
    char *from = NULL, *path = NULL, *folder = NULL;
    kept_place(c, &to);
    from = file_join(output, c->path);
    path = file_join(output, to.path);
    folder = file_join(output, KEPT_FOLDER);
    if (!from || !path || !folder) {
        st = status_no_memory("a path");
        goto done;
    }
    st = OK;
    if (!store_present(output, c)) // another's, or damaged: nothing to find by its key
        goto done;
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

status kept_list(const char *output, file_list *out)
{
    status st = OK;
    char *path = file_join(output, KEPT_FOLDER);
    DIR *folder = path ? opendir(path) : NULL;
    if (!path)
        return status_no_memory("a path");
    for (struct dirent *entry; st == OK && folder && (entry = readdir(folder));) {
        const size_t n = strlen(entry->d_name);
        char name[sizeof((kept_result *)NULL)->path];
        if (n != DIGEST_HEX - 1 + strlen(".nc") || strcmp(entry->d_name + n - 3, ".nc") != 0)
            continue;
        snprintf(name, sizeof name, KEPT_FOLDER "/%.35s", entry->d_name);
        st = file_list_add(out, name);
    }
    if (folder)
        closedir(folder);
    file_list_sort(out);
    free(path);
    return st;
}

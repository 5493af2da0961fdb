// SPDX-License-Identifier: Apache-2.0
// Folders are walked by name rather than by what the journal knows: a killed run may have left
// files of steps that are no longer in the pipeline. Only temporaries and finished tasks' files go.
#include "pipeline/run/checkpoint_cleanup.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/names.h"
#include "pipeline/base/text.h"
#include "pipeline/store/checkpoint_file.h"
#include "pipeline/store/own_file.h"

// Removes `path`, and the folders above it when nothing is left in them.
static void remove_file(const char *output, const char *path)
{
    char *folder = file_folder(path), *all = file_join(output, CHECKPOINT_FOLDER);
    if (unlink(path) == 0 && folder && all && rmdir(folder) == 0)
        rmdir(all);
    free(folder);
    free(all);
}

void checkpoint_forget(const char *output, const task *t)
{
    char *path = checkpoint_file_path(output, t->artefact_name);
    if (path)
        remove_file(output, path);
    free(path);
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

// One step's folder: what a killed run left half written, and what belongs to a finished task.
static void clean_folder(const run *r, const char *folder, const names *finished)
{
    DIR *d = opendir(folder);
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));) {
        size_t i;
        char *path = file_join(folder, entry->d_name);
        if (path && (ends_with(entry->d_name, ".tmp") || (names_get(finished, path, &i) && i == 0)))
            remove_file(r->file->output, path);
        free(path);
    }
    closedir(d);
}

// The files of finished tasks; false when out of memory. The names are owned by `paths`.
static bool list_finished(const run *r, names *finished, char **paths)
{
    for (size_t i = 0; i < r->dag->n; i++) {
        if (r->tasks[i].phase != PHASE_SKIPPED)
            continue;
        paths[i] = checkpoint_file_path(r->file->output, r->dag->tasks[i]->artefact_name);
        if (!paths[i] || !names_put(finished, paths[i], 0))
            return false;
    }
    return true;
}

static status clean_all(const run *r)
{
    status st = OK;
    names finished = {0};
    char **paths = NULL, *all = file_join(r->file->output, CHECKPOINT_FOLDER);
    const bool own = own_file_is_inside(r->file->output, CHECKPOINT_FOLDER);
    DIR *d = all && own ? opendir(all) : NULL;
    if (!all)
        return status_no_memory("a path");
    if (!d)
        goto done; // nothing was ever left
    paths = calloc(r->dag->n + 1, sizeof *paths);
    if (!paths || !list_finished(r, &finished, paths)) {
        st = status_no_memory("the checkpoints");
        goto done;
    }
    for (struct dirent *entry; (entry = readdir(d));) {
        const bool own_step = entry->d_name[0] != '.' && own_file_is_inside(all, entry->d_name);
        char *folder = own_step ? file_join(all, entry->d_name) : NULL;
        if (folder)
            clean_folder(r, folder, &finished);
        free(folder);
    }
done:
    for (size_t i = 0; paths && i < r->dag->n; i++)
        free(paths[i]);
    free(paths);
    names_free(&finished);
    if (d)
        closedir(d);
    free(all);
    return st;
}

status checkpoint_clean(const run *r)
{
    int64_t removed;
    status st = store_clean(r->file->output, r->epoch, &removed);
    return st == OK ? clean_all(r) : st;
}

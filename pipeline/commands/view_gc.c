// SPDX-License-Identifier: Apache-2.0
// Results are kept until somebody says otherwise, here. A file counts as referred to when a task of
// a pipeline that writes to this folder has its name, or its key: the pipeline that is given, and
// those that the journal says were run here, as they are now.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/file.h"
#include "pipeline/base/names.h"
#include "pipeline/commands/pipeline_state.h"
#include "pipeline/commands/views.h"
#include "pipeline/lease/lease.h"
#include "pipeline/store/checkpoint_file.h"
#include "pipeline/store/own_file.h"

typedef struct sweeping {
    const char *output;
    names referred; // paths below output
    arena memory;   // of those
    bool remove;
    size_t n;
    int64_t bytes;
    FILE *out;
} sweeping;

static status refer(sweeping *s, const char *path)
{
    const char *copy = path ? arena_text(&s->memory, path, strlen(path)) : NULL;
    return copy && names_put(&s->referred, copy, 1) ? OK : status_no_memory("a list of files");
}

static status refer_to_tasks(sweeping *s, const pipeline_state *p)
{
    status st = OK;
    for (size_t i = 0; i < p->dag->n; i++) {
        const task *t = p->dag->tasks[i];
        const size_t n = strlen(t->artefact_name) - strlen(".nc");
        TRY(refer(s, t->artefact_name));
        TRY(refer(s, arena_format(&s->memory, CHECKPOINT_FOLDER "/%.*s" CHECKPOINT_SUFFIX, (int)n,
                                  t->artefact_name)));
        if (p->tasks[i].commit)
            TRY(refer(s, p->tasks[i].commit->path));
    }
done:
    return st;
}

// Are both there, and one file or folder under whatever names?
static bool is_same(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

// What a pipeline file that is there refers to: nothing, where it writes elsewhere now.
static status refer_to_file(sweeping *s, const registry *r, const char *path)
{
    status st;
    pipeline_file *file = NULL;
    pipeline_state *p = NULL;
    TRY(pipeline_file_open(path, NULL, 0, r, &file));
    if (!is_same(file->output, s->output))
        goto done;
    TRY(pipeline_state_open(&(view_source){.path = path, .registry = r}, &p));
    TRY(refer_to_tasks(s, p));
done:
    pipeline_state_close(p);
    pipeline_file_free(file);
    return st;
}

// Another pipeline file that was run here. One that is gone refers to nothing; of one that cannot be
// read, or whose folder an older version did not write down, nobody knows: nothing is removed then.
static status refer_to_other(sweeping *s, const view_source *v, const char *path)
{
    struct stat info;
    status st;
    if (is_same(path, v->path))
        return OK;
    const bool absent = stat(path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR);
    const bool gone = absent && path[0] == '/';
    if (gone)
        st = status_fail_errno(ERR_INPUT, path, "was run here");
    else if (absent)
        st = status_fail(ERR_INPUT, path,
                         "was run here, and is not found from the current folder; call gc where it "
                         "was run or, if it is no more, put a copy of %s in its place",
                         v->path);
    else
        st = refer_to_file(s, v->registry, path);
    if (st == OK || st == ERR_INTERNAL || (s->remove && !gone))
        return st;
    fprintf(s->out, "not looked at: %s\n", status_text());
    return OK;
}

static status take_away(sweeping *s, const char *name)
{
    struct stat info;
    size_t referred;
    status st = OK;
    char *path = file_join(s->output, name);
    if (!path)
        return status_no_memory("a path");
    if (names_get(&s->referred, name, &referred) || !own_file_is_inside(s->output, name) ||
        lstat(path, &info) != 0 || !S_ISREG(info.st_mode))
        goto done;
    s->n++;
    s->bytes += info.st_size;
    fprintf(s->out, "%s %s, %.1f MB\n", s->remove ? "removed" : "unused ", name,
            (double)info.st_size / 1e6);
    if (s->remove && unlink(path) != 0)
        st = status_fail_errno(ERR_IO, path, "cannot remove it");
done:
    free(path);
    return st;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The names in a folder, sorted; none where it is no folder.
static status list_folder(const char *path, file_list *out)
{
    status st = OK;
    DIR *folder = opendir(path);
    if (!folder)
        return OK;
    for (struct dirent *entry; st == OK && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            st = file_list_add(out, entry->d_name);
    closedir(folder);
    if (st == OK && out->n > 0)
        qsort(out->path, out->n, sizeof *out->path, by_text);
    return st;
}

// Artefacts in the folders of steps, and those that are kept.
static status sweep_folder(sweeping *s, const char *folder)
{
    status st;
    file_list inside = {0};
    char *path = file_join(s->output, folder);
    TRY(path ? list_folder(path, &inside) : status_no_memory("a path"));
    for (size_t i = 0; i < inside.n; i++) {
        const size_t n = strlen(inside.path[i]);
        if (n < 4 || strcmp(inside.path[i] + n - 3, ".nc") != 0)
            continue;
        const char *name = arena_format(&s->memory, "%s/%s", folder, inside.path[i]);
        TRY(name ? take_away(s, name) : status_no_memory("a path"));
    }
    if (s->remove)
        rmdir(path); // where it is empty
done:
    file_list_free(&inside);
    free(path);
    return st;
}

static status sweep_checkpoint(void *context, const char *name)
{
    return take_away(context, name);
}

static status sweep_output(sweeping *s)
{
    status st;
    file_list folders = {0};
    TRY(list_folder(s->output, &folders));
    for (size_t i = 0; i < folders.n; i++)
        if (strcmp(folders.path[i], "quarantine") != 0 && strcmp(folders.path[i], "report") != 0 &&
            (folders.path[i][0] != '.' || strcmp(folders.path[i], KEPT_FOLDER) == 0))
            TRY(sweep_folder(s, folders.path[i]));
    TRY(checkpoint_file_each(s->output, sweep_checkpoint, s));
done:
    file_list_free(&folders);
    return st;
}

status view_gc(const view_source *v, bool remove_them, FILE *out)
{
    status st;
    pipeline_file *file = NULL;
    pipeline_state *p = NULL;
    lease *held = NULL;
    sweeping s = {.remove = remove_them, .out = out};
    TRY(pipeline_file_open(v->path, v->overrides, v->n_overrides, v->registry, &file));
    s.output = file->output;
    if (remove_them && file_exists(s.output))
        TRY(lease_take(s.output, NULL, &held)); // before anything there is looked at
    TRY(pipeline_state_open(v, &p));
    TRY(refer_to_tasks(&s, p));
    for (size_t i = 0; i < journal_pipelines(p->journal); i++)
        TRY(refer_to_other(&s, v, journal_pipeline_at(p->journal, i)));
    TRY(sweep_output(&s));
    fprintf(out, "%zu files, %.1f MB, that no pipeline file refers to%s\n", s.n,
            (double)s.bytes / 1e6, s.n && !remove_them ? "; --remove removes them" : "");
done:
    lease_release(held);
    names_free(&s.referred);
    arena_free(&s.memory);
    pipeline_state_close(p);
    pipeline_file_free(file);
    return st;
}

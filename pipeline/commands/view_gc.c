// SPDX-License-Identifier: Apache-2.0
// Results are kept until somebody says otherwise, here. A file counts as referred to when a task of
// a pipeline that writes to this folder has its name, or its key: the pipeline that is given, and
// those that the journal says were run here, as they are now. A folder that a task left beside its
// artefact, as the stage export does, goes when no result of its key is left.
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
#include "pipeline/store/store.h"

typedef struct sweeping {
    const char *output;
    names referred, gone; // paths below output, and keys; those removed, or to be
    arena memory;         // of those
    bool remove;
    size_t n;
    int64_t bytes;
    FILE *out;
} sweeping;

// Adds a path to a list of them; NULL: out of memory.
static status note(sweeping *s, names *list, const char *path)
{
    const char *copy = path ? arena_text(&s->memory, path, strlen(path)) : NULL;
    return copy && names_put(list, copy, 1) ? OK : status_no_memory("a list of files");
}

static status refer_to_tasks(sweeping *s, const pipeline_state *p)
{
    status st = OK;
    for (size_t i = 0; i < p->dag->n; i++) {
        const task *t = p->dag->tasks[i];
        const size_t n = strlen(t->artefact_name) - strlen(".nc");
        TRY(note(s, &s->referred, t->artefact_name));
        TRY(note(s, &s->referred, t->key));
        TRY(note(s, &s->referred,
                 arena_format(&s->memory, CHECKPOINT_FOLDER "/%.*s" CHECKPOINT_SUFFIX, (int)n,
                              t->artefact_name)));
        if (p->tasks[i].commit)
            TRY(note(s, &s->referred, p->tasks[i].commit->path));
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

// Removes a file or a folder, and the folder that it leaves empty.
static status remove_it(const char *path, bool is_folder)
{
    if (is_folder ? !file_remove_folder(path) : unlink(path) != 0)
        return status_fail_errno(ERR_IO, path, "cannot remove it");
    char *above = file_folder(path);
    if (above)
        rmdir(above);
    free(above);
    return OK;
}

static status take_away(sweeping *s, const char *name, bool is_folder)
{
    struct stat info;
    size_t referred;
    status st = OK;
    char *path = file_join(s->output, name);
    if (!path)
        return status_no_memory("a path");
    if (names_get(&s->referred, name, &referred) || !own_file_is_inside(s->output, name) ||
        lstat(path, &info) != 0 || !(is_folder ? S_ISDIR(info.st_mode) : S_ISREG(info.st_mode)))
        goto done;
    const file_amount amount = file_measure(path);
    s->n += (size_t)amount.files;
    s->bytes += amount.bytes;
    fprintf(s->out, "%s %s%s, %.1f MB\n", s->remove ? "removed" : "unused ", name,
            is_folder ? "/" : "", (double)amount.bytes / 1e6);
    if (s->remove)
        TRY(remove_it(path, is_folder));
    st = note(s, &s->gone, name);
done:
    free(path);
    return st;
}

static status sweep_checkpoint(void *context, const char *name)
{
    return take_away(context, name, false);
}

static bool is_left(const sweeping *s, const journal_commit *c)
{
    size_t at;
    return !names_get(&s->gone, c->path, &at) && store_present(s->output, c);
}

// Is a result of the key referred to, or still there, in its task's place or kept?
static bool has_result(const sweeping *s, const journal_state *known, const char *key)
{
    size_t at;
    bool found = names_get(&s->referred, key, &at);
    for (const journal_commit *c = journal_find_key(known, key, NULL); c && !found;
         c = journal_find_key(known, key, c)) {
        kept_result kept;
        kept_place(c, &kept);
        found = is_left(s, c) || is_left(s, &kept.commit);
    }
    return found;
}

// The folder that a task left beside what it committed, once that is gone.
static status sweep_folder(sweeping *s, const journal_state *known, const journal_commit *c)
{
    status st = OK;
    size_t at;
    char *name = own_file_folder(c->path, c->key), *path = name ? file_join(s->output, name) : NULL;
    if (!path)
        st = status_no_memory("a path");
    else if (file_is_folder(path) && !names_get(&s->gone, name, &at) &&
             !has_result(s, known, c->key))
        st = take_away(s, name, true);
    free(name);
    free(path);
    return st;
}

// What is kept, what was ever committed, checkpoints, and folders of tasks: of other files nobody knows whose they are.
static status sweep_output(sweeping *s, const journal_state *known)
{
    status st;
    file_list files = {0};
    TRY(kept_list(s->output, &files));
    for (size_t i = 0; i < journal_commits(known); i++)
        TRY(file_list_add(&files, journal_commit_at(known, i)->path));
    file_list_sort(&files);
    for (size_t i = 0; i < files.n; i++)
        if (i == 0 || strcmp(files.path[i], files.path[i - 1]) != 0)
            TRY(take_away(s, files.path[i], false));
    TRY(checkpoint_file_each(s->output, sweep_checkpoint, s));
    for (size_t i = 0; i < journal_commits(known); i++)
        TRY(sweep_folder(s, known, journal_commit_at(known, i)));
done:
    file_list_free(&files);
    return st;
}

// Tells the journal of tasks whose last result is neither in its place nor kept any more, so that
// `fsck` does not miss it.
static status record_removed(sweeping *s, const journal_state *known)
{
    status st = OK;
    journal *j = NULL;
    size_t at;
    for (size_t i = 0; s->remove && s->gone.used > 0 && i < journal_tasks(known); i++) {
        const journal_task *t = journal_task_at(known, i);
        kept_result kept;
        if (!t->commit)
            continue;
        kept_place(t->commit, &kept);
        if ((!names_get(&s->gone, t->commit->path, &at) && !names_get(&s->gone, kept.path, &at)) ||
            store_present(s->output, t->commit) || store_present(s->output, &kept.commit))
            continue;
        if (!j)
            TRY(journal_open(s->output, &j));
        TRY(journal_task_removed(j, t->label, t->commit->key));
    }
done:
    journal_close(j);
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
    TRY(sweep_output(&s, p->journal));
    TRY(record_removed(&s, p->journal));
    fprintf(out, "%zu files, %.1f MB, that no pipeline file refers to%s\n", s.n,
            (double)s.bytes / 1e6, s.n && !remove_them ? "; --remove removes them" : "");
done:
    lease_release(held);
    names_free(&s.referred);
    names_free(&s.gone);
    arena_free(&s.memory);
    pipeline_state_close(p);
    pipeline_file_free(file);
    return st;
}

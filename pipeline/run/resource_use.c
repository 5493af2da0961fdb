// SPDX-License-Identifier: Apache-2.0
// Opening is collective on the ranks that share an object, so that all ranks open and close the
// same entries in the same order. Files are watched here and not by their readers: so no format can
// forget it.
#include "pipeline/run/resource_use.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/config/param_check.h"

// One of file->resources.
typedef struct entry_use {
    size_t users;       // tasks that may still need it
    size_t computing;   // of these, those that need more of it than is opened light
    bool whole;         // it is open as these need it
    bool wanted;        // it is open, or about to be
    bool tried;         // to be opened, and the ranks have not voted
    verdict verdict;    // of the last try
    input_watch *files; // on a node's first rank, while it is open; owned
} entry_use;

struct resource_use {
    comm *comm;
    pipeline_file *file;
    resource_need *need; // of each of file->resources; owned
    verdict **ballot;    // of those tried; owned
    input_watch **own;   // for each task: the files that its own parameters name; owned
    size_t tasks;
    entry_use entries[];
};

// Calls `visit` with every entry a task takes.
static status each_entry(resource_use *u, const task *t,
                         status (*visit)(resource_use *u, const task *t, resource_entry *e))
{
    for (size_t i = 0; i < t->n_references; i++)
        for (size_t k = 0; t->references[i].taken && k < t->references[i].n; k++) {
            status st = visit(u, t, t->references[i].entry[k]);
            if (st != OK)
                return st;
        }
    return OK;
}

static entry_use *use_of(resource_use *u, const resource_entry *e)
{
    return &u->entries[e - u->file->resources];
}

static status add_user(resource_use *u, const task *t, resource_entry *e)
{
    use_of(u, e)->users++;
    use_of(u, e)->computing += !t->stage->light;
    return OK;
}

static void close_entry(resource_use *u, resource_entry *e)
{
    if (e->object)
        e->def->close(e->object);
    e->object = NULL;
    use_of(u, e)->wanted = use_of(u, e)->whole = false;
    inputs_unwatch(use_of(u, e)->files);
    use_of(u, e)->files = NULL;
}

static status drop_user(resource_use *u, const task *t, resource_entry *e)
{
    use_of(u, e)->computing -= !t->stage->light;
    if (--use_of(u, e)->users == 0)
        close_entry(u, e);
    return OK;
}

static void free_arrays(resource_use *u)
{
    free(u->own);
    free(u->need);
    free(u->ballot);
    free(u);
}

status resource_use_new(comm *c, const dag *d, resource_use **out)
{
    size_t n = d->file->n_resources;
    resource_use *u = checked_calloc(1, sizeof *u + n * sizeof *u->entries);
    if (!u)
        return status_no_memory("the resources");
    u->own = checked_calloc(d->n, sizeof *u->own);
    u->need = checked_calloc(n, sizeof *u->need);
    u->ballot = checked_calloc(n, sizeof(verdict *));
    if (!u->own || !u->need || !u->ballot) {
        free_arrays(u);
        return status_no_memory("the resources");
    }
    u->tasks = d->n;
    u->comm = c;
    u->file = d->file;
    for (size_t i = 0; i < d->n; i++)
        each_entry(u, d->tasks[i], add_user);
    *out = u;
    return OK;
}

void resource_use_free(resource_use *u)
{
    if (!u)
        return;
    resource_use_close_light(u);
    for (size_t i = 0; i < u->tasks; i++)
        inputs_unwatch(u->own[i]);
    free_arrays(u);
}

share *resource_use_share(const resource_use *u)
{
    team *t = comm_team(u->comm);
    return t ? team_share(t) : comm_share(u->comm);
}

static status want_entry(resource_use *u, const task *t, resource_entry *e)
{
    (void)t;
    use_of(u, e)->wanted = true;
    return OK;
}

void resource_use_want(resource_use *u, const task *t)
{
    each_entry(u, t, want_entry);
}

// A task that only looks at it takes it as others have it open, or will.
static status open_entry(resource_use *u, const task *t, resource_entry *e)
{
    (void)t;
    entry_use *use = use_of(u, e);
    if (e->object || use->tried)
        return OK;
    use->tried = true;
    use->verdict = (verdict){OK, ""};
    use->whole = use->computing > 0;
    status st = e->def->open(e->params, u->file->globals, use->whole ? resource_use_share(u) : NULL,
                             use->whole ? RESOURCE_WHOLE : RESOURCE_LIGHT, &e->object);
    if (st != OK)
        e->object = NULL;
    verdict_add(&use->verdict, st);
    return OK;
}

// Adds the files that parameters name.
static status add_paths(const params *p, file_list *out)
{
    status st = OK;
    for (size_t i = 0; i < p->n && st == OK; i++)
        if (p->defs[i].type == PARAM_PATH && p->value[i].present)
            st = file_list_add(out, p->value[i].item[0].text);
    return st;
}

// Watches what an entry (or, where it is NULL, the task itself) reads.
static status watch_files(const inputs *in, const resource_entry *e, const task *t,
                          input_watch **out)
{
    file_list files = {0};
    status st = OK;
    if (e && e->def->files)
        TRY(e->def->files(e->params, &files));
    else
        TRY(add_paths(e ? e->params : t->params, &files));
    TRY(inputs_watch(in, &files, out));
done:
    file_list_free(&files);
    return st;
}

status resource_use_watch(resource_use *u, const task *t, const inputs *in)
{
    status st = OK;
    if (comm_share(u->comm)->rank != 0)
        return OK;
    for (size_t i = 0; i < t->n_references; i++)
        for (size_t k = 0; t->references[i].taken && k < t->references[i].n; k++) {
            const resource_entry *e = t->references[i].entry[k];
            entry_use *use = use_of(u, e);
            if (!use->files)
                TRY(watch_files(in, e, t, &use->files));
        }
    TRY(watch_files(in, NULL, t, &u->own[t->index]));
done:
    return st;
}

void resource_use_open(resource_use *u, const task *t)
{
    each_entry(u, t, open_entry);
}

void resource_use_agree(resource_use *u)
{
    size_t n = 0;
    for (size_t i = 0; i < u->file->n_resources; i++)
        if (u->entries[i].tried)
            u->ballot[n++] = &u->entries[i].verdict;
    comm_agree_each(u->comm, n, u->ballot, 0, NULL);
    for (size_t i = 0; i < u->file->n_resources; i++) {
        entry_use *use = &u->entries[i];
        if (use->tried && use->verdict.code != OK)
            close_entry(u, &u->file->resources[i]);
        use->wanted = u->file->resources[i].object;
        use->tried = false;
    }
}

// What is closed was tried, in vain.
static status has_opened(resource_use *u, const task *t, resource_entry *e)
{
    (void)t;
    return e->object ? OK : verdict_get(&use_of(u, e)->verdict);
}

status resource_use_opened(resource_use *u, const task *t)
{
    return each_entry(u, t, has_opened);
}

status resource_use_unchanged(const resource_use *u, const task *t)
{
    status st = OK;
    if (u->own[t->index])
        TRY(inputs_unchanged(u->own[t->index]));
    for (size_t i = 0; i < t->n_references; i++)
        for (size_t k = 0; t->references[i].taken && k < t->references[i].n; k++) {
            const entry_use *use = &u->entries[t->references[i].entry[k] - u->file->resources];
            if (use->files)
                TRY(inputs_unchanged(use->files));
        }
done:
    return st;
}

void resource_use_drop(resource_use *u, const task *t)
{
    inputs_unwatch(u->own[t->index]);
    u->own[t->index] = NULL;
    each_entry(u, t, drop_user);
}

// --- How much they take

void resource_use_tell(resource_use *u, size_t i, resource_need need)
{
    u->need[i] = need;
}

static bool is_taken(const task *t, const resource_entry *e)
{
    for (size_t i = 0; t && i < t->n_references; i++)
        for (size_t k = 0; t->references[i].taken && k < t->references[i].n; k++)
            if (t->references[i].entry[k] == e)
                return true;
    return false;
}

// What is not open takes what it will.
static double bytes_of(const resource_use *u, size_t i)
{
    const entry_use *use = &u->entries[i];
    return use->whole || use->computing > 0 ? u->need[i].bytes : 0;
}

double resource_use_bytes(const resource_use *u, const task *t)
{
    double bytes = 0;
    for (size_t i = 0; i < u->file->n_resources; i++)
        if (is_taken(t, &u->file->resources[i]))
            bytes += bytes_of(u, i);
    return bytes;
}

double resource_use_beside(const resource_use *u, const task *t)
{
    double bytes = 0;
    for (size_t i = 0; i < u->file->n_resources; i++)
        if (u->entries[i].wanted && !is_taken(t, &u->file->resources[i]))
            bytes += bytes_of(u, i);
    return bytes;
}

void resource_use_close_beside(resource_use *u, const task *t)
{
    for (size_t i = 0; i < u->file->n_resources; i++)
        if (!is_taken(t, &u->file->resources[i]))
            close_entry(u, &u->file->resources[i]);
}

const resource_need *resource_use_largest(const resource_use *u, const task *t, const char **name)
{
    const resource_need *most = NULL;
    double bytes = -1;
    for (size_t i = 0; i < u->file->n_resources; i++)
        if (is_taken(t, &u->file->resources[i]) && bytes_of(u, i) > bytes) {
            most = &u->need[i];
            bytes = bytes_of(u, i);
            *name = u->file->resources[i].name;
        }
    return most;
}

// --- Light

status resource_use_open_light(resource_use *u)
{
    status first = OK;
    for (size_t i = 0; i < u->file->n_resources; i++) {
        resource_entry *e = &u->file->resources[i];
        if (!e->def->part || u->entries[i].users == 0)
            continue;
        status st = e->def->open(e->params, u->file->globals, NULL, RESOURCE_LIGHT, &e->object);
        if (st != OK)
            e->object = NULL;
        first = first == OK ? st : first;
    }
    return first;
}

void resource_use_close_light(resource_use *u)
{
    for (size_t i = 0; i < u->file->n_resources; i++)
        close_entry(u, &u->file->resources[i]);
}

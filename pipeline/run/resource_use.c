// SPDX-License-Identifier: Apache-2.0
// Opening is collective on the ranks that share an object, so that all ranks open and close the
// same entries in the same order.
#include "pipeline/run/resource_use.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"

struct resource_use {
    comm *comm;
    pipeline_file *file;
    resource_need *need; // of each of file->resources; owned
    size_t users[];      // for each of file->resources: tasks that may still need it
};

// Calls `visit` with every entry a task takes.
static status each_entry(resource_use *u, const task *t,
                         status (*visit)(resource_use *u, resource_entry *e))
{
    for (size_t i = 0; i < t->n_references; i++)
        for (size_t k = 0; t->references[i].taken && k < t->references[i].n; k++) {
            status st = visit(u, t->references[i].entry[k]);
            if (st != OK)
                return st;
        }
    return OK;
}

static size_t *users_of(resource_use *u, const resource_entry *e)
{
    return &u->users[e - u->file->resources];
}

static status add_user(resource_use *u, resource_entry *e)
{
    ++*users_of(u, e);
    return OK;
}

static void close_entry(resource_entry *e)
{
    if (e->object)
        e->def->close(e->object);
    e->object = NULL;
}

static status drop_user(resource_use *u, resource_entry *e)
{
    if (--*users_of(u, e) == 0)
        close_entry(e);
    return OK;
}

status resource_use_new(comm *c, const dag *d, resource_use **out)
{
    size_t n = d->file->n_resources;
    resource_use *u = checked_calloc(1, sizeof *u + n * sizeof *u->users);
    if (!u)
        return status_no_memory("the resources");
    if (!(u->need = checked_calloc(n, sizeof *u->need))) {
        free(u);
        return status_no_memory("the resources");
    }
    u->comm = c;
    u->file = d->file;
    for (size_t i = 0; i < d->n; i++)
        each_entry(u, d->tasks[i], add_user);
    *out = u;
    return OK;
}

void resource_use_free(resource_use *u)
{
    if (u) {
        resource_use_close_light(u);
        free(u->need);
    }
    free(u);
}

share *resource_use_share(const resource_use *u)
{
    team *t = comm_team(u->comm);
    return t ? team_share(t) : comm_share(u->comm);
}

static status open_entry(resource_use *u, resource_entry *e)
{
    if (e->object)
        return OK;
    status st = e->def->open(e->params, u->file->globals, resource_use_share(u), false, &e->object);
    if (st != OK)
        e->object = NULL;
    st = comm_agree(u->comm, st);
    if (st != OK)
        close_entry(e);
    return st;
}

status resource_use_open(resource_use *u, const task *t)
{
    return each_entry(u, t, open_entry);
}

void resource_use_drop(resource_use *u, const task *t)
{
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

double resource_use_bytes(const resource_use *u, const task *t)
{
    double bytes = 0;
    for (size_t i = 0; i < u->file->n_resources; i++)
        if (is_taken(t, &u->file->resources[i]))
            bytes += u->need[i].bytes;
    return bytes;
}

double resource_use_beside(const resource_use *u, const task *t)
{
    double bytes = 0;
    for (size_t i = 0; i < u->file->n_resources; i++)
        if (u->file->resources[i].object && !is_taken(t, &u->file->resources[i]))
            bytes += u->need[i].bytes;
    return bytes;
}

void resource_use_close_beside(resource_use *u, const task *t)
{
    for (size_t i = 0; i < u->file->n_resources; i++)
        if (!is_taken(t, &u->file->resources[i]))
            close_entry(&u->file->resources[i]);
}

const resource_need *resource_use_largest(const resource_use *u, const task *t, const char **name)
{
    const resource_need *most = NULL;
    for (size_t i = 0; i < u->file->n_resources; i++)
        if (is_taken(t, &u->file->resources[i]) && (!most || u->need[i].bytes > most->bytes)) {
            most = &u->need[i];
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
        if (!e->def->part || u->users[i] == 0)
            continue;
        status st = e->def->open(e->params, u->file->globals, NULL, true, &e->object);
        if (st != OK)
            e->object = NULL;
        first = first == OK ? st : first;
    }
    return first;
}

void resource_use_close_light(resource_use *u)
{
    for (size_t i = 0; i < u->file->n_resources; i++)
        close_entry(&u->file->resources[i]);
}

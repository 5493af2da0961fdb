// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/resource_use.h"

#include "pipeline/base/checked.h"

// Calls `visit` with every entry a task takes.
static status each_entry(run *r, const task *t, status (*visit)(run *r, resource_entry *e))
{
    for (size_t i = 0; i < t->n_references; i++)
        for (size_t k = 0; t->references[i].taken && k < t->references[i].n; k++) {
            status st = visit(r, t->references[i].entry[k]);
            if (st != OK)
                return st;
        }
    return OK;
}

static size_t *users(run *r, const resource_entry *e)
{
    return &r->resource_users[e - r->file->resources];
}

static status add_user(run *r, resource_entry *e)
{
    ++*users(r, e);
    return OK;
}

static void close_entry(resource_entry *e)
{
    if (e->object)
        e->def->close(e->object);
    e->object = NULL;
}

static status drop_user(run *r, resource_entry *e)
{
    if (--*users(r, e) == 0)
        close_entry(e);
    return OK;
}

share *resource_use_share(run *r)
{
    team *t = comm_team(r->comm);
    return t ? team_share(t) : comm_share(r->comm);
}

static status open_entry(run *r, resource_entry *e)
{
    if (e->object)
        return OK;
    status st = e->def->open(e->params, r->file->globals, resource_use_share(r), false, &e->object);
    if (st != OK)
        e->object = NULL;
    st = comm_agree(r->comm, st);
    if (st != OK)
        close_entry(e);
    return st;
}

status resource_use_count(run *r)
{
    r->resource_users = checked_calloc(r->file->n_resources, sizeof *r->resource_users);
    if (!r->resource_users)
        return status_no_memory("the resources");
    for (size_t i = 0; i < r->dag->n; i++)
        each_entry(r, r->tasks[i].task, add_user);
    return OK;
}

status resource_use_open(run *r, const task *t)
{
    return each_entry(r, t, open_entry);
}

void resource_use_drop(run *r, const task *t)
{
    each_entry(r, t, drop_user);
}

void resource_use_close_all(run *r)
{
    for (size_t i = 0; i < r->file->n_resources; i++)
        close_entry(&r->file->resources[i]);
}

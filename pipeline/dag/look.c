// SPDX-License-Identifier: Apache-2.0
// Hours in a queue must not end at a file that was never there. Tasks of a sweep take the same things:
// each resource is opened once, and a stage asked once for each set of resources. Everything wrong is
// found in one look, so that it can be mended in one go; and each thing is said once.
#include "pipeline/dag/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/names.h"
#include "pipeline/base/text.h"
#include "pipeline/config/param_check.h"
#include "pipeline/dag/task.h"

// How it went with a task or a resource.
typedef struct finding {
    status code;
    const char *line; // in the arena
} finding;

struct look {
    dag *dag; // borrowed
    resource_depth depth;
    size_t resources;
    finding *entry, *task; // owned [resources], [dag->n]
    finding first;         // of what is wrong
    names sets;            // of resources that a stage has looked at: the task
    names said;            // lines
    text notes, failures;
    arena texts;
};

// Adds a line to those to be said, if it is not there.
static status say(look *l, text *to, const char *line)
{
    size_t known;
    if (names_get(&l->said, line, &known))
        return OK;
    const char *copy = arena_text(&l->texts, line, strlen(line));
    if (!copy || !names_put(&l->said, copy, 0))
        return status_no_memory("a look at the inputs");
    text_addf(to, "%s\n", line);
    return to->failed ? status_no_memory("a look at the inputs") : OK;
}

// Notes a failure, with its place.
static status note_failure(look *l, status code, location at, finding *out)
{
    if (code != ERR_USAGE && code != ERR_INPUT) // no memory, say: a run's task will meet it, or not
        return code == ERR_INTERRUPTED || l->depth != RESOURCE_FIRST ? code : OK;
    code = location_place(code, at);
    const char *said = status_text();
    *out = (finding){code, arena_text(&l->texts, said, strlen(said))};
    if (!out->line)
        return status_no_memory("a look at the inputs");
    if (l->first.code == OK)
        l->first = *out;
    return say(l, &l->failures, out->line);
}

// Notes, a line each, behind what they are about.
static status say_notes(look *l, const char *about, const char *at)
{
    status st = OK;
    text line = {0};
    int n;
    for (const char *from; st == OK && (from = text_line(&at, &n));) {
        line.length = 0;
        text_addf(&line, "%s%.*s", about, n, from);
        st = line.failed ? status_no_memory("a note") : say(l, &l->notes, text_get(&line));
    }
    text_free(&line);
    return st;
}

// --- Resources

static status note_resource(look *l, const resource_entry *e)
{
    char *about = text_format("%s/%s: ", e->def->section, e->name);
    status st = about ? say_notes(l, about, e->def->notes ? e->def->notes(e->object) : "")
                      : status_no_memory("a note");
    free(about);
    return st;
}

static status open_resource(look *l, size_t i)
{
    resource_entry *e = &l->dag->file->resources[i];
    status st = e->def->open(e->params, l->dag->file->globals, NULL, l->depth, &e->object);
    if (st == OK)
        return note_resource(l, e);
    e->object = NULL;
    return note_failure(l, st, e->at, &l->entry[i]);
}

static size_t number_of(const look *l, const resource_entry *e)
{
    return (size_t)(e - l->dag->file->resources);
}

static status open_resources(look *l, const bool *wanted, bool all)
{
    status st = OK;
    bool *taken = checked_calloc(l->resources, sizeof *taken);
    if (!taken)
        return status_no_memory("a look at the inputs");
    for (size_t i = 0; i < l->dag->n; i++) {
        const task *t = l->dag->tasks[i];
        for (size_t r = 0; wanted[i] && r < t->n_references; r++)
            for (size_t k = 0; t->references[r].taken && k < t->references[r].n; k++)
                taken[number_of(l, t->references[r].entry[k])] = true;
    }
    for (size_t i = 0; i < l->resources && st == OK; i++)
        if (all || taken[i])
            st = open_resource(l, i);
    free(taken);
    return st;
}

// --- Tasks

// Files that a task's own parameters name.
static status look_at_paths(look *l, const task *t, finding *out)
{
    status st = OK;
    const params *p = t->params;
    for (size_t i = 0; i < p->n && st == OK && out->code == OK; i++) {
        if (p->defs[i].type != PARAM_PATH || !p->value[i].present)
            continue;
        const char *path = p->value[i].item[0].text;
        FILE *f = fopen(path, "re");
        if (!f)
            st = note_failure(l, status_fail_errno(ERR_INPUT, path, "cannot open"), p->value[i].at,
                              out);
        else
            fclose(f);
    }
    return st;
}

// A name for the stage and all that the task refers to. NULL when out of memory.
static const char *name_set(look *l, const task *t)
{
    text name = {0};
    text_add(&name, t->stage->name);
    for (size_t r = 0; r < t->n_references; r++) {
        text_addf(&name, " %s", t->references[r].parameter);
        for (size_t k = 0; k < t->references[r].n; k++)
            text_addf(&name, " %zu", number_of(l, t->references[r].entry[k]));
    }
    const char *copy = name.failed ? NULL : arena_text(&l->texts, text_get(&name), name.length);
    text_free(&name);
    return copy;
}

// A stage's own look. What its failure is about, the stage says by the parameter.
static status look_with_stage(look *l, const task *t, finding *out)
{
    status st;
    text notes = {0};
    stage_look found = {.notes = &notes};
    st = t->stage->look(t, &found);
    if (st != OK) {
        const task_reference *r = found.parameter ? task_find_reference(t, found.parameter) : NULL;
        st = note_failure(l, st, r && found.index < r->n ? r->entry[found.index]->at : t->step->at,
                          out);
    }
    if (st == OK)
        st = say_notes(l, "", text_get(&notes));
    text_free(&notes);
    return st;
}

static status look_at_task(look *l, const task *t, finding *out)
{
    status st;
    size_t before;
    for (size_t r = 0; r < t->n_references; r++)
        for (size_t k = 0; k < t->references[r].n; k++) {
            const finding *e = &l->entry[number_of(l, t->references[r].entry[k])];
            if (t->references[r].taken && e->code != OK)
                *out = *e;
            if (e->code != OK || !t->references[r].entry[k]->object)
                return OK; // and a stage cannot look
        }
    TRY(look_at_paths(l, t, out));
    if (out->code != OK || !t->stage->look)
        return OK;
    const char *set = name_set(l, t);
    if (!set)
        return status_no_memory("a look at the inputs");
    if (names_get(&l->sets, set, &before)) {
        *out = l->task[before];
        return OK;
    }
    TRY(look_with_stage(l, t, out));
    if (!names_put(&l->sets, set, t->index))
        st = status_no_memory("a look at the inputs");
done:
    return st;
}

status look_open(dag *d, const bool *wanted, bool all, resource_depth depth, look **out)
{
    status st;
    look *l = checked_calloc(1, sizeof *l);
    if (!l)
        return status_no_memory("a look at the inputs");
    l->dag = d;
    l->depth = depth;
    l->resources = d->file->n_resources;
    l->entry = checked_calloc(l->resources, sizeof *l->entry);
    l->task = checked_calloc(d->n, sizeof *l->task);
    if (!l->entry || !l->task) {
        st = status_no_memory("a look at the inputs");
        goto done;
    }
    TRY(open_resources(l, wanted, all));
    for (size_t i = 0; i < d->n; i++)
        if (wanted[i])
            TRY(look_at_task(l, d->tasks[i], &l->task[i]));
    *out = l;
    l = NULL;
done:
    look_close(l);
    return st;
}

void look_close(look *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->resources; i++) {
        resource_entry *e = &l->dag->file->resources[i];
        if (e->object)
            e->def->close(e->object);
        e->object = NULL;
    }
    names_free(&l->sets);
    names_free(&l->said);
    text_free(&l->notes);
    text_free(&l->failures);
    arena_free(&l->texts);
    free(l->entry);
    free(l->task);
    free(l);
}

status look_found(const look *l, size_t i)
{
    return l->task[i].code == OK ? OK : status_carry(l->task[i].code, l->task[i].line);
}

const char *look_failures(const look *l)
{
    return text_get(&l->failures);
}

status look_verdict(const look *l)
{
    return l->first.code == OK ? OK : status_carry(l->first.code, l->first.line);
}

const char *look_notes(const look *l)
{
    return text_get(&l->notes);
}

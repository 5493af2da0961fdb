// SPDX-License-Identifier: Apache-2.0
// A resource that a step does not name is its upstream's, handed on also through tasks that do not
// use it themselves.
#include "pipeline/dag/task_make.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/config/reference.h"

enum { NAME_BYTES = 240 }; // of an artefact's file: leaves room for temporary endings

// Collects what the chain of points added: inputs, and values that the parameters of this task
// differ in.
static status take_point(dag *d, const step *s, const sweep *w, const sweep_point *p, task *t)
{
    const param_context c = {&d->memory, d->file->folder, d->file->here};
    params *own = w->base;
    size_t input = s->n_inputs;
    status st = OK;
    t->inputs = arena_alloc(&d->memory, s->n_inputs, sizeof *t->inputs);
    if (!t->inputs)
        return status_no_memory("a task");
    t->n_inputs = s->n_inputs;
    for (; p && st == OK; p = p->parent) {
        if (p->input)
            t->inputs[--input] = p->input;
        if (!p->own || p->own->param == SWEEP_NO_PARAM)
            continue;
        if (own == w->base)
            st = params_copy(&c, w->base, &own);
        if (st == OK)
            own->value[p->own->param] = *p->value;
    }
    t->params = own;
    return st;
}

static status missing_resource(const pipeline_file *f, const param_def *def, const char *name,
                               location at)
{
    const char **known = checked_calloc(f->n_resources, sizeof *known);
    size_t n = 0;
    if (!known)
        return status_no_memory("a message");
    for (size_t i = 0; i < f->n_resources; i++)
        if (strcmp(f->resources[i].def->section, def->section) == 0)
            known[n++] = f->resources[i].name;
    const char *nearest = text_nearest(name, known, n);
    status st = nearest
                    ? location_fail(ERR_USAGE, at, "there is no `%s` in `%s`; did you mean `%s`?",
                                    name, def->section, nearest)
                    : location_fail(ERR_USAGE, at, "there is no `%s` in `%s`; add it there", name,
                                    def->section);
    free(known);
    return st;
}

static status refer_to(dag *d, const param_def *def, const param_value *v, task_reference *out)
{
    *out = (task_reference){.parameter = def->name, .taken = true, .n = v->n};
    out->entry = arena_alloc(&d->memory, v->n, sizeof *out->entry);
    if (!out->entry)
        return status_no_memory("a task");
    for (size_t i = 0; i < v->n; i++) {
        out->entry[i] = pipeline_file_resource(d->file, def->section, v->item[i].text);
        if (!out->entry[i])
            return missing_resource(d->file, def, v->item[i].text, v->at);
    }
    return OK;
}

// The reference of a parameter that upstream tasks have, or NULL; *differ says whether they
// disagree.
static const task_reference *upstream_reference(const task *t, const char *parameter, bool *differ)
{
    const task_reference *found = NULL;
    *differ = false;
    for (size_t i = 0; i < t->n_inputs; i++) {
        const task_reference *r = task_find_reference(t->inputs[i], parameter);
        if (r && found)
            *differ |= r->entry[0] != found->entry[0];
        else if (r)
            found = r;
    }
    return found;
}

// A resource parameter that the step leaves out.
static status inherit_resource(const task *t, const sweep *w, const param_def *def,
                               task_reference *refs, size_t *n)
{
    bool differ;
    const task_reference *up = upstream_reference(t, def->name, &differ);
    if (!up)
        return def->required
                   ? location_fail(ERR_USAGE, t->step->at, "%s has no `%s`; name one of `%s`",
                                   w->what, def->name, def->section)
                   : OK;
    if (differ && def->required)
        return location_fail(ERR_USAGE, t->step->at, "the inputs of %s differ in `%s`; give `%s`",
                             w->what, def->name, def->name);
    refs[*n] = *up;
    refs[*n].inherited = refs[*n].taken = true;
    ++*n;
    return OK;
}

static status make_references(dag *d, const sweep *w, task *t)
{
    const params *p = t->params;
    size_t most = p->n, n = 0;
    bool differ;
    for (const resource_def *const *r = d->file->registry->resources; *r; r++)
        most++;
    task_reference *refs = arena_alloc(&d->memory, most, sizeof *refs);
    if (!refs)
        return status_no_memory("a task");
    t->references = refs;
    for (size_t i = 0; i < p->n; i++) {
        const param_def *def = &p->defs[i];
        status st = OK;
        if (def->type != PARAM_RESOURCE && def->type != PARAM_RESOURCES)
            continue;
        if (p->value[i].present)
            st = refer_to(d, def, &p->value[i], &refs[n++]);
        else if (def->type == PARAM_RESOURCE)
            st = inherit_resource(t, w, def, refs, &n);
        if (st != OK)
            return st;
        t->n_references = n;
    }
    for (const resource_def *const *r = d->file->registry->resources; *r; r++) {
        const task_reference *up = upstream_reference(t, (*r)->parameter, &differ);
        if (!up || task_find_reference(t, (*r)->parameter))
            continue;
        refs[n] = *up; // handed on to tasks further down
        refs[n].inherited = true;
        refs[n].taken = t->stage->takes && t->stage->takes(t, (*r)->parameter);
        t->n_references = ++n;
    }
    return OK;
}

// Label and path; no two tasks may write one file.
static status make_names(dag *d, task *t)
{
    text label = {0}, file = {0};
    size_t other;
    status st = OK;
    text_add(&label, t->step->name);
    for (size_t i = 0; i < t->n_axes; i++) {
        const char *encoded = reference_encode(&d->memory, t->axes[i].value);
        text_addf(&label, "%s%s=%s", i ? "," : "[", t->axes[i].name, t->axes[i].value);
        text_addf(&file, "%s%s=%s", i ? "," : "", t->axes[i].name, encoded ? encoded : "");
        label.failed |= !encoded;
    }
    text_add(&label, t->n_axes ? "]" : "");
    text_add(&file, t->n_axes ? ".nc" : "all.nc");
    t->label = arena_text(&d->memory, text_get(&label), label.length);
    t->artefact_name = arena_format(&d->memory, "%s/%s", t->step->name, text_get(&file));
    t->artefact_path = arena_format(&d->memory, "%s/%s", d->file->output, t->artefact_name);
    if (label.failed || file.failed || !t->label || !t->artefact_name || !t->artefact_path)
        st = status_no_memory("a task");
    else if (file.length > NAME_BYTES)
        st = location_fail(ERR_USAGE, t->step->at,
                           "the file of task %.100s… would have a name of %zu "
                           "bytes; use shorter values",
                           t->label, file.length);
    else if (names_get(&d->label_index, t->artefact_name, &other) ||
             names_get(&d->label_index, t->label, &other))
        st = location_fail(ERR_USAGE, t->step->at, "%s and %s would both write %s; rename one",
                           t->label, d->tasks[other]->label, t->artefact_name);
    else if (!names_put(&d->label_index, t->label, t->index) ||
             !names_put(&d->label_index, t->artefact_name, t->index))
        st = status_no_memory("a task");
    text_free(&label);
    text_free(&file);
    return st;
}

status task_make(dag *d, const step *s, const sweep *w, const sweep_point *p, size_t n_axes,
                 task **out)
{
    status st;
    task *t = arena_alloc(&d->memory, 1, sizeof *t);
    if (!t)
        return status_no_memory("a task");
    *t = (task){.index = d->n,
                .step = s,
                .stage = s->stage,
                .file = d->file,
                .axes = p->axes,
                .n_axes = n_axes,
                .memory = &d->memory,
                .selected = true};
    TRY(take_point(d, s, w, p, t));
    TRY(make_references(d, w, t));
    TRY(make_names(d, t));
    if (s->stage->check)
        TRY(s->stage->check(t));
    *out = t;
done:
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// What stages see of a task: everything else in the struct is the engine's.
#include "pipeline/dag/task.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/checked.h"
#include "pipeline/config/reference.h"
#include "pipeline/store/own_file.h"

const task_reference *task_find_reference(const task *t, const char *parameter)
{
    for (size_t i = 0; i < t->n_references; i++)
        if (strcmp(t->references[i].parameter, parameter) == 0)
            return &t->references[i];
    return NULL;
}

const char *task_label(const task *t)
{
    return t->label;
}

const params *task_params(const task *t)
{
    return t->params;
}

static const resource_entry *entry_of(const task *t, const char *param, size_t i)
{
    const task_reference *r = task_find_reference(t, param);
    return r && i < r->n ? r->entry[i] : NULL;
}

void *task_resource(const task *t, const char *param, size_t i)
{
    const resource_entry *e = entry_of(t, param, i);
    return e ? e->object : NULL;
}

const char *task_resource_name(const task *t, const char *param, size_t i)
{
    const resource_entry *e = entry_of(t, param, i);
    return e ? e->name : NULL;
}

size_t task_inputs(const task *t)
{
    return t->n_inputs;
}

static const task *input_of(const task *t, size_t i)
{
    assert(i < t->n_inputs && "an input that does not exist");
    return t->inputs[i];
}

const char *task_input_stage(const task *t, size_t i)
{
    return input_of(t, i)->stage->name;
}

const char *task_input_label(const task *t, size_t i)
{
    return input_of(t, i)->label;
}

const params *task_input_params(const task *t, size_t i)
{
    return input_of(t, i)->params;
}

const task *task_upstream(const task *t, size_t i)
{
    return input_of(t, i);
}

const artefact *task_input(const task *t, size_t i)
{
    return input_of(t, i)->artefact;
}

const params *task_pipeline(const task *t)
{
    return t->file->globals;
}

const char *task_output(const task *t)
{
    return t->file->output;
}

char *task_folder(const task *t, const char *name)
{
    arena memory = {0};
    const char *encoded = reference_encode(&memory, name);
    char *folder = own_file_folder(t->artefact_name, t->key);
    char *path = encoded && folder ? file_join(folder, encoded) : NULL;
    arena_free(&memory);
    free(folder);
    return path;
}

pool *task_pool(const task *t)
{
    return t->runtime ? t->runtime->pool : NULL;
}

bool task_stopping(const task *t)
{
    const task_runtime *r = t->runtime;
    if (!r || !r->stopping)
        return false;
    if (r->meanwhile && pthread_equal(pthread_self(), r->engine))
        r->meanwhile(r->context);
    return atomic_load_explicit(r->stopping, memory_order_relaxed);
}

// SPDX-License-Identifier: Apache-2.0
// Fields first, digest second: the fields are what `explain` compares and what an artefact keeps.
// Paths and names are left out, so that a folder that was moved or a step that was renamed keeps
// its results.
#include "pipeline/dag/key.h"

#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/config/param_check.h"
#include "pipeline/dag/task.h"

// Adds a field; value and name are borrowed. NULL for either: out of memory.
static status add_field(key_fields *f, arena *memory, const char *name, const char *value)
{
    if (f->n == f->capacity) { // arenas do not grow an array in place: double it
        size_t capacity = f->capacity ? f->capacity * 2 : 16;
        key_field *larger = arena_alloc(memory, capacity, sizeof *larger);
        if (!larger)
            return status_no_memory("a key");
        if (f->n > 0)
            memcpy(larger, f->field, f->n * sizeof *larger);
        f->field = larger;
        f->capacity = capacity;
    }
    if (!name || !value)
        return status_no_memory("a key");
    f->field[f->n++] = (key_field){name, value};
    return OK;
}

// Resources and upstream steps are in a key by their content, in fields of their own.
static bool is_name(const param_def *def)
{
    return def->type == PARAM_RESOURCE || def->type == PARAM_RESOURCES || def->type == PARAM_FROM;
}

static status file_digest(const key_digester *d, arena *memory, const char *path, const char **out)
{
    char hex[DIGEST_HEX];
    status st = d->file(d->context, path, hex);
    if (st != OK)
        return st;
    *out = arena_text(memory, hex, strlen(hex));
    return *out ? OK : status_no_memory("a key");
}

// The keyed values of a table. A path stands for the bytes behind it; those of a resource come from
// its `files` where it has that function.
static status add_params(key_fields *f, arena *memory, const char *prefix, const params *p,
                         const key_digester *d, bool digest_paths)
{
    status st = OK;
    for (size_t i = 0; st == OK && i < p->n; i++) {
        const param_def *def = &p->defs[i];
        const char *value = p->value[i].canonical;
        if (def->unkeyed || is_name(def) || !p->value[i].present)
            continue;
        if (def->type == PARAM_PATH && !digest_paths)
            continue;
        if (def->type == PARAM_PATH)
            st = file_digest(d, memory, p->value[i].item[0].text, &value);
        if (st == OK)
            st = add_field(f, memory,
                           *prefix ? arena_format(memory, "%s%s", prefix, def->name) : def->name,
                           value);
    }
    return st;
}

// What a file is called in keys: its name inside the resource's path, "" for that path itself, its
// number where it is elsewhere.
static const char *inner_name(arena *memory, const params *p, const char *file, size_t number)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->defs[i].type != PARAM_PATH || !p->value[i].present)
            continue;
        const char *root = p->value[i].item[0].text;
        size_t n = strlen(root);
        while (n > 1 && root[n - 1] == '/')
            n--;
        if (strncmp(file, root, n) == 0 && (file[n] == '/' || file[n] == 0))
            return file + n + strspn(file + n, "/");
    }
    return arena_format(memory, "file %zu", number + 1);
}

// One field a file, or one for all where they are many.
static status add_files(key_fields *f, arena *memory, const params *p, const file_list *files,
                        const key_digester *d)
{
    status st = OK;
    digest *all = NULL;
    char hex[DIGEST_HEX];
    const char *value;
    if (files->n > KEY_FILES)
        TRY(digest_new(&all));
    for (size_t i = 0; i < files->n; i++) {
        const char *name = inner_name(memory, p, files->path[i], i);
        TRY(name ? d->file(d->context, files->path[i], hex) : status_no_memory("a key"));
        if (all) {
            digest_add_text(all, name);
            digest_add_text(all, hex);
            continue;
        }
        TRY(add_field(f, memory, arena_format(memory, ":%s", name),
                      arena_text(memory, hex, strlen(hex))));
    }
    if (all) {
        digest_hex(all, hex);
        value = arena_text(memory, hex, strlen(hex));
        TRY(add_field(f, memory, ".files", value));
    }
done:
    digest_free(all);
    return st;
}

// The fields of a resource, once for all tasks: names begin with what follows the parameter's name.
static status know_resource(resource_entry *e, arena *memory, const key_digester *d)
{
    file_list files = {0};
    status st = OK;
    if (e->key_known)
        return OK;
    e->key = (key_fields){0};
    TRY(add_params(&e->key, memory, ".", e->params, d, !e->def->files));
    if (e->def->files)
        TRY(e->def->files(e->params, &files));
    TRY(add_files(&e->key, memory, e->params, &files, d));
    e->key_known = true;
done:
    file_list_free(&files);
    return st;
}

static status add_references(task *t, const key_digester *d)
{
    status st = OK;
    for (size_t i = 0; i < t->n_references; i++) {
        const task_reference *r = &t->references[i];
        for (size_t k = 0; r->taken && k < r->n; k++) {
            resource_entry *e = r->entry[k];
            const char *prefix =
                r->n == 1 ? r->parameter : arena_format(t->memory, "%s %zu", r->parameter, k + 1);
            if (!prefix)
                return status_no_memory("a key");
            st = know_resource(e, &t->file->memory, d);
            if (st == ERR_INPUT || st == ERR_USAGE)
                st = location_place(st, e->at);
            if (st != OK)
                goto done;
            for (size_t n = 0; n < e->key.n; n++)
                TRY(add_field(&t->fields, t->memory,
                              arena_format(t->memory, "%s%s", prefix, e->key.field[n].name),
                              e->key.field[n].value));
        }
    }
done:
    return st;
}

static status add_inputs(task *t, bool *pending)
{
    status st = OK;
    *pending = false;
    for (size_t i = 0; st == OK && i < t->n_inputs; i++) {
        *pending |= !t->inputs[i]->digest[0];
        st = add_field(&t->fields, t->memory, arena_format(t->memory, "input %zu", i + 1),
                       arena_text(t->memory, t->inputs[i]->digest, strlen(t->inputs[i]->digest)));
    }
    return st;
}

static status digest_fields(const key_fields *f, char hex[DIGEST_HEX])
{
    digest *d = NULL;
    status st = digest_new(&d);
    if (st != OK)
        return st;
    for (size_t i = 0; i < f->n; i++) {
        digest_add_text(d, f->field[i].name);
        digest_add_text(d, f->field[i].value);
    }
    digest_hex(d, hex);
    digest_free(d);
    return OK;
}

status key_compute(task *t, const key_digester *d)
{
    status st;
    bool pending;
    t->fields.n = 0;
    t->key[0] = 0;
    TRY(add_field(&t->fields, t->memory, "stage", t->stage->name));
    TRY(add_field(&t->fields, t->memory, "version",
                  arena_format(t->memory, "%d", t->stage->version)));
    TRY(add_params(&t->fields, t->memory, "", t->file->globals, d, false));
    TRY(add_params(&t->fields, t->memory, "", t->params, d, true));
    TRY(add_references(t, d));
    TRY(add_inputs(t, &pending));
    if (!pending)
        TRY(digest_fields(&t->fields, t->key));
done:
    return st;
}

// Lists are short: a look through them is enough.
static const key_field *find_field(const key_fields *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->field[i].name, name) == 0)
            return &f->field[i];
    return NULL;
}

size_t key_compare(const key_fields *old_fields, const key_fields *new_fields, key_difference *out,
                   size_t capacity)
{
    size_t n = 0;
    for (size_t i = 0; i < old_fields->n; i++) {
        const key_field *was = &old_fields->field[i], *is = find_field(new_fields, was->name);
        if (is && strcmp(was->value, is->value) == 0)
            continue;
        if (n++ < capacity)
            out[n - 1] = (key_difference){was->name, was->value, is ? is->value : NULL};
    }
    for (size_t i = 0; i < new_fields->n; i++) {
        const key_field *is = &new_fields->field[i];
        if (!find_field(old_fields, is->name) && n++ < capacity)
            out[n - 1] = (key_difference){is->name, NULL, is->value};
    }
    return n;
}

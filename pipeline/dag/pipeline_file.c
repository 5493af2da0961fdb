// SPDX-License-Identifier: Apache-2.0
// Everything is checked before anything is done, and the first mistake is reported with its place.
// Steps are read after all sections, since they refer to them, and to each other in any order.
#include "pipeline/dag/pipeline_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/config/override.h"
#include "pipeline/config/param_check.h"
#include "pipeline/config/reference.h"
#include "pipeline/dag/families.h"
#include "pipeline/dag/registry_find.h"

const param_def pipeline_params[] = {
    {.name = "pipeline",
     .type = PARAM_TEXT,
     .unkeyed = true,
     .help = "name of the pipeline; the file's name unless given"},
    {.name = "output",
     .type = PARAM_PATH,
     .required = true,
     .unkeyed = true,
     .help = "folder of the artefacts, the journal and the report"},
    {.name = "compute",
     .type = PARAM_TEXT,
     .value = "f32",
     .choices = "f32|bf16|tf32",
     .help = "type of the matrix products; tf32 on devices only"},
    {.name = "device",
     .type = PARAM_TEXT,
     .value = "cpu",
     .choices = "auto|cpu|cuda",
     .unkeyed = true,
     .help = "what computes: CPUs, an NVIDIA device (untried), or a device where one works"},
    {.name = "threads",
     .type = PARAM_INT,
     .low = 1,
     .high = 4096,
     .unkeyed = true,
     .help = "threads of a rank; the cores the launcher bound unless given"},
    {.name = "oversubscribe",
     .type = PARAM_BOOL,
     .value = "false",
     .unkeyed = true,
     .help =
         "lets ranks have more threads than cores, where the launcher does not say that it may"},
    {.name = "checkpoint",
     .type = PARAM_DURATION,
     .value = "60s",
     .low = 0.001,
     .high = 604800,
     .unkeyed = true,
     .help = "earliest time between two checkpoints"},
    {.name = "watchdog",
     .type = PARAM_DURATION,
     .value = "300s",
     .low = 0.1,
     .high = 604800,
     .unkeyed = true,
     .help = "time in which no rank moves on, after which each says what it does"},
    {.name = "layers_over",
     .type = PARAM_INT,
     .value = "1",
     .low = 1,
     .high = 65536,
     .choices = "auto",
     .unkeyed = true,
     .help =
         "ranks that hold the layers of one model between them and pass samples on (their number "
         "must be a multiple); auto: as few as the nodes' memory allows"},
    {.name = "on_error",
     .type = PARAM_TEXT,
     .value = "continue",
     .choices = "continue|stop",
     .unkeyed = true,
     .help = "what happens to the other tasks when one fails"},
    {.name = "strict",
     .type = PARAM_BOOL,
     .value = "false",
     .unkeyed = true,
     .help = "refuse nodes of different CPU types"},
    {.name = "memory",
     .type = PARAM_SIZE,
     .value = "80%",
     .low = 1,
     .high = 0x1p60,
     .unkeyed = true,
     .help = "memory of a node that may be used"},
    {.name = NULL},
};

const param_def step_params[] = {
    {.name = "stage", .type = PARAM_TEXT, .required = true, .help = "what the step does"},
    {.name = "from",
     .type = PARAM_FROM,
     .help = "upstream steps: a step, or \"step[axis=value]\" to select; or a list of them"},
    {.name = NULL},
};

// Steps and resources become folders and keys; OUTPUT/report is the report's.
static status check_name(const char *what, const node_pair *pair)
{
    if (!reference_is_name(pair->key))
        return location_fail(ERR_USAGE, pair->key_at,
                             "`%s` is no name for a %s; use letters, digits, `_`, `-` and `.`",
                             pair->key, what);
    if (strcmp(what, "step") == 0 && strcmp(pair->key, "report") == 0)
        return location_fail(ERR_USAGE, pair->key_at,
                             "OUTPUT/report is where the report goes; give the step another name");
    return OK;
}

static status need_map(const node *n, const char *what)
{
    return n->kind == NODE_MAP
               ? OK
               : location_fail(ERR_USAGE, n->at, "%s is %s; write a mapping of `key: value`", what,
                               node_kind_name(n));
}

static status unknown_top_key(const registry *r, const node_pair *pair)
{
    const char *candidates[64] = {"steps"};
    size_t n = 1;
    for (const param_def *d = pipeline_params; d->name; d++)
        candidates[n++] = d->name;
    for (const resource_def *const *d = r->resources; *d && n < 64; d++)
        candidates[n++] = (*d)->section;
    return params_unknown(pair->key_at, "the pipeline", pair->key, candidates, n);
}

static status read_resources(pipeline_file *f, const param_context *c, const resource_def *def,
                             const node *section)
{
    status st = need_map(section, def->section);
    for (size_t i = 0; st == OK && i < section->n; i++) {
        const node_pair *pair = &section->pair[i];
        const char *what = arena_format(&f->memory, "%s.%s", def->section, pair->key);
        const char *key = arena_format(&f->memory, "%s/%s", def->section, pair->key);
        if (!what || !key || !names_put(&f->resource_index, key, f->n_resources))
            return status_no_memory("the pipeline");
        params *p = NULL;
        TRY(check_name(def->parameter, pair));
        TRY(params_read(c, def->params, pair->value, pair->key_at, what, &p));
        f->resources[f->n_resources++] =
            (resource_entry){.name = pair->key, .at = pair->key_at, .def = def, .params = p};
        if (def->check)
            TRY(def->check(p));
    }
done:
    return st;
}

// What a step lacks may stand under a name much like it, which is none that the step takes.
static status misspelt(const step *s, const char *key)
{
    char what[128];
    size_t found;
    snprintf(what, sizeof what, "step `%s`", s->name);
    for (size_t i = 0; i < s->node->n; i++) {
        const node_pair *pair = &s->node->pair[i];
        const bool taken = param_table_find(step_params, pair->key, &found) ||
                           (s->stage && param_table_find(s->stage->params, pair->key, &found));
        if (!taken && text_nearest(pair->key, &key, 1))
            return params_unknown(pair->key_at, what, pair->key, &key, 1);
    }
    return OK;
}

static status find_stage(const registry *r, const step *s, const node *n, const stage_def **out)
{
    const char *known[256];
    size_t count = 0;
    if (!n && misspelt(s, "stage") != OK)
        return ERR_USAGE;
    if (!n || n->kind != NODE_SCALAR)
        return location_fail(ERR_USAGE, n ? n->at : s->at,
                             "step `%s` has no stage; add `stage:` and a name", s->name);
    if ((*out = registry_stage(r, n->text)))
        return OK;
    for (const stage_def *const *d = r->stages; *d && count < sizeof known / sizeof *known; d++)
        known[count++] = (*d)->name;
    const char *nearest = text_nearest(n->text, known, count);
    if (nearest)
        return location_fail(ERR_USAGE, n->at, "unknown stage `%s`; did you mean `%s`?", n->text,
                             nearest);
    return location_fail(ERR_USAGE, n->at, "unknown stage `%s`; `sulcus describe` lists them",
                         n->text);
}

static status read_steps(pipeline_file *f, const node *steps)
{
    status st = OK;
    TRY(need_map(steps, "steps"));
    f->steps = arena_alloc(&f->memory, steps->n, sizeof *f->steps);
    if (!f->steps)
        return status_no_memory("the pipeline");
    for (size_t i = 0; i < steps->n; i++) {
        const node_pair *pair = &steps->pair[i];
        step *s = &f->steps[i];
        *s = (step){.name = pair->key, .at = pair->key_at, .node = pair->value};
        TRY(check_name("step", pair));
        TRY(need_map(s->node, s->name));
        TRY(find_stage(f->registry, s, node_get(s->node, "stage"), &s->stage));
        if (!names_put(&f->step_index, s->name, i))
            return status_no_memory("the pipeline");
        f->n_steps++;
    }
done:
    return st;
}

status pipeline_file_find_step(const pipeline_file *f, const char *name, location at, size_t *out)
{
    if (names_get(&f->step_index, name, out))
        return OK;
    const char **known = checked_calloc(f->n_steps, sizeof *known);
    if (!known)
        return status_no_memory("a message");
    for (size_t i = 0; i < f->n_steps; i++)
        known[i] = f->steps[i].name;
    const char *nearest = text_nearest(name, known, f->n_steps);
    free(known);
    if (nearest)
        return location_fail(ERR_USAGE, at, "there is no step `%s`; did you mean `%s`?", name,
                             nearest);
    return location_fail(ERR_USAGE, at, "there is no step `%s`; name one of the file", name);
}

// Is `word` one of "collect|score"?
static bool is_listed(const char *choices, const char *word)
{
    size_t n = strlen(word);
    for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
        if (strncmp(c, word, n) == 0 && (c[n] == '|' || c[n] == 0))
            return true;
    return false;
}

static status read_input(pipeline_file *f, const step *s, const char *typed, location at,
                         step_input *out)
{
    reference r;
    status st = reference_parse(&f->memory, typed, at, &r);
    if (st != OK)
        return st;
    *out = (step_input){.at = at, .n_selected = r.n, .axis = r.axis, .value = r.value};
    st = pipeline_file_find_step(f, r.step, at, &out->step);
    if (st != OK)
        return st;
    const char *stage = f->steps[out->step].stage->name;
    if (&f->steps[out->step] == s)
        return location_fail(ERR_USAGE, at, "step `%s` is from itself; name another step", s->name);
    if (!is_listed(s->stage->inputs, stage))
        return location_fail(ERR_USAGE, at, "stage `%s` is not from `%s` (step `%s`); it takes %s",
                             s->stage->name, stage, r.step, s->stage->inputs);
    return OK;
}

// The `from` of a step, when all steps are known.
static status read_inputs(pipeline_file *f, const param_context *c, step *s)
{
    const node *from = node_get(s->node, "from");
    param_value v;
    if (!from && s->stage->inputs_required && misspelt(s, "from") != OK)
        return ERR_USAGE;
    if (!from)
        return s->stage->inputs_required
                   ? location_fail(ERR_USAGE, s->at,
                                   "step `%s` has no `from`; name steps of stage %s", s->name,
                                   s->stage->inputs)
                   : OK;
    if (!s->stage->inputs)
        return location_fail(ERR_USAGE, from->at, "stage `%s` takes no `from`; remove it",
                             s->stage->name);
    status st = param_value_read(c, &step_params[1], from, &v);
    if (st != OK)
        return st;
    s->inputs = arena_alloc(&f->memory, v.n, sizeof *s->inputs);
    if (!s->inputs)
        return status_no_memory("the pipeline");
    for (size_t i = 0; st == OK && i < v.n; i++)
        st =
            read_input(f, s, v.item[i].text, from->kind == NODE_LIST ? from->item[i]->at : from->at,
                       &s->inputs[s->n_inputs++]);
    return st;
}

static status read_sections(pipeline_file *f, const param_context *c, const node *root)
{
    status st;
    size_t entries = 0, found;
    params *globals;
    const resource_def *def;
    TRY(params_new(c, pipeline_params, root->at, "the pipeline", &globals));
    for (size_t i = 0; i < root->n; i++)
        if (registry_section(f->registry, root->pair[i].key))
            entries += root->pair[i].value->n;
    f->resources = arena_alloc(&f->memory, entries, sizeof *f->resources);
    if (!f->resources)
        return status_no_memory("the pipeline");
    for (size_t i = 0; i < root->n; i++) {
        const node_pair *pair = &root->pair[i];
        if (strcmp(pair->key, "steps") == 0)
            TRY(read_steps(f, pair->value));
        else if ((def = registry_section(f->registry, pair->key)))
            TRY(read_resources(f, c, def, pair->value));
        else if (param_table_find(pipeline_params, pair->key, &found))
            TRY(params_set(c, globals, found, pair->value));
        else
            return unknown_top_key(f->registry, pair);
    }
    TRY(params_require(globals));
    if (f->n_steps == 0)
        return location_fail(ERR_USAGE, root->at,
                             "the pipeline has no steps; add some below `steps:`");
    for (size_t i = 0; i < f->n_steps; i++)
        TRY(read_inputs(f, c, &f->steps[i]));
    f->globals = globals;
    f->output = params_text(globals, "output");
    if (params_has(globals, "pipeline"))
        f->name = params_text(globals, "pipeline");
done:
    return st;
}

// The folder of the file, the current one, and the name without folder and ending.
static status find_folders(pipeline_file *f, param_context *c)
{
    char *folder = file_folder(f->path), *absolute = folder ? realpath(folder, NULL) : NULL;
    char *here = getcwd(NULL, 0);
    const char *slash = strrchr(f->path, '/'), *name = slash ? slash + 1 : f->path;
    size_t length = strrchr(name, '.') > name ? (size_t)(strrchr(name, '.') - name) : strlen(name);
    status st = OK;
    if (!folder) {
        st = status_no_memory("a path");
    } else if (!absolute || !here) {
        st = status_fail_errno(ERR_USAGE, f->path, "cannot find its folder");
    } else {
        c->folder = f->folder = arena_text(&f->memory, absolute, strlen(absolute));
        c->here = arena_text(&f->memory, here, strlen(here));
        f->name = arena_text(&f->memory, name, length);
        if (!c->folder || !c->here || !f->name)
            st = status_no_memory("the pipeline");
    }
    free(folder);
    free(absolute);
    free(here);
    return st;
}

// Keeps copies of what the file was made from.
static status keep_source(pipeline_file *f, const char *path, const char *bytes, size_t n,
                          const char *const *overrides, size_t n_overrides)
{
    const char **copies = arena_alloc(&f->memory, n_overrides, sizeof *copies);
    f->path = arena_text(&f->memory, path, strlen(path));
    f->text = arena_text(&f->memory, bytes, n);
    f->text_size = n;
    f->overrides = copies;
    f->n_overrides = n_overrides;
    bool kept = copies && f->path && f->text;
    for (size_t i = 0; kept && i < n_overrides; i++)
        kept = (copies[i] = arena_text(&f->memory, overrides[i], strlen(overrides[i])));
    return kept ? OK : status_no_memory("the pipeline");
}

status pipeline_file_parse(const char *path, const char *bytes, size_t n,
                           const char *const *overrides, size_t n_overrides, const registry *r,
                           pipeline_file **out)
{
    status st;
    const node *root = NULL;
    pipeline_file *f = calloc(1, sizeof *f);
    if (!f)
        return status_no_memory("the pipeline");
    f->registry = r;
    param_context c = {.memory = &f->memory};
    TRY(keep_source(f, path, bytes, n, overrides, n_overrides));
    TRY(find_folders(f, &c));
    TRY(tree_parse(&f->memory, path, true, bytes, n, &root));
    TRY(need_map(root, "the pipeline"));
    for (size_t i = 0; i < n_overrides; i++)
        TRY(override_apply(&f->memory, &root, overrides[i]));
    f->here = c.here;
    f->root = root;
    TRY(families_expand(&f->memory, r, &root));
    TRY(read_sections(f, &c, root));
    *out = f;
    f = NULL;
done:
    pipeline_file_free(f);
    return st;
}

status pipeline_file_open(const char *path, const char *const *overrides, size_t n_overrides,
                          const registry *r, pipeline_file **out)
{
    char *bytes = NULL;
    size_t n = 0;
    status st = file_read(path, TREE_BYTES, &bytes, &n);
    if (st == ERR_INPUT) // the pipeline file is part of the command
        return status_carry(ERR_USAGE, status_text());
    if (st == OK)
        st = pipeline_file_parse(path, bytes, n, overrides, n_overrides, r, out);
    free(bytes);
    return st;
}

void pipeline_file_free(pipeline_file *f)
{
    if (!f)
        return;
    names_free(&f->step_index);
    names_free(&f->resource_index);
    arena_free(&f->memory);
    free(f);
}

resource_entry *pipeline_file_resource(const pipeline_file *f, const char *section,
                                       const char *name)
{
    char *key = text_format("%s/%s", section, name);
    size_t i;
    bool found = key && names_get(&f->resource_index, key, &i);
    free(key);
    return found ? &f->resources[i] : NULL;
}

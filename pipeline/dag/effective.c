// SPDX-License-Identifier: Apache-2.0
// The text is to give the same pipeline when it is read in the file's place, with nothing on the
// command line. So scalars that were text stay text, and paths that began where somebody stood are
// told in full: which are paths is asked of the tables.
#include "pipeline/dag/effective.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/config/param_table.h"
#include "pipeline/dag/registry_find.h"

// Text that may stand without quotes anywhere.
static bool is_plain(const node *n)
{
    if (n->quoted || !*n->text || !(isalnum((unsigned char)*n->text) || strchr("_./-+", *n->text)))
        return false;
    for (const char *c = n->text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_./-+%=@", *c))
            return false;
    return true;
}

static void add_quoted(text *t, const char *s)
{
    text_add(t, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            text_addf(t, "\\%c", *s);
        else if (*s == '\n' || *s == '\t')
            text_add(t, *s == '\n' ? "\\n" : "\\t");
        else
            text_add_bytes(t, s, 1);
    }
    text_add(t, "\"");
}

static void add_scalar(const pipeline_file *f, const node *n, const param_def *def, text *t)
{
    const bool typed = n->at.line == 0 && def && def->type == PARAM_PATH && *n->text;
    char *path = typed ? file_join(f->here, n->text) : NULL;
    t->failed |= typed && !path;
    if (path)
        add_quoted(t, path);
    else if (is_plain(n) || (!*n->text && !n->quoted))
        text_add(t, n->text);
    else
        add_quoted(t, n->text);
    free(path);
}

static void add_flow(const pipeline_file *f, const node *n, const param_def *def, text *t)
{
    if (n->kind == NODE_SCALAR) {
        add_scalar(f, n, def, t);
        return;
    }
    text_add(t, n->kind == NODE_LIST ? "[" : "{");
    for (size_t i = 0; i < n->n; i++) {
        text_add(t, i ? ", " : "");
        if (n->kind == NODE_MAP) {
            add_quoted(t, n->pair[i].key);
            text_add(t, ": ");
        }
        add_flow(f, n->kind == NODE_LIST ? n->item[i] : n->pair[i].value, def, t);
    }
    text_add(t, n->kind == NODE_LIST ? "]" : "}");
}

// A key and its value, whose table is `table`.
static void add_pair(const pipeline_file *f, const node_pair *p, const param_def *table,
                     const char *indent, text *t)
{
    size_t i;
    const bool known = table && param_table_find(table, p->key, &i);
    text_addf(t, "%s%s: ", indent, p->key);
    add_flow(f, p->value, known ? &table[i] : NULL, t);
    text_add(t, "\n");
}

// The table of an entry: a step's is its stage's.
static const param_def *table_of(const pipeline_file *f, const char *section, const node *entry)
{
    const resource_def *resource = registry_section(f->registry, section);
    const node *stage = entry->kind == NODE_MAP ? node_get(entry, "stage") : NULL;
    if (resource)
        return resource->params;
    const bool named = stage && stage->kind == NODE_SCALAR;
    const stage_def *def = named ? registry_stage(f->registry, stage->text) : NULL;
    return def ? def->params : NULL;
}

// A section: entries under names, each a mapping of parameters.
static void add_section(const pipeline_file *f, const node_pair *section, text *t)
{
    text_addf(t, "%s:\n", section->key);
    for (size_t i = 0; i < section->value->n; i++) {
        const node_pair *entry = &section->value->pair[i];
        const param_def *table = table_of(f, section->key, entry->value);
        if (entry->value->kind != NODE_MAP || entry->value->n == 0) {
            add_pair(f, entry, NULL, "  ", t);
            continue;
        }
        text_addf(t, "  %s:\n", entry->key);
        for (size_t k = 0; k < entry->value->n; k++)
            add_pair(f, &entry->value->pair[k], table, "    ", t);
    }
}

status effective_write(pipeline_file *f)
{
    const node *root = f->root;
    text t = {0};
    f->effective = f->text;
    if (f->n_overrides == 0)
        return OK;
    text_addf(&t, "# %s, with", f->path);
    for (size_t i = 0; i < f->n_overrides; i++) {
        text_add(&t, " -s ");
        for (const char *c = f->overrides[i]; *c; c++) // a comment is one line
            text_add_bytes(&t, *c == '\n' ? " " : c, 1);
    }
    text_add(&t, "\n");
    for (size_t i = 0; i < root->n; i++)
        if (root->pair[i].value->kind == NODE_MAP && root->pair[i].value->n > 0)
            add_section(f, &root->pair[i], &t);
        else
            add_pair(f, &root->pair[i], pipeline_params, "", &t);
    f->effective = t.failed ? NULL : arena_text(&f->memory, text_get(&t), t.length);
    text_free(&t);
    return f->effective ? OK : status_no_memory("the pipeline");
}

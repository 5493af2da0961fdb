// SPDX-License-Identifier: Apache-2.0
// Nothing is said of a stage here: whatever is printed comes from the tables that also check the
// pipeline file, so that a parameter cannot exist without being described. The schema allows more
// than the validator (any axis of an upstream step may stand in a step), never less.
#include "pipeline/commands/describe.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/config/param_value.h"
#include "pipeline/dag/pipeline_file.h"

// --- Text

void describe_values(const param_def *p, text *out)
{
    text_add(out, param_type_name(p->type));
    const bool number = p->type == PARAM_REAL || p->type == PARAM_INT;
    if (p->choices)
        text_addf(out, "%s %s", number ? ", or" : ":", p->choices);
    if (p->low != 0 || p->high != 0)
        text_addf(out, ", %g to %g", p->low, p->high);
    if (p->required)
        text_add(out, ", required");
    else if (p->value)
        text_addf(out, ", default %s", p->value);
}

static void print_param(const param_def *p, FILE *out)
{
    text values = {0};
    describe_values(p, &values);
    fprintf(out, "  %-13s %s\n  %-13s %s\n", p->name, text_get(&values), "", p->help);
    text_free(&values);
}

static void print_params(const param_def *p, FILE *out)
{
    for (; p->name; p++)
        print_param(p, out);
}

static void print_stage(const stage_def *s, FILE *out)
{
    fprintf(out, "%s: %s\n", s->name, s->summary);
    if (s->inputs)
        fprintf(out, "  from: %s%s\n", s->inputs, s->inputs_required ? ", required" : "");
    print_params(s->params, out);
}

static void print_resource(const resource_def *r, FILE *out)
{
    fprintf(out, "%s: %s (a step names one with `%s:`)\n", r->section, r->summary, r->parameter);
    print_params(r->params, out);
}

static void print_all(const registry *r, FILE *out)
{
    fputs("A pipeline file has these keys, and the sections below.\n", out);
    print_params(pipeline_params, out);
    for (const resource_def *const *d = r->resources; *d; d++) {
        fputc('\n', out);
        print_resource(*d, out);
    }
    fputs("\nsteps: what is run; every step has `stage:`, and `from:` where the stage takes "
          "inputs.\nA list where a parameter takes one value is a sweep.\n",
          out);
    for (const stage_def *const *s = r->stages; *s; s++) {
        fputc('\n', out);
        print_stage(*s, out);
    }
}

// The names `describe` answers to. Owned by the caller (free); NULL when out of memory.
static const char **all_names(const registry *r, size_t *n)
{
    size_t count = 0;
    while (r->stages[count])
        count++;
    size_t stages = count;
    while (r->resources[count - stages])
        count++;
    const char **list = calloc(count + 1, sizeof *list);
    for (size_t i = 0; list && i < count; i++)
        list[i] = i < stages ? r->stages[i]->name : r->resources[i - stages]->section;
    *n = count;
    return list;
}

status describe_text(const registry *r, const char *name, FILE *out)
{
    size_t n;
    if (!name) {
        print_all(r, out);
        return OK;
    }
    for (const stage_def *const *s = r->stages; *s; s++)
        if (strcmp((*s)->name, name) == 0) {
            print_stage(*s, out);
            return OK;
        }
    for (const resource_def *const *d = r->resources; *d; d++)
        if (strcmp((*d)->section, name) == 0) {
            print_resource(*d, out);
            return OK;
        }
    const char **list = all_names(r, &n);
    const char *nearest = list ? text_nearest(name, list, n) : NULL;
    status st =
        nearest ? status_fail(ERR_USAGE, NULL, "unknown stage %s; did you mean %s?", name, nearest)
                : status_fail(ERR_USAGE, NULL, "unknown stage %s; sulcus describe lists all", name);
    free(list);
    return st;
}

// --- Keys

// With its `from`, or without.
static void print_keys(const char *section, const char *name, const param_def *p, bool from,
                       FILE *out)
{
    for (; p->name; p++)
        if (from || p->type != PARAM_FROM)
            fprintf(out, "%s.%s.%s\n", section, name, p->name);
}

status describe_keys(const registry *r, const char *pipeline, FILE *out)
{
    pipeline_file *f = NULL;
    status st = pipeline_file_open(pipeline, NULL, 0, r, &f);
    if (st != OK)
        return st;
    for (const param_def *p = pipeline_params; p->name; p++)
        fprintf(out, "%s\n", p->name);
    for (size_t i = 0; i < f->n_resources; i++)
        print_keys(f->resources[i].def->section, f->resources[i].name, f->resources[i].def->params,
                   false, out);
    for (size_t i = 0; i < f->n_steps; i++) {
        const step *s = &f->steps[i];
        print_keys("steps", s->name, step_params, s->stage->inputs != NULL, out);
        print_keys("steps", s->name, s->stage->params, false, out);
    }
    pipeline_file_free(f);
    return OK;
}

// --- JSON schema

// {"enum": [...]} of "a|b|c".
static json_t *schema_choices(const char *choices)
{
    json_t *list = json_array();
    for (const char *at = choices; at;) {
        const char *bar = strchr(at, '|');
        size_t n = bar ? (size_t)(bar - at) : strlen(at);
        json_array_append_new(list, json_stringn(at, n));
        at = bar ? bar + 1 : NULL;
    }
    return json_pack("{s:o}", "enum", list);
}

static json_t *schema_number(const param_def *p, const char *type)
{
    json_t *o = json_pack("{s:s}", "type", type);
    if (p->low != 0 || p->high != 0) {
        json_object_set_new(o, "minimum", json_real(p->low));
        json_object_set_new(o, "maximum", json_real(p->high));
    }
    return o;
}

// A number, or one of the words where there are any.
static json_t *schema_number_or(const param_def *p, const char *type)
{
    return p->choices ? json_pack("{s:[o, o]}", "anyOf", schema_number(p, type),
                                  schema_choices(p->choices))
                      : schema_number(p, type);
}

// One value of a parameter.
static json_t *schema_item(const param_def *p)
{
    switch (p->type) {
    case PARAM_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case PARAM_INT:
    case PARAM_INTS:
        return schema_number_or(p, "integer");
    case PARAM_REALS:
        return json_pack("{s:[o, {s:s}]}", "anyOf", schema_number(p, "number"), "type", "string");
    case PARAM_REAL:
        return schema_number_or(p, "number");
    case PARAM_DURATION:
    case PARAM_SIZE:
        return json_pack("{s:[s, s]}", "type", "number", "string");
    default:
        return p->choices ? schema_choices(p->choices) : json_pack("{s:s}", "type", "string");
    }
}

// A value, or a list of them: a list by nature, or a sweep where `sweeps`.
static json_t *schema_param(const param_def *p, bool sweeps)
{
    json_t *o = schema_item(p);
    if (param_is_list(p->type) || sweeps)
        o = json_pack("{s:[o, {s:s, s:o}]}", "anyOf", o, "type", "array", "items", schema_item(p));
    json_object_set_new(o, "description", json_string(p->help));
    return o;
}

// The properties of a table, added to `into`; names of required ones to `required`.
static void add_table(json_t *into, json_t *required, const param_def *p, bool sweeps)
{
    for (; p->name; p++) {
        json_object_set_new(into, p->name, schema_param(p, sweeps));
        if (p->required && p->type != PARAM_RESOURCE) // an upstream may give it
            json_array_append_new(required, json_string(p->name));
    }
}

static json_t *schema_mapping(json_t *properties, json_t *required)
{
    return json_pack("{s:s, s:b, s:o, s:o}", "type", "object", "additionalProperties", 0,
                     "properties", properties, "required", required);
}

static json_t *schema_section(const resource_def *r)
{
    json_t *properties = json_object(), *required = json_array();
    add_table(properties, required, r->params, false);
    return json_pack("{s:s, s:s, s:o}", "type", "object", "description", r->summary,
                     "additionalProperties", schema_mapping(properties, required));
}

static json_t *schema_step(const stage_def *s)
{
    json_t *properties = json_object(), *required = json_pack("[s]", "stage");
    add_table(properties, required, step_params, false);
    add_table(properties, required, s->params, true);
    json_object_set_new(properties, "stage",
                        json_pack("{s:s, s:s}", "const", s->name, "description", s->summary));
    if (s->inputs_required)
        json_array_append_new(required, json_string("from"));
    json_t *o = schema_mapping(properties, required);
    json_object_set_new(o, "additionalProperties", json_true()); // selections of upstream axes
    return o;
}

status describe_schema(const registry *r, FILE *out)
{
    json_t *properties = json_object(), *required = json_array(), *steps = json_array();
    add_table(properties, required, pipeline_params, false);
    for (const resource_def *const *d = r->resources; *d; d++)
        json_object_set_new(properties, (*d)->section, schema_section(*d));
    for (const stage_def *const *s = r->stages; *s; s++)
        json_array_append_new(steps, schema_step(*s));
    json_object_set_new(
        properties, "steps",
        json_pack("{s:s, s:{s:o}}", "type", "object", "additionalProperties", "anyOf", steps));
    json_array_append_new(required, json_string("steps"));
    json_t *root = schema_mapping(properties, required);
    int failed = !root ||
                 json_object_set_new(root, "$schema",
                                     json_string("http://json-schema.org/draft-07/schema#")) ||
                 json_object_set_new(root, "title", json_string("sulcus pipeline file")) ||
                 json_dumpf(root, out, JSON_INDENT(1)) != 0;
    fputc('\n', out);
    json_decref(root);
    return ferror(out) ? status_fail_errno(ERR_IO, "stdout", "cannot write")
           : failed    ? status_no_memory("the schema")
                       : OK;
}

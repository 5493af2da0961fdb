// SPDX-License-Identifier: Apache-2.0
// The schema is a tree laid out in depth-first order, each group with the number of its children.
// Lists come in three spellings: a group marked LIST around a repeated group around the element (as
// all write them today), the same with the element itself repeated, and a repeated field alone. In
// each the user's name of the column is that of the list.
#include "data/parquet/schema.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

enum { COLUMNS_MAX = 1 << 16, NAME_MAX = 1024, DEPTH_MAX = 32 };
enum { REQUIRED, OPTIONAL, REPEATED, REPETITIONS };
enum { CONVERTED_LIST = 3, CONVERTED_UINT8 = 11, CONVERTED_UINT64 = 14 };
enum { LOGICAL_LIST = 3, LOGICAL_INTEGER = 10 };

typedef struct element {
    const char *name; // borrowed from the footer
    size_t name_n;
    int type, repetition, children; // type -1: a group
    bool is_list, is_unsigned;
} element;

// What stands around an element.
typedef enum parent { PARENT_PLAIN, PARENT_LIST, PARENT_WRAPPER } parent;

typedef struct place {
    parent parent;
    size_t name; // bytes of the dotted path so far
    uint8_t definition, repetition, element;
} place;

typedef struct walk {
    const element *at;
    size_t n, next;
    const char *path;
    char name[NAME_MAX + 1];
    thrift *thrift; // broken by a tree that is none
    schema *out;
} walk;

static void read_integer_type(thrift *t, const thrift_field *type, element *e)
{
    for (thrift_field f = {0}; thrift_struct(t, type) && thrift_next(t, &f);)
        if (f.id == 2)
            e->is_unsigned = !thrift_boolean(t, &f);
        else
            thrift_skip(t, &f);
}

static void read_logical_type(thrift *t, const thrift_field *type, element *e)
{
    for (thrift_field f = {0}; thrift_struct(t, type) && thrift_next(t, &f);) {
        e->is_list |= f.id == LOGICAL_LIST;
        if (f.id == LOGICAL_INTEGER)
            read_integer_type(t, &f, e);
        else
            thrift_skip(t, &f);
    }
}

static void read_element(thrift *t, const thrift_field *from, element *e)
{
    int converted = -1;
    *e = (element){.name = "", .type = -1};
    for (thrift_field f = {0}; thrift_struct(t, from) && thrift_next(t, &f);)
        switch (f.id) {
        case 1:
            e->type = (int)thrift_count(t, &f, SCHEMA_TYPES - 1);
            break;
        case 3:
            e->repetition = (int)thrift_count(t, &f, REPETITIONS - 1);
            break;
        case 4:
            e->name = thrift_string(t, &f, &e->name_n);
            break;
        case 5:
            e->children = (int)thrift_count(t, &f, INT32_MAX);
            break;
        case 6:
            converted = (int)thrift_count(t, &f, INT32_MAX);
            break;
        case 10:
            read_logical_type(t, &f, e);
            break;
        default:
            thrift_skip(t, &f);
        }
    e->is_list |= converted == CONVERTED_LIST;
    e->is_unsigned |= converted >= CONVERTED_UINT8 && converted <= CONVERTED_UINT64;
}

static status add_column(walk *w, const element *e, const place *p)
{
    schema *s = w->out;
    if (s->n == COLUMNS_MAX)
        return status_fail(ERR_INPUT, w->path, "has more than %d columns", COLUMNS_MAX);
    if (!checked_grow(&s->at, &s->capacity, s->n + 1, sizeof *s->at))
        return status_no_memory("a list of columns");
    char *name = strndup(w->name, p->name);
    if (!name)
        return status_no_memory("a list of columns");
    s->at[s->n++] = (schema_column){name,          (schema_type)e->type, e->is_unsigned,
                                    p->definition, p->repetition,        p->element};
    return OK;
}

static status add_name(walk *w, const element *e, place *p)
{
    size_t dot = p->name > 0;
    if (e->name_n > NAME_MAX - dot || p->name > NAME_MAX - dot - e->name_n)
        return status_fail(ERR_INPUT, w->path, "has a column whose name is longer than %d bytes",
                           NAME_MAX);
    if (dot)
        w->name[p->name++] = '.';
    memcpy(w->name + p->name, e->name, e->name_n);
    p->name += e->name_n;
    return OK;
}

// Whether a repeated group inside a list is itself the element, by the rules for old writers.
static bool is_old_element(const element *e)
{
    static const char tuple[] = "_tuple";
    size_t n = sizeof tuple - 1;
    return e->children != 1 || (e->name_n == 5 && memcmp(e->name, "array", 5) == 0) ||
           (e->name_n >= n && memcmp(e->name + e->name_n - n, tuple, n) == 0);
}

static status walk_element(walk *w, place p, int depth)
{
    status st = OK;
    if (w->next == w->n) {
        w->thrift->bad = true;
        return OK;
    }
    const element *e = &w->at[w->next++];
    if (depth == DEPTH_MAX)
        return status_fail(ERR_INPUT, w->path, "nests more than %d columns in each other",
                           DEPTH_MAX);
    p.definition += e->repetition != REQUIRED;
    if (e->repetition == REPEATED) {
        p.repetition++;
        p.element = p.definition;
    }
    if (p.parent == PARENT_PLAIN)
        TRY(add_name(w, e, &p));
    if (e->type >= 0 && e->children == 0)
        return add_column(w, e, &p);
    if (e->is_list && e->children == 1)
        p.parent = PARENT_LIST;
    else if (p.parent == PARENT_LIST && e->repetition == REPEATED && !is_old_element(e))
        p.parent = PARENT_WRAPPER;
    else
        p.parent = PARENT_PLAIN;
    for (int i = 0; i < e->children && !w->thrift->bad; i++)
        TRY(walk_element(w, p, depth + 1));
done:
    return st;
}

status schema_read(thrift *t, const thrift_field *f, const char *path, schema *out)
{
    status st = OK;
    thrift_field field;
    size_t n = thrift_list(t, f, &field);
    element *at = checked_calloc(n, sizeof *at);
    if (!at)
        return status_no_memory("a schema");
    for (size_t i = 0; i < n && !t->bad; i++)
        read_element(t, &field, &at[i]);
    walk w = {.at = at, .n = n, .next = 1, .path = path, .thrift = t, .out = out};
    for (int i = 0; n > 0 && i < at[0].children && !t->bad; i++)
        TRY(walk_element(&w, (place){0}, 0));
    t->bad |= w.next != n; // some belong to nobody
done:
    free(at);
    return st;
}

void schema_free(schema *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->at[i].name);
    free(s->at);
    *s = (schema){0};
}

// SPDX-License-Identifier: Apache-2.0
// libyaml gives events; the tree is built here so that it knows its places and stays small: aliases
// share nodes and are counted as if written out, which is what stops an alias bomb.
#include "pipeline/config/yaml_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/names.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

typedef struct builder {
    yaml_parser_t parser;
    arena *memory;
    const char *origin;
    bool numbered;
    const char *text; // without a byte order mark
    size_t length, nodes;
    int depth;
    names anchors; // name -> index in anchored
    const node **anchored;
    size_t n_anchored, anchored_capacity;
} builder;

static location place_at(const builder *b, size_t line, size_t column)
{
    return b->numbered ? (location){b->origin, (int)line + 1, (int)column + 1}
                       : (location){b->origin, 0, 0};
}

static location mark_place(const builder *b, yaml_mark_t mark)
{
    return place_at(b, mark.line, mark.column);
}

static status syntax_error(const builder *b)
{
    const yaml_parser_t *p = &b->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return status_no_memory("the YAML parser");
    location at = mark_place(b, p->problem_mark);
    if (*location_find(b->text, b->length, p->problem_mark.line, p->problem_mark.column) == '\t')
        return location_fail(ERR_USAGE, at, "a tab in the indentation; indent with spaces");
    return location_fail(ERR_USAGE, at,
                         "not valid YAML: %s%s%s; check indentation, brackets and quotes here",
                         p->problem ? p->problem : "unreadable", p->context ? " " : "",
                         p->context ? p->context : "");
}

static status next_event(builder *b, yaml_event_t *event)
{
    return yaml_parser_parse(&b->parser, event) ? OK : syntax_error(b);
}

static status too_large(location at)
{
    return location_fail(
        ERR_USAGE, at, "more than %d nodes once aliases are written out; use fewer or smaller ones",
        TREE_NODES);
}

static status new_node(builder *b, node_kind kind, yaml_mark_t mark, node **out)
{
    if (++b->nodes > TREE_NODES)
        return too_large(mark_place(b, mark));
    *out = arena_alloc(b->memory, 1, sizeof **out);
    if (!*out)
        return status_no_memory("a YAML node");
    **out = (node){.kind = kind, .at = mark_place(b, mark), .size = 1};
    return OK;
}

static status remember_anchor(builder *b, const yaml_char_t *anchor, const node *n)
{
    if (!anchor)
        return OK;
    const char *name = arena_text(b->memory, (const char *)anchor, strlen((const char *)anchor));
    if (!name || !checked_grow(&b->anchored, &b->anchored_capacity, b->n_anchored + 1, sizeof n) ||
        !names_put(&b->anchors, name, b->n_anchored))
        return status_no_memory("a YAML anchor");
    b->anchored[b->n_anchored++] = n;
    return OK;
}

static status build_node(builder *b, const yaml_event_t *first, const node **out);

// Reads the next event and, unless it is `end`, the node it begins; *out is NULL at the end.
static status build_next(builder *b, yaml_event_type_t end, const node **out)
{
    yaml_event_t event;
    status st = next_event(b, &event);
    if (st != OK)
        return st;
    *out = NULL;
    if (event.type != end)
        st = build_node(b, &event, out);
    yaml_event_delete(&event);
    return st;
}

static status add_size(node *parent, const node *child)
{
    parent->size += child->size; // no overflow: both are bounded
    return parent->size > TREE_NODES ? too_large(parent->at) : OK;
}

static status build_list(builder *b, const yaml_event_t *first, node *list)
{
    status st;
    const node *item = NULL, **items = NULL;
    size_t capacity = 0;
    for (;;) {
        TRY(build_next(b, YAML_SEQUENCE_END_EVENT, &item));
        if (!item)
            break;
        TRY(add_size(list, item));
        if (!checked_grow(&items, &capacity, list->n + 1, sizeof *items)) {
            st = status_no_memory("a YAML list");
            goto done;
        }
        items[list->n++] = item;
    }
    list->item = arena_alloc(b->memory, list->n, sizeof *items);
    if (!list->item) {
        st = status_no_memory("a YAML list");
        goto done;
    }
    if (list->n > 0)
        memcpy(list->item, items, list->n * sizeof *items);
    TRY(remember_anchor(b, first->data.sequence_start.anchor, list));
done:
    free(items);
    return st;
}

// The pairs of a mapping while it is read: key NULL is a plain `<<`.
typedef struct pairs {
    node_pair *at; // owned
    size_t n, capacity;
    names keys; // of all but `<<`
} pairs;

static status add_pair(pairs *p, node *map, const node_pair *pair)
{
    if ((pair->key && !names_put(&p->keys, pair->key, p->n)) ||
        !checked_grow(&p->at, &p->capacity, p->n + 1, sizeof *p->at))
        return status_no_memory("a YAML mapping");
    p->at[p->n++] = *pair;
    return pair->key ? add_size(map, pair->value) : OK;
}

static status read_pairs(builder *b, node *map, pairs *out)
{
    const node *key;
    location merged = {0};
    size_t before;
    for (;;) {
        status st = build_next(b, YAML_MAPPING_END_EVENT, &key);
        if (st != OK || !key)
            return st;
        if (key->kind != NODE_SCALAR)
            return location_fail(ERR_USAGE, key->at, "a key is %s; write a plain word",
                                 node_kind_name(key));
        bool merges = !key->quoted && strcmp(key->text, "<<") == 0;
        if (merges ? merged.origin != NULL : names_get(&out->keys, key->text, &before))
            return location_fail(ERR_USAGE, key->at,
                                 "duplicate key `%s`, first in line %d; keep one of them",
                                 key->text, merges ? merged.line : out->at[before].key_at.line);
        if (merges)
            merged = key->at;
        node_pair pair = {.key = merges ? NULL : key->text, .key_at = key->at};
        st = build_next(b, YAML_NO_EVENT, &pair.value);
        if (st == OK)
            st = add_pair(out, map, &pair);
        if (st != OK)
            return st;
    }
}

// Adds the pairs of the mapping, or list of mappings, behind a `<<`; what is written out or merged
// before counts.
static status merge_pairs(node *map, const names *written, const node *value, pairs *out)
{
    bool list = value->kind == NODE_LIST;
    size_t known;
    for (size_t i = 0; i < (list ? value->n : 1); i++) {
        const node *from = list ? value->item[i] : value;
        if (from->kind != NODE_MAP)
            return location_fail(ERR_USAGE, from->at,
                                 "`<<` merges %s; give an alias of a mapping, or a list of them",
                                 node_kind_name(from));
        for (size_t k = 0; k < from->n; k++) {
            const char *key = from->pair[k].key;
            if (names_get(written, key, &known) || names_get(&out->keys, key, &known))
                continue;
            status st = add_pair(out, map, &from->pair[k]);
            if (st != OK)
                return st;
        }
    }
    return OK;
}

static status build_map(builder *b, const yaml_event_t *first, node *map)
{
    status st;
    pairs written = {0}, all = {0};
    TRY(read_pairs(b, map, &written));
    map->size = 1;
    for (size_t i = 0; i < written.n; i++)
        TRY(written.at[i].key ? add_pair(&all, map, &written.at[i])
                              : merge_pairs(map, &written.keys, written.at[i].value, &all));
    map->n = all.n;
    map->pair = arena_alloc(b->memory, all.n, sizeof *all.at);
    if (!map->pair) {
        st = status_no_memory("a YAML mapping");
        goto done;
    }
    if (all.n > 0)
        memcpy(map->pair, all.at, all.n * sizeof *all.at);
    TRY(remember_anchor(b, first->data.mapping_start.anchor, map));
done:
    names_free(&written.keys);
    names_free(&all.keys);
    free(written.at);
    free(all.at);
    return st;
}

static status build_scalar(builder *b, const yaml_event_t *event, node *scalar)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    scalar->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    scalar->text = arena_text(b->memory, value, length);
    if (!scalar->text)
        return status_no_memory("a YAML value");
    if (memchr(value, 0, length)) // written as "\0"
        return location_fail(ERR_USAGE, scalar->at, "a NUL character in text; remove it");
    return remember_anchor(b, event->data.scalar.anchor, scalar);
}

static status build_alias(builder *b, const yaml_event_t *event, const node **out)
{
    const char *name = (const char *)event->data.alias.anchor;
    size_t i;
    if (!names_get(&b->anchors, name, &i))
        return location_fail(ERR_USAGE, mark_place(b, event->start_mark),
                             "no anchor `&%s` ends above; define it first", name);
    *out = b->anchored[i];
    return OK;
}

static const yaml_char_t *event_tag(const yaml_event_t *event)
{
    return event->type == YAML_SCALAR_EVENT           ? event->data.scalar.tag
           : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.tag
           : event->type == YAML_MAPPING_START_EVENT  ? event->data.mapping_start.tag
                                                      : NULL;
}

static status build_node(builder *b, const yaml_event_t *first, const node **out)
{
    status st;
    node *made = NULL;
    location at = mark_place(b, first->start_mark);
    if (event_tag(first))
        return location_fail(ERR_USAGE, at, "tag `%s`; tags are not used here, remove it",
                             event_tag(first));
    if (first->type == YAML_ALIAS_EVENT)
        return build_alias(b, first, out);
    if (++b->depth > TREE_DEPTH)
        return location_fail(ERR_USAGE, at, "nested deeper than %d; flatten it", TREE_DEPTH);
    node_kind kind = first->type == YAML_SCALAR_EVENT           ? NODE_SCALAR
                     : first->type == YAML_SEQUENCE_START_EVENT ? NODE_LIST
                                                                : NODE_MAP;
    st = new_node(b, kind, first->start_mark, &made);
    if (st == OK)
        st = kind == NODE_SCALAR ? build_scalar(b, first, made)
             : kind == NODE_LIST ? build_list(b, first, made)
                                 : build_map(b, first, made);
    b->depth--;
    *out = made;
    return st;
}

// Skips an event; *type says which it was and *at where.
static status skip_event(builder *b, yaml_event_type_t *type, location *at)
{
    yaml_event_t event;
    status st = next_event(b, &event);
    if (st != OK)
        return st;
    *type = event.type;
    *at = mark_place(b, event.start_mark);
    yaml_event_delete(&event);
    return OK;
}

// The one document of the stream.
static status build_document(builder *b, const node **out)
{
    status st;
    yaml_event_type_t type;
    location at;
    TRY(skip_event(b, &type, &at)); // the stream's start
    TRY(skip_event(b, &type, &at));
    if (type == YAML_STREAM_END_EVENT)
        return location_fail(ERR_USAGE, at, "nothing is written here; give a value");
    TRY(build_next(b, YAML_NO_EVENT, out));
    TRY(skip_event(b, &type, &at)); // the document's end
    TRY(skip_event(b, &type, &at));
    if (type != YAML_STREAM_END_EVENT)
        st = location_fail(ERR_USAGE, at, "a second document; keep one in a file");
done:
    return st;
}

status tree_parse(arena *memory, const char *origin, bool numbered, const char *bytes, size_t n,
                  const node **out)
{
    status st;
    size_t mark = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    builder b = {.memory = memory, .numbered = numbered, .text = bytes + mark, .length = n - mark};
    bool made = yaml_parser_initialize(&b.parser);
    b.origin = arena_text(memory, origin, strlen(origin));
    if (!made || !b.origin) {
        st = status_no_memory("the YAML parser");
        goto done;
    }
    if (n > TREE_BYTES) {
        st = location_fail(ERR_USAGE, place_at(&b, 0, 0), "%zu bytes; a pipeline has at most %d", n,
                           TREE_BYTES);
        goto done;
    }
    TRY(location_check_text(place_at(&b, 0, 0), b.text, b.length));
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)b.text, b.length);
    TRY(build_document(&b, out));
done:
    if (made)
        yaml_parser_delete(&b.parser);
    names_free(&b.anchors);
    free(b.anchored);
    return st;
}

const node *node_get(const node *map, const char *key)
{
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->pair[i].key, key) == 0)
            return map->pair[i].value;
    return NULL;
}

const char *node_kind_name(const node *n)
{
    return n->kind == NODE_SCALAR ? "a value" : n->kind == NODE_LIST ? "a list" : "a mapping";
}

static void add_yaml_version(text *found)
{
    text_add(found, yaml_get_version_string());
}

const version_def library_yaml = {"libyaml", add_yaml_version};

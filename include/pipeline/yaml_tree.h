// SPDX-License-Identifier: Apache-2.0
// YAML text as a tree of nodes that know their place. The only module that knows libyaml.
//
// Scalars are text; what type they are is decided by the table they are checked against
// (param_value.h), so `no`, `on` and `010` are never coerced. Anchors, aliases and merge keys
// (`<<`) are resolved here: an alias shares its anchor's node. Refused with file:line:column: text
// that is not UTF-8 or holds control characters, more than one document, tags, keys that are not
// scalars, duplicate keys, nesting deeper than TREE_DEPTH, more than TREE_NODES nodes after aliases
// are written out.
#ifndef PIPELINE_YAML_TREE_H
#define PIPELINE_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/status.h"

enum { TREE_BYTES = 1 << 20, TREE_DEPTH = 64, TREE_NODES = 1 << 18 };

// Where a node was written: FILE:LINE:COLUMN (from 1; a column is a character), or an override,
// whose line is 0 and whose origin is "-s key.path=value".
typedef struct place {
    const char *origin; // borrowed from the tree
    int line, column;
} place;

// Records an error at a place. Returns code.
status place_fail(status code, place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// "FILE:LINE:COLUMN" or "-s key.path=value", for status_fail's `where`. Owned by the caller; NULL
// when out of memory.
char *place_text(place at);

typedef enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP } node_kind;

typedef struct node node;

typedef struct node_pair {
    const char *key;
    place key_at;
    const node *value;
} node_pair;

struct node {
    node_kind kind;
    place at;
    const char *text; // of a scalar; "" when nothing was written
    bool quoted; // of a scalar: written in quotes or as a block, so it is text and nothing else
    size_t n;    // items or pairs
    const node **item;
    node_pair *pair; // in file order; merged keys stand where their `<<` stood
    size_t size;     // nodes in it, aliases written out
};

typedef struct tree {
    arena memory;     // owns the nodes and all their text
    const node *root; // borrowed from memory
} tree;

// Parses `n` bytes of `text`, named `origin` in messages. ERR_USAGE with the place. Local. *out is
// {0} on failure.
status tree_parse(const char *origin, const char *text, size_t n, tree *out);
void tree_free(tree *t);

// The value of a key, or NULL. Borrowed.
const node *node_get(const node *map, const char *key);
// "a list", "a mapping", "text", for messages.
const char *node_kind_name(const node *n);

// Applies an override "key.path=value": the value is YAML; each part of the path but the last must
// exist (a key that holds dots is found too); the last is replaced or added. Shared (aliased)
// mappings are copied, so only the named one changes. ERR_USAGE naming the override, with the
// nearest right word.
status tree_override(tree *t, const char *assignment);

#endif

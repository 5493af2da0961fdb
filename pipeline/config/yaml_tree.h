// SPDX-License-Identifier: Apache-2.0
// YAML text as a tree of nodes that know their place. The only module that knows libyaml.
//
// Scalars are text; what type they are is decided by the table they are checked against
// (param_value.h), so `no`, `on` and `010` are never coerced. Anchors, aliases and merge keys
// (`<<`) are resolved here: an alias shares its anchor's node. Refused with file:line:column: text
// that is not UTF-8 or holds control characters, more than one document, tags, keys that are not
// scalars, duplicate keys, nesting deeper than TREE_DEPTH, more than TREE_NODES nodes after aliases
// are written out.
#ifndef PIPELINE_CONFIG_YAML_TREE_H
#define PIPELINE_CONFIG_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/status.h"
#include "pipeline/config/location.h"

enum { TREE_BYTES = 1 << 20, TREE_DEPTH = 64, TREE_NODES = 1 << 18 };

typedef enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP } node_kind;

typedef struct node node;

typedef struct node_pair {
    const char *key;
    location key_at;
    const node *value;
} node_pair;

struct node {
    node_kind kind;
    location at;
    const char *text; // of a scalar; "" when nothing was written
    bool quoted; // of a scalar: written in quotes or as a block, so it is text and nothing else
    size_t n;    // items or pairs
    const node **item;
    node_pair *pair; // in file order; merged keys stand where their `<<` stood
    size_t size;     // nodes in it, aliases written out
};

// Parses n bytes into *out; nodes and all their text are owned by `memory`. `origin` names the text
// in messages, with line and column where `numbered`. ERR_USAGE with the place. Local.
status tree_parse(arena *memory, const char *origin, bool numbered, const char *bytes, size_t n,
                  const node **out);

// The value of a key, or NULL. Borrowed.
const node *node_get(const node *map, const char *key);
// "a list", "a mapping" or "a value", for messages.
const char *node_kind_name(const node *n);

#endif

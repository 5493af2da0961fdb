// SPDX-License-Identifier: Apache-2.0
// The numbers are written in twelve digits, so that 0.07 is the decimal a person would type, and a
// range has the same key as the list it stands for.
#include "pipeline/config/param_range.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct range {
    double first, step;
    size_t n;
} range;

static bool is_range(const node *n)
{
    return n->kind == NODE_SCALAR && strchr(n->text, ':');
}

static status parse_range(const char *name, const node *n, range *out)
{
    double part[3];
    const char *s = n->text;
    for (int i = 0; i < 3; i++) {
        char *end;
        // strtod alone would take spaces, hexadecimal and infinities.
        part[i] = isdigit((unsigned char)*s) || strchr("+-.", *s) ? strtod(s, &end) : NAN;
        if (!isfinite(part[i]) || *end != (i < 2 ? ':' : 0) ||
            strspn(s, "+-.0123456789eE") != (size_t)(end - s))
            return location_fail(ERR_USAGE, n->at,
                                 "`%s` has the range `%s`; write FIRST:LAST:STEP, such as "
                                 "0.01:0.99:0.01",
                                 name, n->text);
        s = end + 1;
    }
    double steps = floor((part[1] - part[0]) / part[2] + 1e-9);
    if (!(part[2] > 0) || !(steps >= 0) || steps >= RANGE_NUMBERS)
        return location_fail(ERR_USAGE, n->at,
                             "`%s` has the range `%s`; give a positive step from FIRST up to LAST, "
                             "with at most %d numbers",
                             name, n->text, RANGE_NUMBERS);
    *out = (range){part[0], part[2], (size_t)steps + 1};
    return OK;
}

// Twelve digits hide what the multiplication rounds.
static const node *number_node(arena *memory, const node *from, double value)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%.12g", value);
    node *n = arena_alloc(memory, 1, sizeof *n);
    const char *copy = arena_text(memory, digits, (size_t)length);
    if (!n || !copy)
        return NULL;
    *n = (node){.kind = NODE_SCALAR, .at = from->at, .text = copy, .size = 1};
    return n;
}

status param_range_expand(arena *memory, const char *name, const node *n, const node **out)
{
    *out = n;
    const node *const *item = n->kind == NODE_LIST ? (const node *const *)n->item : &n;
    size_t items = n->kind == NODE_LIST ? n->n : 1, total = 0, ranges = 0, at = 0;
    range r;
    for (size_t i = 0; i < items; i++) {
        if (!is_range(item[i])) {
            total++;
            continue;
        }
        status st = parse_range(name, item[i], &r);
        if (st != OK)
            return st;
        total += r.n;
        ranges++;
    }
    if (ranges == 0)
        return OK;
    node *list = arena_alloc(memory, 1, sizeof *list);
    const node **all = arena_alloc(memory, total, sizeof *all);
    if (!list || !all)
        return status_no_memory("a range");
    for (size_t i = 0; i < items; i++) {
        if (!is_range(item[i])) {
            all[at++] = item[i];
            continue;
        }
        status st = parse_range(name, item[i], &r);
        if (st != OK)
            return st;
        for (size_t j = 0; j < r.n; j++)
            if (!(all[at++] = number_node(memory, item[i], r.first + (double)j * r.step)))
                return status_no_memory("a range");
    }
    *list = (node){
        .kind = NODE_LIST, .at = n->at, .text = "", .n = total, .item = all, .size = total + 1};
    *out = list;
    return OK;
}

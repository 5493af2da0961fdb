// SPDX-License-Identifier: Apache-2.0
// Asking for a parameter that the table does not have, or by another type, is a mistake in the
// program: asserts, not errors.
#include "pipeline/config/params.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/config/param_table.h"

enum { TYPES = PARAM_RESOURCES + 1 };

// The value of a parameter that the table must have, with one of the types in the set of bits.
static const param_value *value_of(const params *p, const char *name, unsigned allowed)
{
    size_t i;
    bool found = param_table_find(p->defs, name, &i);
    assert(found && "a parameter that is not in the table");
    (void)found;
    assert((allowed >> p->defs[i].type & 1) && "a parameter of another type");
    (void)allowed;
    return &p->value[i];
}

static const param_item *item_of(const params *p, const char *name, size_t item, unsigned allowed)
{
    const param_value *v = value_of(p, name, allowed);
    assert(v->present && item < v->n && "a parameter that is absent");
    return &v->item[item];
}

#define BIT(type) (1u << (type))

static const unsigned any_type = BIT(TYPES) - 1;
static const unsigned numbers = BIT(PARAM_INT) | BIT(PARAM_REAL);
static const unsigned lists =
    BIT(PARAM_FROM) | BIT(PARAM_INTS) | BIT(PARAM_REALS) | BIT(PARAM_TEXTS) | BIT(PARAM_RESOURCES);
static const unsigned text_lists = BIT(PARAM_FROM) | BIT(PARAM_TEXTS) | BIT(PARAM_RESOURCES);

bool params_has(const params *p, const char *name)
{
    return value_of(p, name, any_type)->present;
}

bool params_same(const params *a, const params *b, const char *name)
{
    const param_value *x = value_of(a, name, any_type), *y = value_of(b, name, any_type);
    return x->present == y->present && (!x->present || strcmp(x->canonical, y->canonical) == 0);
}

bool params_bool(const params *p, const char *name)
{
    return item_of(p, name, 0, BIT(PARAM_BOOL))->whole != 0;
}

int64_t params_int(const params *p, const char *name)
{
    return item_of(p, name, 0, BIT(PARAM_INT))->whole;
}

double params_real(const params *p, const char *name)
{
    return item_of(p, name, 0, BIT(PARAM_REAL) | BIT(PARAM_DURATION) | BIT(PARAM_SIZE))->real;
}

const char *params_text(const params *p, const char *name)
{
    return item_of(p, name, 0, numbers | BIT(PARAM_TEXT) | BIT(PARAM_PATH) | BIT(PARAM_RESOURCE))
        ->text;
}

size_t params_count(const params *p, const char *name)
{
    const param_value *v = value_of(p, name, lists);
    return v->present ? v->n : 0;
}

double params_real_at(const params *p, const char *name, size_t i)
{
    return item_of(p, name, i, BIT(PARAM_REALS))->real;
}

const char *params_text_at(const params *p, const char *name, size_t i)
{
    return item_of(p, name, i, text_lists)->text;
}

bool params_lists(const params *p, const char *name, const char *item)
{
    for (size_t i = 0; i < params_count(p, name); i++)
        if (strcmp(params_text_at(p, name, i), item) == 0)
            return true;
    return false;
}

status params_fail(const params *p, const char *name, const char *format, ...)
{
    char *what = NULL;
    size_t i;
    bool given = param_table_find(p->defs, name, &i) && p->value[i].given;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&what, format, args);
    va_end(args);
    if (n < 0)
        return status_no_memory("a message");
    status st = location_fail(ERR_USAGE, given ? p->value[i].at : p->at, "%s", what);
    free(what);
    return st;
}

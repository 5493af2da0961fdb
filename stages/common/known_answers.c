// SPDX-License-Identifier: Apache-2.0
#include "stages/common/known_answers.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

enum { PLACES = 16384 }; // a power of two, larger than KNOWN_TILES: a search ends at an empty place

typedef struct known_place {
    known_key key; // asked "": empty
    answers answers;
} known_place;

struct known_answers {
    int64_t n;
    known_place place[PLACES];
};

status known_new(known_answers **out)
{
    *out = checked_calloc(1, sizeof **out);
    return *out ? OK : status_no_memory("known answers");
}

void known_free(known_answers *k)
{
    free(k);
}

static bool same(const known_key *a, const known_key *b)
{
    return a->tile == b->tile && strcmp(a->asked, b->asked) == 0;
}

// Where the key is, or would be put.
static size_t place_of(const known_answers *k, const known_key *key)
{
    char digits[9] = {0};
    memcpy(digits, key->asked, sizeof digits - 1);
    size_t at = (strtoul(digits, NULL, 16) + (size_t)key->tile) % PLACES;
    while (k->place[at].key.asked[0] && !same(&k->place[at].key, key))
        at = (at + 1) % PLACES;
    return at;
}

bool known_find(const known_answers *k, const known_key *key, answers *out)
{
    const known_place *p = &k->place[place_of(k, key)];
    if (!p->key.asked[0])
        return false;
    *out = p->answers;
    return true;
}

void known_put(known_answers *k, const known_key *key, const answers *a)
{
    known_place *p = &k->place[place_of(k, key)];
    if (p->key.asked[0] || k->n == KNOWN_TILES)
        return;
    *p = (known_place){*key, *a};
    k->n++;
}

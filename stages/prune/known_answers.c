// SPDX-License-Identifier: Apache-2.0
// A hash table of fixed size with open addressing: nothing is ever removed, and what comes when it
// is full is dropped, since an answer that is not found is only computed again. A key's digest is
// random enough to be its own hash.
#include "stages/prune/known_answers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

enum { SLOTS = 16384 }; // more than KNOWN_ANSWERS_TILES: a search ends at an empty one

typedef struct known_slot {
    known_answers_key key; // asked "": empty
    answers answers;
} known_slot;

struct known_answers {
    pthread_mutex_t lock; // of all of it
    int64_t n;
    known_slot slot[SLOTS];
};

status known_answers_new(known_answers **out)
{
    *out = checked_calloc(1, sizeof **out);
    if (!*out)
        return status_no_memory("known answers");
    pthread_mutex_init(&(*out)->lock, NULL);
    return OK;
}

void known_answers_free(known_answers *k)
{
    if (k)
        pthread_mutex_destroy(&k->lock);
    free(k);
}

static bool same_key(const known_answers_key *a, const known_answers_key *b)
{
    return a->tile == b->tile && strcmp(a->asked, b->asked) == 0;
}

// Where the key is, or would be put.
static size_t find_slot(const known_answers *k, const known_answers_key *key)
{
    char digits[9] = {0};
    memcpy(digits, key->asked, sizeof digits - 1);
    size_t at = (strtoul(digits, NULL, 16) + (size_t)key->tile) % SLOTS;
    while (k->slot[at].key.asked[0] && !same_key(&k->slot[at].key, key))
        at = (at + 1) % SLOTS;
    return at;
}

bool known_answers_find(known_answers *k, const known_answers_key *key, answers *out)
{
    pthread_mutex_lock(&k->lock);
    const known_slot *p = &k->slot[find_slot(k, key)];
    const bool found = p->key.asked[0] != 0;
    if (found)
        *out = p->answers;
    pthread_mutex_unlock(&k->lock);
    return found;
}

void known_answers_put(known_answers *k, const known_answers_key *key, const answers *a)
{
    pthread_mutex_lock(&k->lock);
    known_slot *p = &k->slot[find_slot(k, key)];
    if (!p->key.asked[0] && k->n < KNOWN_ANSWERS_TILES) {
        *p = (known_slot){*key, *a};
        k->n++;
    }
    pthread_mutex_unlock(&k->lock);
}

// SPDX-License-Identifier: Apache-2.0
// Passes come here side by side, also two of one tile, with different masks: the first to come fills
// a tile in, and the others see it once it is there. Bytes are taken before memory is, and given
// back where there was none. A limit that is full leaves tiles out; a pass that finds one missing
// computes the whole run again (hidden_cache_has).
#include "stages/prune/hidden_cache.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

enum { MISSING, BEING_FILLED, THERE };

typedef struct cached_tile {
    atomic_int hidden_state, neurons_state; // of the two that follow
    int64_t samples, rows;
    int32_t *target;       // owned [samples] of images; NULL of texts
    float *hidden;         // owned [rows, hidden_size]
    model_neurons neurons; // owned
    size_t neuron_bytes;
} cached_tile;

struct hidden_cache {
    hidden_cache_store *store; // borrowed
    hidden_cache *next;
    char data[DIGEST_HEX];
    int users;
    size_t width, neurons; // of a row: hidden_size, d_mlp
    bool images;
    int64_t tiles;
    cached_tile tile[];
};

status hidden_cache_open(hidden_cache_store *s, const char data[DIGEST_HEX], const tiling *cuts,
                         const model_info *info, hidden_cache **out)
{
    size_t bytes;
    hidden_cache *c = s->first;
    while (c && strcmp(c->data, data) != 0)
        c = c->next;
    if (c) {
        c->users++;
        *out = c;
        return OK;
    }
    if (checked_mul((size_t)cuts->tiles, sizeof c->tile[0], &bytes) &&
        checked_add(bytes, sizeof *c, &bytes))
        c = checked_calloc(1, bytes);
    if (!c)
        return status_no_memory("what a search keeps");
    c->store = s;
    c->next = s->first;
    memcpy(c->data, data, sizeof c->data);
    c->users = 1;
    c->width = (size_t)info->hidden_size;
    c->neurons = (size_t)info->d_mlp;
    c->images = info->modality == MODALITY_IMAGE;
    c->tiles = cuts->tiles;
    s->first = c;
    *out = c;
    return OK;
}

static size_t hidden_bytes(const hidden_cache *c, int64_t rows)
{
    return (size_t)rows * c->width * sizeof(float);
}

void hidden_cache_close(hidden_cache *c)
{
    if (!c || --c->users > 0)
        return;
    for (int64_t i = 0; i < c->tiles; i++) {
        cached_tile *t = &c->tile[i];
        atomic_fetch_sub(&c->store->bytes,
                         (t->hidden ? hidden_bytes(c, t->rows) : 0) + t->neuron_bytes);
        free(t->neurons.x);
        free(t->target);
        free(t->hidden);
    }
    hidden_cache **at = &c->store->first;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    free(c);
}

bool hidden_cache_has(const hidden_cache *c, tile_run run)
{
    for (int64_t i = run.first; i < run.first + run.tiles; i++)
        if (atomic_load(&c->tile[i].hidden_state) != THERE)
            return false;
    return true;
}

// A copy, or NULL.
static void *copy_bytes(const void *from, size_t bytes)
{
    void *to = checked_aligned(bytes, 1);
    return to ? memcpy(to, from, bytes) : NULL;
}

// Is the caller the one to fill it in?
static bool begins_to_fill(atomic_int *state)
{
    return atomic_compare_exchange_strong(state, &(int){MISSING}, BEING_FILLED);
}

void hidden_cache_put(hidden_cache *c, int64_t i, const tile *t, const float *hidden)
{
    cached_tile *to = &c->tile[i];
    const size_t bytes = hidden_bytes(c, t->rows);
    if (!begins_to_fill(&to->hidden_state))
        return;
    if (atomic_fetch_add(&c->store->bytes, bytes) + bytes <= HIDDEN_CACHE_BYTES) {
        to->samples = t->samples;
        to->rows = t->rows;
        to->target =
            c->images ? copy_bytes(t->target, (size_t)t->samples * sizeof *t->target) : NULL;
        if (!c->images || to->target)
            to->hidden = copy_bytes(hidden, bytes);
    }
    if (!to->hidden)
        atomic_fetch_sub(&c->store->bytes, bytes);
    atomic_store(&to->hidden_state, to->hidden ? THERE : MISSING);
}

model_neurons *hidden_cache_neurons(hidden_cache *c, int64_t i, const tile *t, size_t each)
{
    cached_tile *to = &c->tile[i];
    const size_t bytes = (size_t)t->rows * c->neurons * each;
    if (atomic_load(&to->neurons_state) == THERE)
        return atomic_load(&to->neurons.made) ? &to->neurons : NULL;
    if (!begins_to_fill(&to->neurons_state))
        return NULL;
    if (atomic_fetch_add(&c->store->bytes, bytes) + bytes <= HIDDEN_CACHE_BYTES)
        to->neurons.x = checked_aligned(bytes, 1);
    const bool there = to->neurons.x != NULL;
    to->neuron_bytes = there ? bytes : 0;
    if (!there)
        atomic_fetch_sub(&c->store->bytes, bytes);
    atomic_store(&to->neurons_state, there ? THERE : MISSING);
    return there ? &to->neurons : NULL;
}

void hidden_cache_load(const hidden_cache *c, int64_t i, tile *t)
{
    t->samples = c->tile[i].samples;
    memcpy(t->target, c->tile[i].target, (size_t)t->samples * sizeof *t->target);
}

void hidden_cache_get(const hidden_cache *c, int64_t i, float *hidden)
{
    memcpy(hidden, c->tile[i].hidden, hidden_bytes(c, c->tile[i].rows));
}

double hidden_cache_bytes(const model_info *info, int64_t rows)
{
    const double all = (double)rows * (info->hidden_size + info->d_mlp) * sizeof(float);
    return all < HIDDEN_CACHE_BYTES ? all : HIDDEN_CACHE_BYTES;
}

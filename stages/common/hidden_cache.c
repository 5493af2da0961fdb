// SPDX-License-Identifier: Apache-2.0
#include "stages/common/hidden_cache.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

typedef struct kept_tile {
    int64_t samples, rows;
    int32_t *target;     // owned [samples] of images; NULL of texts
    float *hidden;       // owned [rows, hidden_size]; NULL: not kept
    model_neurons units; // owned; x NULL: not kept
    size_t unit_bytes;
} kept_tile;

struct kept_tiles {
    kept_store *store; // borrowed
    kept_tiles *next;
    char data[DIGEST_HEX];
    int users;
    size_t width, units;
    bool images;
    int64_t tiles;
    kept_tile tile[];
};

status kept_open(kept_store *s, const char data[DIGEST_HEX], const tiling *cuts,
                 const model_info *info, kept_tiles **out)
{
    size_t bytes;
    kept_tiles *k = s->first;
    while (k && strcmp(k->data, data) != 0)
        k = k->next;
    if (k) {
        k->users++;
        *out = k;
        return OK;
    }
    if (checked_mul((size_t)cuts->tiles, sizeof k->tile[0], &bytes) &&
        checked_add(bytes, sizeof *k, &bytes))
        k = checked_calloc(1, bytes);
    if (!k)
        return status_no_memory("what a search keeps");
    k->store = s;
    k->next = s->first;
    memcpy(k->data, data, sizeof k->data);
    k->users = 1;
    k->width = (size_t)info->hidden_size;
    k->units = (size_t)info->d_mlp;
    k->images = info->modality == MODALITY_IMAGE;
    k->tiles = cuts->tiles;
    s->first = k;
    *out = k;
    return OK;
}

static size_t bytes_of(const kept_tiles *k, int64_t rows)
{
    return (size_t)rows * k->width * sizeof(float);
}

void kept_close(kept_tiles *k)
{
    if (!k || --k->users > 0)
        return;
    for (int64_t i = 0; i < k->tiles; i++) {
        kept_tile *t = &k->tile[i];
        atomic_fetch_sub(&k->store->bytes, (t->hidden ? bytes_of(k, t->rows) : 0) + t->unit_bytes);
        free(t->units.x);
        free(t->target);
        free(t->hidden);
    }
    kept_tiles **at = &k->store->first;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    free(k);
}

bool kept_has(const kept_tiles *k, tile_run run)
{
    for (int64_t i = run.first; i < run.first + run.tiles; i++)
        if (!k->tile[i].hidden)
            return false;
    return true;
}

// A copy, or NULL.
static void *copy(const void *from, size_t bytes)
{
    void *to = checked_aligned(bytes, 1);
    return to ? memcpy(to, from, bytes) : NULL;
}

void kept_put(kept_tiles *k, int64_t i, const tile *t, const float *hidden)
{
    kept_tile *to = &k->tile[i];
    const size_t bytes = bytes_of(k, t->rows);
    if (to->hidden)
        return;
    if (atomic_fetch_add(&k->store->bytes, bytes) + bytes <= KEPT_BYTES) {
        to->samples = t->samples;
        to->rows = t->rows;
        to->target = k->images ? copy(t->target, (size_t)t->samples * sizeof *t->target) : NULL;
        if (!k->images || to->target)
            to->hidden = copy(hidden, bytes);
    }
    if (!to->hidden)
        atomic_fetch_sub(&k->store->bytes, bytes);
}

model_neurons *kept_units(kept_tiles *k, int64_t i, const tile *t, size_t each)
{
    kept_tile *to = &k->tile[i];
    const size_t bytes = (size_t)t->rows * k->units * each;
    if (to->units.x)
        return &to->units;
    if (atomic_fetch_add(&k->store->bytes, bytes) + bytes <= KEPT_BYTES)
        to->units.x = checked_aligned(bytes, 1);
    to->unit_bytes = to->units.x ? bytes : 0;
    if (!to->units.x)
        atomic_fetch_sub(&k->store->bytes, bytes);
    return to->units.x ? &to->units : NULL;
}

void kept_load(const kept_tiles *k, int64_t i, tile *t)
{
    t->samples = k->tile[i].samples;
    memcpy(t->target, k->tile[i].target, (size_t)t->samples * sizeof *t->target);
}

void kept_get(const kept_tiles *k, int64_t i, float *hidden)
{
    memcpy(hidden, k->tile[i].hidden, bytes_of(k, k->tile[i].rows));
}

double kept_bytes(const model_info *info, int64_t rows)
{
    const double all = (double)rows * (info->hidden_size + info->d_mlp) * sizeof(float);
    return all < KEPT_BYTES ? all : KEPT_BYTES;
}

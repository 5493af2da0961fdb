// SPDX-License-Identifier: Apache-2.0
// Tiles are loaded one behind the other into the batch's arrays, which are then those of one large
// tile. Each thread has a batch of its own: it is loaded while another one is on the device.
#include "model/device/device_batch.h"

#include <stdlib.h>
#include <string.h>

#include "model/device/device_need.h"
#include "model/forward/pass_run.h"
#include "pipeline/base/checked.h"

enum { PIXEL_BYTES = 256 << 20 }; // of a batch

static size_t pixel_bytes(const model *m, int64_t samples)
{
    const model_info *i = &m->config.info;
    return i->modality == MODALITY_IMAGE ? (size_t)samples * device_image_values(i) * sizeof(float)
                                         : 0;
}

int64_t device_batch_tiles(const model *m, int64_t max_samples, int64_t max_rows, int64_t rows)
{
    int64_t tiles = rows / max_rows;
    const int64_t bytes = (int64_t)pixel_bytes(m, max_samples);
    if (bytes > 0 && tiles > PIXEL_BYTES / bytes)
        tiles = PIXEL_BYTES / bytes;
    if (m->team) // members hand over tiles
        tiles = 1;
    return tiles < 1 ? 1 : tiles;
}

// What a batch's arrays are cut from, one after the other, all taken once.
typedef struct carving {
    char *at;
    size_t used;
} carving;

static void *carve(carving *c, size_t items, size_t each, size_t size)
{
    void *at = c->at ? c->at + c->used : NULL;
    c->used += (items * each * size + 63) / 64 * 64;
    return items > 0 && each > 0 ? at : NULL;
}

static size_t widest(const model_info *i)
{
    size_t most = (size_t)i->hidden_size;
    for (site s = 0; s < SITES; s++) {
        const size_t width = (size_t)model_site_width(i, s);
        most = width > most ? width : most;
    }
    return most;
}

static void lay_out_pass(const config *c, const forward *f, carving *a, pass *p)
{
    const model_info *i = &c->info;
    const size_t rows = (size_t)f->max_rows, samples = (size_t)f->max_samples;
    const bool images = i->modality == MODALITY_IMAGE;
    const size_t each = c->features & FEATURE_TWO_HEADS ? 2 : 1;
    const size_t head_rows = images ? samples : rows, index = sizeof(int64_t);
    const bool by_length = rotary_by_length(&c->rotary) || rotary_by_length(&c->windowed_rotary);
    p->tile.first_row = carve(a, samples + 1, 1, index);
    p->tile.target = carve(a, head_rows, 1, sizeof *p->tile.target);
    p->tile.ids = carve(a, images ? 0 : rows, 1, sizeof *p->tile.ids);
    p->head_row = carve(a, head_rows, each, index);
    p->head_first = carve(a, samples + 1, 1, index);
    p->predictions = carve(a, head_rows, 1, sizeof *p->predictions);
    p->position = carve(a, rows, 1, index);
    p->turn = by_length ? carve(a, rows, 1, index) : p->position;
    p->place = carve(a, i->masked && c->first_position > 0 ? rows : 0, 1, index);
    p->rotary = carve(a, by_length ? rows : 0, (size_t)c->rotary.dims, sizeof(float));
    p->windowed_rotary =
        c->windowed_rotary.theta > 0
            ? carve(a, by_length ? rows : 0, (size_t)c->windowed_rotary.dims, sizeof(float))
            : p->rotary;
    routing *r = &p->routing;
    const size_t routed = i->experts > 0 ? rows : 0, experts = (size_t)i->experts;
    r->weight = carve(a, routed, experts, sizeof *r->weight);
    r->chosen = carve(a, routed, (size_t)i->experts_per_token, sizeof *r->chosen);
    r->row = carve(a, routed, (size_t)i->experts_per_token, sizeof *r->row);
    r->first = carve(a, experts + 1, 1, sizeof *r->first);
    r->ranking = carve(a, experts, 1, sizeof *r->ranking);
}

// `f` is the batch's, `tile_rows` of one tile.
static void lay_out(const config *c, const forward *f, int64_t tiles, int64_t tile_rows, carving *a,
                    device_pass *b)
{
    const model_info *i = &c->info;
    const size_t rows = (size_t)f->max_rows, samples = (size_t)f->max_samples;
    const size_t n = (size_t)tiles, most = widest(i), experts = (size_t)i->experts;
    lay_out_pass(c, f, a, b->p);
    b->tile = carve(a, n, 1, sizeof *b->tile);
    b->first_rows = carve(a, samples + n, 1, sizeof *b->first_rows);
    b->shown = carve(a, (size_t)tile_rows, most, sizeof *b->shown);
    b->index = carve(a, rows > samples ? rows : samples + 1, 1, sizeof *b->index);
    b->bit = carve(a, b->summed ? rows : 0, 1, sizeof *b->bit);
    b->segment = carve(a, rows, 1, sizeof *b->segment);
    b->pruned = carve(a, most, 1, 1);
    b->factor = carve(a, experts > 0 ? rows : 0, 1, sizeof *b->factor);
    b->bad = carve(a, (size_t)(i->layers + 2) * 2, SITES, sizeof *b->bad);
    b->sum = carve(a, b->summed ? most : 0, DEVICE_MOMENTS, sizeof *b->sum);
    const size_t words = (size_t)f->firing_words, bins = f->histogram ? HISTOGRAM_BINS : 0;
    b->counts = carve(a, b->summed ? most : 0, 1 + words + bins, sizeof *b->counts);
    b->routed = carve(a, b->summed ? (size_t)i->layers : 0, experts, sizeof *b->routed);
}

// A pass, and the limits of its batches.
typedef struct device_batch {
    device_pass pass;
    struct pass own;
    forward f;               // the caller's, with room for several tiles
    const forward *of_tiles; // the caller's
    // Kept from call to call: pages of hundreds of MB are not touched anew for each.
    struct device_batch *next;
    char *arrays;  // owned
    float *pixels; // owned: the device's memory here
    size_t array_bytes, pixel_bytes;
} device_batch;

size_t model_batch_bytes(const model *m, int threads, int64_t tiles, int64_t samples, int64_t rows)
{
    const int64_t room = device_batch_tiles(m, samples, rows, DEVICE_MOST_ROWS);
    tiles = tiles < room ? tiles : room;
    const forward f = {.max_samples = tiles * samples, .max_rows = tiles * rows};
    device_batch b = {.pass.p = &b.own, .pass.summed = true};
    carving a = {NULL, 0};
    lay_out(&m->config, &f, tiles, rows, &a, &b.pass);
    return (size_t)threads * (a.used + pixel_bytes(m, f.max_samples));
}

static device_batch *take_idle(device_model *d)
{
    pthread_mutex_lock(&d->keeping);
    device_batch *b = d->idle;
    if (b)
        d->idle = b->next;
    pthread_mutex_unlock(&d->keeping);
    return b;
}

static void free_batch(device_model *d, device_batch *b)
{
    if (!b)
        return;
    d->ops->host_free(d->device, b->pixels);
    free(b->arrays);
    free(b);
}

// Makes its memory as large as that.
static status grow_batch(device_model *d, device_batch *b, size_t arrays, size_t pixels)
{
    status st = OK;
    void *at = NULL;
    if (b->array_bytes < arrays) {
        free(b->arrays);
        b->arrays = checked_aligned(arrays, 1);
        b->array_bytes = b->arrays ? arrays : 0;
        if (!b->arrays)
            TRY(status_no_memory("a batch of tiles"));
    }
    if (b->pixel_bytes < pixels) {
        d->ops->host_free(d->device, b->pixels);
        b->pixels = NULL;
        b->pixel_bytes = 0;
        TRY_DEVICE(d, d->ops->host_alloc(d->device, pixels, &at));
        b->pixels = at;
        b->pixel_bytes = pixels;
    }
done:
    return st;
}

status device_batch_take(model *m, const forward *f, int thread, int64_t tiles, device_pass **out)
{
    status st;
    device_model *d = m->device;
    device_batch *b = take_idle(d);
    carving a = {NULL, 0};
    if (!b && !(b = checked_calloc(1, sizeof *b)))
        TRY(status_no_memory("a batch of tiles"));
    b->pass = (device_pass){.d = d, .p = &b->own, .summed = f->read && f->totals};
    b->own = (struct pass){.m = m, .f = &b->f, .thread = thread, .device = &b->pass};
    b->f = *f;
    b->f.max_rows *= tiles;
    b->f.max_samples *= tiles;
    b->of_tiles = f;
    lay_out(&m->config, &b->f, tiles, f->max_rows, &a, &b->pass);
    TRY(grow_batch(d, b, a.used, pixel_bytes(m, b->f.max_samples)));
    a = (carving){b->arrays, 0};
    lay_out(&m->config, &b->f, tiles, f->max_rows, &a, &b->pass);
    b->own.tile.pixels = b->pixels;
    *out = &b->pass;
    b = NULL;
done:
    free_batch(d, b);
    return st;
}

void device_batch_give(device_pass *b)
{
    if (!b)
        return;
    device_model *d = b->d;
    device_batch *own = (device_batch *)(void *)b;
    pthread_mutex_lock(&d->keeping);
    own->next = d->idle;
    d->idle = own;
    pthread_mutex_unlock(&d->keeping);
}

void device_batches_free(device_model *d)
{
    for (device_batch *b; d && (b = take_idle(d));)
        free_batch(d, b);
}

// Loads a tile behind those that are there.
static status load_tile(device_pass *b, int64_t index)
{
    status st;
    struct pass *p = b->p;
    batch_tile *t = &b->tile[b->tiles];
    *t = (batch_tile){.index = index,
                      .sample = p->tile.samples,
                      .row = p->tile.rows,
                      .first_row = b->first_rows + p->tile.samples + b->tiles};
    struct pass one = *p;
    one.f = ((const device_batch *)(const void *)b)->of_tiles;
    one.index = index;
    one.tile = device_tile(b, t);
    one.position = p->position + t->row;
    TRY(pass_load(&one));
    t->samples = one.tile.samples;
    t->rows = one.tile.rows;
    for (int64_t s = 0; s <= t->samples; s++)
        p->tile.first_row[t->sample + s] = t->row + t->first_row[s];
    p->tile.samples += t->samples;
    p->tile.rows += t->rows;
    b->tiles++;
done:
    return st;
}

// The next tile that the member before hands over; its hidden states are in b->shown.
static status take_tile(device_pass *b)
{
    struct pass *p = b->p;
    p->hidden = b->shown;
    const status st = handover_take(p);
    if (st != OK)
        return st;
    memcpy(b->first_rows, p->tile.first_row, ((size_t)p->tile.samples + 1) * sizeof *b->first_rows);
    b->tile[0] = (batch_tile){.index = p->index,
                              .samples = p->tile.samples,
                              .rows = p->tile.rows,
                              .first_row = b->first_rows};
    b->tiles = 1;
    return OK;
}

status device_batch_load(device_pass *b, const layer_span *span, int64_t first, int64_t n)
{
    status st = OK;
    struct pass *p = b->p;
    b->tiles = 0;
    p->tile.samples = p->tile.rows = 0;
    if (!span->begins)
        TRY(take_tile(b));
    for (int64_t i = 0; span->begins && i < n; i++)
        TRY(load_tile(b, first + i));
    p->index = b->tile[0].index;
    pass_begin(p);
done:
    return st;
}

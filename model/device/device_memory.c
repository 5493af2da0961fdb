// SPDX-License-Identifier: Apache-2.0
// One function counts and lays out, as in model/forward/workspace.c. Batches are as large as memory
// allows, since what is in them does not depend on it.
#include "model/device/device_model.h"

#include <stdlib.h>

#include "model/forward/pass.h"
#include "pipeline/base/checked.h"

// Hands out parts of one block of the device; without one, it only counts.
typedef struct parts {
    char *at;
    size_t used;
} parts;

static void *take(parts *a, int64_t items, int64_t each, size_t size)
{
    void *at = a->at ? a->at + a->used : NULL;
    a->used += ((size_t)items * (size_t)each * size + 255) / 256 * 256;
    return items > 0 && each > 0 ? at : NULL;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void lay_out_images(const config *c, device_room r, size_t value, parts *a,
                           device_arrays *out)
{
    const model_info *i = &c->info;
    const bool images = i->modality == MODALITY_IMAGE;
    const int64_t patch = (int64_t)i->channels * c->patch_height * c->patch_width;
    out->pixels = take(a, images ? r.samples : 0,
                       (int64_t)i->channels * i->image_height * i->image_width, sizeof(float));
    out->places = take(a, images ? i->rows_per_image : 0, i->hidden_size, sizeof(float));
    out->patches = take(a, images ? r.rows : 0, patch, value);
}

static void lay_out(size_t value, const config *c, device_room r, parts *a, device_arrays *out)
{
    const model_info *i = &c->info;
    const size_t f = sizeof(float), index = sizeof(int32_t);
    const int64_t attn = (int64_t)i->heads * i->head_dim, kv = (int64_t)i->kv_heads * i->head_dim;
    const int64_t neurons = i->experts > 0 ? i->d_expert : i->d_mlp;
    const int64_t outputs = i->outputs < PASS_OUTPUTS ? i->outputs : PASS_OUTPUTS;
    const bool rotated = c->rotary.theta > 0, windowed = c->windowed_rotary.theta > 0;
    out->rows = r.rows;
    out->samples = r.samples;
    out->hidden = take(a, r.rows, i->hidden_size, f);
    out->spare = take(a, r.rows, i->hidden_size, f);
    out->normed = take(a, r.rows, i->hidden_size, value);
    out->spare_normed = take(a, r.rows, i->hidden_size, value);
    out->output = take(a, r.rows, i->hidden_size, f);
    out->q = take(a, r.rows, attn, f);
    out->k = take(a, r.rows, kv, f);
    out->v = take(a, r.rows, kv, f);
    out->mlp = take(a, r.rows, larger(neurons, c->embedding_width), f);
    out->gate = take(a, i->gated ? r.rows : 0, neurons, f);
    out->site = take(a, r.rows, larger(larger(attn, neurons), c->embedding_width), value);
    out->gathered = take(a, i->experts > 0 ? r.rows : 0, i->hidden_size, value);
    out->weight = take(a, r.rows, i->experts, f);
    out->factor = take(a, i->experts > 0 ? r.rows : 0, 1, f);
    out->logits = take(a, c->headless ? 0 : r.rows, outputs, f);
    out->answer = take(a, r.rows, 1, sizeof *out->answer);
    lay_out_images(c, r, value, a, out);
    out->rotary = take(a, rotated ? r.rows : 0, c->rotary.dims, f);
    out->windowed = windowed ? take(a, r.rows, c->windowed_rotary.dims, f) : out->rotary;
    out->index = take(a, r.rows, 1, index);
    out->position = take(a, r.rows, 1, index);
    out->turn = take(a, r.rows, 1, index);
    out->first_key = take(a, r.samples + 1, 1, index);
    out->first_query = take(a, r.samples + 1, 1, index);
    out->listed = take(a, r.rows, 1, index);
    out->bit = take(a, r.rows, 1, sizeof *out->bit);
    out->segment = take(a, r.rows, 1, sizeof *out->segment);
    out->pruned = take(a, larger(attn, larger(neurons, i->experts)), 1, 1);
    out->bad = take(a, (i->layers + 2) * 2, SITES, index);
}

size_t device_room_bytes(const config *c, size_t value, device_room r)
{
    parts count = {0};
    device_arrays unused = {0};
    lay_out(value, c, r, &count, &unused);
    return count.used;
}

static int64_t whole_blocks(const device_model *d, int64_t rows)
{
    const int64_t block = d->info.row_block;
    return (rows + block - 1) / block * block;
}

// The tables of positions that do not depend on the length of a sample.
static status bring_table(const device_model *d, const rotary *r, float *to)
{
    status st;
    const int64_t rows = d->arrays.rows;
    if (r->theta <= 0 || rotary_by_length(r))
        return OK;
    float *table = checked_calloc((size_t)rows * (size_t)r->dims, sizeof *table);
    if (!table)
        return status_no_memory("rotary positions");
    rotary_table(r, rows, rows, table);
    st = device_check(
        d, d->ops->upload(d->device, table, (size_t)rows * (size_t)r->dims * sizeof *table, to));
    free(table);
    return st;
}

static status lay_out_again(const model *m, device_room r)
{
    status st;
    device_model *d = m->device;
    const size_t bytes = device_room_bytes(&m->config, device_value_bytes(d), r);
    const device_arrays *a = &d->arrays, sums = {.sum = a->sum,
                                                 .positive = a->positive,
                                                 .firing = a->firing,
                                                 .histogram = a->histogram,
                                                 .firing_words = a->firing_words};
    d->ops->free(d->device, d->block);
    d->block = NULL;
    d->arrays = sums;
    TRY_DEVICE(d, d->ops->alloc(d->device, bytes, &d->block));
    // Rows that fill up a block are computed too: they must be numbers, and it does not matter which.
    TRY_DEVICE(d, d->ops->clear(d->device, d->block, bytes));
    lay_out(device_value_bytes(d), &m->config, r, &(parts){d->block, 0}, &d->arrays);
    TRY(bring_table(d, &m->config.rotary, d->arrays.rotary));
    if (m->config.windowed_rotary.theta > 0)
        TRY(bring_table(d, &m->config.windowed_rotary, d->arrays.windowed));
done:
    return st;
}

status device_make_room(const model *m, device_room most, device_room least)
{
    const device_model *d = m->device;
    const size_t limit = d->memory_left / 10 * 9;
    device_room r = {whole_blocks(d, most.rows), most.samples};
    while (device_room_bytes(&m->config, device_value_bytes(d), r) > limit && r.rows > least.rows) {
        r.rows = whole_blocks(d, larger(r.rows / 2, least.rows));
        r.samples = larger(r.samples / 2, least.samples);
        if (r.rows == whole_blocks(d, least.rows))
            break;
    }
    if (d->block && d->arrays.rows >= r.rows && d->arrays.samples >= r.samples)
        return OK;
    return lay_out_again(m, r);
}

// SPDX-License-Identifier: Apache-2.0
// Threads load batches side by side and take turns on the device. What a tile's results are does not
// depend on what else is in its batch (model/cuda/ops.h), so batches are cut as memory allows.
#include "model/device/device_run.h"

#include <stdlib.h>

#include "model/device/device_batch.h"
#include "model/device/device_head.h"
#include "model/device/device_totals.h"
#include "model/forward/handover.h"
#include "model/forward/head.h"
#include "model/forward/pass_run.h"
#include "pipeline/base/checked.h"

static size_t hidden_bytes(const pass *p, int64_t rows)
{
    return (size_t)rows * (size_t)p->m->config.info.hidden_size * sizeof(float);
}

static float *hidden_of(const pass *p, const batch_tile *t)
{
    return p->device->d->arrays.hidden + t->row * p->m->config.info.hidden_size;
}

status device_show_hidden(pass *p)
{
    status st = OK;
    const device_pass *b = p->device;
    const device_model *d = b->d;
    const forward *f = p->f;
    for (int64_t i = 0; i < b->tiles; i++) {
        const batch_tile *t = &b->tile[i];
        const tile own = device_tile(b, t);
        TRY_DEVICE(
            d, d->ops->download(d->device, hidden_of(p, t), hidden_bytes(p, t->rows), b->shown));
        TRY(f->keep_hidden(f->context, t->index, p->thread, &own, b->shown));
    }
done:
    return st;
}

static status load_hidden(pass *p)
{
    status st = OK;
    const device_pass *b = p->device;
    const device_model *d = b->d;
    const forward *f = p->f;
    for (int64_t i = 0; i < b->tiles; i++) {
        const batch_tile *t = &b->tile[i];
        const tile own = device_tile(b, t);
        TRY(f->load_hidden(f->context, t->index, p->thread, &own, b->shown));
        TRY_DEVICE(d,
                   d->ops->upload(d->device, b->shown, hidden_bytes(p, t->rows), hidden_of(p, t)));
    }
done:
    return st;
}

// What attention needs to know of the batch's rows.
static status bring_rows(pass *p)
{
    status st;
    device_pass *b = p->device;
    const device_model *d = b->d;
    const device_arrays *a = &d->arrays;
    const config *c = &p->m->config;
    const size_t row = (size_t)p->rows * sizeof(float);
    TRY(device_put(b, p->position, p->rows, a->position));
    TRY(device_put(b, p->turn, p->rows, a->turn));
    TRY(device_put(b, p->tile.first_row, p->tile.samples + 1, a->first_key));
    TRY(device_put(b, p->tile.first_row, p->tile.samples + 1, a->first_query));
    if (p->turn == p->position)
        goto done; // the tables are there
    TRY_DEVICE(d, d->ops->upload(d->device, p->rotary, row * (size_t)c->rotary.dims, a->rotary));
    if (c->windowed_rotary.theta > 0)
        TRY_DEVICE(d, d->ops->upload(d->device, p->windowed_rotary,
                                     row * (size_t)c->windowed_rotary.dims, a->windowed));
done:
    return st;
}

// The hidden states at the input of the first layer that is run here.
static status begin_batch(pass *p, const layer_span *span)
{
    status st;
    const device_pass *b = p->device;
    const device_model *d = b->d;
    TRY(device_clear_bad(p));
    if (b->summed)
        TRY(device_clear_totals(p));
    TRY(bring_rows(p));
    if (!span->begins)
        TRY_DEVICE(d,
                   d->ops->upload(d->device, b->shown, hidden_bytes(p, p->rows), d->arrays.hidden));
    else if (p->f->first_layer > 0 || p->f->first_behind_attn)
        TRY(load_hidden(p));
    else
        TRY(p->m->arch->embed(p));
done:
    return st;
}

// The hidden states to the next member, by way of this process's memory.
static status hand_over(pass *p)
{
    status st;
    const device_pass *b = p->device;
    const device_model *d = b->d;
    TRY_DEVICE(d,
               d->ops->download(d->device, d->arrays.hidden, hidden_bytes(p, p->rows), b->shown));
    p->hidden = b->shown;
    TRY(handover_give(p));
done:
    return st;
}

// What is done on the device, with its lock held. *logits is owned by the caller.
static status run_batch(pass *p, const layer_span *span, float **logits)
{
    status st;
    const forward *f = p->f;
    const bool head = span->ends && (f->result || f->logits);
    const device_room room = {p->tile.rows, p->tile.samples};
    TRY(device_make_room(p->m, room, room));
    TRY(begin_batch(p, span));
    if (head)
        TRY(head_list_rows(p));
    TRY(pass_layers(p, span));
    if (head)
        TRY(device_answer_rows(p, logits));
    TRY(device_check_bad(p));
    if (p->device->summed)
        TRY(device_give_totals(p));
    if (!span->ends)
        TRY(hand_over(p));
done:
    return st;
}

typedef struct device_tiles {
    model *m;
    const forward *f;
    layer_span span;
    int64_t each;        // tiles of a batch
    device_pass **batch; // [threads], made by the thread that uses it
} device_tiles;

static status run_item(void *context, int64_t item, int thread)
{
    status st = OK;
    device_tiles *r = context;
    device_model *d = r->m->device;
    const int64_t first = item * r->each, left = r->f->tiles - first;
    float *logits = NULL;
    device_pass *b = r->batch[thread];
    if (!b)
        TRY(device_batch_take(r->m, r->f, thread, r->each, &r->batch[thread]));
    b = r->batch[thread];
    TRY(device_batch_load(b, &r->span, first, left < r->each ? left : r->each));
    pthread_mutex_lock(&d->lock);
    st = run_batch(b->p, &r->span, &logits);
    pthread_mutex_unlock(&d->lock);
    if (st == OK && r->span.ends && (r->f->result || r->f->logits))
        st = device_give_answers(b->p, logits);
done:
    free(logits);
    return st;
}

int64_t device_tiles_together(const model *m, int64_t max_samples, int64_t max_rows)
{
    const int64_t limit = m->device->row_limit > 0 ? m->device->row_limit : DEVICE_MOST_ROWS;
    return device_batch_tiles(m, max_samples, max_rows, limit);
}

// Room for batches as large as they may get here, and so how many tiles are in each.
static status choose_batches(device_tiles *r)
{
    device_model *d = r->m->device;
    const forward *f = r->f;
    r->each = device_tiles_together(r->m, f->max_samples, f->max_rows);
    r->each = r->each < f->tiles ? r->each : f->tiles;
    pthread_mutex_lock(&d->lock);
    const status st =
        device_make_room(r->m, (device_room){r->each * f->max_rows, r->each * f->max_samples},
                         (device_room){f->max_rows, f->max_samples});
    const int64_t rows = d->arrays.rows, samples = d->arrays.samples;
    pthread_mutex_unlock(&d->lock);
    while (r->each > 1 && (r->each * f->max_rows > rows || r->each * f->max_samples > samples))
        r->each--;
    return st;
}

status device_run(model *m, pool *p, const forward *f)
{
    status st;
    const int threads = pool_threads(p);
    device_tiles r = {.m = m, .f = f, .span = handover_span(m, f)};
    if (!(r.batch = checked_calloc((size_t)threads, sizeof *r.batch)))
        return status_no_memory("batches of tiles");
    TRY(choose_batches(&r));
    TRY(pool_run(p, (f->tiles + r.each - 1) / r.each, run_item, &r));
done:
    for (int t = 0; t < threads; t++)
        device_batch_give(r.batch[t]);
    free(r.batch);
    return st;
}

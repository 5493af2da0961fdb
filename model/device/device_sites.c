// SPDX-License-Identifier: Apache-2.0
// Sums are formed where the activations are. Whoever wants the activations themselves gets them tile
// by tile in this process's memory: slow, and the same for every caller.
#include "model/device/device_sites.h"

#include <string.h>

#include "model/device/device_totals.h"

#include "model/forward/sites.h"

// Shows a tile's part of the rows, as [first, end) of them: pruned as the pass says, then read.
static status show_tile(const device_pass *b, const device_rows *r, const batch_tile *t,
                        device_segment part, bool ablated)
{
    status st;
    const forward *f = b->p->f;
    const device_model *d = b->d;
    const int64_t rows = part.end - part.first;
    const size_t bytes = (size_t)rows * (size_t)r->neurons * sizeof *r->x;
    float *at = r->x + part.first * (int64_t)r->neurons;
    const tile own = device_tile(b, t);
    for (int64_t k = 0; r->row && k < rows; k++)
        b->index[k] = r->row[part.first + k] - (int32_t)t->row;
    const site_block block = {r->site, r->layer, r->first_neuron, r->neurons,
                              rows,    b->shown, r->neurons,      r->row ? b->index : NULL};
    TRY_DEVICE(d, d->ops->download(d->device, at, bytes, b->shown));
    if (ablated) {
        const neuron_list pruned = site_pruned(f, r->site, r->layer, r->first_neuron, r->neurons);
        TRY(f->ablate(f->context, t->index, b->p->thread, &own, &block, pruned.neuron, pruned.n,
                      b->shown));
        TRY_DEVICE(d, d->ops->upload(d->device, b->shown, bytes, at));
    }
    if (f->read && f->read_sites[r->site] && !b->summed)
        TRY(f->read(f->context, t->index, b->p->thread, &own, &block));
done:
    return st;
}

static status show_tiles(const device_pass *b, const device_rows *r, bool ablated)
{
    status st = OK;
    int64_t at = 0;
    for (int64_t i = 0; i < b->tiles; i++) {
        const batch_tile *t = &b->tile[i];
        const device_segment part = device_rows_segment(r, t->row, t->row + t->rows, &at);
        if (part.end > part.first)
            TRY(show_tile(b, r, t, part, ablated));
    }
done:
    return st;
}

// The flags of the pruned ones among the rows' neurons on the device; NULL where none is.
static status bring_pruned(const device_pass *b, const device_rows *r, const uint8_t **out)
{
    const device_model *d = b->d;
    const neuron_list pruned = site_pruned(b->p->f, r->site, r->layer, r->first_neuron, r->neurons);
    *out = pruned.n > 0 ? d->arrays.pruned : NULL;
    if (pruned.n == 0)
        return OK;
    memset(b->pruned, 0, (size_t)r->neurons);
    for (int k = 0; k < pruned.n; k++)
        b->pruned[pruned.neuron[k] - r->first_neuron] = 1;
    return device_check(d,
                        d->ops->upload(d->device, b->pruned, (size_t)r->neurons, d->arrays.pruned));
}

status device_show_site(pass *p, const device_rows *r)
{
    status st;
    const device_pass *b = p->device;
    const device_model *d = b->d;
    const forward *f = p->f;
    const bool ablates = f->ablate && r->site != SITE_EXPERT;
    const bool reads = f->read && f->read_sites[r->site];
    const uint8_t *pruned;
    TRY(bring_pruned(b, r, &pruned));
    const bool ablated = ablates && pruned;
    TRY_DEVICE(d, d->ops->site(d->device, &(device_site){
                                              .x = r->x,
                                              .gate = r->gate,
                                              .rows = r->rows,
                                              .stride = r->neurons,
                                              .neurons = r->neurons,
                                              .act = r->act,
                                              .pruned = ablated ? NULL : pruned,
                                              .to = ablated ? NULL : r->to,
                                              .to_stride = r->neurons,
                                              .type = device_value_type(d),
                                          }));
    if (ablated || (reads && !b->summed))
        TRY(show_tiles(b, r, ablated));
    if (reads && b->summed)
        TRY(device_sum_rows(p, r));
    if (ablated && r->to)
        TRY_DEVICE(d, d->ops->norm(d->device, &(device_norm){.x = r->x,
                                                             .x_stride = r->neurons,
                                                             .rows = r->rows,
                                                             .width = r->neurons,
                                                             .to = r->to,
                                                             .to_stride = r->neurons,
                                                             .type = device_value_type(d)}));
done:
    return st;
}

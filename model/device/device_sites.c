// SPDX-License-Identifier: Apache-2.0
// Sums are formed where the activations are. Whoever wants the activations themselves gets them tile
// by tile in this process's memory: slow, and the same for every caller.
#include "model/device/device_sites.h"

#include <string.h>

#include "model/forward/sites.h"

// Which of the caller's rows of the batch are among the listed ones: [*at, end) of the list.
static int64_t find_rows(const device_rows *r, int64_t end, int64_t *at)
{
    if (!r->row)
        return end;
    while (*at < r->rows && r->row[*at] < end)
        ++*at;
    return *at;
}

// The rows from `begin` to `end` of the batch, as a stretch of x's.
static device_segment segment_of(const device_rows *r, int64_t begin, int64_t end, int64_t *at)
{
    const int64_t first = find_rows(r, begin, at);
    return (device_segment){(int32_t)first, (int32_t)find_rows(r, end, at)};
}

// Lists what is rounded together: each tile's rows, or each sample's behind those that are left out.
static int list_segments(const device_pass *b, const device_rows *r)
{
    const int64_t skip = b->p->f->skip_first;
    int n = 0;
    int64_t at = 0;
    for (int64_t i = 0; i < b->tiles; i++) {
        const batch_tile *t = &b->tile[i];
        const int64_t parts = skip > 0 ? t->samples : 1;
        for (int64_t s = 0; s < parts; s++) {
            const int64_t begin = skip > 0 ? t->row + t->first_row[s] + skip : t->row;
            const int64_t end = skip > 0 ? t->row + t->first_row[s + 1] : t->row + t->rows;
            if (begin >= end)
                continue;
            const device_segment one = segment_of(r, begin, end, &at);
            if (one.end > one.first)
                b->segment[n++] = one;
        }
    }
    return n;
}

// Where a layer's sums of a site begin, in neurons: sums of a site come behind those of the sites
// before it.
static int64_t totals_at(const model_info *i, int layer, site s)
{
    int64_t before = 0;
    for (site other = 0; other < s; other++)
        before += (int64_t)i->layers * model_site_width(i, other);
    return before + (int64_t)layer * model_site_width(i, s);
}

static int64_t totals_neurons(const model_info *i)
{
    return totals_at(i, 0, SITES);
}

static int32_t *bad_sums(const device_model *d, const model_info *i, int layer, site s)
{
    return d->arrays.bad + (i->layers + 2 + layer) * SITES + (int)s;
}

static status sum_rows(const device_pass *b, const device_rows *r)
{
    status st;
    const device_model *d = b->d;
    const model_info *i = &b->p->m->config.info;
    const int64_t at = totals_at(i, r->layer, r->site);
    const int n = list_segments(b, r);
    if (r->site == SITE_MLP && i->experts > 0)
        for (int k = 0; k < n; k++)
            b->routed[(int64_t)r->layer * i->experts + r->first_neuron / i->d_expert] +=
                b->segment[k].end - b->segment[k].first;
    TRY_DEVICE(d, d->ops->upload(d->device, b->segment, (size_t)n * sizeof *b->segment,
                                 d->arrays.segment));
    TRY_DEVICE(
        d, d->ops->sums(d->device, &(device_sums){
                                       .x = r->x,
                                       .stride = r->neurons,
                                       .neurons = r->neurons,
                                       .segment = d->arrays.segment,
                                       .segments = n,
                                       .sum = d->arrays.sum + DEVICE_MOMENTS * at + r->first_neuron,
                                       .positive = d->arrays.positive + at + r->first_neuron,
                                       .neurons_apart = model_site_width(i, r->site),
                                       .bad = bad_sums(d, i, r->layer, r->site),
                                   }));
done:
    return st;
}

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
        const device_segment part = segment_of(r, t->row, t->row + t->rows, &at);
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
        TRY(sum_rows(b, r));
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

static size_t bad_slots(const model_info *i)
{
    return (size_t)(i->layers + 2) * 2 * SITES;
}

status device_clear_bad(const pass *p)
{
    const device_model *d = p->device->d;
    return device_check(d, d->ops->clear(d->device, d->arrays.bad,
                                         bad_slots(&p->m->config.info) * sizeof(int32_t)));
}

// Within a layer, attention comes first, then the router, then the MLP.
static const site in_order[SITES] = {SITE_ATTN, SITE_EXPERT, SITE_MLP};

static status check_layer(const model_info *i, const int32_t *bad, int layer)
{
    for (int k = 0; k < SITES; k++) {
        const site s = in_order[k];
        if (bad[(layer + 1) * SITES + (int)s])
            return site_not_finite(layer, s);
        const int32_t unit = layer < 0 ? 0 : bad[(i->layers + 2 + layer) * SITES + (int)s];
        if (unit > 0)
            return status_fail(ERR_NUMERIC, "model",
                               "%s layer %d unit %d: a sum of activations is NaN or out of range; "
                               "look for NaN or overflow in the model's weights, or use compute: "
                               "f32",
                               site_names[s], layer, unit - 1);
    }
    return OK;
}

status device_check_bad(const pass *p)
{
    status st;
    const device_model *d = p->device->d;
    const model_info *i = &p->m->config.info;
    int32_t *bad = p->device->bad;
    TRY_DEVICE(d, d->ops->download(d->device, d->arrays.bad, bad_slots(i) * sizeof *bad, bad));
    for (int layer = -1; layer < i->layers; layer++)
        TRY(check_layer(i, bad, layer));
    if (bad[(i->layers + 1) * SITES])
        st = status_fail(ERR_NUMERIC, "model", "NaN or infinity in the logits");
done:
    return st;
}

status device_clear_totals(const pass *p)
{
    status st;
    device_model *d = p->device->d;
    device_pass *b = p->device;
    const model_info *i = &p->m->config.info;
    const size_t n = (size_t)totals_neurons(i);
    if (!d->arrays.sum) {
        TRY_DEVICE(d, d->ops->alloc(d->device, DEVICE_MOMENTS * n * sizeof(device_fixed),
                                    (void **)&d->arrays.sum));
        TRY_DEVICE(d, d->ops->alloc(d->device, n * sizeof(int64_t), (void **)&d->arrays.positive));
    }
    TRY_DEVICE(d,
               d->ops->clear(d->device, d->arrays.sum, DEVICE_MOMENTS * n * sizeof(device_fixed)));
    TRY_DEVICE(d, d->ops->clear(d->device, d->arrays.positive, n * sizeof(int64_t)));
    if (b->routed)
        memset(b->routed, 0, (size_t)i->layers * (size_t)i->experts * sizeof *b->routed);
done:
    return st;
}

// A layer's sums of a site, in this process's memory, to the caller: an expert's by themselves.
static status give_layer(const pass *p, int layer, site s, const fixed *sum,
                         const int64_t *positive)
{
    status st = OK;
    const forward *f = p->f;
    const model_info *i = &p->m->config.info;
    const int width = model_site_width(i, s);
    const bool sparse = s == SITE_MLP && i->experts > 0;
    const int each = sparse ? i->d_expert : width;
    int64_t rows = 0;
    for (int64_t k = 0; k < p->tile.samples; k++) {
        const int64_t own = p->tile.first_row[k + 1] - p->tile.first_row[k] - f->skip_first;
        rows += own > 0 ? own : 0;
    }
    for (int first = 0; first < width; first += each) {
        site_totals t = {s, layer, first, each, rows, {0}, positive + first};
        for (int m = 0; m < SITE_MOMENTS; m++)
            t.sum[m] = sum + (int64_t)m * width + first;
        if (sparse)
            t.rows = p->device->routed[(int64_t)layer * i->experts + first / each];
        TRY(f->totals(f->context, p->thread, &t));
    }
done:
    return st;
}

status device_give_totals(const pass *p)
{
    status st = OK;
    const device_model *d = p->device->d;
    const model_info *i = &p->m->config.info;
    const layer_range held = p->m->config.held;
    device_pass *b = p->device;
    for (site s = 0; s < SITES; s++) {
        const size_t width = (size_t)model_site_width(i, s);
        for (int l = held.first; p->f->read_sites[s] && width > 0 && l < held.end; l++) {
            const int64_t at = totals_at(i, l, s);
            TRY_DEVICE(d, d->ops->download(d->device, d->arrays.sum + DEVICE_MOMENTS * at,
                                           DEVICE_MOMENTS * width * sizeof(fixed), b->sum));
            TRY_DEVICE(d, d->ops->download(d->device, d->arrays.positive + at,
                                           width * sizeof(int64_t), b->positive));
            TRY(give_layer(p, l, s, b->sum, b->positive));
        }
    }
done:
    return st;
}

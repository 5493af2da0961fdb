// SPDX-License-Identifier: Apache-2.0
// All neurons of an MLP are made at once: a device has the memory, and its products want to be large.
// The router's choice is made here on the host, by the same code as on a CPU, since among equal
// weights it is PyTorch's.
#include "model/device/device_mlp.h"

#include <math.h>

#include "model/device/device_sites.h"
#include "model/forward/experts.h"
#include "model/forward/mask.h"
#include "model/forward/sites.h"

// An MLP's rows: x, as products read it.
typedef struct mlp_input {
    int layer, expert;
    const void *x;
    int64_t rows;
    const int32_t *row; // as device_rows has them
} mlp_input;

// to [rows, H] = or += what an MLP makes; ends with its site where nobody wants that.
static status run_mlp(pass *p, const mlp_input *in, bool add, float *to)
{
    status st;
    const device_model *d = p->device->d;
    const device_arrays *a = &d->arrays;
    const config *c = &p->m->config;
    const int hidden = c->info.hidden_size;
    const mlp_weights w = p->m->arch->mlp(p->m, in->layer, in->expert);
    const int n = w.up.out;
    const bool gated = w.gate.out > 0;
    if (gated)
        TRY(device_product(d, &w.gate, in->x, hidden, in->rows, false, a->gate, n));
    TRY(device_product(d, &w.up, in->x, hidden, in->rows, false, a->mlp, n));
    TRY(device_show_site(p, &(device_rows){.site = SITE_MLP,
                                           .layer = in->layer,
                                           .first_neuron = in->expert * c->info.d_expert,
                                           .neurons = n,
                                           .x = a->mlp,
                                           .gate = gated ? a->gate : NULL,
                                           .act = device_find_activation(w.act),
                                           .rows = in->rows,
                                           .row = in->row,
                                           .to = p->sites_only ? NULL : a->site}));
    if (!p->sites_only)
        TRY(device_product(d, &w.down, a->site, n, in->rows, add, to, hidden));
done:
    return st;
}

static status route_rows(pass *p, int layer)
{
    status st;
    device_pass *b = p->device;
    const device_model *d = b->d;
    const device_arrays *a = &d->arrays;
    const config *c = &p->m->config;
    const int n = c->info.experts;
    const size_t values = (size_t)p->rows * (size_t)n;
    float *weight = p->routing.weight;
    const linear router = p->m->arch->router(p->m, layer);
    TRY(device_product(d, &router, a->normed, c->info.hidden_size, p->rows, false, a->weight, n));
    TRY_DEVICE(d, d->ops->download(d->device, a->weight, values * sizeof *weight, weight));
    for (size_t i = 0; i < values; i++)
        if (!isfinite(weight[i]))
            return site_not_finite(layer, SITE_EXPERT);
    experts_choose(c, p->rows, &p->routing);
    TRY_DEVICE(d, d->ops->upload(d->device, weight, values * sizeof *weight, a->weight));
    TRY(device_show_site(
        p,
        &(device_rows){
            .site = SITE_EXPERT, .layer = layer, .neurons = n, .x = a->weight, .rows = p->rows}));
done:
    return st;
}

// output[row[i], :] += weight · what the expert makes of row[i].
static status run_expert(pass *p, int layer, int expert)
{
    status st;
    device_pass *b = p->device;
    const device_model *d = b->d;
    const device_arrays *a = &d->arrays;
    const int hidden = p->m->config.info.hidden_size, experts = p->m->config.info.experts;
    const routing *r = &p->routing;
    const int32_t *row = r->row + r->first[expert];
    const int64_t rows = r->first[expert + 1] - r->first[expert];
    TRY_DEVICE(d, d->ops->upload(d->device, row, (size_t)rows * sizeof *row, a->index));
    for (int64_t i = 0; i < rows; i++)
        b->factor[i] = r->weight[(int64_t)row[i] * experts + expert];
    TRY_DEVICE(d,
               d->ops->upload(d->device, b->factor, (size_t)rows * sizeof *b->factor, a->factor));
    TRY_DEVICE(d, d->ops->gather(d->device, &(device_gather){.from = a->normed,
                                                             .from_stride = hidden,
                                                             .to_stride = hidden,
                                                             .row = a->index,
                                                             .n = rows,
                                                             .filled = device_filled(d, rows),
                                                             .width = hidden,
                                                             .type = device_value_type(d),
                                                             .to = a->gathered}));
    TRY(run_mlp(p, &(mlp_input){layer, expert, a->gathered, rows, row}, false, a->spare));
    if (!p->sites_only)
        TRY_DEVICE(d, d->ops->add(d->device, &(device_add){.from = a->spare,
                                                           .row = a->index,
                                                           .factor = a->factor,
                                                           .n = rows,
                                                           .width = hidden,
                                                           .to = a->output}));
done:
    return st;
}

static status run_experts(pass *p, int layer)
{
    status st;
    const forward *f = p->f;
    const device_model *d = p->device->d;
    const bool read = f->read && f->read_sites[SITE_MLP];
    const size_t bytes = (size_t)p->rows * (size_t)p->m->config.info.hidden_size * sizeof(float);
    TRY(route_rows(p, layer));
    TRY_DEVICE(d, d->ops->clear(d->device, d->arrays.output, bytes));
    for (int e = 0; e < p->m->config.info.experts; e++) {
        const bool pruned = mask_prunes_expert(f->mask, layer, e, !read);
        if (!pruned && p->routing.first[e + 1] > p->routing.first[e] && (!p->sites_only || read))
            TRY(run_expert(p, layer, e));
    }
done:
    return st;
}

status device_mlp(pass *p, int layer)
{
    status st;
    const device_arrays *a = &p->device->d->arrays;
    const output_step then = p->m->arch->mlp(p->m, layer, 0).then;
    const bool sparse = p->m->config.info.experts > 0, apart = sparse || then.norm || then.scale;
    if (sparse)
        TRY(run_experts(p, layer));
    else
        TRY(run_mlp(p, &(mlp_input){layer, 0, a->normed, p->rows, NULL}, !apart,
                    apart ? a->output : a->hidden));
    if (apart && !p->sites_only)
        TRY(device_add_output(p, &then, layer, SITE_MLP));
done:
    return st;
}

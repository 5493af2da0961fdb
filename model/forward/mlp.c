// SPDX-License-Identifier: Apache-2.0
// Neurons are made some at a time: each step is small enough to stay in cache from its product to
// its rounding, and a block of steps is projected down at once.
#include "model/forward/mlp.h"

#include "model/forward/mask.h"
#include "model/forward/neuron_cache.h"
#include "model/forward/sites.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

// Neurons [first, first + n) of the MLP's inside: y [rows, n], its rows `stride` apart, and where
// products read bf16 also rounded into half [rows, n], half_stride apart.
typedef struct neuron_step {
    int first, n;
    float *y;
    int64_t stride;
    uint16_t *half;
    int64_t half_stride;
} neuron_step;

// `rounded`: into half too, while each block is in cache.
static status make_step(pass *p, const mlp_weights *w, const operand *x, const neuron_step *u,
                        bool rounded)
{
    status st = OK;
    const bool gated = w->gate.out > 0;
    const linear up = linear_outputs(&w->up, u->first, u->n);
    product_finish activate = {.act = w->act->apply}, finish = {.half_stride = u->half_stride};
    if (gated) {
        const linear gate = linear_outputs(&w->gate, u->first, u->n);
        TRY(linear_apply(p->products, &gate, x, &activate, p->gate, u->n));
        finish.factor = p->gate;
        finish.factor_stride = u->n;
    } else {
        finish.act = w->act->apply;
    }
    finish.half = rounded ? u->half : NULL;
    TRY(linear_apply(p->products, &up, x, &finish, u->y, u->stride));
done:
    return st;
}

// Makes neurons [first, first + n), step by step, and shows them to the reader. `read_too`: they
// are not compacted.
static status make_neurons(pass *p, const mlp_rows *m, const mlp_weights *w, int first, int n,
                           bool read_too, operand *inside)
{
    status st = OK;
    const int64_t rows = m->x.rows;
    const int before = m->expert * p->m->config.info.d_expert;
    uint16_t *half = p->m->packing == PACKING_BF16 ? p->site_copy : NULL;
    const bool pruned = read_too && mask_pruned(p->f->mask, SITE_MLP, m->layer).n > 0;
    *inside = (operand){p->mlp, half, n, n, rows};
    for (int at = 0; at < n; at += p->mlp_step) {
        const int left = n - at, step = left < p->mlp_step ? left : p->mlp_step;
        const neuron_step u = {
            first + at, step, half ? p->mlp : p->mlp + at, half ? step : n, half ? half + at : NULL,
            n};
        TRY(make_step(p, w, &m->x, &u, half && !pruned && !p->sites_only));
        if (!read_too)
            continue;
        const site_block block = {SITE_MLP, m->layer, before + u.first, step,
                                  rows,     u.y,      u.stride,         m->row};
        TRY(site_show(p, &block, u.y));
        for (int64_t r = 0; half && pruned && !p->sites_only && r < rows; r++)
            products_round(p->products, u.y + r * u.stride, (size_t)step,
                           u.half + r * u.half_stride);
    }
done:
    return st;
}

// Makes all neurons of this layer, for the caller to keep.
static status fill_cache(pass *p, const mlp_rows *m)
{
    status st = OK;
    operand inside;
    const mlp_weights w = p->m->arch->mlp(p->m, m->layer, m->expert);
    for (int first = 0; first < w.up.out; first += p->mlp_block) {
        const int left = w.up.out - first, n = left < p->mlp_block ? left : p->mlp_block;
        TRY(make_neurons(p, m, &w, first, n, false, &inside));
        neuron_cache_put(p, &inside, first, n);
    }
    p->neurons->made = true;
done:
    return st;
}

status mlp_run(pass *p, const mlp_rows *m, float *to)
{
    status st = OK;
    const int hidden = p->m->config.info.hidden_size;
    const bool read = p->f->read && p->f->read_sites[SITE_MLP];
    mlp_weights w;
    operand inside;
    const bool compacted = !read && mask_compacted(p->f->mask, m->layer, m->expert, &w);
    if (!compacted)
        w = p->m->arch->mlp(p->m, m->layer, m->expert);
    if (w.up.out == 0 && w.down.bias && !p->sites_only) // otherwise the first product adds it
        kernel_add_rows(w.down.bias, m->x.rows, hidden, to);
    if (p->neurons && !p->neurons->made)
        TRY(fill_cache(p, m));
    for (int first = 0; first < w.up.out; first += p->mlp_block) {
        int left = w.up.out - first, n = left < p->mlp_block ? left : p->mlp_block;
        if (p->neurons)
            inside = neuron_cache_gather(p, m->layer, first, n);
        else
            TRY(make_neurons(p, m, &w, first, n, !compacted, &inside));
        if (p->sites_only)
            continue;
        const linear down = linear_inputs(&w.down, first, n);
        TRY(linear_add(p->products, &down, &inside, to, hidden));
    }
done:
    return st;
}

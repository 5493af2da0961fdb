// SPDX-License-Identifier: Apache-2.0
// Masks of MLP neurons do not change what those neurons are, only which of them count: so a search
// computes a layer's once a tile and gathers. The bits are those of the compacted product only
// where an output's bits do not depend on the others, hence model_neuron_bytes.
#include "model/forward/neuron_cache.h"

#include <string.h>

#include "model/forward/mask.h"
#include "model/forward/model_bytes.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

model_neurons *neuron_cache_find(const pass *p, int layer)
{
    const forward *f = p->f;
    const bool here = (f->first_behind_attn && layer == f->first_layer) ||
                      (f->keep_behind_attn && layer == f->keep_layer);
    if (!here || !f->neurons || f->read || mask_remaining(f->mask, layer).n == 0 ||
        model_neuron_bytes(p->m) == 0)
        return NULL;
    return f->neurons(f->context, p->index, &p->tile);
}

void neuron_cache_put(const pass *p, const operand *inside, int first, int n)
{
    const size_t each = model_neuron_bytes(p->m), row = (size_t)p->m->config.info.d_mlp * each;
    const char *from = inside->half ? (const char *)inside->half : (const char *)inside->x;
    for (int64_t r = 0; r < p->rows; r++)
        memcpy((char *)p->neurons->x + (size_t)r * row + (size_t)first * each,
               from + (size_t)r * (size_t)n * each, (size_t)n * each);
}

operand neuron_cache_gather(const pass *p, int layer, int first, int n)
{
    const neuron_list remaining = mask_remaining(p->f->mask, layer);
    const int left = remaining.n - first, there = left < n ? left : n;
    uint16_t *half = p->m->packing == PACKING_BF16 ? p->site_copy : NULL;
    kernel_gather(p->neurons->x, model_neuron_bytes(p->m), p->m->config.info.d_mlp, p->rows,
                  remaining.neuron + first, there, n, half ? (void *)half : p->mlp);
    return (operand){p->mlp, half, n, n, p->rows};
}

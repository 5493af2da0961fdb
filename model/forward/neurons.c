// SPDX-License-Identifier: Apache-2.0
#include "model/forward/neurons.h"

#include <string.h>

#include "model/forward/mask.h"
#include "model/forward/model_bytes.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

model_units *neurons_kept(const pass *p, int layer)
{
    const forward *f = p->f;
    const bool here = (f->first_behind_attn && layer == f->first_layer) ||
                      (f->keep_behind_attn && layer == f->keep_layer);
    if (!here || !f->units || f->read || mask_kept(f->mask, layer).n == 0 ||
        model_unit_bytes(p->m) == 0)
        return NULL;
    return f->units(f->context, p->index, &p->tile);
}

void neurons_keep(const pass *p, const operand *inside, int first, int n)
{
    const size_t each = model_unit_bytes(p->m), row = (size_t)p->m->config.info.d_mlp * each;
    const char *from = inside->half ? (const char *)inside->half : (const char *)inside->x;
    for (int64_t r = 0; r < p->rows; r++)
        memcpy((char *)p->units->x + (size_t)r * row + (size_t)first * each,
               from + (size_t)r * (size_t)n * each, (size_t)n * each);
}

operand neurons_gather(const pass *p, int layer, int first, int n)
{
    const unit_list kept = mask_kept(p->f->mask, layer);
    const int left = kept.n - first, there = left < n ? left : n;
    uint16_t *half = p->m->packing == PACKING_BF16 ? p->site_copy : NULL;
    kernel_gather(p->units->x, model_unit_bytes(p->m), p->m->config.info.d_mlp, p->rows,
                  kept.unit + first, there, n, half ? (void *)half : p->mlp);
    return (operand){p->mlp, half, n, n, p->rows};
}

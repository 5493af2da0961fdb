// SPDX-License-Identifier: Apache-2.0
// The three sites are pruned and read in one way, wherever in a layer they lie: a mask is a list of
// neurons for each, and a reader is told which rectangle it sees.
#include "model/forward/sites.h"

#include "model/forward/mask.h"
#include "model/kernels/kernels.h"

// The first of an ascending list that is `neuron` or more. Of a sparse layer the list is long.
static int find_neuron(neuron_list list, int neuron)
{
    int low = 0, high = list.n;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (list.neuron[middle] < neuron)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

status site_show(pass *p, const site_block *block, float *x)
{
    const forward *f = p->f;
    const neuron_list pruned = mask_pruned(f->mask, block->site, block->layer);
    const int first = block->first_neuron;
    const int begin = find_neuron(pruned, first), end = find_neuron(pruned, first + block->neurons);
    status st = OK;
    if (end > begin && f->ablate && block->site != SITE_EXPERT)
        st = f->ablate(f->context, p->index, p->thread, &p->tile, block, pruned.neuron + begin,
                       end - begin, x);
    else if (end > begin)
        kernel_zero_columns(x, block->rows, block->stride, first, pruned.neuron + begin,
                            end - begin);
    if (st != OK)
        return st;
    if (!f->read || !f->read_sites[block->site])
        return OK;
    return f->read(f->context, p->index, p->thread, &p->tile, block);
}

bool site_mlp_read(const pass *p)
{
    return p->f->read_sites[SITE_MLP] || p->f->read_sites[SITE_EXPERT];
}

status site_not_finite(int layer, site after)
{
    if (layer < 0)
        return status_fail(ERR_NUMERIC, "model", "NaN or infinity in the embeddings");
    return status_fail(ERR_NUMERIC, "model", "NaN or infinity behind layer %d, site %s", layer,
                       site_names[after]);
}

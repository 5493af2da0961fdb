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

neuron_list site_pruned(const forward *f, site s, int layer, int first, int n)
{
    const neuron_list all = mask_pruned(f->mask, s, layer);
    const int begin = find_neuron(all, first);
    return (neuron_list){all.n > 0 ? all.neuron + begin : NULL,
                         find_neuron(all, first + n) - begin};
}

status site_show(pass *p, const site_block *block, float *x)
{
    const forward *f = p->f;
    const int first = block->first_neuron;
    const neuron_list pruned = site_pruned(f, block->site, block->layer, first, block->neurons);
    status st = OK;
    if (pruned.n > 0 && f->ablate && block->site != SITE_EXPERT)
        st =
            f->ablate(f->context, p->index, p->thread, &p->tile, block, pruned.neuron, pruned.n, x);
    else if (pruned.n > 0)
        kernel_zero_columns(x, block->rows, block->stride, first, pruned.neuron, pruned.n);
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

// SPDX-License-Identifier: Apache-2.0
// Copying the weights that remain makes every later product smaller, which pays where enough
// neurons are pruned; copies have a budget, since a search holds many masks. Which MLPs (a layer's,
// or each expert's by itself) are copied is decided from the mask and the model's shape alone, so
// that all ranks and teams compute the same.
#include "model/forward/mask.h"

#include <stdlib.h>
#include <string.h>

#include "model/forward/state.h"
#include "pipeline/base/checked.h"

// The remaining neurons of an MLP, filled up.
typedef struct remaining {
    int32_t *neuron; // owned [n]
    int n, filled;
} remaining;

// A layer's MLP, or one expert's.
typedef struct mlp_mask {
    int n, width;        // pruned neurons, and all
    bool pruned;         // is all of it, at the site `expert`?
    mlp_weights mlp;     // compacted; up.out 0 where it is not
    remaining remaining; // the neurons it has left
    char *copy;          // owns what mlp points to, but for down's bias
    size_t copy_bytes;
} mlp_mask;

typedef struct layer_mask {
    int32_t *neuron[SITES]; // pruned, ascending
    int n[SITES];
    mlp_mask *mlp; // owned [mlps]
} layer_mask;

struct model_mask {
    int layers, mlps; // of a layer: its experts, or 1
    bool ablated;     // pruned neurons are not 0, and count
    layer_mask layer[];
};

static status list_pruned(const uint8_t *pruned, int neurons, int32_t **list, int *n)
{
    *n = 0;
    for (int i = 0; i < neurons; i++)
        *n += pruned[i] != 0;
    if (!(*list = checked_calloc((size_t)*n, sizeof **list)))
        return status_no_memory("a mask");
    for (int i = 0, at = 0; i < neurons; i++)
        if (pruned[i])
            (*list)[at++] = i;
    return OK;
}

// Remaining neurons, filled up to whole blocks.
static int filled_count(int left)
{
    return left > 0 ? (left + COMPACT_ALIGN - 1) / COMPACT_ALIGN * COMPACT_ALIGN : COMPACT_ALIGN;
}

// Bytes of a map that keeps as many outputs, or inputs, in a multiple of 64.
static size_t copied_bytes(const linear *l, int out, int in)
{
    size_t bytes = l->packed.at ? packed_bytes(l->packed.form, out, in)
                                : (size_t)out * (size_t)in * sizeof(float);
    return (bytes + 63) / 64 * 64;
}

// Copies the rows of remaining neurons, and their biases; the filling rows stay zero. Returns what
// is left of `to`.
static char *gather_outputs(const linear *from, const remaining *k, char *to, linear *out)
{
    float *bias = (float *)(void *)(to + copied_bytes(from, k->filled, from->in));
    for (int i = 0; i < k->filled && from->bias; i++)
        bias[i] = i < k->n ? from->bias[k->neuron[i]] : 0;
    if (from->packed.at) {
        packed part = packed_gather_outputs(&from->packed, k->neuron, k->n, k->filled, to);
        *out = linear_packed(&part, from->bias ? bias : NULL);
    } else {
        float *w = (float *)(void *)to;
        for (int i = 0; i < k->n; i++)
            memcpy(w + (size_t)i * (size_t)from->in, from->w + k->neuron[i] * from->stride,
                   (size_t)from->in * sizeof *w);
        *out = linear_whole(w, from->bias ? bias : NULL, k->filled, from->in);
    }
    return (char *)(bias + k->filled);
}

static void gather_inputs(const linear *from, const remaining *k, char *to, linear *out)
{
    if (from->packed.at) {
        packed part = packed_gather_inputs(&from->packed, k->neuron, k->n, k->filled, to);
        *out = linear_packed(&part, from->bias);
        return;
    }
    float *w = (float *)(void *)to;
    for (int r = 0; r < from->out; r++)
        for (int i = 0; i < k->n; i++)
            w[(size_t)r * (size_t)k->filled + (size_t)i] = from->w[r * from->stride + k->neuron[i]];
    *out = linear_whole(w, from->bias, from->out, k->filled);
}

static status compact_mlp(const mlp_weights *full, const uint8_t *pruned, int n, mlp_mask *out)
{
    const int neurons = full->up.out;
    remaining k = {checked_calloc((size_t)(neurons - n), sizeof *k.neuron), 0, 0};
    if (!k.neuron)
        return status_no_memory("compacted weights");
    for (int i = 0; i < neurons; i++)
        if (!pruned[i])
            k.neuron[k.n++] = i;
    k.filled = filled_count(neurons - n);
    const size_t bias = (size_t)k.filled * sizeof(float); // a multiple of 64
    out->copy_bytes = copied_bytes(&full->up, k.filled, full->up.in) + bias +
                      copied_bytes(&full->down, full->down.out, k.filled);
    if (full->gate.out)
        out->copy_bytes += copied_bytes(&full->gate, k.filled, full->gate.in) + bias;
    out->copy = checked_aligned(out->copy_bytes, 1);
    if (out->copy) {
        if (!full->up.packed.at)
            memset(out->copy, 0, out->copy_bytes); // packing fills up by itself
        out->mlp = *full;
        char *at = gather_outputs(&full->up, &k, out->copy, &out->mlp.up);
        if (full->gate.out)
            at = gather_outputs(&full->gate, &k, at, &out->mlp.gate);
        gather_inputs(&full->down, &k, at, &out->mlp.down);
    }
    out->remaining = k;
    return out->copy ? OK : status_no_memory("compacted weights");
}

// An MLP that may be compacted.
typedef struct candidate {
    int layer, expert, pruned;
} candidate;

// With most pruned neurons first, and of equals the lower.
static int by_pruned(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->pruned != y->pruned)
        return (x->pruned < y->pruned) - (x->pruned > y->pruned);
    return x->layer != y->layer ? x->layer - y->layer : x->expert - y->expert;
}

// Lists the MLPs to compact, of those whose copies fit into the budget the ones that pay most; of
// them, those that are held here. Nothing here depends on which layers those are, or on the CPU's
// packing, so that every rank and team computes the same.
static int choose_compacted(const model *m, const model_mask *mask, candidate *list)
{
    const model_info *info = &m->config.info;
    const layer_range held = m->config.held;
    const int width = info->d_mlp / mask->mlps;
    const size_t item = m->packing == PACKING_BF16 ? 2 : sizeof(float);
    const size_t neuron = (size_t)info->hidden_size * (info->gated ? 3 : 2) * item;
    size_t budget = MODEL_COMPACT_BYTES;
    int candidates = 0, n = 0;
    for (int l = 0; l < mask->layers; l++)
        for (int e = 0; e < mask->mlps; e++) {
            const int pruned = mask->layer[l].mlp[e].n;
            const bool gone = info->experts > 0 && pruned == width;
            if (pruned * COMPACT_SHARE >= width && !gone)
                list[candidates++] = (candidate){l, e, pruned};
        }
    qsort(list, (size_t)candidates, sizeof *list, by_pruned);
    for (int i = 0; i < candidates; i++) {
        const size_t bytes = (size_t)filled_count(width - list[i].pruned) * neuron;
        if (bytes > budget)
            continue;
        budget -= bytes;
        if (list[i].layer >= held.first && list[i].layer < held.end)
            list[n++] = list[i];
    }
    return n;
}

// MLPs that pool threads compact.
typedef struct compacting {
    const model *m;
    const uint8_t *pruned; // [L, d_mlp]
    model_mask *mask;
    candidate *list; // those that are compacted
} compacting;

static status compact_one(void *context, int64_t item, int thread)
{
    (void)thread;
    const compacting *c = context;
    const candidate *one = &c->list[item];
    const mlp_weights full = c->m->arch->mlp(c->m, one->layer, one->expert);
    const size_t before = (size_t)one->layer * (size_t)c->mask->mlps + (size_t)one->expert;
    return compact_mlp(&full, c->pruned + before * (size_t)full.up.out, one->pruned,
                       &c->mask->layer[one->layer].mlp[one->expert]);
}

// Compacts the MLPs that pay most.
static status compact_mlps(const model *m, pool *p, const uint8_t *pruned, model_mask *mask)
{
    status st;
    candidate *list = checked_calloc((size_t)mask->layers * (size_t)mask->mlps, sizeof *list);
    if (!list)
        return status_no_memory("a mask");
    const int n = choose_compacted(m, mask, list);
    st = pool_run(p, n, compact_one, &(compacting){m, pruned, mask, list});
    free(list);
    return st;
}

// A layer's lists, and what they say of each of its MLPs.
static status list_layer(const model_info *info, const uint8_t *const pruned[SITES], int l,
                         model_mask *mask)
{
    status st = OK;
    layer_mask *layer = &mask->layer[l];
    const int width = info->d_mlp / mask->mlps;
    if (!(layer->mlp = checked_calloc((size_t)mask->mlps, sizeof *layer->mlp)))
        return status_no_memory("a mask");
    for (site s = 0; s < SITES; s++) {
        const int neurons = model_site_width(info, s);
        if (pruned[s])
            TRY(list_pruned(pruned[s] + (size_t)l * (size_t)neurons, neurons, &layer->neuron[s],
                            &layer->n[s]));
    }
    for (int e = 0; e < mask->mlps; e++)
        layer->mlp[e].width = width;
    for (int i = 0; i < layer->n[SITE_MLP]; i++)
        layer->mlp[layer->neuron[SITE_MLP][i] / width].n++;
    for (int i = 0; i < layer->n[SITE_EXPERT]; i++)
        layer->mlp[layer->neuron[SITE_EXPERT][i]].pruned = true;
done:
    return st;
}

// A mask that compacts nothing.
static status mask_new(const model *m, const uint8_t *const pruned[SITES], model_mask **out)
{
    status st = OK;
    const model_info *info = &m->config.info;
    model_mask *mask =
        checked_calloc(1, sizeof *mask + (size_t)info->layers * sizeof mask->layer[0]);
    if (!mask)
        return status_no_memory("a mask");
    mask->layers = info->layers;
    mask->mlps = info->experts > 0 ? info->experts : 1;
    for (int l = 0; l < info->layers; l++)
        TRY(list_layer(info, pruned, l, mask));
    *out = mask;
    mask = NULL;
done:
    model_mask_free(mask);
    return st;
}

status model_mask_new(const model *m, pool *p, const uint8_t *const pruned[SITES], model_mask **out)
{
    status st;
    model_mask *mask = NULL;
    TRY(mask_new(m, pruned, &mask));
    if (pruned[SITE_MLP] && !m->device) // whose weights are elsewhere
        TRY(compact_mlps(m, p, pruned[SITE_MLP], mask));
    *out = mask;
    mask = NULL;
done:
    model_mask_free(mask);
    return st;
}

status model_mask_new_ablated(const model *m, const uint8_t *const pruned[SITES], model_mask **out)
{
    status st = mask_new(m, pruned, out);
    if (st == OK)
        (*out)->ablated = true;
    return st;
}

void model_mask_free(model_mask *mask)
{
    if (!mask)
        return;
    for (int l = 0; l < mask->layers; l++) {
        layer_mask *layer = &mask->layer[l];
        for (site s = 0; s < SITES; s++)
            free(layer->neuron[s]);
        for (int e = 0; layer->mlp && e < mask->mlps; e++) {
            free(layer->mlp[e].copy);
            free(layer->mlp[e].remaining.neuron);
        }
        free(layer->mlp);
    }
    free(mask);
}

int model_mask_pruned(const model_mask *mask, site s, int layer)
{
    return mask->layer[layer].n[s];
}

size_t model_mask_bytes(const model_mask *mask)
{
    size_t bytes = sizeof *mask;
    for (int l = 0; l < mask->layers; l++) {
        const layer_mask *layer = &mask->layer[l];
        bytes += sizeof *layer + (size_t)mask->mlps * sizeof *layer->mlp;
        for (int e = 0; e < mask->mlps; e++)
            bytes += layer->mlp[e].copy_bytes + (size_t)layer->mlp[e].remaining.n * sizeof(int32_t);
        for (site s = 0; s < SITES; s++)
            bytes += (size_t)layer->n[s] * sizeof(int32_t);
    }
    return bytes;
}

neuron_list mask_pruned(const model_mask *mask, site s, int layer)
{
    if (!mask)
        return (neuron_list){NULL, 0};
    return (neuron_list){mask->layer[layer].neuron[s], mask->layer[layer].n[s]};
}

bool mask_compacted(const model_mask *mask, int layer, int expert, mlp_weights *out)
{
    if (!mask || !mask->layer[layer].mlp[expert].mlp.up.out)
        return false;
    *out = mask->layer[layer].mlp[expert].mlp;
    return true;
}

bool mask_prunes_expert(const model_mask *mask, int layer, int expert, bool neurons)
{
    if (!mask)
        return false;
    const mlp_mask *one = &mask->layer[layer].mlp[expert];
    return one->pruned || (neurons && !mask->ablated && one->n == one->width);
}

neuron_list mask_remaining(const model_mask *mask, int layer)
{
    if (!mask)
        return (neuron_list){NULL, 0};
    const remaining *k = &mask->layer[layer].mlp[0].remaining;
    return (neuron_list){k->neuron, k->n};
}

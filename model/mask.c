// SPDX-License-Identifier: Apache-2.0
#include "model/mask.h"

#include <stdlib.h>
#include <string.h>

#include "model/state.h"
#include "pipeline/base/checked.h"

typedef struct layer_mask {
    int32_t *unit[SITES]; // pruned, ascending
    int n[SITES];
    mlp_weights mlp; // compacted; up.w NULL where it is not
    float *copy;     // owns what mlp points to, but for down's bias
    size_t copy_bytes;
} layer_mask;

struct model_mask {
    int layers;
    layer_mask layer[];
};

static status list_pruned(const uint8_t *pruned, int units, int32_t **list, int *n)
{
    *n = 0;
    for (int i = 0; i < units; i++)
        *n += pruned[i] != 0;
    if (!(*list = checked_calloc((size_t)*n, sizeof **list)))
        return status_no_memory("a mask");
    for (int i = 0, at = 0; i < units; i++)
        if (pruned[i])
            (*list)[at++] = i;
    return OK;
}

// Copies the rows of kept units, and their biases; the filling rows stay zero. Returns what is left
// of `to`.
static float *gather_outputs(const linear *from, const uint8_t *pruned, int kept, float *to,
                             linear *out)
{
    float *w = to, *bias = to + (size_t)kept * (size_t)from->in;
    int at = 0;
    for (int i = 0; i < from->out; i++) {
        if (pruned[i])
            continue;
        memcpy(w + (size_t)at * (size_t)from->in, from->w + i * from->stride,
               (size_t)from->in * sizeof *w);
        if (from->bias)
            bias[at] = from->bias[i];
        at++;
    }
    *out = linear_whole(w, from->bias ? bias : NULL, kept, from->in);
    return bias + kept;
}

static void gather_inputs(const linear *from, const uint8_t *pruned, int kept, float *to,
                          linear *out)
{
    for (int r = 0; r < from->out; r++) {
        const float *row = from->w + r * from->stride;
        float *packed = to + (size_t)r * (size_t)kept;
        for (int i = 0, at = 0; i < from->in; i++)
            if (!pruned[i])
                packed[at++] = row[i];
    }
    *out = linear_whole(to, from->bias, from->out, kept);
}

static status compact(const mlp_weights *full, const uint8_t *pruned, int n, layer_mask *out)
{
    int kept = (full->up.out - n + COMPACT_ALIGN - 1) / COMPACT_ALIGN * COMPACT_ALIGN;
    kept = kept ? kept : COMPACT_ALIGN;
    size_t rows = (full->gate.w ? 2 : 1) * ((size_t)full->up.in + 1) + (size_t)full->down.out;
    out->copy_bytes = rows * (size_t)kept * sizeof(float);
    if (!(out->copy = checked_aligned(out->copy_bytes, 1)))
        return status_no_memory("compacted weights");
    memset(out->copy, 0, out->copy_bytes);
    out->mlp = *full;
    float *at = gather_outputs(&full->up, pruned, kept, out->copy, &out->mlp.up);
    if (full->gate.w)
        at = gather_outputs(&full->gate, pruned, kept, at, &out->mlp.gate);
    gather_inputs(&full->down, pruned, kept, at, &out->mlp.down);
    return OK;
}

status model_mask_new(const model *m, const uint8_t *const pruned[SITES], model_mask **out)
{
    status st = OK;
    const model_info *info = &m->config.info;
    model_mask *mask =
        checked_calloc(1, sizeof *mask + (size_t)info->layers * sizeof mask->layer[0]);
    if (!mask)
        return status_no_memory("a mask");
    mask->layers = info->layers;
    for (int l = 0; l < info->layers; l++) {
        layer_mask *layer = &mask->layer[l];
        for (site s = 0; s < SITES; s++) {
            int units = model_site_width(info, s);
            if (pruned[s])
                TRY(list_pruned(pruned[s] + (size_t)l * (size_t)units, units, &layer->unit[s],
                                &layer->n[s]));
        }
        bool held = l >= m->config.held.first && l < m->config.held.end;
        if (held && layer->n[SITE_MLP] * COMPACT_SHARE >= info->d_mlp) {
            mlp_weights full = m->arch->mlp(m, l);
            TRY(compact(&full, pruned[SITE_MLP] + (size_t)l * (size_t)info->d_mlp,
                        layer->n[SITE_MLP], layer));
        }
    }
    *out = mask;
    mask = NULL;
done:
    model_mask_free(mask);
    return st;
}

void model_mask_free(model_mask *mask)
{
    if (!mask)
        return;
    for (int l = 0; l < mask->layers; l++) {
        for (site s = 0; s < SITES; s++)
            free(mask->layer[l].unit[s]);
        free(mask->layer[l].copy);
    }
    free(mask);
}

int model_mask_first_layer(const model_mask *mask)
{
    int l = 0;
    while (l < mask->layers && mask->layer[l].n[SITE_MLP] == 0 && mask->layer[l].n[SITE_ATTN] == 0)
        l++;
    return l;
}

size_t model_mask_bytes(const model_mask *mask)
{
    size_t bytes = sizeof *mask;
    for (int l = 0; l < mask->layers; l++) {
        bytes += sizeof mask->layer[l] + mask->layer[l].copy_bytes;
        for (site s = 0; s < SITES; s++)
            bytes += (size_t)mask->layer[l].n[s] * sizeof(int32_t);
    }
    return bytes;
}

pruned_units mask_pruned(const model_mask *mask, site s, int layer)
{
    if (!mask)
        return (pruned_units){NULL, 0};
    return (pruned_units){mask->layer[layer].unit[s], mask->layer[layer].n[s]};
}

bool mask_compacted(const model_mask *mask, int layer, mlp_weights *out)
{
    if (!mask || !mask->layer[layer].mlp.up.w)
        return false;
    *out = mask->layer[layer].mlp;
    return true;
}

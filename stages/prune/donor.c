// SPDX-License-Identifier: Apache-2.0
// Resampling runs the unpruned model over another tile first, and keeps of it what the pruned
// neurons did, neuron by neuron. Which tile that is depends on the seed and the tile alone, so that
// no rank and no search changes it.
#include "stages/prune/donor.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"

struct donor {
    const donor_request *request;
    int64_t tile, rows, samples;
    int shift;          // samples that the tile lends itself to others by: 1 where it is its own
    int64_t *first_row; // owned [samples + 1]
    float *x[SITES];    // owned [pruned neurons of all layers, rows]
};

status ablated_neurons_make(const ablation *a, uint8_t *const pruned[SITES], ablated_neurons *out)
{
    *out = (ablated_neurons){.neuron = {NULL}};
    for (int k = 0; k < SITES; k++) {
        const int64_t width = a->width[k], all = a->layers * width;
        int64_t n = 0;
        if (width == 0)
            continue;
        for (int64_t i = 0; i < all; i++)
            n += pruned[k][i];
        out->neuron[k] = checked_calloc((size_t)n, sizeof *out->neuron[k]);
        out->first[k] = checked_calloc((size_t)a->layers + 1, sizeof *out->first[k]);
        if (!out->neuron[k] || !out->first[k]) {
            ablated_neurons_free(out);
            return status_no_memory("a mask");
        }
        n = 0;
        for (int64_t i = 0; i < all; i++) {
            if (pruned[k][i])
                out->neuron[k][n++] = (int32_t)(i % width);
            out->first[k][i / width + 1] = n;
        }
    }
    return OK;
}

void ablated_neurons_free(ablated_neurons *n)
{
    for (int k = 0; k < SITES; k++) {
        free(n->neuron[k]);
        free(n->first[k]);
    }
    *n = (ablated_neurons){.neuron = {NULL}};
}

// The place of a neuron, or of the first behind it, among all pruned ones of the site.
static int64_t place_of(const ablated_neurons *n, site s, int layer, int neuron)
{
    int64_t low = n->first[s][layer], high = n->first[s][layer + 1];
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (n->neuron[s][middle] < neuron)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static status load_donor(void *context, int64_t index, int thread, tile *t)
{
    (void)index, (void)thread;
    const donor *d = context;
    return tile_source_load(d->request->source, d->tile, t);
}

// Room for what the tile will show, once its shape is known.
static status make_room(donor *d, const tile *t)
{
    const ablated_neurons *n = d->request->neurons;
    const int layers = model_get_info(d->request->model)->layers;
    d->rows = t->rows;
    d->samples = t->samples;
    d->first_row = checked_calloc((size_t)t->samples + 1, sizeof *d->first_row);
    if (!d->first_row)
        return status_no_memory("another sample's activations");
    memcpy(d->first_row, t->first_row, ((size_t)t->samples + 1) * sizeof *d->first_row);
    for (int k = 0; k < SITES; k++)
        if (n->first[k] && !(d->x[k] = checked_calloc((size_t)n->first[k][layers],
                                                      (size_t)t->rows * sizeof(float))))
            return status_no_memory("another sample's activations");
    return OK;
}

static status keep_block(void *context, int64_t index, int thread, const tile *t,
                         const site_block *block)
{
    (void)index, (void)thread;
    donor *d = context;
    const ablated_neurons *n = d->request->neurons;
    if (!d->first_row) {
        status st = make_room(d, t);
        if (st != OK)
            return st;
    }
    const int first = block->first_neuron;
    const int64_t end = place_of(n, block->site, block->layer, first + block->neurons);
    for (int64_t at = place_of(n, block->site, block->layer, first); at < end; at++)
        for (int64_t r = 0; r < d->rows; r++)
            d->x[block->site][at * d->rows + r] =
                block->x[r * block->stride + n->neuron[block->site][at] - first];
    return OK;
}

static bool is_stopping(void *context)
{
    const donor *d = context;
    return d->request->stopping(d->request->context);
}

static void choose_tile(const ablation *a, const tile_source *source, int64_t index, donor *d)
{
    const int64_t tiles = source->cuts.tiles;
    const rng r = rng_new(a->seed, "prune/resample");
    d->tile = index;
    d->shift = tiles == 1;
    if (tiles > 1) {
        d->tile = (int64_t)rng_below(&r, (uint64_t)index, (uint64_t)tiles - 1);
        d->tile += d->tile >= index;
    }
}

status donor_new(const ablation *a, const donor_request *q, int64_t index, donor **out)
{
    status st = OK;
    donor *d = checked_calloc(1, sizeof *d);
    if (!d)
        return status_no_memory("another sample's activations");
    d->request = q;
    choose_tile(a, q->source, index, d);
    forward pass = {.context = d,
                    .tiles = 1,
                    .max_samples = q->source->cuts.max_samples,
                    .max_rows = q->source->cuts.max_rows,
                    .load = load_donor,
                    .read = keep_block,
                    .lane = q->lane,
                    .stopping = is_stopping};
    for (int k = 0; k < SITES; k++)
        pass.read_sites[k] = q->neurons->first[k] != NULL;
    TRY(model_forward(q->model, q->pool, &pass));
    *out = d;
    d = NULL;
done:
    donor_free(d);
    return st;
}

void donor_free(donor *d)
{
    if (!d)
        return;
    free(d->first_row);
    for (int k = 0; k < SITES; k++)
        free(d->x[k]);
    free(d);
}

void donor_set(const donor *d, const tile *t, const site_block *block, const int32_t *neuron, int n,
               float *x)
{
    const ablated_neurons *all = d->request->neurons;
    const int64_t at = place_of(all, block->site, block->layer, neuron[0]);
    for (int64_t s = 0; s < t->samples; s++) {
        const int64_t other = (s + d->shift) % d->samples, begin = d->first_row[other];
        const int64_t length = d->first_row[other + 1] - begin;
        for (int64_t r = t->first_row[s]; r < t->first_row[s + 1]; r++) {
            const int64_t place = r - t->first_row[s];
            const int64_t from = begin + (place < length ? place : length - 1);
            for (int j = 0; j < n; j++)
                x[r * block->stride + neuron[j] - block->first_neuron] =
                    d->x[block->site][(at + j) * d->rows + from];
        }
    }
}

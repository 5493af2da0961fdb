// SPDX-License-Identifier: Apache-2.0
// The order of steps is that of model/forward/cpu_blocks.c. Nothing here waits for the device: what
// was no number is noted there, and looked at behind the batch.
#include "model/device/device_blocks.h"

#include <math.h>

#include "model/device/device_embed.h"
#include "model/device/device_mlp.h"
#include "model/device/device_run.h"
#include "model/device/device_sites.h"
#include "model/forward/blocks.h"
#include "model/forward/sites.h"

static status make_normed(pass *p, const block_norm *n)
{
    const config *c = &p->m->config;
    const device_model *d = p->device->d;
    const int hidden = c->info.hidden_size;
    return device_check(
        d, d->ops->norm(d->device, &(device_norm){.x = d->arrays.hidden,
                                                  .x_stride = hidden,
                                                  .rows = p->rows,
                                                  .width = hidden,
                                                  .weight = device_rows_of(d, n->weight),
                                                  .bias = device_rows_of(d, n->bias),
                                                  .eps = (float)c->norm_eps,
                                                  .to = d->arrays.normed,
                                                  .to_stride = hidden,
                                                  .type = device_value_type(d),
                                                  .sum = n->replaced ? d->arrays.hidden : NULL,
                                                  .bad = device_bad(d, n->layer, n->after)}));
}

static status project_normed(pass *p, const linear *l, const activation *act)
{
    status st;
    const device_model *d = p->device->d;
    const int hidden = p->m->config.info.hidden_size;
    TRY(device_product(d, l, d->arrays.normed, hidden, p->rows, false, d->arrays.hidden, hidden));
    if (act)
        TRY_DEVICE(d, d->ops->site(d->device, &(device_site){.x = d->arrays.hidden,
                                                             .rows = p->rows,
                                                             .stride = hidden,
                                                             .neurons = hidden,
                                                             .act = device_find_activation(act)}));
done:
    return st;
}

// Rows of `from` that the head reads, in `to`.
static status gather_head(const pass *p, device_type type, const void *from, void *to)
{
    const device_model *d = p->device->d;
    const int hidden = p->m->config.info.hidden_size;
    return device_check(d, d->ops->gather(d->device, &(device_gather){.from = from,
                                                                      .from_stride = hidden,
                                                                      .to_stride = hidden,
                                                                      .row = d->arrays.index,
                                                                      .n = p->head_rows,
                                                                      .filled = p->head_rows,
                                                                      .width = hidden,
                                                                      .type = type,
                                                                      .to = to}));
}

static void swap(void **a, void **b)
{
    void *kept = *a;
    *a = *b;
    *b = kept;
}

static status narrow_rows(pass *p)
{
    status st;
    device_arrays *a = &p->device->d->arrays;
    TRY(device_put(p->device, p->head_row, p->head_rows, a->index));
    TRY(gather_head(p, DEVICE_F32, a->hidden, a->spare));
    TRY(gather_head(p, device_value_type(p->device->d), a->normed, a->spare_normed));
    float *hidden = a->hidden;
    a->hidden = a->spare;
    a->spare = hidden;
    swap(&a->normed, &a->spare_normed);
    for (int64_t i = 0; i < p->head_rows; i++) {
        p->position[i] = p->position[p->head_row[i]];
        if (p->turn != p->position)
            p->turn[i] = p->turn[p->head_row[i]];
    }
    TRY(device_put(p->device, p->position, p->head_rows, a->position));
    TRY(device_put(p->device, p->turn, p->head_rows, a->turn));
    TRY(device_put(p->device, p->head_first, p->tile.samples + 1, a->first_query));
done:
    return st;
}

// Normalises and rotates the heads of queries or keys.
static status rotate_heads(pass *p, int layer, const float *norm, int heads, float *x)
{
    status st = OK;
    const config *c = &p->m->config;
    const device_model *d = p->device->d;
    const int width = heads * c->info.head_dim;
    const int normed = c->features & FEATURE_WHOLE_QK_NORM ? width : c->info.head_dim;
    if (norm)
        TRY_DEVICE(d, d->ops->norm(d->device, &(device_norm){.x = x,
                                                             .x_stride = normed,
                                                             .rows = p->rows * (width / normed),
                                                             .width = normed,
                                                             .weight = device_rows_of(d, norm),
                                                             .eps = (float)c->norm_eps,
                                                             .to = x,
                                                             .to_stride = normed,
                                                             .type = DEVICE_F32}));
    if (c->rotary.theta > 0)
        TRY_DEVICE(d,
                   d->ops->rotary(d->device, &(device_rotary){.x = x,
                                                              .rows = p->rows,
                                                              .heads = heads,
                                                              .head_dim = c->info.head_dim,
                                                              .dims = c->rotary.dims,
                                                              .table = config_is_windowed(c, layer)
                                                                           ? d->arrays.windowed
                                                                           : d->arrays.rotary,
                                                              .turn = d->arrays.turn}));
done:
    return st;
}

static int64_t longest(const int64_t *first, int64_t samples)
{
    int64_t most = 0;
    for (int64_t s = 0; s < samples; s++)
        most = first[s + 1] - first[s] > most ? first[s + 1] - first[s] : most;
    return most;
}

// Each sample's queries become its attention's outputs, in arrays.q.
static status attend_samples(pass *p, int layer, const attention_weights *a)
{
    const config *c = &p->m->config;
    const model_info *i = &c->info;
    const device_model *d = p->device->d;
    const device_arrays *at = &d->arrays;
    const float scale =
        c->score_scale > 0 ? (float)c->score_scale : 1.0f / sqrtf((float)i->head_dim);
    return device_check(
        d, d->ops->attention(
               d->device,
               &(device_attention){.compute = d->compute,
                                   .q = at->q,
                                   .k = at->k,
                                   .v = at->v,
                                   .q_stride = a->q.out,
                                   .kv_stride = a->k.out,
                                   .out = at->q,
                                   .samples = (int)p->tile.samples,
                                   .first_query = at->first_query,
                                   .first_key = at->first_key,
                                   .position = at->position,
                                   .longest_query = longest(p->first_row, p->tile.samples),
                                   .longest_key = longest(p->tile.first_row, p->tile.samples),
                                   .heads = i->heads,
                                   .kv_heads = i->kv_heads,
                                   .head_dim = i->head_dim,
                                   .scale = c->scaled_by_layer ? scale / (float)(layer + 1) : scale,
                                   .cap = (float)c->score_cap,
                                   .causal = a->causal,
                                   .window = config_is_windowed(c, layer) ? c->window : 0}));
}

static status attend_rows(pass *p, int layer, const attention_weights *a)
{
    status st;
    const device_model *d = p->device->d;
    const device_arrays *at = &d->arrays;
    const model_info *i = &p->m->config.info;
    const int hidden = i->hidden_size, width = a->q.out;
    const bool apart = a->held || a->then.norm || a->then.scale;
    TRY(device_product(d, &a->k, at->normed, hidden, p->rows, false, at->k, a->k.out));
    TRY(device_product(d, &a->v, at->normed, hidden, p->rows, false, at->v, a->v.out));
    TRY(rotate_heads(p, layer, a->k_norm, i->kv_heads, at->k));
    if (p->narrow)
        TRY(block_narrow(p));
    TRY(device_product(d, &a->q, at->normed, hidden, p->rows, false, at->q, width));
    TRY(rotate_heads(p, layer, a->q_norm, i->heads, at->q));
    TRY(attend_samples(p, layer, a));
    const bool ends = p->sites_only && !site_mlp_read(p);
    TRY(device_show_site(p, &(device_rows){.site = SITE_ATTN,
                                           .layer = layer,
                                           .neurons = width,
                                           .x = at->q,
                                           .rows = p->rows,
                                           .to = ends ? NULL : at->site}));
    p->ended = ends;
    if (ends)
        goto done;
    TRY(device_product(d, &a->o, at->site, width, p->rows, !apart, apart ? at->output : at->hidden,
                       hidden));
    if (apart && !a->held)
        TRY(device_add_output(p, &a->then, layer, SITE_ATTN));
done:
    return st;
}

static status add_held(pass *p)
{
    return device_add_output(p, &(output_step){NULL, NULL}, 0, SITE_ATTN);
}

const block_set device_blocks = {
    .run = device_run,
    .together = device_tiles_together,
    .embed_tokens = device_embed_tokens,
    .add_positions = device_add_positions,
    .embed_patches = device_embed_patches,
    .add_places = device_add_places,
    .norm = make_normed,
    .project = project_normed,
    .narrow = narrow_rows,
    .attention = attend_rows,
    .add_held = add_held,
    .mlp = device_mlp,
    .show_hidden = device_show_hidden,
};

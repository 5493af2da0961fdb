// SPDX-License-Identifier: Apache-2.0
// Where the time of a pass goes that is not products. Everything between two products works on few
// rows at a time, while they are in cache.
#include "model/forward/cpu_blocks.h"

#include <math.h>
#include <string.h>

#include "model/forward/blocks.h"
#include "model/forward/cpu_embed.h"
#include "model/forward/experts.h"
#include "model/forward/mask.h"
#include "model/forward/mlp.h"
#include "model/forward/sites.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

// LayerNorm, or RMSNorm where there is no bias, of a few rows at a time, so that they are still in
// cache when they are rounded.
static status normalise_rows(pass *p, const block_norm *n)
{
    const config *c = &p->m->config;
    const int width = c->info.hidden_size;
    const float eps = (float)c->norm_eps;
    bool finite = true;
    for (int64_t first = 0; first < p->rows; first += NORM_STEP) {
        const int64_t left = p->rows - first, rows = left < NORM_STEP ? left : NORM_STEP;
        float *x = p->hidden + first * width;
        float *out = p->normed + (p->normed_reused ? 0 : first * width);
        const bool good = n->bias
                              ? kernel_layer_norm(x, rows, width, n->weight, n->bias, eps, out)
                              : kernel_rms_norm(x, width, rows, width, n->weight, eps, out, width);
        finite = finite && good;
        if (p->normed_half)
            products_round(p->products, out, (size_t)(rows * width),
                           p->normed_half + first * width);
        if (n->replaced)
            memcpy(x, out, (size_t)(rows * width) * sizeof *x);
    }
    return finite ? OK : site_not_finite(n->layer, n->after);
}

static status pass_rows_on(pass *p, const block_norm *n)
{
    const int width = p->m->config.info.hidden_size;
    const size_t values = (size_t)p->rows * (size_t)width;
    size_t at;
    if (!kernel_finite(p->hidden, values, &at))
        return site_not_finite(n->layer, n->after);
    if (p->normed_half)
        products_round(p->products, p->hidden, values, p->normed_half);
    if (!p->normed_reused)
        memcpy(p->normed, p->hidden, values * sizeof *p->normed);
    return OK;
}

static status make_normed(pass *p, const block_norm *n)
{
    return n->weight ? normalise_rows(p, n) : pass_rows_on(p, n);
}

operand cpu_normed(const pass *p)
{
    const int hidden = p->m->config.info.hidden_size;
    return (operand){p->normed_reused ? NULL : p->normed, p->normed_half, hidden, hidden, p->rows};
}

// Drops all rows but the head's: ascending, so in place.
static status narrow_rows(pass *p)
{
    const size_t width = (size_t)p->m->config.info.hidden_size;
    for (int64_t i = 0; i < p->head_rows; i++) {
        const size_t from = (size_t)p->head_row[i] * width, to = (size_t)i * width;
        memmove(p->hidden + to, p->hidden + from, width * sizeof *p->hidden);
        if (p->normed_half)
            memmove(p->normed_half + to, p->normed_half + from, width * sizeof *p->normed_half);
        if (!p->normed_reused)
            memmove(p->normed + to, p->normed + from, width * sizeof *p->normed);
        p->position[i] = p->position[p->head_row[i]];
        if (p->turn != p->position)
            p->turn[i] = p->turn[p->head_row[i]];
    }
    return OK;
}

// Normalises and rotates the heads of queries or keys: rows [first, first + rows) of those that `x`
// begins with [rows, heads × head_dim].
static void rotate_heads(const pass *p, int layer, const float *norm, int heads, int64_t first,
                         int64_t rows, float *x)
{
    const config *c = &p->m->config;
    const int d = c->info.head_dim, width = heads * d;
    const int normed = c->features & FEATURE_WHOLE_QK_NORM ? width : d;
    const float *table = config_is_windowed(c, layer) ? p->windowed_rotary : p->rotary;
    for (int at = 0; norm && at < width; at += normed)
        kernel_rms_norm(x + at, width, rows, normed, norm, (float)c->norm_eps, x + at, width);
    if (c->rotary.theta > 0)
        rotary_apply(table, c->rotary.dims, p->turn + first, rows, heads, d, width, x);
}

// Does a block's output go to p->output first?
static bool is_apart(const output_step *then)
{
    return then->norm || then->scale;
}

static status add_rows(pass *p)
{
    const int width = p->m->config.info.hidden_size;
    for (int64_t r = 0; r < p->rows; r++)
        kernel_add_rows(p->output + r * width, 1, width, p->hidden + r * width);
    return OK;
}

// Takes the step, and adds the output.
static status add_output(pass *p, const output_step *then, int layer, site s)
{
    const config *c = &p->m->config;
    const int width = c->info.hidden_size;
    if (then->norm && !kernel_rms_norm(p->output, width, p->rows, width, then->norm,
                                       (float)c->norm_eps, p->output, width))
        return site_not_finite(layer, s);
    for (int64_t r = 0; then->scale && r < p->rows; r++)
        kernel_multiply(then->scale, (size_t)width, p->output + r * width);
    return add_rows(p);
}

enum { ROTATE_STEP = 16 };

// The queries [rows, width] in p->q, and their nearest bf16 in p->site_copy where products read that:
// rounded with the product, or behind what normalises and rotates them, a few rows at a time.
static status make_queries(pass *p, int layer, const attention_weights *a)
{
    status st;
    const model_info *info = &p->m->config.info;
    const int width = a->q.out;
    const bool rotated = a->q_norm || p->m->config.rotary.theta > 0;
    uint16_t *half = p->m->packing == PACKING_BF16 ? p->site_copy : NULL;
    const product_finish rounded = {.half = rotated ? NULL : half, .half_stride = width};
    const operand x = cpu_normed(p);
    TRY(linear_apply(p->products, &a->q, &x, &rounded, p->q, width));
    for (int64_t r = 0; rotated && r < p->rows; r += ROTATE_STEP) {
        const int64_t left = p->rows - r, n = left < ROTATE_STEP ? left : ROTATE_STEP;
        rotate_heads(p, layer, a->q_norm, info->heads, r, n, p->q + r * width);
        if (half)
            products_round(p->products, p->q + r * width, (size_t)(n * width), half + r * width);
    }
done:
    return st;
}

// Each sample's queries become its attention's outputs, in p->q, and in `half` (NULL: not there).
static void attend_samples(pass *p, int layer, const attention_weights *a, uint16_t *half)
{
    const config *c = &p->m->config;
    const model_info *info = &c->info;
    const int width = a->q.out, kv_width = a->k.out;
    const float scale =
        c->score_scale > 0 ? (float)c->score_scale : 1.0f / sqrtf((float)info->head_dim);
    const attention_shape shape = {.heads = info->heads,
                                   .kv_heads = info->kv_heads,
                                   .head_dim = info->head_dim,
                                   .scale = c->scaled_by_layer ? scale / (float)(layer + 1) : scale,
                                   .causal = a->causal,
                                   .window = config_is_windowed(c, layer) ? c->window : 0,
                                   .cap = (float)c->score_cap};
    const uint16_t *queries = p->site_copy;
    const bool is_half = p->m->packing == PACKING_BF16;
    for (int64_t s = 0; s < p->tile.samples; s++) {
        const int64_t key = p->tile.first_row[s], first = p->first_row[s];
        const attention_rows rows = {.q = p->q + first * width,
                                     .q_half = is_half ? queries + first * width : NULL,
                                     .out_half = half ? half + first * width : NULL,
                                     .queries = p->first_row[s + 1] - first,
                                     .position = p->position + first,
                                     .k = p->k + key * kv_width,
                                     .v = p->v + key * kv_width,
                                     .keys = p->tile.first_row[s + 1] - key};
        attention_apply(p->products, &shape, &p->attention, &rows);
    }
}

static status attend_rows(pass *p, int layer, const attention_weights *a)
{
    status st;
    const model_info *info = &p->m->config.info;
    const int hidden = info->hidden_size, width = a->q.out, kv_width = a->k.out;
    const bool half = p->m->packing == PACKING_BF16;
    const bool pruned = mask_pruned(p->f->mask, SITE_ATTN, layer).n > 0;
    operand x = cpu_normed(p);
    TRY(linear_apply(p->products, &a->k, &x, NULL, p->k, kv_width));
    TRY(linear_apply(p->products, &a->v, &x, NULL, p->v, kv_width));
    rotate_heads(p, layer, a->k_norm, info->kv_heads, 0, p->rows, p->k);
    if (p->narrow)
        TRY(block_narrow(p));
    TRY(make_queries(p, layer, a));
    attend_samples(p, layer, a, half && !pruned ? p->site_copy : NULL);
    TRY(site_show(p, &(site_block){SITE_ATTN, layer, 0, width, p->rows, p->q, width, NULL}, p->q));
    if (p->sites_only && !site_mlp_read(p)) {
        p->ended = true;
        goto done;
    }
    x = half && !pruned
            ? (operand){p->q, p->site_copy, width, width, p->rows}
            : linear_operand(p->products, p->m->packing, p->q, width, p->rows, width, p->site_copy);
    if (a->held || is_apart(&a->then)) {
        TRY(linear_apply(p->products, &a->o, &x, NULL, p->output, hidden));
        if (!a->held)
            TRY(add_output(p, &a->then, layer, SITE_ATTN));
        goto done;
    }
    TRY(linear_add(p->products, &a->o, &x, p->hidden, hidden));
done:
    return st;
}

// Of a sparse model what its experts make.
static status add_mlp(pass *p, int layer)
{
    status st;
    const model *m = p->m;
    const int hidden = m->config.info.hidden_size;
    const bool sparse = m->config.info.experts > 0;
    const output_step then = m->arch->mlp(m, layer, 0).then;
    const bool apart = sparse || is_apart(&then);
    float *to = apart ? p->output : p->hidden;
    if (apart)
        kernel_fill_rows(NULL, p->rows, hidden, hidden, to);
    const operand x = cpu_normed(p);
    if (sparse)
        TRY(experts_run(p, layer, &x, to));
    else
        TRY(mlp_run(p, &(mlp_rows){layer, 0, x, NULL}, to));
    if (apart && !p->sites_only)
        TRY(add_output(p, &then, layer, SITE_MLP));
done:
    return st;
}

static status project_normed(pass *p, const linear *l, const activation *act)
{
    const product_finish activate = {.act = act ? act->apply : NULL};
    const operand x = cpu_normed(p);
    return linear_apply(p->products, l, &x, &activate, p->hidden, p->m->config.info.hidden_size);
}

static status show_hidden(pass *p)
{
    return p->f->keep_hidden(p->f->context, p->index, p->thread, &p->tile, p->hidden);
}

const block_set cpu_blocks = {
    .embed_tokens = cpu_embed_tokens,
    .add_positions = cpu_add_positions,
    .embed_patches = cpu_embed_patches,
    .add_places = cpu_add_places,
    .norm = make_normed,
    .project = project_normed,
    .narrow = narrow_rows,
    .attention = attend_rows,
    .add_held = add_rows,
    .mlp = add_mlp,
    .show_hidden = show_hidden,
};

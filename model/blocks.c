// SPDX-License-Identifier: Apache-2.0
#include "model/blocks.h"

#include <math.h>
#include <string.h>

#include "model/attention.h"
#include "model/kernels.h"
#include "model/mask.h"
#include "model/state.h"

// What a norm that met NaN or infinity says: they came from site `after` of `layer`.
static status not_finite(int layer, site after)
{
    if (layer < 0)
        return status_fail(ERR_NUMERIC, "model", "NaN or infinity in the embeddings");
    return status_fail(ERR_NUMERIC, "model", "NaN or infinity behind layer %d, site %s", layer,
                       site_names[after]);
}

status block_layer_norm(pass *p, const float *weight, const float *bias, int layer, site after)
{
    const config *c = &p->m->config;
    bool finite = p->ended || p->resumed ||
                  kernel_layer_norm(p->hidden, p->rows, c->info.hidden_size, weight, bias,
                                    (float)c->norm_eps, p->normed);
    return finite ? OK : not_finite(layer, after);
}

status block_rms_norm(pass *p, const float *weight, int layer, site after)
{
    const config *c = &p->m->config;
    const int hidden = c->info.hidden_size;
    bool finite = p->ended || p->resumed ||
                  kernel_rms_norm(p->hidden, hidden, p->rows, hidden, weight, (float)c->norm_eps,
                                  p->normed, hidden);
    return finite ? OK : not_finite(layer, after);
}

// Sets the pruned units among [first, first + units) of a site to 0, then shows the site to the
// reader.
static status prune_and_read(pass *p, site s, int layer, int first, int units, float *x)
{
    const forward *f = p->f;
    pruned_units pruned = mask_pruned(f->mask, s, layer);
    int begin = 0, end;
    while (begin < pruned.n && pruned.unit[begin] < first)
        begin++;
    for (end = begin; end < pruned.n && pruned.unit[end] < first + units;)
        end++;
    kernel_zero_columns(x, p->rows, units, first, pruned.unit + begin, end - begin);
    if (!f->read || !f->read_sites[s])
        return OK;
    const site_block block = {s, layer, first, units, p->rows, x, units};
    return f->read(f->context, p->index, p->thread, &p->tile, &block);
}

// Drops all rows but the head's: ascending, so in place.
static void narrow(pass *p)
{
    const size_t width = (size_t)p->m->config.info.hidden_size;
    for (int64_t i = 0; i < p->head_rows; i++) {
        memmove(p->hidden + (size_t)i * width, p->hidden + (size_t)p->head_row[i] * width,
                width * sizeof *p->hidden);
        memmove(p->normed + (size_t)i * width, p->normed + (size_t)p->head_row[i] * width,
                width * sizeof *p->normed);
        p->position[i] = p->position[p->head_row[i]];
    }
    p->rows = p->head_rows;
    p->first_row = p->head_first;
}

void block_narrow(pass *p)
{
    if (p->first_row != p->head_first)
        narrow(p);
}

// Normalises and turns the heads of queries or keys x [rows, heads × head_dim].
static void place_heads(const pass *p, const float *norm, int heads, const int64_t *position,
                        int64_t rows, float *x)
{
    const config *c = &p->m->config;
    const int d = c->info.head_dim, width = heads * d;
    for (int h = 0; norm && h < heads; h++)
        kernel_rms_norm(x + h * d, width, rows, d, norm, (float)c->norm_eps, x + h * d, width);
    if (c->rotary.theta > 0)
        rotary_apply(p->rotary, position, rows, heads, d, width, x);
}

static operand normed_operand(const pass *p)
{
    const int hidden = p->m->config.info.hidden_size;
    return linear_operand(p->m->packing, p->normed, hidden, p->rows, hidden, p->normed_copy);
}

static status attend(pass *p, int layer, const attention_weights *a)
{
    status st;
    const config *c = &p->m->config;
    const model_info *info = &c->info;
    const int hidden = info->hidden_size, width = a->q.out, kv_width = a->k.out;
    const attention_shape shape = {info->heads,    info->kv_heads,
                                   info->head_dim, 1.0f / sqrtf((float)info->head_dim),
                                   a->causal,      c->window};
    operand x = normed_operand(p);
    TRY(linear_apply(p->products, &a->k, &x, p->k, kv_width));
    TRY(linear_apply(p->products, &a->v, &x, p->v, kv_width));
    place_heads(p, a->k_norm, info->kv_heads, p->position, p->rows, p->k);
    if (p->narrow) {
        block_narrow(p);
        x = normed_operand(p);
    }
    TRY(linear_apply(p->products, &a->q, &x, p->q, width));
    place_heads(p, a->q_norm, info->heads, p->position, p->rows, p->q);
    for (int64_t s = 0; s < p->tile.samples; s++) {
        int64_t key = p->tile.first_row[s], first = p->first_row[s];
        attention_apply(&shape, p->q + first * width, p->first_row[s + 1] - first,
                        p->position + first, p->k + key * kv_width, p->v + key * kv_width,
                        p->tile.first_row[s + 1] - key, p->scores);
    }
    TRY(prune_and_read(p, SITE_ATTN, layer, 0, width, p->q));
    if (p->sites_only && !p->f->read_sites[SITE_MLP]) {
        p->ended = true;
        goto done;
    }
    if (a->o.bias)
        kernel_add_rows(a->o.bias, p->rows, hidden, p->hidden);
    x = linear_operand(p->m->packing, p->q, width, p->rows, width, p->site_copy);
    TRY(linear_add(p->products, &a->o, &x, p->hidden, hidden));
done:
    return st;
}

status block_attention(pass *p, int layer, const attention_weights *a)
{
    const forward *f = p->f;
    if (p->resumed) {
        p->resumed = false;
        return OK;
    }
    status st = attend(p, layer, a);
    if (st == OK && f->keep_hidden && f->keep_behind_attn && layer == f->keep_layer)
        st = f->keep_hidden(f->context, p->index, p->thread, &p->tile, p->hidden);
    return st;
}

// Makes units [first, first + n) of the MLP's inside in p->mlp [rows, n]. Small enough to stay in
// cache until it is read and projected down.
static status mlp_units(pass *p, const mlp_weights *w, const operand *x, int first, int n)
{
    status st;
    const size_t values = (size_t)p->rows * (size_t)n;
    linear up = linear_outputs(&w->up, first, n);
    TRY(linear_apply(p->products, &up, x, p->mlp, n));
    if (!w->gate.out) {
        w->act->apply(p->mlp, values);
        goto done;
    }
    linear gate = linear_outputs(&w->gate, first, n);
    TRY(linear_apply(p->products, &gate, x, p->gate, n));
    w->act->apply(p->gate, values);
    kernel_multiply(p->gate, values, p->mlp);
done:
    return st;
}

status block_mlp(pass *p, int layer)
{
    status st = OK;
    const int hidden = p->m->config.info.hidden_size;
    const bool read = p->f->read && p->f->read_sites[SITE_MLP];
    mlp_weights w;
    if (p->ended)
        goto done;
    bool compacted = !read && mask_compacted(p->f->mask, layer, &w);
    if (!compacted)
        w = p->m->arch->mlp(p->m, layer);
    if (w.down.bias && !p->sites_only)
        kernel_add_rows(w.down.bias, p->rows, hidden, p->hidden);
    const operand x = normed_operand(p);
    for (int first = 0; first < w.up.out; first += p->mlp_block) {
        int left = w.up.out - first, n = left < p->mlp_block ? left : p->mlp_block;
        TRY(mlp_units(p, &w, &x, first, n));
        if (!compacted)
            TRY(prune_and_read(p, SITE_MLP, layer, first, n, p->mlp));
        if (p->sites_only)
            continue;
        linear down = linear_inputs(&w.down, first, n);
        operand inside = linear_operand(p->m->packing, p->mlp, n, p->rows, n, p->site_copy);
        TRY(linear_add(p->products, &down, &inside, p->hidden, hidden));
    }
done:
    return st;
}

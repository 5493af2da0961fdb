// SPDX-License-Identifier: Apache-2.0
// What is computed at all is decided here, once for whatever computes it: a pass may begin behind an
// attention, end at its last site, or have what would be made already.
#include "model/forward/blocks.h"

#include "model/forward/state.h"

// Nobody reads what a norm would make: the layer has ended, or what comes behind it is kept.
static bool is_unread(const pass *p, site after)
{
    return p->ended || p->resumed || (after == SITE_ATTN && p->neurons && p->neurons->made);
}

static status make_normed(pass *p, const block_norm *n)
{
    const bool unread = n->replaced ? p->ended : is_unread(p, n->after);
    return unread ? OK : p->m->blocks->norm(p, n);
}

status block_layer_norm(pass *p, const float *weight, const float *bias, int layer, site after)
{
    return make_normed(p, &(block_norm){weight, bias, false, layer, after});
}

status block_layer_norm_sum(pass *p, const float *weight, const float *bias, int layer, site after)
{
    return make_normed(p, &(block_norm){weight, bias, true, layer, after});
}

status block_rms_norm(pass *p, const float *weight, int layer, site after)
{
    return make_normed(p, &(block_norm){weight, NULL, false, layer, after});
}

status block_pass_on(pass *p, int layer, site after)
{
    return make_normed(p, &(block_norm){NULL, NULL, false, layer, after});
}

status block_embed_tokens(pass *p, const float *table, double scale)
{
    const token_embedding e = {table, p->m->config.info.hidden_size, scale, NULL};
    return p->m->blocks->embed_tokens(p, &e);
}

status block_embed_narrow(pass *p, const float *table, int width, const linear *into)
{
    return p->m->blocks->embed_tokens(p, &(token_embedding){table, width, 0, into});
}

status block_add_positions(pass *p, const float *table, const int64_t *place, int64_t before)
{
    return p->m->blocks->add_positions(p, table, place, before);
}

status block_embed_patches(pass *p, const linear *projection)
{
    return p->m->blocks->embed_patches(p, projection);
}

status block_add_places(pass *p, const place_table *t)
{
    return p->m->blocks->add_places(p, t);
}

status block_project(pass *p, const linear *l, const activation *act)
{
    return p->m->blocks->project(p, l, act);
}

status block_narrow(pass *p)
{
    status st = OK;
    if (p->first_row == p->head_first)
        goto done;
    TRY(p->m->blocks->narrow(p));
    p->rows = p->head_rows;
    p->first_row = p->head_first;
done:
    return st;
}

status block_add_held(pass *p)
{
    return p->ended ? OK : p->m->blocks->add_held(p);
}

bool block_behind_attn(const pass *p, bool asked)
{
    return asked && !p->m->config.parallel;
}

status block_attention(pass *p, int layer, const attention_weights *a)
{
    const forward *f = p->f;
    if (p->resumed) {
        p->resumed = false;
        return OK;
    }
    status st = p->m->blocks->attention(p, layer, a);
    if (st == OK && f->keep_hidden && block_behind_attn(p, f->keep_behind_attn) &&
        layer == f->keep_layer)
        st = p->m->blocks->show_hidden(p);
    return st;
}

status block_mlp(pass *p, int layer)
{
    return p->ended ? OK : p->m->blocks->mlp(p, layer);
}

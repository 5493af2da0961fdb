// SPDX-License-Identifier: Apache-2.0
// The same function counts and lays out, so that what is planned and what is used cannot differ.
// No block allocates, and arrays that are never in use together share memory.
#include "model/forward/workspace.h"

#include <stdlib.h>

#include "model/kernels/linear.h"
#include "pipeline/base/checked.h"

// Neurons of an MLP that are projected down at once (packed weights are cut by whole panels), and
// those of them that are computed, activated, read and rounded at once, while they are in cache.
enum { MLP_BLOCK = 512, PACKED_MLP_BLOCK = PACK_PANEL, PACKED_MLP_STEP = PACK_OUTPUTS };

// Hands out parts of one allocation; with no memory behind it, it only counts.
typedef struct scratch {
    char *at;
    size_t used;
    bool wrapped;
} scratch;

static void *take_part(scratch *a, size_t items, size_t each, size_t size)
{
    size_t bytes, from = a->used;
    if (!checked_mul(items, each, &bytes) || !checked_mul(bytes, size, &bytes) ||
        !checked_add(bytes, 63, &bytes) || !checked_add(from, bytes / 64 * 64, &a->used))
        a->wrapped = true;
    return a->at && !a->wrapped ? a->at + from : NULL;
}

static void lay_out_attention(packing form, int head_dim, size_t longest, scratch *a,
                              attention_workspace *w)
{
    const attention_bytes b = attention_needs(form, head_dim, (int64_t)longest);
    w->form = form;
    w->scores = take_part(a, b.scores, 1, 1);
    w->half = take_part(a, b.half, 1, 1);
    w->keys = take_part(a, b.keys, 1, 1);
    w->values = take_part(a, b.values, 1, 1);
    w->mixed = take_part(a, b.mixed, 1, 1);
}

static void lay_out_routing(const model_info *i, size_t rows, scratch *a, routing *r)
{
    const size_t experts = (size_t)i->experts, each = (size_t)i->experts_per_token;
    r->weight = take_part(a, rows, experts, sizeof *r->weight);
    r->chosen = take_part(a, rows, each, sizeof *r->chosen);
    r->row = take_part(a, rows, each, sizeof *r->row);
    r->first = take_part(a, experts > 0 ? experts + 1 : 0, 1, sizeof *r->first);
    r->ranking = take_part(a, experts, 1, sizeof *r->ranking);
}

static void lay_out(const config *c, packing form, pass_limits limits, scratch *a, pass *p)
{
    const model_info *i = &c->info;
    const size_t rows = (size_t)limits.rows, samples = (size_t)limits.samples;
    const size_t hidden = (size_t)i->hidden_size, f = sizeof(float);
    const bool images = i->modality == MODALITY_IMAGE;
    const size_t head_rows = images ? (size_t)limits.samples : rows;
    const size_t longest = images ? (size_t)i->rows_per_image : rows;
    const size_t patch = (size_t)i->channels * (size_t)c->patch_height * (size_t)c->patch_width;
    const size_t attn = (size_t)i->heads * (size_t)i->head_dim;
    const size_t kv = (size_t)i->kv_heads * (size_t)i->head_dim;
    const bool is_packed = form != PACKING_NONE, half = form == PACKING_BF16;
    const int most = is_packed ? PACKED_MLP_BLOCK : MLP_BLOCK;
    const int width = i->experts > 0 ? i->d_expert : i->d_mlp;
    const int neurons = (width + PACK_OUTPUTS - 1) / PACK_OUTPUTS * PACK_OUTPUTS;
    p->mlp_block = neurons < most ? neurons : most;
    p->mlp_step = is_packed && p->mlp_block > PACKED_MLP_STEP ? PACKED_MLP_STEP : p->mlp_block;
    p->tile.first_row = take_part(a, samples + 1, 1, sizeof *p->tile.first_row);
    p->tile.target = take_part(a, head_rows, 1, sizeof *p->tile.target);
    if (images)
        p->tile.pixels = take_part(a, samples * (size_t)i->channels,
                                   (size_t)i->image_height * (size_t)i->image_width, f);
    else
        p->tile.ids = take_part(a, rows, 1, sizeof *p->tile.ids);
    const size_t each = c->features & FEATURE_TWO_HEADS ? 2 : 1;
    p->head_row = take_part(a, head_rows, each, sizeof *p->head_row);
    p->head_first = take_part(a, samples + 1, 1, sizeof *p->head_first);
    p->predictions = take_part(a, head_rows, 1, sizeof *p->predictions);
    p->answers = take_part(a, head_rows, 1, sizeof *p->answers);
    p->logits =
        take_part(a, head_rows, (size_t)(i->outputs < PASS_OUTPUTS ? i->outputs : PASS_OUTPUTS), f);
    p->whole = take_part(a, (size_t)i->outputs, 1, f);
    p->position = take_part(a, rows, 1, sizeof *p->position);
    p->turn = p->position;
    p->place = take_part(a, i->masked && c->first_position > 0 ? rows : 0, 1, sizeof *p->place);
    if (rotary_by_length(&c->rotary) || rotary_by_length(&c->windowed_rotary))
        p->turn = take_part(a, rows, 1, sizeof *p->turn);
    p->rotary = take_part(a, c->rotary.theta > 0 ? longest : 0, (size_t)i->head_dim, f);
    p->windowed_rotary =
        c->windowed_rotary.theta > 0 ? take_part(a, longest, (size_t)i->head_dim, f) : p->rotary;
    p->hidden = take_part(a, rows, hidden, f);
    // Queries, keys and values in one map are not packed where they begin at no whole block.
    p->normed_reused = half && attn % PACK_OUTPUTS == 0 && kv % PACK_OUTPUTS == 0;
    p->normed = take_part(a, p->normed_reused ? NORM_STEP : rows, hidden, f);
    p->normed_half = half ? take_part(a, rows, hidden, sizeof *p->normed_half) : NULL;
    p->output = i->apart ? take_part(a, rows, hidden, f) : NULL;
    const size_t inside = attn > (size_t)p->mlp_block ? attn : (size_t)p->mlp_block;
    const size_t widest = inside > patch ? inside : patch;
    p->site_copy = take_part(a, linear_copy_bytes(form, limits.rows, (int)widest), 1, 1);
    lay_out_routing(i, rows, a, &p->routing);
    // Patches are done with before the first layer begins, and experts begin behind attention.
    scratch patches = *a, experts = *a;
    p->patches = take_part(&patches, rows, patch, f);
    p->routing.x = take_part(&experts, i->experts ? rows : 0, hidden, half ? sizeof(uint16_t) : f);
    p->routing.y = take_part(&experts, i->experts ? rows : 0, hidden, f);
    p->q = take_part(a, rows, attn, f);
    p->k = take_part(a, rows, kv, f);
    p->v = take_part(a, rows, kv, f);
    lay_out_attention(form, i->head_dim, longest, a, &p->attention);
    a->used = a->used > experts.used ? a->used : experts.used;
    a->wrapped = a->wrapped || experts.wrapped;
    p->mlp = take_part(a, rows, (size_t)(half ? p->mlp_step : p->mlp_block), f);
    p->gate = take_part(a, i->gated ? rows : 0, (size_t)p->mlp_step, f);
    a->used = a->used > patches.used ? a->used : patches.used;
    a->wrapped = a->wrapped || patches.wrapped;
}

size_t workspace_bytes(const config *c, packing form, pass_limits limits)
{
    scratch count = {0};
    pass unused = {0};
    lay_out(c, form, limits, &count, &unused);
    return count.wrapped ? SIZE_MAX : count.used;
}

status workspace_lay_out(workspace *w, const config *c, packing form, pass_limits limits, pass *out)
{
    const size_t bytes = workspace_bytes(c, form, limits);
    if (w->at && w->limits.rows == limits.rows && w->limits.samples == limits.samples) {
        *out = w->laid;
        return OK;
    }
    if (bytes > w->bytes) {
        free(w->at);
        w->at = bytes < SIZE_MAX ? checked_aligned(bytes, 1) : NULL;
        w->bytes = w->at ? bytes : 0;
    }
    if (!w->at)
        return status_no_memory("the scratch of a tile");
    w->limits = limits;
    w->laid = (pass){0};
    lay_out(c, form, limits, &(scratch){w->at, 0, false}, &w->laid);
    if (c->rotary.theta > 0)
        rotary_table(&c->rotary, limits.rows, limits.rows, w->laid.rotary);
    if (c->windowed_rotary.theta > 0)
        rotary_table(&c->windowed_rotary, limits.rows, limits.rows, w->laid.windowed_rotary);
    *out = w->laid;
    return OK;
}

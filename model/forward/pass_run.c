// SPDX-License-Identifier: Apache-2.0
// A pass may begin behind an earlier one's layers, end before the last, and have layers on other
// ranks: where it begins and ends is decided here, and the blocks only see flags. What callbacks
// filled in is checked before anything is indexed by it.
#include "model/forward/pass_run.h"

#include "model/forward/blocks.h"
#include "model/forward/handover.h"
#include "model/forward/head.h"
#include "model/forward/neuron_cache.h"
#include "model/forward/state.h"

// Tokens index the embedding, and learned positions a table.
static status check_text(const pass *p)
{
    const config *c = &p->m->config;
    for (int64_t row = 0; row < p->tile.rows; row++) {
        if (p->tile.ids[row] < 0 || p->tile.ids[row] >= c->info.outputs)
            return status_fail(
                ERR_INPUT, "model",
                "token %d, but the vocabulary has %d; is this the model's tokenizer?",
                p->tile.ids[row], c->info.outputs);
        if (c->rotary.theta <= 0 && p->position[row] >= c->info.context)
            return status_fail(ERR_INPUT, "model",
                               "a sample has more than the %d tokens that the model has positions "
                               "for; set a smaller context",
                               c->info.context);
    }
    return OK;
}

// Loads the tile and looks it over: what callbacks and files say becomes sizes here.
static status load_tile(pass *p)
{
    status st;
    const forward *f = p->f;
    const model_info *i = &p->m->config.info;
    tile *t = &p->tile;
    t->samples = t->rows = 0;
    TRY(f->load(f->context, p->index, p->thread, t));
    if (i->modality == MODALITY_IMAGE) {
        t->rows = t->samples * i->rows_per_image;
        for (int64_t s = 0; s <= t->samples && s <= f->max_samples; s++)
            t->first_row[s] = s * i->rows_per_image;
    }
    if (t->samples < 1 || t->samples > f->max_samples || t->rows < 1 || t->rows > f->max_rows)
        st = status_fail(ERR_INTERNAL, "model", "tile %lld has %lld samples, %lld rows",
                         (long long)p->index, (long long)t->samples, (long long)t->rows);
done:
    return st;
}

// The place of each row in its sample.
static void number_rows(pass *p)
{
    const tile *t = &p->tile;
    for (int64_t s = 0, row = 0; s < t->samples; s++)
        for (int64_t first = row; row < t->first_row[s + 1] && row < p->f->max_rows; row++)
            p->position[row] = row - first;
}

// Where rotary positions depend on the sample's length, a table of this tile's rows.
static void turn_by_length(pass *p)
{
    const config *c = &p->m->config;
    const rotary *r = &c->rotary, *w = &c->windowed_rotary;
    const int64_t *first = p->tile.first_row;
    if (p->turn == p->position) // they do not
        return;
    for (int64_t row = 0; row < p->tile.rows; row++)
        p->turn[row] = row;
    for (int64_t s = 0; s < p->tile.samples; s++) {
        const int64_t length = first[s + 1] - first[s];
        rotary_table(r, length, length, p->rotary + first[s] * r->dims);
        if (w->theta > 0)
            rotary_table(w, length, length, p->windowed_rotary + first[s] * w->dims);
    }
}

void pass_begin(pass *p)
{
    p->ended = false;
    number_rows(p);
    p->rows = p->tile.rows;
    p->first_row = p->tile.first_row;
    turn_by_length(p);
}

status pass_load(pass *p)
{
    status st;
    TRY(load_tile(p));
    number_rows(p);
    if (p->m->config.info.modality == MODALITY_TEXT)
        TRY(check_text(p));
done:
    return st;
}

// The hidden states at the input of the first layer that is run here.
static status begin_pass(pass *p, const layer_span *l)
{
    status st;
    const forward *f = p->f;
    if (l->begins)
        TRY(pass_load(p));
    else
        TRY(handover_take(p));
    pass_begin(p);
    if (!l->begins)
        goto done;
    if (f->first_layer > 0 || f->first_behind_attn)
        TRY(f->load_hidden(f->context, p->index, p->thread, &p->tile, p->hidden));
    else
        TRY(p->m->arch->embed(p));
done:
    return st;
}

static status keep_hidden(pass *p, int layer)
{
    const forward *f = p->f;
    if (!f->keep_hidden || block_behind_attn(p, f->keep_behind_attn) || layer != f->keep_layer)
        return OK;
    return p->m->blocks->show_hidden(p);
}

status pass_layers(pass *p, const layer_span *mine)
{
    status st = OK;
    const forward *f = p->f;
    const int layers = p->m->config.info.layers;
    const bool head = f->result || f->logits;
    const bool first = !p->m->team || p->m->team->rank == 0;
    for (int l = mine->layers.first; l < mine->layers.end; l++) {
        if (first && f->stopping && f->stopping(f->context)) {
            st = status_fail(ERR_INTERRUPTED, NULL, "stopped between layers");
            goto done;
        }
        TRY(keep_hidden(p, l));
        p->resumed = l == f->first_layer && block_behind_attn(p, f->first_behind_attn);
        p->neurons = neuron_cache_find(p, l);
        p->narrow = l == layers - 1 && head && !f->read && !f->ablate;
        p->sites_only = l == layers - 1 && !head;
        TRY(p->m->arch->layer(p, l));
    }
    if (mine->ends && f->keep_layer == mine->layers.end)
        TRY(keep_hidden(p, f->keep_layer)); // reached, not run
done:
    return st;
}

status pass_run(pass *p, int64_t index)
{
    status st;
    const forward *f = p->f;
    const layer_span l = handover_span(p->m, f);
    p->index = index;
    TRY(begin_pass(p, &l));
    if (l.ends && (f->result || f->logits))
        TRY(head_list_rows(p));
    TRY(pass_layers(p, &l));
    if (!l.ends)
        TRY(handover_give(p));
    else if (f->result || f->logits)
        TRY(head_answer(p));
done:
    return st;
}

// SPDX-License-Identifier: Apache-2.0
#include "model/forward/pass.h"

#include <stdlib.h>
#include <string.h>

#include "model/forward/blocks.h"
#include "model/forward/handover.h"
#include "model/forward/mask.h"
#include "model/forward/predict.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"
#include "pipeline/base/checked.h"

// Units of an MLP that are projected down at once (packed weights are cut by whole panels), and
// those of them that are computed, activated, read and rounded at once, while they are in cache.
enum { MLP_BLOCK = 512, PACKED_MLP_BLOCK = PACK_PANEL, PACKED_MLP_STEP = 2 * PACK_OUTPUTS };

// Outputs whose logits are held at once.
enum { OUTPUT_TILE = CANDIDATES };

// Hands out parts of one allocation; with no memory behind it, it only counts.
typedef struct scratch {
    char *at;
    size_t used;
    bool wrapped;
} scratch;

static void *take(scratch *a, size_t items, size_t each, size_t size)
{
    size_t bytes, from = a->used;
    if (!checked_mul(items, each, &bytes) || !checked_mul(bytes, size, &bytes) ||
        !checked_add(bytes, 63, &bytes) || !checked_add(from, bytes / 64 * 64, &a->used))
        a->wrapped = true;
    return a->at && !a->wrapped ? a->at + from : NULL;
}

static void lay_out_attention(const model *m, size_t longest, scratch *a, attention_room *room)
{
    const attention_bytes b =
        attention_needs(m->packing, m->config.info.head_dim, (int64_t)longest);
    room->form = m->packing;
    room->scores = take(a, b.scores, 1, 1);
    room->half = take(a, b.half, 1, 1);
    room->keys = take(a, b.keys, 1, 1);
    room->values = take(a, b.values, 1, 1);
    room->mixed = take(a, b.mixed, 1, 1);
}

static void lay_out(const model *m, pass_limits limits, scratch *a, pass *p)
{
    const config *c = &m->config;
    const model_info *i = &c->info;
    const size_t rows = (size_t)limits.rows, samples = (size_t)limits.samples;
    const size_t hidden = (size_t)i->hidden_size, f = sizeof(float);
    const bool images = i->modality == MODALITY_IMAGE;
    const size_t head_rows = images ? (size_t)limits.samples : rows;
    const size_t longest = images ? (size_t)i->rows_per_image : rows;
    const size_t patch = (size_t)i->channels * (size_t)c->patch_height * (size_t)c->patch_width;
    const size_t attn = (size_t)i->heads * (size_t)i->head_dim;
    const bool is_packed = m->packing != PACKING_NONE, half = m->packing == PACKING_BF16;
    const int most = is_packed ? PACKED_MLP_BLOCK : MLP_BLOCK;
    const int units = (i->d_mlp + PACK_OUTPUTS - 1) / PACK_OUTPUTS * PACK_OUTPUTS;
    p->mlp_block = units < most ? units : most;
    p->mlp_step = is_packed && p->mlp_block > PACKED_MLP_STEP ? PACKED_MLP_STEP : p->mlp_block;
    p->tile.first_row = take(a, samples + 1, 1, sizeof *p->tile.first_row);
    p->tile.target = take(a, head_rows, 1, sizeof *p->tile.target);
    if (images)
        p->tile.pixels = take(a, samples * (size_t)i->channels,
                              (size_t)i->image_height * (size_t)i->image_width, f);
    else
        p->tile.ids = take(a, rows, 1, sizeof *p->tile.ids);
    p->head_row = take(a, head_rows, 1, sizeof *p->head_row);
    p->head_first = take(a, samples + 1, 1, sizeof *p->head_first);
    p->predictions = take(a, head_rows, 1, sizeof *p->predictions);
    p->answers = take(a, head_rows, 1, sizeof *p->answers);
    p->logits =
        take(a, head_rows, (size_t)(i->outputs < OUTPUT_TILE ? i->outputs : OUTPUT_TILE), f);
    p->whole = take(a, (size_t)i->outputs, 1, f);
    p->position = take(a, rows, 1, sizeof *p->position);
    p->rotary = take(a, c->rotary.theta > 0 ? longest : 0, (size_t)i->head_dim, f);
    p->hidden = take(a, rows, hidden, f);
    p->normed = take(a, rows, hidden, f);
    p->normed_half = half ? take(a, rows, hidden, sizeof *p->normed_half) : NULL;
    const size_t inside = attn > (size_t)p->mlp_block ? attn : (size_t)p->mlp_block;
    const size_t widest = inside > patch ? inside : patch;
    p->site_copy = take(a, linear_copy_bytes(m->packing, limits.rows, (int)widest), 1, 1);
    // Patches are done with before the first layer begins.
    scratch patches = *a;
    p->patches = take(&patches, rows, patch, f);
    p->q = take(a, rows, attn, f);
    p->k = take(a, rows, (size_t)i->kv_heads * (size_t)i->head_dim, f);
    p->v = take(a, rows, (size_t)i->kv_heads * (size_t)i->head_dim, f);
    lay_out_attention(m, longest, a, &p->attention);
    p->mlp = take(a, rows, (size_t)(half ? p->mlp_step : p->mlp_block), f);
    p->gate = take(a, m->arch->gated ? rows : 0, (size_t)p->mlp_step, f);
    a->used = a->used > patches.used ? a->used : patches.used;
    a->wrapped = a->wrapped || patches.wrapped;
}

size_t pass_bytes(const model *m, pass_limits limits)
{
    scratch count = {0};
    pass unused = {0};
    lay_out(m, limits, &count, &unused);
    return count.wrapped ? SIZE_MAX : count.used;
}

status pass_new(const model *m, pass_limits limits, pass_room *room, pass *out)
{
    const size_t bytes = pass_bytes(m, limits);
    if (bytes > room->bytes) {
        free(room->at);
        room->at = bytes < SIZE_MAX ? checked_aligned(bytes, 1) : NULL;
        room->bytes = room->at ? bytes : 0;
    }
    if (!room->at)
        return status_no_memory("the scratch of a tile");
    *out = (pass){.m = m};
    lay_out(m, limits, &(scratch){room->at, 0, false}, out);
    if (m->config.rotary.theta > 0)
        rotary_table(&m->config.rotary, limits.rows, m->config.info.head_dim, out->rotary);
    return OK;
}

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
static status load(pass *p)
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

// Lists the rows whose outputs are scored.
static status list_head_rows(pass *p)
{
    const model_info *i = &p->m->config.info;
    const tile *t = &p->tile;
    const bool images = i->modality == MODALITY_IMAGE;
    p->head_rows = 0;
    for (int64_t s = 0; s < t->samples; s++) {
        int64_t end = images ? t->first_row[s] + 1 : t->first_row[s + 1];
        p->head_first[s] = p->head_rows;
        for (int64_t row = t->first_row[s]; row < end; row++) {
            int32_t target = t->target[images ? s : row];
            if (target >= i->outputs)
                return status_fail(ERR_INPUT, "model", "target %d, but there are %d outputs",
                                   target, i->outputs);
            if (target < 0)
                continue;
            p->predictions[p->head_rows] = (prediction){.row = images ? s : row, .rank = target};
            p->head_row[p->head_rows++] = row;
        }
    }
    p->head_first[t->samples] = p->head_rows;
    return OK;
}

// The logits of one scored row in p->whole.
static status logits_of_row(pass *p, const linear *output, int64_t row)
{
    status st = OK;
    const int width = output->in;
    const operand all = block_normed(p);
    const operand x = {all.x + row * width, all.half ? all.half + row * width : NULL, width, width,
                       1};
    for (int first = 0; first < output->out; first += OUTPUT_TILE) {
        int left = output->out - first, n = left < OUTPUT_TILE ? left : OUTPUT_TILE;
        linear part = linear_outputs(output, first, n);
        TRY(linear_apply(p->products, &part, &x, p->logits, n));
        memcpy(p->whole + first, p->logits, (size_t)n * sizeof *p->whole);
    }
done:
    return st;
}

// A candidate's logit in each scored row. Packed outputs are had by whole blocks.
static status logits_of_candidate(pass *p, const linear *output, const operand *x, int candidate,
                                  float *out)
{
    status st;
    const int begin = output->packed.at ? candidate / PACK_OUTPUTS * PACK_OUTPUTS : candidate;
    int n = output->packed.at ? output->out - begin : 1;
    n = n < PACK_OUTPUTS ? n : PACK_OUTPUTS;
    const linear part = linear_outputs(output, begin, n);
    TRY(linear_apply(p->products, &part, x, p->mlp, n));
    for (int64_t r = 0; r < p->rows; r++)
        out[r] = p->mlp[r * n + candidate - begin];
done:
    return st;
}

// Shows the candidates' logits of each scored row. They are computed by themselves: a row of the
// whole vocabulary reads all of the head's weights.
static status show_candidates(pass *p, const linear *output)
{
    status st = OK;
    const forward *f = p->f;
    const int n = f->n_candidates;
    float *one = p->whole,
          *rows = p->logits; // n logits of a row; of all rows, candidate by candidate
    const operand x = block_normed(p);
    for (int i = 0; i < n; i++)
        TRY(logits_of_candidate(p, output, &x, f->candidates[i], rows + i * p->rows));
    for (int64_t r = 0; r < p->rows && st == OK; r++) {
        for (int i = 0; i < n; i++)
            one[i] = rows[i * p->rows + r];
        st = f->logits(f->context, p->index, p->thread, &p->tile, p->predictions[r].row, one);
    }
done:
    return st;
}

// Shows the logits of each scored row, one row at a time.
static status show_logits(pass *p, const linear *output)
{
    status st = OK;
    const forward *f = p->f;
    for (int64_t r = 0; r < p->rows && st == OK; r++) {
        st = logits_of_row(p, output, r);
        if (st != OK)
            break;
        st = f->logits(f->context, p->index, p->thread, &p->tile, p->predictions[r].row, p->whole);
    }
    return st;
}

// Folds the logits of all scored rows into answers, a tile of the outputs at a time.
static status fold_logits(pass *p, const linear *output)
{
    status st = OK;
    size_t at;
    const operand x = block_normed(p);
    for (int64_t r = 0; r < p->rows; r++)
        predict_begin(&p->answers[r], p->predictions[r].rank); // the target waited there
    for (int first = 0; first < output->out; first += OUTPUT_TILE) {
        int left = output->out - first, n = left < OUTPUT_TILE ? left : OUTPUT_TILE;
        linear part = linear_outputs(output, first, n);
        TRY(linear_apply(p->products, &part, &x, p->logits, n));
        if (!kernel_finite(p->logits, (size_t)p->rows * (size_t)n, &at))
            return status_fail(ERR_NUMERIC, "model", "NaN or infinity in the logits");
        for (int64_t r = 0; r < p->rows; r++)
            predict_add(&p->answers[r], p->logits + r * n, first, n);
    }
    for (int64_t r = 0; r < p->rows; r++)
        predict_end(&p->answers[r], &p->predictions[r]);
done:
    return st;
}

// From the final hidden states of the scored rows to answers.
static status give_answers(pass *p)
{
    status st = OK;
    const forward *f = p->f;
    const linear output = p->m->arch->output(p->m);
    block_narrow(p);
    if (p->rows > 0) {
        TRY(p->m->arch->finish(p));
        TRY(fold_logits(p, &output));
        if (f->logits)
            TRY(f->candidates ? show_candidates(p, &output) : show_logits(p, &output));
    }
    if (f->result)
        TRY(f->result(f->context, p->index, p->thread, &p->tile, p->predictions, p->rows));
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

// The hidden states at the input of the first layer that is run here.
static status begin(pass *p, const leg *l)
{
    status st;
    const forward *f = p->f;
    if (l->begins)
        TRY(load(p));
    else
        TRY(handover_take(p));
    number_rows(p);
    p->rows = p->tile.rows;
    p->first_row = p->tile.first_row;
    if (!l->begins)
        goto done;
    if (p->m->config.info.modality == MODALITY_TEXT)
        TRY(check_text(p));
    if (f->first_layer > 0 || f->first_behind_attn)
        TRY(f->load_hidden(f->context, p->index, p->thread, &p->tile, p->hidden));
    else
        TRY(p->m->arch->embed(p));
done:
    return st;
}

static status keep(pass *p, int layer)
{
    const forward *f = p->f;
    if (!f->keep_hidden || f->keep_behind_attn || layer != f->keep_layer)
        return OK;
    return f->keep_hidden(f->context, p->index, p->thread, &p->tile, p->hidden);
}

// What is kept of the layer's MLP, where the mask compacts it and nobody reads it.
static model_units *units_kept(pass *p, int layer)
{
    const forward *f = p->f;
    const bool here = (f->first_behind_attn && layer == f->first_layer) ||
                      (f->keep_behind_attn && layer == f->keep_layer);
    if (!here || !f->units || f->read || mask_kept(f->mask, layer).n == 0 ||
        model_unit_bytes(p->m) == 0)
        return NULL;
    return f->units(f->context, p->index, &p->tile);
}

static status run_layers(pass *p, const leg *mine)
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
        TRY(keep(p, l));
        p->resumed = l == f->first_layer && f->first_behind_attn;
        p->units = units_kept(p, l);
        p->narrow = l == layers - 1 && head && !f->read;
        p->sites_only = l == layers - 1 && !head;
        TRY(p->m->arch->layer(p, l));
    }
    if (mine->ends && f->keep_layer == mine->layers.end)
        TRY(keep(p, f->keep_layer)); // reached, not run
done:
    return st;
}

status pass_run(pass *p, int64_t index)
{
    status st;
    const forward *f = p->f;
    const leg l = handover_leg(p->m, f);
    p->index = index;
    p->ended = false;
    TRY(begin(p, &l));
    if (l.ends && (f->result || f->logits))
        TRY(list_head_rows(p));
    TRY(run_layers(p, &l));
    if (!l.ends)
        TRY(handover_give(p));
    else if (f->result || f->logits)
        TRY(give_answers(p));
done:
    return st;
}

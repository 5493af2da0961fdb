// SPDX-License-Identifier: Apache-2.0
// All tensors are planned first, in one block that the node shares, then cut into jobs of about
// equal size, dealt to ranks by number and to threads as they come. Each element is written by one
// job, and drawn by name and index, so that the result does not depend on who did it.
#include "model/weights/weights.h"

#include <stdlib.h>

#include "model/weights/addresses.h"
#include "model/weights/convert.h"
#include "model/weights/slots_shown.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/stopping.h"

struct weights {
    tensor_table table;
    int experts; // 1 where the model is dense
    slot *slots; // globals, then layer by layer
    size_t n;
    weight_source *source; // owned; NULL where drawn
    share *share;
    void *block; // what is not mapped: the node's, or this process's where there is no share
    uint64_t seed;
    packing form;
    bool shown;           // values are elsewhere, or will be
    void *addresses;      // owned: theirs
    size_t addressed;     // bytes
    const config *config; // borrowed; only while the weights are being made
};

// Some elements of a slot; whole blocks of rows where they are to be packed.
typedef struct job {
    slot *slot;
    size_t first, n;
    bool pack;
} job;

// Slots of a layer.
static int layer_slots(const weights *w)
{
    return w->table.n_layer + w->table.n_expert * (w->experts - 1);
}

// Those of a layer that each expert has come last, an entry's one after the other.
static slot *slot_at(const weights *w, tensor_place at)
{
    const int shared = w->table.n_layer - w->table.n_expert;
    if (at.layer < 0)
        return w->slots + at.entry;
    slot *first = w->slots + w->table.n_globals + at.layer * layer_slots(w);
    return at.entry < shared ? first + at.entry
                             : first + shared + (at.entry - shared) * w->experts + at.expert;
}

// Takes `size` bytes of the shared block, of which *bytes are taken.
static status take_bytes(const slot *s, size_t size, size_t *bytes, size_t *offset)
{
    *offset = *bytes;
    if (!checked_add(size, 63, &size) || !checked_add(*bytes, size / 64 * 64, bytes))
        return status_fail(ERR_INPUT, s->tensor.name, "the configuration makes it too large");
    return OK;
}

// Finds or plans one tensor; `bytes` is what the block holds so far.
static status plan_slot(weights *w, tensor_place at, size_t *bytes)
{
    status st;
    slot *s = slot_at(w, at);
    const tensor_slot *t = &s->tensor;
    size_t size;
    TRY(tensor_slot_find(w->config, &w->table, w->source, at, &s->tensor));
    if (!t->def)
        goto done;
    s->out = (int)tensor_def_outputs(w->config, t->def);
    s->in = s->out ? (int)(t->elements / (size_t)s->out) : 0;
    s->packs = w->form != PACKING_NONE && tensor_def_packs(w->config, t->def);
    if (s->packs) {
        s->packed = (packed){NULL, w->form, s->out, s->in};
        TRY(take_bytes(s, packed_bytes(w->form, s->out, s->in), bytes, &s->packed_offset));
        if (!t->def->rows)
            goto done;
    }
    s->elsewhere = w->shown && !slots_kept_here(w->config, t->def);
    if (!w->shown && t->from && t->from->type->native && t->layout == LAYOUT_PLAIN &&
        (uintptr_t)t->from->bytes % sizeof(float) == 0) {
        s->at = (const float *)(const void *)t->from->bytes;
        goto done;
    }
    if (!checked_mul(t->elements, sizeof(float), &size))
        size = SIZE_MAX;
    TRY(take_bytes(s, size, s->elsewhere ? &w->addressed : bytes, &s->offset));
done:
    return st;
}

static status plan_slots(weights *w, size_t *bytes)
{
    status st = OK;
    const config *c = w->config;
    *bytes = 0;
    for (int i = 0; i < w->table.n_globals; i++)
        TRY(plan_slot(w, (tensor_place){-1, i, 0}, bytes));
    for (int l = c->held.first; l < c->held.end; l++)
        for (int i = 0; i < w->table.n_layer; i++)
            for (int e = 0; e < tensor_table_copies(c, &w->table, l, i); e++)
                TRY(plan_slot(w, (tensor_place){l, i, e}, bytes));
done:
    return st;
}

typedef struct fill_work {
    weights *w;
    job *jobs;
    size_t n;
    int rank, ranks;
    float *rows; // [threads, row_elements]: what a thread converts before it packs
    size_t row_elements;
} fill_work;

// Brings a job's elements into memory.
static status run_job(void *context, int64_t item, int thread)
{
    const fill_work *f = context;
    const job *j = &f->jobs[(size_t)item * (size_t)f->ranks + (size_t)f->rank];
    const slot *s = j->slot;
    char *block = f->w->block;
    status st = stopping_check(f->w->share ? f->w->share->stopping : NULL);
    if (st != OK)
        return st;
    if (!j->pack)
        return slot_read(s, f->w->config, f->w->seed, DRAW_BEST, j->first, j->n,
                         slot_is_mapped(s) ? NULL : (float *)(block + s->offset) + j->first);
    float *rows = f->rows + (size_t)thread * f->row_elements;
    st = slot_read(s, f->w->config, f->w->seed, f->w->form == PACKING_BF16 ? DRAW_BF16 : DRAW_BEST,
                   j->first, j->n, rows);
    if (st == OK)
        packed_put(&s->packed, block + s->packed_offset, (int)(j->first / (size_t)s->in),
                   (int)(j->n / (size_t)s->in), rows);
    return st;
}

// Elements of a job on this slot; whole blocks of rows where they are to be packed.
static size_t job_elements(const slot *s, bool pack)
{
    size_t each = slot_run(s);
    if (pack) {
        const size_t grain = s->tensor.from ? convert_grain(s->tensor.from, s->tensor.layout) : 1;
        const size_t block = (size_t)PACK_OUTPUTS * (size_t)s->in;
        each = each > block ? each / block * block : block;
        while (each % grain != 0)
            each += block;
    }
    return each;
}

// Cuts a slot's elements into jobs.
static status add_jobs(slot *s, bool pack, job **jobs, size_t *capacity, size_t *n)
{
    const size_t each = job_elements(s, pack);
    for (size_t first = 0; first < s->tensor.elements; first += each) {
        size_t left = s->tensor.elements - first;
        if (!checked_grow(jobs, capacity, *n + 1, sizeof **jobs))
            return status_no_memory("the list of weights");
        (*jobs)[(*n)++] = (job){s, first, left < each ? left : each, pack};
    }
    return OK;
}

static status fill_slots(weights *w, int threads)
{
    status st = OK;
    pool *p = NULL;
    size_t capacity = 0, elements;
    fill_work f = {
        .w = w, .rank = w->share ? w->share->rank : 0, .ranks = w->share ? w->share->ranks : 1};
    for (size_t i = 0; i < w->n; i++) {
        slot *s = &w->slots[i];
        if (s->at)
            TRY(add_jobs(s, false, &f.jobs, &capacity, &f.n));
        if (s->packs)
            TRY(add_jobs(s, true, &f.jobs, &capacity, &f.n));
    }
    for (size_t i = 0; i < f.n; i++)
        if (f.jobs[i].pack && f.jobs[i].n > f.row_elements)
            f.row_elements = f.jobs[i].n;
    if (!checked_mul(f.row_elements, (size_t)threads, &elements) ||
        !(f.rows = checked_aligned(elements, sizeof *f.rows)))
        TRY(status_no_memory("weights"));
    TRY(pool_new(threads, &p));
    size_t own = (f.n + (size_t)f.ranks - 1 - (size_t)f.rank) / (size_t)f.ranks;
    status filled = pool_run(p, (int64_t)own, run_job, &f);
    TRY(weights_unchanged(w)); // a file that changes may hold anything
    st = filled;
done:
    pool_free(p);
    free(f.rows);
    free(f.jobs);
    return st;
}

// Where everything was converted, the files need not stay mapped; otherwise the pages of what was.
static void drop_unused_source(weights *w)
{
    bool used = false;
    for (size_t i = 0; i < w->n; i++) {
        used = used || slot_is_mapped(&w->slots[i]);
        if (w->slots[i].tensor.from && !slot_is_mapped(&w->slots[i]))
            file_drop_pages(w->slots[i].tensor.from->bytes, w->slots[i].tensor.from->n_bytes);
    }
    if (used)
        return;
    weight_source_close(w->source);
    w->source = NULL;
}

// Where a planned slot's values will be.
static void place_slot(const weights *w, slot *s)
{
    if (s->packs)
        s->packed.at = (char *)w->block + s->packed_offset;
    if (s->tensor.def && !s->at && (!s->packs || s->tensor.def->rows))
        s->at = (const float *)(const void *)((char *)(s->elsewhere ? w->addresses : w->block) +
                                              s->offset);
}

// Finds or plans all tensors, for which a block needs *bytes. Takes the source.
static status plan_weights(const config *c, const tensor_table *table, weight_source *source,
                           uint64_t seed, bool shown, packing form, size_t *bytes, weights **out)
{
    status st;
    weights *w = checked_calloc(1, sizeof *w);
    if (!w) {
        weight_source_close(source);
        return status_no_memory("weights");
    }
    *w = (weights){.table = *table,
                   .experts = c->info.experts > 0 ? c->info.experts : 1,
                   .source = source,
                   .seed = seed,
                   .form = form,
                   .shown = shown,
                   .config = c};
    w->n = (size_t)table->n_globals + (size_t)c->info.layers * (size_t)layer_slots(w);
    if (!(w->slots = checked_calloc(w->n, sizeof *w->slots)))
        TRY(status_no_memory("weights"));
    TRY(plan_slots(w, bytes));
    *out = w;
    w = NULL;
done:
    weights_close(w);
    return st;
}

status weights_open(const config *c, const tensor_table *table, weight_source *source,
                    uint64_t seed, int threads, packing form, share *node, weights **out)
{
    size_t bytes = 0;
    weights *w = NULL;
    status st = plan_weights(c, table, source, seed, false, form, &bytes, &w);
    TRY(share_vote(node, st)); // before what all ranks do together
    w->share = node;
    if (node)
        st = node->alloc(node, bytes, SHARE_UNSET, &w->block);
    else
        st = (w->block = checked_aligned(bytes, 1)) ? OK : status_no_memory("weights");
    TRY(share_vote(node, st));
    for (size_t i = 0; i < w->n; i++)
        place_slot(w, &w->slots[i]);
    TRY(share_vote(node, fill_slots(w, threads)));
    drop_unused_source(w);
    w->config = NULL;
    *out = w;
    w = NULL;
done:
    weights_close(w);
    return st;
}

status weights_open_shown(const config *c, const tensor_table *table, weight_source *source,
                          uint64_t seed, weights **out)
{
    status st;
    size_t bytes = 0;
    weights *w = NULL;
    TRY(plan_weights(c, table, source, seed, true, PACKING_NONE, &bytes, &w));
    if (!(w->block = checked_aligned(bytes, 1)) ||
        !(w->addresses = addresses_reserve(w->addressed)))
        TRY(status_no_memory("weights"));
    for (size_t i = 0; i < w->n; i++)
        place_slot(w, &w->slots[i]);
    w->config = NULL;
    *out = w;
    w = NULL;
done:
    weights_close(w);
    return st;
}

void weights_close(weights *w)
{
    if (!w)
        return;
    if (w->share && w->block)
        w->share->release(w->share, w->block);
    else
        free(w->block);
    addresses_release(w->addresses, w->addressed);
    weight_source_close(w->source);
    free(w->slots);
    free(w);
}

const float *weights_global(const weights *w, int i)
{
    return w->slots[i].at;
}

const float *weights_layer(const weights *w, int layer, int i)
{
    return slot_at(w, (tensor_place){layer, i, 0})->at;
}

static linear slot_linear(const slot *s, const float *bias)
{
    return s->packs ? linear_packed(&s->packed, bias) : linear_whole(s->at, bias, s->out, s->in);
}

linear weights_linear(const weights *w, int layer, int i, int bias)
{
    return slot_linear(slot_at(w, (tensor_place){layer, i, 0}),
                       bias < 0 ? NULL : slot_at(w, (tensor_place){layer, bias, 0})->at);
}

linear weights_expert(const weights *w, int layer, int i, int expert)
{
    return slot_linear(slot_at(w, (tensor_place){layer, i, expert}), NULL);
}

status weights_show(weights *w, const config *c, int threads, const atomic_bool *stopping,
                    weights_see *see, void *context)
{
    status st;
    const slots_showing a = {w->slots, w->n, c, w->seed, w->block, threads, stopping, see, context};
    TRY(slots_show(&a));
    TRY(weights_unchanged(w)); // a file that changes may hold anything
    weight_source_close(w->source);
    w->source = NULL;
done:
    return st;
}

size_t weights_largest_piece(const weights *w)
{
    return slots_largest_piece(w->slots, w->n);
}

status weights_each(const weights *w, status (*see)(void *context, const weight_values *v),
                    void *context)
{
    status st = OK;
    for (size_t i = 0; i < w->n; i++)
        if (w->slots[i].at) {
            const weight_values v = slots_values_of(&w->slots[i]);
            TRY(see(context, &v));
        }
done:
    return st;
}

status weights_unchanged(const weights *w)
{
    return w->source ? weight_source_unchanged(w->source) : OK;
}

// SPDX-License-Identifier: Apache-2.0
#include "model/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/kernels.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/rng.h"

enum { NAME_BYTES = 160, JOB_ELEMENTS = 1 << 18 };

// A tensor on its way into memory.
typedef struct slot {
    const tensor_def *def; // NULL: the model has no such tensor
    char name[NAME_BYTES];
    size_t elements;
    const tensor *from; // NULL: drawn
    size_t offset;      // bytes into the shared block; unused where mapped
    const float *at;
} slot;

// Some elements of a slot.
typedef struct job {
    slot *slot;
    size_t first, n;
} job;

struct weights {
    tensor_table table;
    int layers;
    slot *slots; // globals, then layer by layer
    size_t n;
    checkpoint *source; // owned; NULL where drawn
    share *share;
    void *block; // what is not mapped: the node's, or this process's where there is no share
    uint64_t seed;
    double range;
};

static size_t dim_length(const config *c, dim d)
{
    const model_info *i = &c->info;
    const int length[] = {
        [DIM_END] = 0,
        [DIM_ONE] = 1,
        [DIM_HIDDEN] = i->hidden_size,
        [DIM_ATTN] = i->heads * i->head_dim,
        [DIM_HEAD] = i->head_dim,
        [DIM_KV] = i->kv_heads * i->head_dim,
        [DIM_MLP] = i->d_mlp,
        [DIM_OUTPUTS] = i->outputs,
        [DIM_POSITIONS] = i->modality == MODALITY_IMAGE ? i->rows_per_image : i->context,
        [DIM_CHANNELS] = i->channels,
        [DIM_PATCH_HEIGHT] = c->patch_height,
        [DIM_PATCH_WIDTH] = c->patch_width,
    };
    return (size_t)length[d];
}

static bool def_exists(const config *c, const tensor_def *def)
{
    return (c->features & def->needs) == def->needs;
}

// The tensor's elements, or false when their number wraps.
static bool def_elements(const config *c, const tensor_def *def, size_t *elements)
{
    *elements = 1;
    for (const dim *d = def->shape; *d != DIM_END; d++)
        if (!checked_mul(*elements, dim_length(c, *d), elements))
            return false;
    return true;
}

// Is a tensor outside the layers wanted here?
static bool global_held(const config *c, const tensor_table *table, int i)
{
    bool tied = c->info.modality == MODALITY_TEXT && !(c->features & FEATURE_OWN_HEAD);
    return i < table->n_embedding ? c->holds_embedding || (tied && c->holds_head) : c->holds_head;
}

int64_t weights_parameters(const config *c, const tensor_table *table)
{
    double total = 0; // exact up to 2^53 parameters
    size_t n;
    for (int i = 0; i < table->n_globals; i++)
        if (global_held(c, table, i) && def_exists(c, &table->globals[i]) &&
            def_elements(c, &table->globals[i], &n))
            total += (double)n;
    for (int i = 0; i < table->n_layer; i++)
        if (def_exists(c, &table->layer[i]) && def_elements(c, &table->layer[i], &n))
            total += (double)n * (c->held.end - c->held.first);
    return (int64_t)total;
}

static status check_tensor(const config *c, const slot *s, const tensor *t)
{
    char want[128] = "", have[128] = "";
    size_t at = 0;
    bool same = true;
    int dims = 0;
    for (; s->def->shape[dims] != DIM_END; dims++) {
        size_t length = dim_length(c, s->def->shape[dims]);
        same = same && dims < t->dims && t->shape[dims] == length;
        at += (size_t)snprintf(want + at, sizeof want - at, "%s%zu", dims ? ", " : "", length);
    }
    at = 0;
    for (int i = 0; i < t->dims && at < sizeof have - 24; i++)
        at += (size_t)snprintf(have + at, sizeof have - at, "%s%zu", i ? ", " : "", t->shape[i]);
    if (!same || dims != t->dims)
        return status_fail(ERR_INPUT, t->file,
                           "tensor %s: shape [%s], but config.json makes it [%s]", t->name, have,
                           want);
    if (!t->type->to_float)
        return status_fail(ERR_INPUT, t->file,
                           "tensor %s: %s is no type of weights; save it as F32, "
                           "F16 or BF16",
                           t->name, t->type->name);
    return OK;
}

// Finds or plans one tensor; `bytes` is what the block holds so far.
static status plan_slot(weights *w, const config *c, const tensor_def *def, int layer, slot *s,
                        size_t *bytes)
{
    if (!def_exists(c, def))
        return OK;
    s->def = def;
    snprintf(s->name, sizeof s->name, def->name, layer);
    if (!def_elements(c, def, &s->elements))
        return status_fail(ERR_INPUT, s->name, "the configuration makes it too large");
    if (w->source) {
        if (!(s->from = checkpoint_find(w->source, s->name)))
            return status_fail(
                ERR_INPUT, checkpoint_at(w->source, 0)->file,
                "tensor %s is missing; is this the model that config.json describes?", s->name);
        status st = check_tensor(c, s, s->from);
        if (st != OK)
            return st;
        if (s->from->type->native && (uintptr_t)s->from->bytes % sizeof(float) == 0) {
            s->at = (const float *)(const void *)s->from->bytes;
            return OK;
        }
    }
    size_t size;
    s->offset = *bytes;
    if (!checked_mul(s->elements, sizeof(float), &size) || !checked_add(size, 63, &size) ||
        !checked_add(*bytes, size / 64 * 64, bytes))
        return status_fail(ERR_INPUT, s->name, "the configuration makes it too large");
    return OK;
}

static status plan_slots(weights *w, const config *c, size_t *bytes)
{
    status st = OK;
    slot *s = w->slots;
    *bytes = 0;
    if (w->source && checkpoint_count(w->source) == 0)
        return status_fail(ERR_INPUT, "weights", "the files hold no tensors");
    for (int i = 0; i < w->table.n_globals && st == OK; i++, s++)
        if (global_held(c, &w->table, i))
            st = plan_slot(w, c, &w->table.globals[i], 0, s, bytes);
    s += c->held.first * w->table.n_layer;
    for (int l = c->held.first; l < c->held.end && st == OK; l++)
        for (int i = 0; i < w->table.n_layer && st == OK; i++)
            st = plan_slot(w, c, &w->table.layer[i], l, s++, bytes);
    return st;
}

void weights_draw(const tensor_def *def, const char *name, double range, uint64_t seed,
                  size_t first, size_t n, float *out)
{
    enum { REDRAW_SHIFT = 48 }; // no tensor has 2^48 elements
    rng r = rng_new(seed, name);
    for (size_t i = 0; i < n; i++) {
        if (def->init == INIT_ZEROS || def->init == INIT_ONES) {
            out[i] = def->init == INIT_ONES;
            continue;
        }
        uint64_t index = first + i;
        double x = rng_normal(&r, index) * range;
        while (def->init == INIT_TRUNC_NORMAL && fabs(x) > 2)
            x = rng_normal(&r, index += UINT64_C(1) << REDRAW_SHIFT) * range;
        out[i] = (float)x;
    }
}

typedef struct fill_work {
    weights *w;
    const job *jobs;
    size_t n;
    int rank, ranks;
} fill_work;

// Brings a job's elements into memory, or looks them over where they are mapped.
static status run_job(void *context, int64_t item, int thread)
{
    (void)thread;
    const fill_work *f = context;
    const job *j = &f->jobs[(size_t)item * (size_t)f->ranks + (size_t)f->rank];
    const slot *s = j->slot;
    const float *values = s->at + j->first;
    size_t at;
    if (!s->from) {
        weights_draw(s->def, s->name, f->w->range, f->w->seed, j->first, j->n,
                     (float *)((char *)f->w->block + s->offset) + j->first);
        return OK;
    }
    if ((const void *)s->at != (const void *)s->from->bytes)
        s->from->type->to_float(s->from->bytes + j->first * s->from->type->bytes, j->n,
                                (float *)((char *)f->w->block + s->offset) + j->first);
    if (kernel_finite(values, j->n, &at))
        return OK;
    return status_fail(ERR_NUMERIC, s->from->file, "tensor %s: element %zu is %s", s->name,
                       j->first + at, isnan(values[at]) ? "NaN" : "infinite");
}

static status fill(weights *w, int threads)
{
    status st;
    pool *p = NULL;
    job *jobs = NULL;
    size_t n = 0, capacity = 0;
    for (size_t i = 0; i < w->n; i++) {
        slot *s = &w->slots[i];
        for (size_t first = 0; s->def && first < s->elements; first += JOB_ELEMENTS) {
            size_t left = s->elements - first;
            if (!checked_grow(&jobs, &capacity, n + 1, sizeof *jobs)) {
                st = status_no_memory("the list of weights");
                goto done;
            }
            jobs[n++] = (job){s, first, left < JOB_ELEMENTS ? left : JOB_ELEMENTS};
        }
    }
    fill_work f = {w, jobs, n, w->share ? w->share->rank : 0, w->share ? w->share->ranks : 1};
    TRY(pool_new(threads, &p));
    size_t own = (n + (size_t)f.ranks - 1 - (size_t)f.rank) / (size_t)f.ranks;
    TRY(pool_run(p, (int64_t)own, run_job, &f));
    if (w->source)
        TRY(checkpoint_unchanged(w->source));
done:
    pool_free(p);
    free(jobs);
    return st;
}

// Where everything was converted, the files' pages need not stay mapped.
static void drop_unused_source(weights *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->slots[i].from &&
            (const void *)w->slots[i].at == (const void *)w->slots[i].from->bytes)
            return;
    checkpoint_close(w->source);
    w->source = NULL;
}

static status vote(share *node, status st)
{
    return node ? node->vote(node, st) : st;
}

status weights_open(const config *c, const tensor_table *table, checkpoint *source, uint64_t seed,
                    int threads, share *node, weights **out)
{
    status st = OK;
    size_t bytes = 0;
    weights *w = checked_calloc(1, sizeof *w);
    if (!w) {
        checkpoint_close(source);
        st = status_no_memory("weights");
    } else {
        *w = (weights){*table, c->info.layers,      NULL, 0, source, node, NULL,
                       seed,   c->initializer_range};
        w->n = (size_t)table->n_globals + (size_t)c->info.layers * (size_t)table->n_layer;
        w->slots = checked_calloc(w->n, sizeof *w->slots);
        st = w->slots ? plan_slots(w, c, &bytes) : status_no_memory("weights");
    }
    TRY(vote(node, st)); // before what all ranks do together
    if (node)
        st = node->alloc(node, bytes, &w->block);
    else
        st = (w->block = checked_aligned(bytes, 1)) ? OK : status_no_memory("weights");
    TRY(vote(node, st));
    for (size_t i = 0; i < w->n; i++)
        if (w->slots[i].def && !w->slots[i].at)
            w->slots[i].at = (const float *)(const void *)((char *)w->block + w->slots[i].offset);
    TRY(vote(node, fill(w, threads)));
    drop_unused_source(w);
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
    checkpoint_close(w->source);
    free(w->slots);
    free(w);
}

const float *weights_global(const weights *w, int i)
{
    return w->slots[i].at;
}

const float *weights_layer(const weights *w, int layer, int i)
{
    return w->slots[w->table.n_globals + layer * w->table.n_layer + i].at;
}

status weights_unchanged(const weights *w)
{
    return w->source ? checkpoint_unchanged(w->source) : OK;
}

// SPDX-License-Identifier: Apache-2.0
#include "model/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/convert.h"
#include "model/kernels.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/rng.h"

enum { JOB_ELEMENTS = 1 << 18 };

typedef struct slot {
    tensor_slot tensor;
    size_t offset; // bytes into the shared block; unused where mapped
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
    const config *config; // borrowed; only while the weights are being made
};

// Finds or plans one tensor; `bytes` is what the block holds so far.
static status plan_slot(weights *w, int layer, int i, slot *s, size_t *bytes)
{
    const tensor_slot *t = &s->tensor;
    size_t size;
    status st = tensor_slot_find(w->config, &w->table, w->source, layer, i, &s->tensor);
    if (st != OK || !t->def)
        return st;
    if (t->from && t->from->type->native && t->layout == LAYOUT_PLAIN &&
        (uintptr_t)t->from->bytes % sizeof(float) == 0) {
        s->at = (const float *)(const void *)t->from->bytes;
        return OK;
    }
    s->offset = *bytes;
    if (!checked_mul(t->elements, sizeof(float), &size) || !checked_add(size, 63, &size) ||
        !checked_add(*bytes, size / 64 * 64, bytes))
        return status_fail(ERR_INPUT, t->name, "the configuration makes it too large");
    return OK;
}

static status plan_slots(weights *w, size_t *bytes)
{
    status st = OK;
    slot *s = w->slots;
    *bytes = 0;
    for (int i = 0; i < w->table.n_globals && st == OK; i++)
        st = plan_slot(w, -1, i, s++, bytes);
    s += w->config->held.first * w->table.n_layer;
    for (int l = w->config->held.first; l < w->config->held.end && st == OK; l++)
        for (int i = 0; i < w->table.n_layer && st == OK; i++)
            st = plan_slot(w, l, i, s++, bytes);
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

// Is the slot used where the file is mapped?
static bool is_mapped(const slot *s)
{
    return s->tensor.from && (const void *)s->at == (const void *)s->tensor.from->bytes;
}

// The embedding of the padding token, among elements [first, first + n).
static void zero_padding(const config *c, const tensor_def *def, size_t first, size_t n, float *at)
{
    if (def->init != INIT_EMBEDDING || c->padding < 0)
        return;
    const size_t width = (size_t)c->info.hidden_size, begin = (size_t)c->padding * width;
    for (size_t i = begin > first ? begin : first; i < begin + width && i < first + n; i++)
        at[i - first] = 0;
}

// Brings a job's elements into memory, or looks them over where they are mapped.
static status run_job(void *context, int64_t item, int thread)
{
    (void)thread;
    const fill_work *f = context;
    const config *c = f->w->config;
    const job *j = &f->jobs[(size_t)item * (size_t)f->ranks + (size_t)f->rank];
    const tensor_slot *t = &j->slot->tensor;
    const float *values = j->slot->at + j->first;
    size_t at;
    if (!is_mapped(j->slot)) {
        float *to = (float *)((char *)f->w->block + j->slot->offset) + j->first;
        if (!t->from) {
            weights_draw(t->def, t->name, tensor_def_deviation(c, t->def), f->w->seed, j->first,
                         j->n, to);
            zero_padding(c, t->def, j->first, j->n, to);
            return OK;
        }
        convert_elements(t->from, t->layout, c->info.head_dim, j->first, j->n, to);
        if (t->layout == LAYOUT_PLAIN) // pages that no other job reads
            file_drop_pages(convert_at(t->from, j->first), convert_bytes(t->from, j->n));
    }
    if (kernel_finite(values, j->n, &at))
        return OK;
    return status_fail(ERR_NUMERIC, t->from->file, "tensor %s: element %zu is %s", t->from->name,
                       j->first + at, isnan(values[at]) ? "NaN" : "infinite");
}

// Elements of a job on this slot.
static size_t job_elements(const slot *s)
{
    const size_t grain = s->tensor.from ? convert_grain(s->tensor.from, s->tensor.layout) : 1;
    return grain < JOB_ELEMENTS ? JOB_ELEMENTS / grain * grain : grain;
}

static status fill(weights *w, int threads)
{
    status st;
    pool *p = NULL;
    job *jobs = NULL;
    size_t n = 0, capacity = 0;
    for (size_t i = 0; i < w->n; i++) {
        slot *s = &w->slots[i];
        const size_t some = job_elements(s);
        for (size_t first = 0; s->tensor.def && first < s->tensor.elements; first += some) {
            size_t left = s->tensor.elements - first;
            if (!checked_grow(&jobs, &capacity, n + 1, sizeof *jobs)) {
                st = status_no_memory("the list of weights");
                goto done;
            }
            jobs[n++] = (job){s, first, left < some ? left : some};
        }
    }
    fill_work f = {w, jobs, n, w->share ? w->share->rank : 0, w->share ? w->share->ranks : 1};
    TRY(pool_new(threads, &p));
    size_t own = (n + (size_t)f.ranks - 1 - (size_t)f.rank) / (size_t)f.ranks;
    status filled = pool_run(p, (int64_t)own, run_job, &f);
    TRY(weights_unchanged(w)); // a file that changes may hold anything
    st = filled;
done:
    pool_free(p);
    free(jobs);
    return st;
}

// Where everything was converted, the files need not stay mapped; otherwise the pages of what was.
static void drop_unused_source(weights *w)
{
    bool used = false;
    for (size_t i = 0; i < w->n; i++) {
        used = used || is_mapped(&w->slots[i]);
        if (w->slots[i].tensor.from && !is_mapped(&w->slots[i]))
            file_drop_pages(w->slots[i].tensor.from->bytes, w->slots[i].tensor.from->n_bytes);
    }
    if (used)
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
        *w = (weights){.table = *table,
                       .layers = c->info.layers,
                       .source = source,
                       .share = node,
                       .seed = seed,
                       .config = c};
        w->n = (size_t)table->n_globals + (size_t)c->info.layers * (size_t)table->n_layer;
        w->slots = checked_calloc(w->n, sizeof *w->slots);
        st = w->slots ? plan_slots(w, &bytes) : status_no_memory("weights");
    }
    TRY(vote(node, st)); // before what all ranks do together
    if (node)
        st = node->alloc(node, bytes, &w->block);
    else
        st = (w->block = checked_aligned(bytes, 1)) ? OK : status_no_memory("weights");
    TRY(vote(node, st));
    for (size_t i = 0; i < w->n; i++)
        if (w->slots[i].tensor.def && !w->slots[i].at)
            w->slots[i].at = (const float *)(const void *)((char *)w->block + w->slots[i].offset);
    TRY(vote(node, fill(w, threads)));
    drop_unused_source(w);
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

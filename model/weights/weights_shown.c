// SPDX-License-Identifier: Apache-2.0
// Weights that a device holds pass by here in pieces: read or drawn by several threads into one buffer,
// then shown. What the host keeps of them are names, and the few values that it reads itself.
#include <stdlib.h>
#include <string.h>

#include "model/weights/slots.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/stopping.h"

enum { PIECE = 1 << 20 }; // values: four runs

bool weights_kept_here(const config *c, const tensor_def *def)
{
    return c->info.modality == MODALITY_IMAGE && tensor_def_rows(def);
}

typedef struct counting {
    const config *config;
    size_t largest, kept; // values
} counting;

static void count_values(void *context, const tensor_def *def, size_t elements, int64_t copies)
{
    counting *n = context;
    n->largest = elements > n->largest ? elements : n->largest;
    if (weights_kept_here(n->config, def))
        n->kept += (size_t)copies * elements;
}

size_t weights_shown_bytes(const config *c, const tensor_table *table)
{
    counting n = {.config = c};
    tensor_table_each(c, table, count_values, &n);
    return (n.kept + (n.largest < PIECE ? n.largest : PIECE)) * sizeof(float);
}

// Whole runs.
static size_t piece_elements(const slot *s)
{
    const size_t each = slot_job_elements(s);
    const size_t whole = each < PIECE ? PIECE / each * each : each;
    return whole < s->tensor.elements ? whole : s->tensor.elements;
}

size_t weights_largest_piece(const weights *w)
{
    size_t most = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->slots[i].at) {
            const size_t n = piece_elements(&w->slots[i]);
            most = n > most ? n : most;
        }
    return most;
}

// A piece that is being read, in runs.
typedef struct reading {
    const weights *w;
    const slot *slot;
    const atomic_bool *stopping;
    size_t first, n;
    float *to;
} reading;

static status read_run(void *context, int64_t item, int thread)
{
    const reading *r = context;
    const size_t each = slot_job_elements(r->slot), from = (size_t)item * each;
    const size_t left = r->n - from;
    const status st = stopping_check(r->stopping);
    (void)thread;
    return st != OK ? st
                    : slot_read(r->w, r->slot, DRAW_BEST, r->first + from,
                                left < each ? left : each, r->to + from);
}

static weight_values values_of(const slot *s)
{
    const tensor_def *def = s->tensor.def;
    return (weight_values){s->at, s->tensor.elements, tensor_def_products(def),
                           tensor_def_rows(def)};
}

// Shows a tensor's values, and keeps what is kept.
static status show_slot(weights *w, const slot *s, pool *p, reading *r, weights_see *see,
                        void *context)
{
    status st = OK;
    const size_t elements = s->tensor.elements, piece = piece_elements(s);
    const weight_values v = values_of(s);
    r->slot = s;
    for (r->first = 0; r->first < elements; r->first += r->n) {
        r->n = elements - r->first < piece ? elements - r->first : piece;
        const size_t each = slot_job_elements(s);
        TRY(pool_run(p, (int64_t)((r->n + each - 1) / each), read_run, r));
        if (!s->named)
            memcpy((char *)w->block + s->offset + r->first * sizeof(float), r->to,
                   r->n * sizeof(float));
        TRY(see(context, &v, r->first, r->n, r->to));
    }
    if (s->tensor.from)
        file_drop_pages(s->tensor.from->bytes, s->tensor.from->n_bytes);
done:
    return st;
}

status weights_show(weights *w, const config *c, int threads, const atomic_bool *stopping,
                    weights_see *see, void *context)
{
    status st = OK;
    pool *p = NULL;
    reading r = {.w = w, .stopping = stopping};
    w->config = c;
    if (!(r.to = checked_aligned(weights_largest_piece(w), sizeof *r.to)))
        TRY(status_no_memory("weights"));
    TRY(pool_new(threads, &p));
    for (size_t i = 0; i < w->n; i++)
        if (w->slots[i].at)
            TRY(show_slot(w, &w->slots[i], p, &r, see, context));
    TRY(weights_unchanged(w)); // a file that changes may hold anything
    weight_source_close(w->source);
    w->source = NULL;
done:
    w->config = NULL;
    pool_free(p);
    free(r.to);
    return st;
}

status weights_each(const weights *w, status (*see)(void *context, const weight_values *v),
                    void *context)
{
    status st = OK;
    for (size_t i = 0; i < w->n; i++) {
        const weight_values v = w->slots[i].at ? values_of(&w->slots[i]) : (weight_values){0};
        if (v.at)
            TRY(see(context, &v));
    }
done:
    return st;
}

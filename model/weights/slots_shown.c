// SPDX-License-Identifier: Apache-2.0
// Weights that a device holds pass by here in pieces: read or drawn by several threads into one buffer,
// then shown. What the host keeps of them are names, and the few values that it reads itself.
#include "model/weights/slots_shown.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/stopping.h"

enum { PIECE = 1 << 20 }; // values: four runs

bool slots_kept_here(const config *c, const tensor_def *def)
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
    if (slots_kept_here(n->config, def))
        n->kept += (size_t)copies * elements;
}

size_t slots_shown_bytes(const config *c, const tensor_table *table)
{
    counting n = {.config = c};
    tensor_table_each(c, table, count_values, &n);
    return (n.kept + (n.largest < PIECE ? n.largest : PIECE)) * sizeof(float);
}

// Whole runs.
static size_t piece_elements(const slot *s)
{
    const size_t each = slot_run(s);
    const size_t whole = each < PIECE ? PIECE / each * each : each;
    return whole < s->tensor.elements ? whole : s->tensor.elements;
}

size_t slots_largest_piece(const slot *slots, size_t n)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t piece = slots[i].at ? piece_elements(&slots[i]) : 0;
        most = piece > most ? piece : most;
    }
    return most;
}

weight_values slots_values_of(const slot *s)
{
    const tensor_def *def = s->tensor.def;
    return (weight_values){s->at, s->tensor.elements, tensor_def_products(def),
                           tensor_def_rows(def)};
}

// A piece that is being read, in runs.
typedef struct reading {
    const slots_showing *of;
    const slot *slot;
    size_t first, n;
    float *to;
} reading;

static status read_run(void *context, int64_t item, int thread)
{
    const reading *r = context;
    const slots_showing *of = r->of;
    const size_t each = slot_run(r->slot), from = (size_t)item * each;
    const size_t left = r->n - from, n = left < each ? left : each;
    const status st = stopping_check(of->stopping);
    (void)thread;
    return st != OK ? st
                    : slot_read(r->slot, of->config, of->seed, DRAW_BEST, r->first + from, n,
                                r->to + from);
}

// Shows a tensor's values, and keeps what is kept.
static status show_slot(reading *r, pool *p)
{
    status st = OK;
    const slot *s = r->slot;
    const size_t elements = s->tensor.elements, piece = piece_elements(s), each = slot_run(s);
    const weight_values v = slots_values_of(s);
    for (r->first = 0; r->first < elements; r->first += r->n) {
        r->n = elements - r->first < piece ? elements - r->first : piece;
        TRY(pool_run(p, (int64_t)((r->n + each - 1) / each), read_run, r));
        if (!s->elsewhere)
            memcpy(r->of->block + s->offset + r->first * sizeof(float), r->to,
                   r->n * sizeof(float));
        TRY(r->of->see(r->of->context, &v, r->first, r->n, r->to));
    }
    if (s->tensor.from)
        file_drop_pages(s->tensor.from->bytes, s->tensor.from->n_bytes);
done:
    return st;
}

status slots_show(const slots_showing *a)
{
    status st = OK;
    pool *p = NULL;
    reading r = {.of = a};
    if (!(r.to = checked_aligned(slots_largest_piece(a->slots, a->n), sizeof *r.to)))
        TRY(status_no_memory("weights"));
    TRY(pool_new(a->threads, &p));
    for (size_t i = 0; i < a->n; i++) {
        r.slot = &a->slots[i];
        if (r.slot->at)
            TRY(show_slot(&r, p));
    }
done:
    pool_free(p);
    free(r.to);
    return st;
}

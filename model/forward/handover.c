// SPDX-License-Identifier: Apache-2.0
// A tile crosses as one block of bytes, so that there is one message a tile. Every member is the
// same program, so fields are copied as they are; sizes are checked all the same.
#include "model/forward/handover.h"

#include <string.h>

#include "model/forward/state.h"

// What a block begins with; first_row [samples + 1], the hidden states, target and ids follow.
typedef struct header {
    int64_t index, samples, rows;
} header;

layer_span handover_span(const model *m, const forward *f)
{
    const int layers = m->config.info.layers;
    const bool head = f->result || f->logits, all = head || f->read;
    // What one pass keeps another one loads: with the head or only that far, the members are the
    // same.
    const layer_range own =
        m->team ? model_part(&m->config.info, m->team->rank, m->team->ranks, head || !f->read)
                : m->config.held;
    const int last = all ? layers - 1 : f->keep_layer; // the last layer that is reached
    const int end = all ? layers : f->keep_layer;      // the last one is run, or only reached
    layer_span l = {.layers = own};
    if (l.layers.first < f->first_layer)
        l.layers.first = f->first_layer;
    if (l.layers.end > end)
        l.layers.end = end;
    l.any = own.end > f->first_layer && own.first <= last;
    l.begins = own.first <= f->first_layer;
    l.ends = own.end > last;
    return l;
}

// Images have a target a sample, texts one a row and ids.
static size_t target_count(const model_info *info, int64_t samples, int64_t rows)
{
    return (size_t)(info->modality == MODALITY_IMAGE ? samples : 2 * rows);
}

// Bytes of a block for a tile of so many samples and rows.
static size_t block_bytes(const model_info *info, int64_t samples, int64_t rows)
{
    return sizeof(header) + ((size_t)samples + 1) * sizeof(int64_t) +
           (size_t)rows * (size_t)info->hidden_size * sizeof(float) +
           target_count(info, samples, rows) * sizeof(int32_t);
}

static void put_bytes(char **at, const void *from, size_t bytes)
{
    memcpy(*at, from, bytes);
    *at += bytes;
}

static void get_bytes(const char **at, void *to, size_t bytes)
{
    memcpy(to, *at, bytes);
    *at += bytes;
}

status handover_give(const pass *p)
{
    const model_info *i = &p->m->config.info;
    const tile *t = &p->tile;
    const bool images = i->modality == MODALITY_IMAGE;
    const header h = {p->index, t->samples, t->rows};
    relay *team = p->m->team;
    relay_block *block;
    status st = team->reserve(team, p->f->lane, block_bytes(i, t->samples, t->rows), &block);
    if (st != OK)
        return st;
    char *at = block->at;
    put_bytes(&at, &h, sizeof h);
    put_bytes(&at, t->first_row, ((size_t)t->samples + 1) * sizeof *t->first_row);
    put_bytes(&at, p->hidden, (size_t)t->rows * (size_t)i->hidden_size * sizeof *p->hidden);
    put_bytes(&at, t->target, (size_t)(images ? t->samples : t->rows) * sizeof *t->target);
    if (!images)
        put_bytes(&at, t->ids, (size_t)t->rows * sizeof *t->ids);
    team->send(team, block);
    return OK;
}

static status unpack_tile(pass *p, const relay_block *block)
{
    const model_info *i = &p->m->config.info;
    const bool images = i->modality == MODALITY_IMAGE;
    const forward *f = p->f;
    tile *t = &p->tile;
    header h = {0};
    const char *at = block->at;
    if (block->bytes >= sizeof h)
        get_bytes(&at, &h, sizeof h);
    if (h.samples < 1 || h.samples > f->max_samples || h.rows < 1 || h.rows > f->max_rows ||
        block->bytes != block_bytes(i, h.samples, h.rows))
        return status_fail(ERR_INTERNAL, "model",
                           "a team's ranks run different passes: %zu bytes of %lld samples",
                           block->bytes, (long long)h.samples);
    p->index = h.index;
    t->samples = h.samples;
    t->rows = h.rows;
    get_bytes(&at, t->first_row, ((size_t)h.samples + 1) * sizeof *t->first_row);
    get_bytes(&at, p->hidden, (size_t)h.rows * (size_t)i->hidden_size * sizeof *p->hidden);
    get_bytes(&at, t->target, (size_t)(images ? h.samples : h.rows) * sizeof *t->target);
    if (!images)
        get_bytes(&at, t->ids, (size_t)h.rows * sizeof *t->ids);
    return OK;
}

status handover_take(pass *p)
{
    relay *team = p->m->team;
    relay_block *block;
    status st = team->receive(team, p->f->lane, &block);
    if (st != OK)
        return st;
    st = unpack_tile(p, block);
    team->release(team, block);
    return st;
}

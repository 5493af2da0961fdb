// SPDX-License-Identifier: Apache-2.0
// Documents are tokenised on all threads, but which one is the last to fit a limit depends on all
// before it. So they gather in a batch, the threads tokenise it, and one of them adds what came out
// in order: samples do not depend on the number of threads, and at most a batch is done in vain.
#include "data/tokens/text_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/byte_stream.h"
#include "data/tokens/text_coding.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/stopping.h"

// A batch is tokenised when it has as many documents or bytes: enough for all threads, little to
// throw away when the limit is reached inside.
enum { BATCH_ITEMS = 256, BATCH_BYTES = 1 << 20 };

struct text_maker {
    const text_order *order;
    text_coding coding;
    token_set *set;
    token_list *pending; // owned [groups]: joined ids that are no sample yet
    bool *full;          // owned [groups]
    text bytes;          // of the batch
    text_item *items;    // owned [BATCH_ITEMS]
    int64_t n_items;
    size_t seen;        // bytes and ids that were handed over
    size_t frame;       // special tokens around each sample; 0: where documents have them
    token_list whole;   // owned: a sample in its frame
    encoder **encoders; // owned [threads], and each
    text *scratch;      // owned [threads]
    int threads;
};

static void free_maker(text_maker *m)
{
    for (size_t g = 0; m->pending && g < m->order->groups; g++)
        token_list_free(&m->pending[g]);
    for (int i = 0; i < BATCH_ITEMS && m->items; i++) {
        token_list_free(&m->items[i].ids);
        free(m->items[i].shot);
    }
    for (int t = 0; t < m->threads; t++) {
        if (m->encoders)
            encoder_free(m->encoders[t]);
        if (m->scratch)
            text_free(&m->scratch[t]);
    }
    token_list_free(&m->coding.tail);
    token_list_free(&m->whole);
    text_free(&m->bytes);
    free(m->pending);
    free(m->full);
    free(m->items);
    free(m->encoders);
    free(m->scratch);
    token_set_free(m->set);
}

// How many special tokens stand around each sample.
static status find_frame(text_maker *m)
{
    m->frame = tokenizer_prefix(m->set->tokenizer)->n + tokenizer_suffix(m->set->tokenizer)->n;
    if ((size_t)m->order->context > m->frame)
        return OK;
    return status_fail(ERR_USAGE, m->order->path,
                       "context: %lld leaves no token between the %zu special ones; give more",
                       (long long)m->order->context, m->frame);
}

static status begin_maker(text_maker *m)
{
    status st;
    const text_order *o = m->order;
    m->threads = o->pool ? pool_threads(o->pool) : 1;
    m->pending = checked_calloc(o->groups, sizeof *m->pending);
    m->full = checked_calloc(o->groups, sizeof *m->full);
    m->items = checked_calloc(BATCH_ITEMS, sizeof *m->items);
    m->encoders = checked_calloc((size_t)m->threads, sizeof *m->encoders);
    m->scratch = checked_calloc((size_t)m->threads, sizeof *m->scratch);
    if (!m->pending || !m->full || !m->items || !m->encoders || !m->scratch)
        return status_no_memory("samples");
    TRY(token_set_new(o->groups, o->vocabulary, &m->set));
    m->coding = (text_coding){.context = o->context, .pack = o->pack, .framed = o->framed};
    if (!o->tokenizer)
        goto done;
    TRY(tokenizer_open(o->tokenizer, &m->set->tokenizer));
    m->coding.tokenizer = m->set->tokenizer;
    text_add(&m->set->notes, tokenizer_notices(m->set->tokenizer));
    if (o->framed)
        TRY(find_frame(m));
    if (o->questions) {
        TRY(text_coding_find_letters(&m->coding, o->tokenizer));
        memcpy(m->set->candidate, m->coding.candidate, sizeof m->set->candidate);
        m->set->candidates = 4;
    }
    for (int t = 0; t < m->threads; t++)
        TRY(encoder_new(m->set->tokenizer, &m->encoders[t]));
done:
    return st;
}

static bool has_room(const text_maker *m, size_t group)
{
    return m->order->wanted[group] && !m->full[group];
}

bool text_maker_wants(const text_maker *m, size_t group)
{
    const bool enough = m->order->first_records && m->seen >= TEXT_MAKER_FIRST;
    return has_room(m, group) && !enough;
}

size_t text_maker_block(const text_maker *m, size_t most)
{
    return m->order->first_records && most > TEXT_MAKER_FIRST ? TEXT_MAKER_FIRST : most;
}

bool text_maker_wants_more(const text_maker *m)
{
    for (size_t g = 0; g < m->order->groups; g++)
        if (text_maker_wants(m, g))
            return true;
    return false;
}

int64_t text_maker_limit(const text_maker *m)
{
    return m->order->limit;
}

int64_t text_maker_vocabulary(const text_maker *m)
{
    return m->order->vocabulary;
}

const atomic_bool *text_maker_stopping(const text_maker *m)
{
    return m->order->stopping;
}

bool text_maker_packs(const text_maker *m)
{
    return m->order->pack;
}

void text_maker_note_padding(text_maker *m, const char *path)
{
    byte_stream_note_padding(path, &m->set->notes);
}

static status add_sample(text_maker *m, size_t group, const int32_t *id, size_t n, int32_t target)
{
    const text_order *o = m->order;
    for (size_t i = 0; i < n; i++)
        if (id[i] < 0 || id[i] >= o->vocabulary)
            return status_fail(ERR_INPUT, o->tokenizer ? o->tokenizer : o->path,
                               "token id %d is beyond the model's vocabulary of %lld; give the "
                               "model its own tokenizer or tokens",
                               id[i], (long long)o->vocabulary);
    status st = token_set_add(m->set, group, id, n, target);
    const token_group *g = &m->set->group[group];
    if (o->limit > 0)
        m->full[group] = o->questions ? (int64_t)g->n >= o->limit : g->rows > o->limit;
    return st;
}

// Adds a sample of joined ids, in its frame where samples have one.
static status add_joined(text_maker *m, size_t group, const int32_t *id, size_t n)
{
    status st;
    token_list *whole = &m->whole;
    if (m->frame == 0)
        return add_sample(m, group, id, n, -1);
    const token_list *prefix = tokenizer_prefix(m->set->tokenizer),
                     *suffix = tokenizer_suffix(m->set->tokenizer);
    whole->n = 0;
    TRY(token_list_append(whole, prefix->id, prefix->n));
    TRY(token_list_append(whole, id, n));
    TRY(token_list_append(whole, suffix->id, suffix->n));
    TRY(add_sample(m, group, whole->id, whole->n, -1));
done:
    return st;
}

// The tokens of the shortest sample: one to predict, and one to predict it by.
static size_t count_least(const text_maker *m)
{
    return m->frame > 0 ? m->frame + 1 : 2;
}

// Cuts what has been joined into samples; with `end`, also what is left.
static status cut_pending(text_maker *m, size_t group, bool end)
{
    status st = OK;
    token_list *p = &m->pending[group];
    size_t at = 0, context = (size_t)m->order->context - m->frame;
    for (; p->n - at >= context && !m->full[group]; at += context)
        TRY(add_joined(m, group, p->id + at, context));
    if (end && p->n - at + m->frame >= count_least(m) && !m->full[group])
        TRY(add_joined(m, group, p->id + at, p->n - at));
    p->n = m->full[group] ? 0 : p->n - at;
    if (p->n > 0 && at > 0)
        memmove(p->id, p->id + at, p->n * sizeof *p->id);
done:
    return st;
}

static status add_ids(text_maker *m, size_t group, const int32_t *id, size_t n, bool joined)
{
    status st = OK;
    size_t context = (size_t)m->order->context;
    if (!joined && n >= count_least(m))
        return add_sample(m, group, id, n < context ? n : context, -1);
    if (joined) {
        TRY(token_list_append(&m->pending[group], id, n));
        TRY(cut_pending(m, group, false));
    }
done:
    return st;
}

status text_maker_add_ids(text_maker *m, size_t group, const int32_t *id, size_t n, bool joined)
{
    m->seen += n;
    return add_ids(m, group, id, n, joined);
}

// The line of a document; 0: not known.
static int64_t find_line(const text_document *d)
{
    byte_stream *in = NULL;
    char bytes[4096];
    int64_t line = 1;
    if (d->line > 0 || d->offset == 0)
        return d->line;
    status st = byte_stream_open(d->file, &in);
    for (uint64_t left = d->offset; left > 0 && st == OK;) {
        size_t got = 0, want = left < sizeof bytes ? (size_t)left : sizeof bytes;
        st = byte_stream_read(in, bytes, want, &got);
        for (size_t i = 0; i < got; i++)
            line += bytes[i] == '\n';
        left = got < want ? 0 : left - got;
    }
    byte_stream_close(in);
    return st == OK ? line : 0;
}

// What a tokenizer cannot do with a text is said of both.
static status fail_at_document(const text_document *d)
{
    char said[1024];
    snprintf(said, sizeof said, "%s", status_text());
    int64_t line = find_line(d);
    char *at = line ? text_format("%s:%lld", d->file, (long long)line) : strdup(d->file);
    status st = at ? status_fail(ERR_INPUT, at, "%s", said) : status_no_memory("a text");
    free(at);
    return st;
}

static status encode_item(void *context, int64_t i, int thread)
{
    text_maker *m = context;
    text_item *item = &m->items[i];
    item->ids.n = 0;
    item->shortened = false;
    status st = stopping_check(m->order->stopping);
    if (st == OK)
        st = text_coding_encode(&m->coding, m->encoders[thread], &m->scratch[thread],
                                text_get(&m->bytes) + item->begin, item);
    return st == ERR_INPUT ? fail_at_document(&item->document) : st;
}

// Tokenises the batch and adds what comes out, in order.
static status encode_batch(text_maker *m)
{
    status st = OK;
    TRY(pool_run(m->order->pool, m->n_items, encode_item, m));
    for (int64_t i = 0; i < m->n_items; i++) {
        const text_item *item = &m->items[i];
        const text_document *d = &item->document;
        if (!has_room(m, d->group))
            continue;
        if (item->shot) {
            TRY(add_sample(m, d->group, item->ids.id, item->ids.n, m->set->candidate[d->answer]));
            m->set->shortened += item->shortened;
        } else {
            TRY(add_ids(m, d->group, item->ids.id, item->ids.n, d->joined || m->order->pack));
        }
    }
done:
    m->n_items = 0;
    m->bytes.length = 0;
    return st;
}

status text_maker_add(text_maker *m, const text_document *d)
{
    text_item *item = &m->items[m->n_items];
    item->document = *d;
    item->begin = m->bytes.length;
    free(item->shot);
    item->shot = NULL;
    if (d->shot) {
        if (!(item->shot = checked_calloc(d->shots + 1, sizeof *item->shot)))
            return status_no_memory("a question");
        memcpy(item->shot, d->shot, (d->shots + 1) * sizeof *item->shot);
    }
    m->seen += d->n;
    text_add_bytes(&m->bytes, d->bytes, d->n);
    if (m->bytes.failed)
        return status_no_memory("a document");
    m->n_items++;
    return m->n_items == BATCH_ITEMS || m->bytes.length >= BATCH_BYTES ? encode_batch(m) : OK;
}

status text_maker_run(const text_order *order,
                      status (*feed)(const format_state *state, text_maker *m),
                      const format_state *state, token_set **out)
{
    status st;
    text_maker m = {.order = order};
    TRY(begin_maker(&m));
    TRY(feed(state, &m));
    TRY(encode_batch(&m));
    for (size_t g = 0; g < order->groups; g++)
        TRY(cut_pending(&m, g, true));
    *out = m.set;
    m.set = NULL;
done:
    free_maker(&m);
    return st;
}

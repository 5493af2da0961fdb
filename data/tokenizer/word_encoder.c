// SPDX-License-Identifier: Apache-2.0
// Most words of a text were seen before: a cache answers them, and only new ones reach the model.
#include "data/tokenizer/word_encoder.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "data/tokenizer/bpe_encoder.h"
#include "pipeline/base/checked.h"

enum {
    CACHE_SLOTS = 1 << 16, // words remembered
    CACHE_BYTES = 40,      // longer words are encoded afresh
    CACHE_IDS = 14,
};

typedef struct cached_word {
    uint64_t hash; // 0: empty
    uint8_t bytes, ids;
    char word[CACHE_BYTES];
    int32_t id[CACHE_IDS];
} cached_word;

struct word_encoder {
    const wordpiece *wordpiece; // borrowed; one of these three
    bpe_encoder *bpe;
    unigram_encoder *unigram;
    cached_word *cache;
};

status word_encoder_new(const tokenizer_rules *r, word_encoder **out)
{
    status st = OK;
    word_encoder *e = checked_calloc(1, sizeof *e);
    if (!e || !(e->cache = checked_calloc(CACHE_SLOTS, sizeof *e->cache))) {
        free(e);
        return status_no_memory("a tokenizer's cache");
    }
    e->wordpiece = r->wordpiece;
    if (r->bpe)
        TRY(bpe_encoder_new(r->bpe, &e->bpe));
    if (r->unigram)
        TRY(unigram_encoder_new(r->unigram, &e->unigram));
    *out = e;
    e = NULL;
done:
    word_encoder_free(e);
    return st;
}

void word_encoder_free(word_encoder *e)
{
    if (!e)
        return;
    bpe_encoder_free(e->bpe);
    unigram_encoder_free(e->unigram);
    free(e->cache);
    free(e);
}

static status encode_new(word_encoder *e, const char *word, size_t n, token_list *out)
{
    return e->bpe         ? bpe_encoder_encode(e->bpe, word, n, out)
           : e->wordpiece ? wordpiece_encode(e->wordpiece, word, n, out)
                          : unigram_encoder_encode(e->unigram, word, n, out);
}

status word_encoder_encode(word_encoder *e, const char *word, size_t n, token_list *out)
{
    if (n == 0)
        return OK;
    uint64_t hash = XXH3_64bits(word, n) | 1;
    cached_word *c = &e->cache[hash >> 16 & (CACHE_SLOTS - 1)];
    if (n <= CACHE_BYTES && c->hash == hash && c->bytes == n && memcmp(c->word, word, n) == 0)
        return token_list_append(out, c->id, c->ids);
    size_t first = out->n;
    status st = encode_new(e, word, n, out);
    if (st == OK && n <= CACHE_BYTES && out->n - first <= CACHE_IDS) {
        c->hash = hash;
        c->bytes = (uint8_t)n;
        c->ids = (uint8_t)(out->n - first);
        memcpy(c->word, word, n);
        if (c->ids > 0) // else there may be no list yet
            memcpy(c->id, out->id + first, c->ids * sizeof *c->id);
    }
    return st;
}

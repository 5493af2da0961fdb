// SPDX-License-Identifier: Apache-2.0
// Of a sample's w tokens exactly k are chosen, each set of k as likely as any other, in one walk and
// without memory: a token is taken with probability (still to choose) / (still to come). What is
// drawn for a position depends on nothing but the seed, the subset, the sample and the position.
#include "data/dataset/token_mask.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/tokenizer/tokenizer_rules.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

enum { POSITION_BITS = 24 }; // of the number that a draw is made from; contexts are no longer

struct token_mask {
    double share;
    uint64_t seed;
    bool alone;         // what is masked becomes the mask's token, always
    int32_t token;      // the mask's
    int32_t vocabulary; // of the tokenizer, as far as the model has it
    uint8_t *special;   // [outputs of the model] owned
    int32_t *specials;  // [n] owned: those below `vocabulary`, ascending
    size_t n;
};

static status mark_special(token_mask *m, const tokenizer *t, int32_t outputs)
{
    static const char *const names[] = {"[MASK]", "<mask>"};
    const added_tokens *added = tokenizer_get_rules(t)->added;
    m->special = checked_calloc((size_t)outputs, 1);
    m->specials = checked_calloc(added_tokens_count(added), sizeof *m->specials);
    if (!m->special || !m->specials)
        return status_no_memory("a mask");
    for (size_t i = 0; i < added_tokens_count(added); i++) {
        const added_token *a = added_tokens_at(added, i);
        if (!a->special || a->id < 0)
            continue;
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (a->n == strlen(names[k]) && memcmp(a->content, names[k], a->n) == 0)
                m->token = a->id;
        if (a->id < outputs)
            m->special[a->id] = 1;
    }
    for (int32_t id = 0; id < m->vocabulary; id++)
        if (m->special[id])
            m->specials[m->n++] = id;
    return OK;
}

status token_mask_new(const tokenizer *t, const dataset_options *o, int32_t outputs,
                      token_mask **out)
{
    status st;
    const char *path = tokenizer_get_rules(t)->path;
    token_mask *m = checked_calloc(1, sizeof *m);
    if (!m)
        return status_no_memory("a mask");
    const int32_t own = tokenizer_size(t);
    *m = (token_mask){.share = o->mask,
                      .seed = (uint64_t)o->mask_seed,
                      .alone = o->mask_alone,
                      .token = -1,
                      .vocabulary = own < outputs ? own : outputs};
    TRY(mark_special(m, t, outputs));
    if (m->token < 0 || m->n >= (size_t)m->vocabulary)
        TRY(status_fail(ERR_INPUT, path,
                        "has no special token [MASK] or <mask>, which a masked language model "
                        "needs; give the model's own tokenizer"));
    if (m->token >= outputs)
        TRY(status_fail(ERR_INPUT, path,
                        "the mask is token %d, beyond the model's vocabulary of %d; give the model "
                        "its own tokenizer",
                        m->token, outputs));
    *out = m;
    m = NULL;
done:
    token_mask_free(m);
    return st;
}

void token_mask_free(token_mask *m)
{
    if (!m)
        return;
    free(m->special);
    free(m->specials);
    free(m);
}

// The nearest whole number to the share of `whole` tokens, one at least.
static size_t count_chosen(const token_mask *m, size_t whole)
{
    const size_t n = (size_t)floor(m->share * (double)whole + 0.5);
    return n > 0 || whole == 0 ? n : 1;
}

// A number below n from 32 random bits.
static uint64_t scale(uint32_t bits, uint64_t n)
{
    return bits * n >> 32;
}

// An id that is not special, each as likely.
static int32_t find_plain(const token_mask *m, uint32_t bits)
{
    int32_t id = (int32_t)scale(bits, (uint64_t)m->vocabulary - m->n);
    for (size_t i = 0; i < m->n; i++)
        id += m->specials[i] <= id;
    return id;
}

// What stands where `id` is masked: of ten, eight times the mask, once any token, once itself.
static int32_t replace_token(const token_mask *m, const uint32_t draw[4], int32_t id)
{
    const uint64_t of_ten = scale(draw[1], 10);
    if (m->alone || of_ten < 8)
        return m->token;
    return of_ten == 8 ? find_plain(m, draw[2]) : id;
}

void token_mask_apply(const token_mask *m, const char *subset, int64_t sample, size_t n,
                      int32_t *ids, int32_t *target)
{
    const rng random = rng_new(m->seed, subset);
    size_t whole = 0;
    for (size_t k = 0; k < n; k++)
        whole += !m->special[ids[k]];
    size_t left = count_chosen(m, whole);
    for (size_t k = 0; k < n; k++) {
        uint32_t draw[4];
        target[k] = -1;
        if (m->special[ids[k]])
            continue;
        rng_block(&random, (uint64_t)sample << POSITION_BITS | k, draw);
        const bool chosen = scale(draw[0], whole--) < left;
        if (!chosen)
            continue;
        left--;
        target[k] = ids[k];
        ids[k] = replace_token(m, draw, ids[k]);
    }
}

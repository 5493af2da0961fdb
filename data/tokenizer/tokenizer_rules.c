// SPDX-License-Identifier: Apache-2.0
// Whoever fills rules may fail half way: all parts are freed here, whichever are there. Added
// tokens may have ids beyond the vocabulary's, so both count for the size.
#include "data/tokenizer/tokenizer_rules.h"

#include <stdlib.h>

int32_t tokenizer_rules_size(const tokenizer_rules *r)
{
    int32_t size = vocabulary_size(r->vocabulary);
    for (size_t i = 0; i < added_tokens_count(r->added); i++)
        if (added_tokens_at(r->added, i)->id >= size)
            size = added_tokens_at(r->added, i)->id + 1;
    return size;
}

void tokenizer_rules_free(tokenizer_rules *r)
{
    normalizer_free(r->normalizer);
    splitter_free(r->splitter);
    bpe_free(r->bpe);
    wordpiece_free(r->wordpiece);
    unigram_free(r->unigram);
    vocabulary_free(r->vocabulary);
    added_tokens_free(r->added);
    token_list_free(&r->prefix);
    token_list_free(&r->suffix);
    free(r->goes_on);
    free(r->path);
    *r = (tokenizer_rules){0};
}

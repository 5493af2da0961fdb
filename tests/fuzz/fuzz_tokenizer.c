// SPDX-License-Identifier: Apache-2.0
// A tokenizer.json, and behind a NUL byte the text it is given; without one, a text that has
// something for most rules. What comes out is decoded again.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "data/tokenizer/encoder.h"

// Tokens may be long, so that a text of a few bytes decodes to very many.
enum { DECODED_MAX = 256 };

static status code_text(const tokenizer *t, const char *bytes, size_t n)
{
    status st;
    encoder *e = NULL;
    token_list ids = {0};
    text decoded = {0};
    TRY(encoder_new(t, &e));
    TRY(encoder_encode(e, bytes, n, true, 0, &ids));
    TRY(tokenizer_decode(t, ids.id, ids.n < DECODED_MAX ? ids.n : DECODED_MAX, &decoded));
    ids.n = 0;
    TRY(encoder_encode(e, bytes, n, false, 3, &ids)); // again, with the words in the cache
done:
    text_free(&decoded);
    token_list_free(&ids);
    encoder_free(e);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char usual[] =
        "Hello, W\xC3\xB6rld's 123  end\n\n<s>\xE4\xB8\xAD\xFF\xF0\x9F\x99\x82\t";
    status st;
    tokenizer *t = NULL;
    const uint8_t *end = memchr(bytes, 0, n);
    const char *words = end ? (const char *)end + 1 : usual;
    const size_t json = end ? (size_t)(end - bytes) : n;
    TRY(tokenizer_open(fuzz_write("tokenizer.json", bytes, json), &t));
    TRY(code_text(t, words, end ? n - json - 1 : sizeof usual - 1));
done:
    tokenizer_close(t);
    fuzz_end(st);
    return 0;
}

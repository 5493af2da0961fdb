// SPDX-License-Identifier: Apache-2.0
// What lies beside a tokenizer.json: a tokenizer_config.json and, behind a NUL byte, a config.json; without
// one, GPT-2's. The tokenizer is of bytes, and codes a text with what they add to it.
#include "fuzz.h"

#include <string.h>

#include "data/bytes/name_list.h"
#include "data/tokenizer/encoder.h"
#include "data/tokenizer/tokenizer.h"
#include "data/tokenizer/tokenizer_config.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_plain_tokenizer();
    return 0;
}

static status code_text(const tokenizer *t)
{
    static const char words[] = "a <s> Hello <|new|>  b";
    status st;
    encoder *e = NULL;
    token_list ids = {0};
    TRY(encoder_new(t, &e));
    TRY(encoder_encode(e, words, sizeof words - 1, true, 0, &ids));
    fuzz_touch(ids.id, ids.n * sizeof *ids.id);
    fuzz_touch(tokenizer_notices(t), strlen(tokenizer_notices(t)));
done:
    token_list_free(&ids);
    encoder_free(e);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char usual[] = "{\"model_type\":\"gpt2\"}";
    status st;
    tokenizer *t = NULL;
    name_list files = {0};
    const uint8_t *end = memchr(bytes, 0, n);
    const size_t first = end ? (size_t)(end - bytes) : n;
    fuzz_write("tokenizer_config.json", bytes, first);
    fuzz_write("config.json", end ? (const void *)(end + 1) : usual,
               end ? n - first - 1 : sizeof usual - 1);
    TRY(tokenizer_open(fuzz_path("tokenizer.json"), &t));
    TRY(code_text(t));
    TRY(tokenizer_config_files(fuzz_path("tokenizer.json"), true, &files));
done:
    name_list_free(&files);
    tokenizer_close(t);
    fuzz_end(st);
    return 0;
}

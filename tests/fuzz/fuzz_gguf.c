// SPDX-License-Identifier: Apache-2.0
// A GGUF file, by all who read one: the container's metadata by each getter, the tensors as
// weights, the configuration, and the tokenizer in it.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "data/tokenizer/encoder.h"
#include "model/files/gguf_weights.h"
#include "model/model.h"
#include "pipeline/base/gguf.h"

enum { ELEMENTS_MAX = 4096 };

// Any of them may fail: only one kind is right.
static void get_value(const gguf *g, const char *key)
{
    int64_t whole, *ints = NULL;
    double real;
    bool flag;
    size_t n;
    gguf_text text, *texts = NULL;
    float *reals = NULL;
    (void)gguf_get_int(g, key, &whole);
    (void)gguf_get_real(g, key, &real);
    (void)gguf_get_bool(g, key, &flag);
    if (gguf_get_text(g, key, &text) == OK)
        fuzz_touch(text.bytes, text.length);
    if (gguf_get_texts(g, key, &texts, &n) == OK)
        for (size_t i = 0; i < n; i++)
            fuzz_touch(texts[i].bytes, texts[i].length);
    if (gguf_get_ints(g, key, &ints, &n) == OK)
        fuzz_touch(ints, n * sizeof *ints);
    if (gguf_get_reals(g, key, &reals, &n) == OK)
        fuzz_touch(reals, n * sizeof *reals);
    free(texts);
    free(ints);
    free(reals);
}

static status read_container(const char *path)
{
    gguf *g = NULL;
    char line[256];
    status st = gguf_open(path, &g);
    for (size_t i = 0; st == OK && i < gguf_keys(g); i++) {
        const gguf_text key = gguf_key(g, i);
        char *name = strndup(key.bytes, key.length);
        gguf_describe(g, i, line, sizeof line);
        get_value(g, name);
        free(name);
    }
    for (size_t i = 0; st == OK && i < gguf_tensors(g); i++)
        fuzz_touch(gguf_tensor_at(g, i)->data, gguf_tensor_at(g, i)->bytes);
    gguf_close(g);
    return st;
}

static status read_weights(const char *path)
{
    float values[ELEMENTS_MAX];
    gguf_weights *w = NULL;
    status st = gguf_weights_open(path, &w);
    for (size_t i = 0; st == OK && i < gguf_weights_count(w); i++) {
        const tensor *t = gguf_weights_at(w, i);
        if (t->type->to_float && t->elements <= ELEMENTS_MAX)
            t->type->to_float(t->bytes, t->elements / t->type->block, values);
    }
    gguf_weights_close(w);
    return st;
}

static status read_model(const char *path)
{
    model *m = NULL;
    const model_options options = {.path = path, .light = true};
    status st = model_open(&options, NULL, &m);
    model_close(m);
    return st;
}

static status read_tokenizer(const char *path)
{
    static const char words[] = " ab, Ab  12\n<s>\xC3\xA4";
    status st;
    tokenizer *t = NULL;
    encoder *e = NULL;
    token_list ids = {0};
    TRY(tokenizer_open(path, &t));
    TRY(encoder_new(t, &e));
    TRY(encoder_encode(e, words, sizeof words - 1, true, 0, &ids));
done:
    token_list_free(&ids);
    encoder_free(e);
    tokenizer_close(t);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *path = fuzz_write("x.gguf", bytes, n);
    const status st = read_container(path);
    fuzz_end(st);
    if (st != OK)
        return 0;
    fuzz_end(read_weights(path));
    fuzz_end(read_model(path));
    fuzz_end(read_tokenizer(path));
    return 0;
}

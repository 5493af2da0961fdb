// SPDX-License-Identifier: Apache-2.0
// A GGUF file holds the vocabulary but only a name for how text is cut; the patterns that a name
// stands for are in llama.cpp's sources, hence the table. An unknown name is refused: near patterns
// give near ids.
#include "data/tokenizer/tokenizer_gguf.h"

#include <stdlib.h>
#include <string.h>

#include "data/tokenizer/byte_alphabet.h"
#include "pipeline/base/gguf.h"

#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
#define LLAMA3(DIGITS)                                                                             \
    "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"     \
    "\\p{N}" DIGITS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

// llama.cpp's names, each with the patterns it applies one after the other.
static const struct {
    const char *name;
    bool ignore_merges;
    const char *patterns[5];
} pre_types[] = {
    {"default", false, {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {"gpt-2", false, {GPT2}},
    {"phi-2", false, {GPT2}},
    {"mpt", false, {GPT2}},
    {"olmo", false, {GPT2}},
    {"jais", false, {GPT2}},
    {"llama3", true, {LLAMA3("{1,3}")}},
    {"llama-v3", true, {LLAMA3("{1,3}")}},
    {"llama-bpe", true, {LLAMA3("{1,3}")}},
    {"falcon3", true, {LLAMA3("{1,3}")}},
    {"pixtral", true, {LLAMA3("{1,3}")}},
    {"dbrx", false, {LLAMA3("{1,3}")}},
    {"smaug-bpe", false, {LLAMA3("{1,3}")}},
    {"qwen2", false, {LLAMA3("")}},
    {"deepseek-r1-qwen", false, {LLAMA3("")}},
    {"stablelm2", false, {LLAMA3("")}},
    {"smollm", false, {"\\p{N}", GPT2}},
    {"starcoder", false, {"\\p{N}", GPT2}},
    {"refact", false, {"\\p{N}", GPT2}},
    {"command-r", false, {"\\p{N}", GPT2}},
    {"codeshell", false, {"\\p{N}", GPT2}},
};

enum token_type { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE };

// "<0x0A>": a byte by its two digits.
static bool is_byte(const gguf_text *piece)
{
    static const char digits[] = "0123456789ABCDEFabcdef";
    const char *s = piece->bytes;
    return piece->length == 6 && memcmp(s, "<0x", 3) == 0 && s[5] == '>' &&
           memchr(digits, s[3], sizeof digits - 1) && memchr(digits, s[4], sizeof digits - 1);
}

static status read_pieces(tokenizer_rules *r, const gguf *g, bool byte_level)
{
    status st;
    gguf_text *pieces = NULL;
    int64_t *types = NULL;
    size_t n, n_types = 0;
    char bytes[1024];
    TRY(gguf_get_texts(g, "tokenizer.ggml.tokens", &pieces, &n));
    if (gguf_has(g, "tokenizer.ggml.token_type"))
        TRY(gguf_get_ints(g, "tokenizer.ggml.token_type", &types, &n_types));
    if (n == 0 || n > 1 << 24 || (types && n_types != n)) {
        st = status_fail(ERR_INPUT, r->path, "tokenizer.ggml.tokens has %zu tokens and %zu types",
                         n, n_types);
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t length = -1, type = types ? types[i] : NORMAL;
        if (!byte_level && type == BYTE && !is_byte(&pieces[i])) {
            st = status_fail(ERR_INPUT, r->path, "tokenizer.ggml.tokens[%zu] is no byte: %.*s", i,
                             (int)(pieces[i].length < 20 ? pieces[i].length : 20), pieces[i].bytes);
            goto done;
        }
        if (byte_level && pieces[i].length <= sizeof bytes && type == NORMAL)
            length = byte_alphabet_decode(pieces[i].bytes, pieces[i].length, bytes);
        TRY(length < 0 && byte_level ? vocabulary_add_unreachable(r->vocabulary, pieces[i].bytes,
                                                                  pieces[i].length, (int32_t)i)
            : length < 0
                ? vocabulary_add(r->vocabulary, pieces[i].bytes, pieces[i].length, (int32_t)i)
                : vocabulary_add(r->vocabulary, bytes, (size_t)length, (int32_t)i));
        if (type != CONTROL && type != USER_DEFINED && type != UNKNOWN)
            continue;
        added_token token = {.content = (char *)(uintptr_t)pieces[i].bytes,
                             .n = pieces[i].length,
                             .id = (int32_t)i,
                             .special = type != USER_DEFINED};
        TRY(added_tokens_add(r->added, &token, r->path));
    }
done:
    free(pieces);
    free(types);
    return st;
}

static status read_merges(tokenizer_rules *r, const gguf *g)
{
    status st;
    gguf_text *merges = NULL;
    size_t n;
    char left[1024], right[1024];
    TRY(gguf_get_texts(g, "tokenizer.ggml.merges", &merges, &n));
    for (size_t i = 0; i < n; i++) {
        const char *s = merges[i].bytes;
        size_t length = merges[i].length;
        const char *space = length > 1 ? memchr(s + 1, ' ', length - 1) : NULL;
        size_t left_n = space ? (size_t)(space - s) : 0, right_n = space ? length - left_n - 1 : 0;
        int64_t a = -1, b = -1;
        if (space && left_n <= sizeof left && right_n <= sizeof right) {
            a = byte_alphabet_decode(s, left_n, left);
            b = byte_alphabet_decode(space + 1, right_n, right);
        }
        if (a < 0 || b < 0) {
            st = status_fail(ERR_INPUT, r->path,
                             "tokenizer.ggml.merges[%zu] is not a pair of tokens", i);
            goto done;
        }
        TRY(bpe_add_merge(r->bpe, left, (size_t)a, right, (size_t)b, (int32_t)i));
    }
done:
    free(merges);
    return st;
}

// Adds the id under `key` to a side when the flag under `flag` (its default where absent) says so.
static status add_side(const tokenizer_rules *r, const gguf *g, const char *flag, bool otherwise,
                       const char *key, token_list *side)
{
    status st = OK;
    bool wanted = otherwise;
    int64_t id;
    if (gguf_has(g, flag))
        TRY(gguf_get_bool(g, flag, &wanted));
    if (!wanted)
        return OK;
    TRY(gguf_get_int(g, key, &id));
    if (id < 0 || id >= tokenizer_rules_size(r))
        return status_fail(ERR_INPUT, r->path, "%s: there is no token %lld", key, (long long)id);
    TRY(token_list_add(side, (int32_t)id));
done:
    return st;
}

// "gpt2": byte-level BPE with merges, cut by the patterns of `pre`.
static status read_byte_level(tokenizer_rules *r, const gguf *g)
{
    status st;
    gguf_text pre = {"default", 7};
    size_t k = 0, known = sizeof pre_types / sizeof *pre_types;
    if (gguf_has(g, "tokenizer.ggml.pre"))
        TRY(gguf_get_text(g, "tokenizer.ggml.pre", &pre));
    while (k < known && !(strlen(pre_types[k].name) == pre.length &&
                          memcmp(pre_types[k].name, pre.bytes, pre.length) == 0))
        k++;
    if (k == known)
        return status_fail(ERR_INPUT, r->path, "tokenizer.ggml.pre %.*s is not supported",
                           (int)(pre.length < 80 ? pre.length : 80), pre.bytes);
    r->byte_level = true;
    bpe_options options = {
        .byte_level = true, .ignore_merges = pre_types[k].ignore_merges, .unknown = -1};
    TRY(splitter_from_patterns(pre_types[k].patterns, r->path, &r->splitter));
    TRY(vocabulary_new(r->path, options.byte_level, &r->vocabulary));
    TRY(bpe_new(r->path, &options, r->vocabulary, &r->bpe));
    TRY(read_pieces(r, g, true));
    TRY(read_merges(r, g));
    TRY(add_side(r, g, "tokenizer.ggml.add_bos_token", pre_types[k].ignore_merges,
                 "tokenizer.ggml.bos_token_id", &r->prefix));
done:
    return st;
}

// "llama": SentencePiece's BPE, whose merges follow the scores.
static status read_sentencepiece(tokenizer_rules *r, const gguf *g)
{
    status st;
    float *scores = NULL;
    size_t n;
    int64_t unknown = 0;
    bool prefix = true;
    json_t *rules = NULL;
    if (gguf_has(g, "tokenizer.ggml.unknown_token_id"))
        TRY(gguf_get_int(g, "tokenizer.ggml.unknown_token_id", &unknown));
    if (gguf_has(g, "tokenizer.ggml.add_space_prefix"))
        TRY(gguf_get_bool(g, "tokenizer.ggml.add_space_prefix", &prefix));
    rules = json_pack("{s:s, s:[{s:s, s:s}, {s:s, s:{s:s}, s:s}]}", "type", "Sequence",
                      "normalizers", "type", "Prepend", "prepend", prefix ? SPACE_MARK : "", "type",
                      "Replace", "pattern", "String", " ", "content", SPACE_MARK);
    if (!rules) {
        st = status_no_memory("a tokenizer");
        goto done;
    }
    TRY(normalizer_new(rules, r->path, &r->normalizer));
    TRY(splitter_new(NULL, r->path, &r->splitter));
    r->strip_space = prefix;
    bpe_options options = {.byte_fallback = true, .unknown = (int32_t)unknown};
    TRY(vocabulary_new(r->path, options.byte_level, &r->vocabulary));
    TRY(bpe_new(r->path, &options, r->vocabulary, &r->bpe));
    TRY(read_pieces(r, g, false));
    TRY(gguf_get_reals(g, "tokenizer.ggml.scores", &scores, &n));
    TRY(bpe_merges_from_scores(r->bpe, scores, n));
    TRY(add_side(r, g, "tokenizer.ggml.add_bos_token", true, "tokenizer.ggml.bos_token_id",
                 &r->prefix));
done:
    json_decref(rules);
    free(scores);
    return st;
}

status tokenizer_gguf_read(tokenizer_rules *r)
{
    status st;
    gguf *g = NULL;
    gguf_text model;
    TRY(gguf_open(r->path, &g));
    TRY(gguf_get_text(g, "tokenizer.ggml.model", &model));
    if (model.length == 4 && memcmp(model.bytes, "gpt2", 4) == 0)
        TRY(read_byte_level(r, g));
    else if (model.length == 5 && memcmp(model.bytes, "llama", 5) == 0)
        TRY(read_sentencepiece(r, g));
    else {
        st = status_fail(ERR_INPUT, r->path,
                         "tokenizer.ggml.model %.*s is not supported; gpt2 and llama are",
                         (int)(model.length < 80 ? model.length : 80), model.bytes);
        goto done;
    }
    TRY(add_side(r, g, "tokenizer.ggml.add_eos_token", false, "tokenizer.ggml.eos_token_id",
                 &r->suffix));
done:
    gguf_close(g);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// The file can ask for much more than is known here. What would change ids and is not understood is
// refused by name; what only trims offsets is passed over. A byte-level vocabulary is spelled back
// to raw bytes at once, since merging compares those; an entry that spells none (a raw newline) is
// one that no text leads to.
#include "data/tokenizer/tokenizer_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "data/tokenizer/byte_alphabet.h"
#include "data/tokenizer/tokenizer_file.h"
#include "pipeline/base/checked.h"

enum { PIECE_LIMIT = 4096 };

static bool is_set(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return v && !json_is_null(v) && !(json_is_string(v) && json_string_length(v) == 0);
}

// Adds a piece as the vocabulary spells it; in a byte-level one, as the bytes it stands for.
static status add_piece(tokenizer_rules *r, const char *piece, size_t n, int32_t id)
{
    char bytes[PIECE_LIMIT];
    if (n > PIECE_LIMIT)
        return status_fail(ERR_INPUT, r->path, "token %d has %zu bytes", id, n);
    if (!r->byte_level)
        return vocabulary_add(r->vocabulary, piece, n, id);
    const int64_t length = byte_alphabet_decode(piece, n, bytes);
    return length < 0 ? vocabulary_add_unreachable(r->vocabulary, piece, n, id)
                      : vocabulary_add(r->vocabulary, bytes, (size_t)length, id);
}

// BPE's and WordPiece's: pieces with their ids.
static status read_vocabulary(tokenizer_rules *r, const tokenizer_file_json *file)
{
    status st;
    const char *key;
    text piece = {0};
    json_t *id, *vocab = json_object_get(json_object_get(file->root, "model"), "vocab");
    if (!json_is_object(vocab) || json_object_size(vocab) == 0)
        return status_fail(ERR_INPUT, r->path, "model.vocab is not an object with tokens");
    TRY(vocabulary_new(r->path, r->byte_level, &r->vocabulary));
    json_object_foreach(vocab, key, id)
    {
        json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;
        if (value < 0 || value > INT32_MAX) {
            st =
                status_fail(ERR_INPUT, r->path, "the id of token %.80s is not a whole number", key);
            goto done;
        }
        tokenizer_file_key(file, key, &piece);
        TRY(piece.failed ? status_no_memory("a vocabulary")
                         : add_piece(r, text_get(&piece), piece.length, (int32_t)value));
    }
done:
    text_free(&piece);
    return st;
}

// The two halves of a merge.
typedef struct halves {
    const char *left, *right;
    size_t left_n, right_n;
} halves;

// A merge is "left right" or ["left", "right"].
static halves split_merge(const json_t *merge)
{
    const json_t *first = json_array_get(merge, 0), *second = json_array_get(merge, 1);
    const char *whole = json_string_value(merge);
    const size_t n = json_string_length(merge);
    if (!whole)
        return (halves){json_string_value(first), json_string_value(second),
                        json_string_length(first), json_string_length(second)};
    const char *space = n > 1 ? memchr(whole + 1, ' ', n - 1) : NULL; // a piece may be a space
    const size_t left = space ? (size_t)(space - whole) : n;
    return (halves){whole, space ? space + 1 : NULL, left, space ? n - left - 1 : 0};
}

static status add_merge(tokenizer_rules *r, const json_t *merge, int32_t rank)
{
    char left[PIECE_LIMIT], right[PIECE_LIMIT];
    const halves h = split_merge(merge);
    if (!h.left || !h.right || h.left_n == 0 || h.right_n == 0 || h.left_n > PIECE_LIMIT ||
        h.right_n > PIECE_LIMIT)
        return status_fail(ERR_INPUT, r->path, "merge %d is not a pair of tokens", rank);
    if (!r->byte_level)
        return bpe_add_merge(r->bpe, h.left, h.left_n, h.right, h.right_n, rank);
    int64_t left_n = byte_alphabet_decode(h.left, h.left_n, left);
    int64_t right_n = byte_alphabet_decode(h.right, h.right_n, right);
    if (left_n < 0 || right_n < 0)
        return OK; // of what no text leads to
    return bpe_add_merge(r->bpe, left, (size_t)left_n, right, (size_t)right_n, rank);
}

// The id of the token that a key names, or -1.
static int32_t find_token(const tokenizer_rules *r, const json_t *model, const char *key)
{
    const json_t *name = json_object_get(model, key);
    return json_is_string(name)
               ? vocabulary_find(r->vocabulary, json_string_value(name), json_string_length(name))
               : -1;
}

static status read_bpe(tokenizer_rules *r, const tokenizer_file_json *file)
{
    status st;
    json_t *model = json_object_get(file->root, "model"),
           *merges = json_object_get(model, "merges");
    if (!json_is_array(merges))
        return status_fail(ERR_INPUT, r->path, "model BPE has no merges");
    const char *const refused[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    for (size_t i = 0; i < 2; i++)
        if (is_set(model, refused[i]))
            return status_fail(ERR_INPUT, r->path, "model.%s is not supported", refused[i]);
    if (json_number_value(json_object_get(model, "dropout")) > 0)
        return status_fail(ERR_INPUT, r->path, "model.dropout makes tokens random; set it to null");
    bpe_options options = {
        .byte_level = r->byte_level,
        .byte_fallback = json_is_true(json_object_get(model, "byte_fallback")),
        .ignore_merges = json_is_true(json_object_get(model, "ignore_merges")),
        .fuse_unknown = json_is_true(json_object_get(model, "fuse_unk")),
        .unknown = -1,
    };
    TRY(read_vocabulary(r, file));
    TRY(bpe_new(r->path, &options, r->vocabulary, &r->bpe));
    bpe_set_unknown(r->bpe, find_token(r, model, "unk_token"));
    for (size_t i = 0; i < json_array_size(merges); i++)
        TRY(add_merge(r, json_array_get(merges, i), (int32_t)i));
done:
    return st;
}

// Words of ByteLevel are bytes here, and only BPE takes them so.
static status check_words(const tokenizer_rules *r, const char *model)
{
    return r->byte_level
               ? status_fail(ERR_INPUT, r->path,
                             "model %s behind pre_tokenizer ByteLevel is not supported", model)
               : OK;
}

static status read_wordpiece(tokenizer_rules *r, const tokenizer_file_json *file)
{
    status st;
    const json_t *model = json_object_get(file->root, "model");
    const char *prefix = json_string_value(json_object_get(model, "continuing_subword_prefix"));
    const json_t *most = json_object_get(model, "max_input_chars_per_word");
    wordpiece_options options = {.prefix = prefix ? prefix : "##", .most = 100};
    TRY(check_words(r, "WordPiece"));
    TRY(read_vocabulary(r, file));
    options.unknown = is_set(model, "unk_token") ? find_token(r, model, "unk_token")
                                                 : vocabulary_find(r->vocabulary, "[UNK]", 5);
    if (options.unknown < 0)
        return status_fail(ERR_INPUT, r->path, "model.unk_token is not in the vocabulary");
    if (most && json_integer_value(most) < 0)
        return status_fail(ERR_INPUT, r->path, "model.max_input_chars_per_word is negative");
    options.most = most ? (size_t)json_integer_value(most) : options.most;
    TRY(wordpiece_new(r->vocabulary, &options, &r->wordpiece));
    r->goes_on = strdup(options.prefix);
    if (!r->goes_on)
        return status_no_memory("a tokenizer");
done:
    return st;
}

// Pieces with their scores, in the order of their ids.
static status read_unigram(tokenizer_rules *r, const tokenizer_file_json *file)
{
    status st;
    const json_t *model = json_object_get(file->root, "model");
    const json_t *vocab = json_object_get(model, "vocab"),
                 *unknown = json_object_get(model, "unk_id");
    const size_t n = json_array_size(vocab);
    double *score = NULL;
    unigram_options options = {
        .file = r->path,
        .byte_fallback = json_is_true(json_object_get(model, "byte_fallback")),
        .unknown = json_is_integer(unknown) ? (int32_t)json_integer_value(unknown) : -1};
    TRY(check_words(r, "Unigram"));
    if (n == 0 || n > 1 << 24 ||
        (json_is_integer(unknown) &&
         (json_integer_value(unknown) < 0 || (size_t)json_integer_value(unknown) >= n)))
        return status_fail(ERR_INPUT, r->path,
                           "model.vocab is no list of tokens, or model.unk_id is none of its ids");
    TRY(vocabulary_new(r->path, false, &r->vocabulary));
    score = checked_calloc(n, sizeof *score);
    if (!score)
        return status_no_memory("a vocabulary");
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = json_array_get(vocab, i), *piece = json_array_get(entry, 0);
        score[i] = json_number_value(json_array_get(entry, 1));
        TRY(json_is_string(piece) && json_is_number(json_array_get(entry, 1))
                ? add_piece(r, json_string_value(piece), json_string_length(piece), (int32_t)i)
                : status_fail(ERR_INPUT, r->path, "model.vocab[%zu] is no token with its score",
                              i));
    }
    TRY(unigram_new(r->vocabulary, score, &options, &r->unigram));
done:
    free(score);
    return st;
}

// Files of before 2020 leave the type out.
static const char *guess_type(const json_t *model)
{
    return json_object_get(model, "merges")                     ? "BPE"
           : json_is_array(json_object_get(model, "vocab"))     ? "Unigram"
           : json_object_get(model, "max_input_chars_per_word") ? "WordPiece"
                                                                : "without a type";
}

static status read_model(tokenizer_rules *r, const tokenizer_file_json *file)
{
    static const struct {
        const char *type;
        status (*read)(tokenizer_rules *r, const tokenizer_file_json *file);
    } kinds[] = {{"BPE", read_bpe}, {"WordPiece", read_wordpiece}, {"Unigram", read_unigram}};
    const json_t *model = json_object_get(file->root, "model");
    const char *type = json_string_value(json_object_get(model, "type"));
    if (!type)
        type = guess_type(model);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].read(r, file);
    return status_fail(ERR_INPUT, r->path, "model %s is not supported", type);
}

static status read_added(tokenizer_rules *r, const json_t *list)
{
    status st = OK;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i), *id = json_object_get(o, "id");
        const json_t *given = json_object_get(o, "content");
        const char *content = json_string_value(given);
        if (!content || !json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= 1 << 24)
            return status_fail(ERR_INPUT, r->path, "added_tokens[%zu] lacks an id or its content",
                               i);
        bool special = json_is_true(json_object_get(o, "special"));
        const json_t *normalized = json_object_get(o, "normalized");
        added_token token = {
            .n = json_string_length(given),
            .id = (int32_t)json_integer_value(id),
            .special = special,
            .single_word = json_is_true(json_object_get(o, "single_word")),
            .lstrip = json_is_true(json_object_get(o, "lstrip")),
            .rstrip = json_is_true(json_object_get(o, "rstrip")),
            .normalized = normalized ? json_is_true(normalized) : !special,
        };
        text spelled = {0};
        if (token.normalized)
            TRY(normalizer_apply(r->normalizer, content, token.n, &spelled));
        token.content = token.normalized ? spelled.at : (char *)(uintptr_t)content;
        token.n = token.normalized ? spelled.length : token.n;
        st = added_tokens_add(r->added, &token, r->path);
        text_free(&spelled);
        TRY(st);
    }
done:
    return st;
}

// Puts tokens around those of the processors before.
static status wrap(tokenizer_rules *r, const token_list *prefix, const token_list *suffix)
{
    status st;
    token_list all = {0};
    TRY(token_list_append(&all, prefix->id, prefix->n));
    TRY(token_list_append(&all, r->prefix.id, r->prefix.n));
    TRY(token_list_append(&r->suffix, suffix->id, suffix->n));
    token_list_free(&r->prefix);
    r->prefix = all;
    all = (token_list){0};
done:
    token_list_free(&all);
    return st;
}

// The ids that a TemplateProcessing puts before and after a single text.
static status read_template(tokenizer_rules *r, const json_t *processor)
{
    status st = OK;
    const json_t *single = json_object_get(processor, "single");
    const json_t *special = json_object_get(processor, "special_tokens");
    token_list sides[2] = {{0}, {0}};
    size_t texts = 0;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i),
                     *token = json_object_get(item, "SpecialToken");
        if (json_object_get(item, "Sequence")) {
            texts++;
            continue;
        }
        const char *name = json_string_value(json_object_get(token, "id"));
        const json_t *ids = name ? json_object_get(json_object_get(special, name), "ids") : NULL;
        if (!json_is_array(ids))
            TRY(status_fail(ERR_INPUT, r->path,
                            "post_processor: single[%zu] names no special token", i));
        for (size_t k = 0; k < json_array_size(ids); k++)
            TRY(token_list_add(&sides[texts > 0],
                               (int32_t)json_integer_value(json_array_get(ids, k))));
    }
    if (texts != 1)
        TRY(status_fail(ERR_INPUT, r->path,
                        "post_processor: single holds the text %zu times; once is supported",
                        texts));
    TRY(wrap(r, &sides[0], &sides[1]));
done:
    token_list_free(&sides[0]);
    token_list_free(&sides[1]);
    return st;
}

// "cls" and "sep": a token and its id each.
static status read_bert_processing(tokenizer_rules *r, const json_t *p)
{
    const json_t *cls = json_array_get(json_object_get(p, "cls"), 1),
                 *sep = json_array_get(json_object_get(p, "sep"), 1);
    if (!json_is_integer(cls) || !json_is_integer(sep))
        return status_fail(ERR_INPUT, r->path, "post_processor lacks the ids of cls and sep");
    int32_t first = (int32_t)json_integer_value(cls), last = (int32_t)json_integer_value(sep);
    return wrap(r, &(token_list){.id = &first, .n = 1}, &(token_list){.id = &last, .n = 1});
}

static status read_nothing(tokenizer_rules *r, const json_t *p)
{
    (void)r;
    (void)p;
    return OK;
}

static status read_post_processor(tokenizer_rules *r, const json_t *p, int depth)
{
    static const struct {
        const char *type;
        status (*read)(tokenizer_rules *r, const json_t *p);
    } kinds[] = {{"TemplateProcessing", read_template},
                 {"RobertaProcessing", read_bert_processing},
                 {"BertProcessing", read_bert_processing},
                 {"ByteLevel", read_nothing}}; // only trims offsets
    status st = OK;
    const char *type = json_string_value(json_object_get(p, "type"));
    const json_t *list = json_object_get(p, "processors");
    if (!p || json_is_null(p))
        return OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (type && strcmp(kinds[i].type, type) == 0)
            return kinds[i].read(r, p);
    if (!type || strcmp(type, "Sequence") != 0 || depth > 8)
        return status_fail(ERR_INPUT, r->path, "post_processor %s is not supported%s",
                           type ? type : "without a type", depth > 8 ? " so deep" : "");
    for (size_t i = 0; i < json_array_size(list) && st == OK; i++)
        st = read_post_processor(r, json_array_get(list, i), depth + 1);
    return st;
}

// Does the decoder drop the first space?
static bool strips_space(const json_t *decoder)
{
    const json_t *list = json_object_get(decoder, "decoders");
    const char *type = json_string_value(json_object_get(decoder, "type"));
    const char *scheme = json_string_value(json_object_get(decoder, "prepend_scheme"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *d = json_array_get(list, i);
        const char *kind = json_string_value(json_object_get(d, "type"));
        if (kind && strcmp(kind, "Strip") == 0 &&
            json_integer_value(json_object_get(d, "start")) == 1)
            return true;
    }
    return type && strcmp(type, "Metaspace") == 0 && !(scheme && strcmp(scheme, "never") == 0);
}

status tokenizer_json_read(tokenizer_rules *r)
{
    status st;
    tokenizer_file_json file;
    TRY(tokenizer_file_read(r->path, &file));
    TRY(normalizer_new(json_object_get(file.root, "normalizer"), r->path, &r->normalizer));
    TRY(splitter_new(json_object_get(file.root, "pre_tokenizer"), r->path, &r->splitter));
    r->byte_level = splitter_is_byte_level(r->splitter);
    TRY(read_model(r, &file));
    TRY(read_added(r, json_object_get(file.root, "added_tokens")));
    TRY(read_post_processor(r, json_object_get(file.root, "post_processor"), 0));
    r->strip_space = !r->byte_level && strips_space(json_object_get(file.root, "decoder"));
done:
    tokenizer_file_free(&file);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// The file can ask for much more than is known here. What would change ids and is not understood is
// refused by name; what only trims offsets is passed over. A byte-level vocabulary is spelled back
// to raw bytes at once, since merging compares those.
#include "data/tokenizer/tokenizer_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "data/tokenizer/byte_alphabet.h"
#include "pipeline/base/file.h"

enum { FILE_LIMIT = 256 << 20, PIECE_LIMIT = 4096 };

static bool is_set(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return v && !json_is_null(v) && !(json_is_string(v) && json_string_length(v) == 0);
}

// Adds a piece as the vocabulary spells it; in a byte-level one, as the bytes it stands for.
static status add_piece(tokenizer_rules *r, const char *piece, size_t n, int32_t id)
{
    char bytes[PIECE_LIMIT];
    int64_t length = -1;
    if (n > PIECE_LIMIT)
        return status_fail(ERR_INPUT, r->path, "token %d has %zu bytes", id, n);
    if (r->byte_level)
        length = byte_alphabet_decode(piece, n, bytes);
    return length < 0 ? bpe_add_piece(r->bpe, piece, n, id)
                      : bpe_add_piece(r->bpe, bytes, (size_t)length, id);
}

static status read_vocabulary(tokenizer_rules *r, json_t *model)
{
    status st = OK;
    const char *piece;
    json_t *id, *vocab = json_object_get(model, "vocab");
    if (!json_is_object(vocab) || json_object_size(vocab) == 0)
        return status_fail(ERR_INPUT, r->path, "model.vocab is not an object with tokens");
    json_object_foreach(vocab, piece, id)
    {
        json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;
        if (value < 0 || value > INT32_MAX)
            return status_fail(ERR_INPUT, r->path, "the id of token %.80s is not a whole number",
                               piece);
        TRY(add_piece(r, piece, strlen(piece), (int32_t)value));
    }
done:
    return st;
}

// A merge is "left right" or ["left", "right"].
static status add_merge(tokenizer_rules *r, const json_t *merge, int32_t rank)
{
    char left[PIECE_LIMIT], right[PIECE_LIMIT];
    const char *a = json_string_value(json_array_get(merge, 0));
    const char *b = json_string_value(json_array_get(merge, 1));
    size_t a_n, b_n;
    if (json_is_string(merge)) {
        a = json_string_value(merge);
        const char *space = strchr(a + (*a != 0), ' '); // a piece may itself be a space
        b = space ? space + 1 : NULL;
        a_n = space ? (size_t)(space - a) : 0;
    } else {
        a_n = a ? strlen(a) : 0;
    }
    b_n = b ? strlen(b) : 0;
    if (!a || !b || a_n == 0 || b_n == 0 || a_n > PIECE_LIMIT || b_n > PIECE_LIMIT)
        return status_fail(ERR_INPUT, r->path, "merge %d is not a pair of tokens", rank);
    if (r->byte_level) {
        int64_t left_n = byte_alphabet_decode(a, a_n, left);
        int64_t right_n = byte_alphabet_decode(b, b_n, right);
        if (left_n >= 0 && right_n >= 0)
            return bpe_add_merge(r->bpe, left, (size_t)left_n, right, (size_t)right_n, rank);
    }
    return bpe_add_merge(r->bpe, a, a_n, b, b_n, rank);
}

static status read_model(tokenizer_rules *r, json_t *model)
{
    status st;
    const char *type = json_string_value(json_object_get(model, "type"));
    const char *unknown = json_string_value(json_object_get(model, "unk_token"));
    json_t *merges = json_object_get(model, "merges");
    if ((type && strcmp(type, "BPE") != 0) || !json_is_array(merges))
        return status_fail(ERR_INPUT, r->path, "model %s is not supported; only BPE with merges is",
                           type ? type : "without a type");
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
    TRY(bpe_new(r->path, &options, &r->bpe));
    TRY(read_vocabulary(r, model));
    if (unknown)
        bpe_set_unknown(r->bpe, bpe_find(r->bpe, unknown, strlen(unknown)));
    for (size_t i = 0; i < json_array_size(merges); i++)
        TRY(add_merge(r, json_array_get(merges, i), (int32_t)i));
done:
    return st;
}

static status read_added(tokenizer_rules *r, const json_t *list)
{
    status st = OK;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i), *id = json_object_get(o, "id");
        const char *content = json_string_value(json_object_get(o, "content"));
        if (!content || !json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= 1 << 24)
            return status_fail(ERR_INPUT, r->path, "added_tokens[%zu] lacks an id or its content",
                               i);
        bool special = json_is_true(json_object_get(o, "special"));
        const json_t *normalized = json_object_get(o, "normalized");
        added_token token = {
            .n = strlen(content),
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

// The ids that a TemplateProcessing puts before and after a single text.
static status read_template(tokenizer_rules *r, const json_t *processor)
{
    status st = OK;
    const json_t *single = json_object_get(processor, "single");
    const json_t *special = json_object_get(processor, "special_tokens");
    token_list *side = &r->prefix;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i),
                     *token = json_object_get(item, "SpecialToken");
        if (json_object_get(item, "Sequence")) {
            side = &r->suffix;
            continue;
        }
        const char *name = json_string_value(json_object_get(token, "id"));
        const json_t *ids = name ? json_object_get(json_object_get(special, name), "ids") : NULL;
        if (!json_is_array(ids))
            return status_fail(ERR_INPUT, r->path,
                               "post_processor: single[%zu] names no special token", i);
        for (size_t k = 0; k < json_array_size(ids); k++)
            TRY(token_list_add(side, (int32_t)json_integer_value(json_array_get(ids, k))));
    }
done:
    return st;
}

static status read_post_processor(tokenizer_rules *r, const json_t *p)
{
    status st = OK;
    const char *type = json_string_value(json_object_get(p, "type"));
    const json_t *list = json_object_get(p, "processors");
    if (!p || json_is_null(p) || (type && strcmp(type, "ByteLevel") == 0))
        return OK; // ByteLevel only trims offsets
    if (type && strcmp(type, "TemplateProcessing") == 0)
        return read_template(r, p);
    if (!type || strcmp(type, "Sequence") != 0)
        return status_fail(ERR_INPUT, r->path, "post_processor %s is not supported",
                           type ? type : "without a type");
    for (size_t i = 0; i < json_array_size(list) && st == OK; i++) {
        const json_t *inner = json_array_get(list, i);
        const char *kind = json_string_value(json_object_get(inner, "type"));
        st = kind && strcmp(kind, "Sequence") == 0
                 ? status_fail(ERR_INPUT, r->path, "post_processor: a Sequence inside a Sequence")
                 : read_post_processor(r, inner);
    }
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
    char *bytes = NULL;
    size_t n;
    json_t *root = NULL;
    json_error_t error;
    TRY(file_read(r->path, FILE_LIMIT, &bytes, &n));
    root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root)) {
        st = root ? status_fail(ERR_INPUT, r->path, "is not a JSON object")
                  : status_fail(ERR_INPUT, r->path, "line %d, column %d: %s", error.line,
                                error.column, error.text);
        goto done;
    }
    TRY(normalizer_new(json_object_get(root, "normalizer"), r->path, &r->normalizer));
    TRY(splitter_new(json_object_get(root, "pre_tokenizer"), r->path, &r->splitter));
    r->byte_level = splitter_is_byte_level(r->splitter);
    TRY(read_model(r, json_object_get(root, "model")));
    TRY(read_added(r, json_object_get(root, "added_tokens")));
    TRY(read_post_processor(r, json_object_get(root, "post_processor")));
    r->strip_space = !r->byte_level && strips_space(json_object_get(root, "decoder"));
done:
    json_decref(root);
    free(bytes);
    return st;
}

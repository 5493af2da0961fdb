// SPDX-License-Identifier: Apache-2.0
// As transformers 5 does it, so that the tokens are its own: add_bos_token and add_eos_token are left
// aside where there is a tokenizer.json (some classes of 4 heeded them), while the classes of BERT,
// GPT-2 and RoBERTa make their first rules by their own arguments, given or not. Whatever contradicts
// is noted in a line, for nobody would look for it.
#include "data/tokenizer/tokenizer_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/tokenizer/tokenizer_file.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/names.h"

enum { FILE_LIMIT = 64 << 20 };

// A file beside the tokenizer.json; owned by the caller.
static char *find_path(const char *tokenizer, const char *name)
{
    char *folder = file_folder(tokenizer);
    char *path = folder ? file_join(folder, name) : NULL;
    free(folder);
    return path;
}

// --- The class

// The class that a model's type stands for in transformers 5, of those that make rules of their own;
// "": none, whatever class is named. (With `firmly`, whatever is named, that one.)
static const struct {
    const char *class, *types;
    bool firmly;
} classes[] = {
    {"GPT2Tokenizer", " gpt2 gpt_neo gptj opt phi starcoder2 codegen dbrx ", false},
    {"RobertaTokenizer", " roberta roberta-prelayernorm bart longformer data2vec-text ibert ",
     false},
    {"GPTNeoXTokenizer", " gpt_neox olmo olmoe mamba mamba2 rwkv falcon_mamba mpt ", false},
    {"BertTokenizer",
     " bert distilbert electra ernie convbert layoutlm megatron-bert nezha nomic_bert squeezebert "
     "retribert qdqbert ",
     false},
    {"MobileBertTokenizer", " mobilebert ", false},
    {"Qwen2Tokenizer", " qwen2 ", true},
    {"Qwen2Tokenizer", " qwen2_moe qwen2_vl qwen2_5_vl qwen3 qwen3_moe qwen3_next ", false},
    {"GemmaTokenizer", " gemma gemma2 gemma3 gemma3_text gemma3n recurrent_gemma ", false},
    {"",
     " mistral mixtral ministral mistral3 olmo2 olmo3 flex_olmo phi3 phimoe stablelm glm glm4 "
     "granite "
     "granitemoe gpt_bigcode persimmon umt5 nystromformer modernbert nemotron internlm2 ",
     false},
};

static bool is_listed(const char *word, const char *list)
{
    const size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if (at > list && at[-1] == ' ' && at[n] == ' ')
            return true;
    return false;
}

// What a class or a type leads to; NULL: to no class that is known here. `model` is config.json.
static const char *find_class(const json_t *config, const json_t *model)
{
    const char *named = json_string_value(json_object_get(config, "tokenizer_class"));
    const char *type = json_string_value(json_object_get(model, "model_type"));
    if (!named)
        named = json_string_value(json_object_get(model, "tokenizer_class"));
    for (size_t i = 0; type && i < sizeof classes / sizeof *classes; i++) {
        const char *class = classes[i].class;
        if (!is_listed(type, classes[i].types))
            continue;
        return !*class || classes[i].firmly || !named ? class : named;
    }
    return named;
}

// Is the class one of these, in its old spelling ("...Fast") or not?
static bool is_class(const char *class, const char *const *known)
{
    for (; class && *known; known++) {
        const size_t n = strlen(*known);
        if (strncmp(class, *known, n) == 0 && (class[n] == 0 || strcmp(class + n, "Fast") == 0))
            return true;
    }
    return false;
}

static const char *spell(const json_t *v)
{
    return json_is_true(v) ? "true" : json_is_false(v) ? "false" : "null";
}

// Sets a rule's key to what the configuration has under `name`, or to the class's default; notes it
// where the file had another value.
static status decide(tokenizer_rules *r, json_t *rule, const char *key, const json_t *config,
                     const char *name, json_t *otherwise)
{
    const json_t *given = json_object_get(config, name), *had = json_object_get(rule, key);
    json_t *wanted = given ? json_copy((json_t *)(uintptr_t)given) : json_incref(otherwise);
    if (had && !json_equal(had, wanted)) {
        r->config_decides = true;
        text_addf(&r->notices,
                  "%s has %s: %s%s, tokenizer.json %s: %s; as in transformers, the "
                  "former is followed\n",
                  json_object_get(config, "tokenizer_class") || given ? "tokenizer_config.json"
                                                                      : "config.json",
                  name, spell(wanted), given ? "" : " (by its class)", key, spell(had));
    }
    return json_object_set_new(rule, key, wanted) == 0 ? OK : status_no_memory("a tokenizer");
}

static status decide_bert(tokenizer_rules *r, json_t *rule, const json_t *config)
{
    status st;
    TRY(decide(r, rule, "lowercase", config, "do_lower_case", json_true()));
    TRY(decide(r, rule, "handle_chinese_chars", config, "tokenize_chinese_chars", json_true()));
    TRY(decide(r, rule, "strip_accents", config, "strip_accents", json_null()));
done:
    return st;
}

// The rule under a key, if it is of a type and stands alone: in a list the classes leave it.
static json_t *find_rule(json_t *rules, const char *key, const char *type)
{
    json_t *rule = json_object_get(rules, key);
    const char *own = json_string_value(json_object_get(rule, "type"));
    return own && strcmp(own, type) == 0 ? rule : NULL;
}

static const char *const bert_classes[] = {"BertTokenizer",
                                           "DistilBertTokenizer",
                                           "ElectraTokenizer",
                                           "MobileBertTokenizer",
                                           "RetriBertTokenizer",
                                           "LayoutLMTokenizer",
                                           NULL},
                         *const own_classes[] = {"Qwen2Tokenizer", "GemmaTokenizer",
                                                 "CohereTokenizer", "LlamaTokenizer", NULL},
                         *const space_classes[] = {
                             "GPT2Tokenizer",       "RobertaTokenizer", "BartTokenizer",
                             "LongformerTokenizer", "LEDTokenizer",     "GPTNeoXTokenizer",
                             "CodeGenTokenizer",    "DebertaTokenizer", NULL};

// --- Tokens that tokenizer.json has not

// What tokens are added to: those of tokenizer.json, and what is found of them.
typedef struct additions {
    tokenizer_rules *r;
    const json_t *vocab; // borrowed: an object of ids, or a list of pairs, whose places are ids
    json_t *list;        // borrowed: added_tokens
    names pieces;        // of such a list
    names known;         // contents of tokens
    json_int_t most;     // the largest of their ids, or -1
    bool own;            // the class makes its ids anew
    size_t added;
    text said; // the first of them
} additions;

// The first of equal pieces counts.
static status find_pieces(additions *a)
{
    for (size_t i = json_array_size(a->vocab); i-- > 0;) {
        const char *piece = json_string_value(json_array_get(json_array_get(a->vocab, i), 0));
        if (piece && !names_put(&a->pieces, piece, i))
            return status_no_memory("a tokenizer");
    }
    return OK;
}

// The id of a piece in a model's vocabulary, or -1.
static json_int_t vocabulary_id(const additions *a, const char *content)
{
    const json_t *id = json_object_get(a->vocab, content);
    size_t place;
    if (names_get(&a->pieces, content, &place))
        return (json_int_t)place;
    return json_is_integer(id) ? json_integer_value(id) : -1;
}

static status know_token(additions *a, const char *content, json_int_t id)
{
    a->most = id > a->most ? id : a->most;
    return !content || names_put(&a->known, content, 0) ? OK : status_no_memory("a tokenizer");
}

// The id that `tokenizers` gives a token: its own in the vocabulary, else the next one.
static json_int_t next_id(const additions *a, const char *content)
{
    const json_int_t id = vocabulary_id(a, content);
    const json_int_t size = (json_int_t)(json_is_array(a->vocab) ? json_array_size(a->vocab)
                                                                 : json_object_size(a->vocab));
    return id >= 0 ? id : a->most >= size ? a->most + 1 : size;
}

// Adds a token that is not known: `from` is a text, or an object with its properties.
static status add_token(additions *a, const json_t *from)
{
    enum { SHOWN = 3 };
    static const char *const flags[] = {"single_word", "lstrip", "rstrip", "normalized", "special"};
    const char *content =
        json_string_value(json_is_string(from) ? from : json_object_get(from, "content"));
    size_t unused;
    if (!content || !*content || names_get(&a->known, content, &unused))
        return OK;
    const json_int_t id = next_id(a, content);
    status st = know_token(a, content, id);
    if (a->added++ < SHOWN)
        text_addf(&a->said, "%s%.40s", a->added > 1 ? ", " : "", content);
    if (a->own || st != OK)
        return st;
    json_t *token = json_pack("{s:I, s:s}", "id", id, "content", content);
    for (size_t i = 0; token && i < sizeof flags / sizeof *flags; i++) {
        const json_t *given = json_object_get(from, flags[i]);
        const bool is = given ? json_is_true(given) : json_is_string(from) && i == 4;
        json_object_set_new(token, flags[i], json_boolean(is));
    }
    a->r->config_decides = true;
    return json_array_append_new(a->list, token) == 0 ? OK : status_no_memory("a tokenizer");
}

static int by_number(const void *a, const void *b)
{
    const long x = strtol(*(const char *const *)a, NULL, 10),
               y = strtol(*(const char *const *)b, NULL, 10);
    return (x > y) - (x < y);
}

// Those of added_tokens_decoder, by their numbers.
static status add_decoder(additions *a, json_t *decoder)
{
    status st = OK;
    const char *key;
    json_t *token;
    size_t n = 0;
    const char **keys = checked_calloc(json_object_size(decoder) + 1, sizeof *keys);
    if (!keys)
        return status_no_memory("a tokenizer");
    json_object_foreach(decoder, key, token) keys[n++] = key;
    qsort(keys, n, sizeof *keys, by_number);
    for (size_t i = 0; i < n && st == OK; i++)
        st = add_token(a, json_object_get(decoder, keys[i]));
    free(keys);
    return st;
}

// And then the special ones, as transformers 5 goes through them.
static status add_all(additions *a, const json_t *config)
{
    static const char *const special[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                          "pad_token", "cls_token", "mask_token"};
    static const char *const more[] = {"additional_special_tokens", "extra_special_tokens"};
    status st = add_decoder(a, json_object_get(config, "added_tokens_decoder"));
    for (size_t i = 0; i < sizeof special / sizeof *special && st == OK; i++)
        st = add_token(a, json_object_get(config, special[i]));
    for (size_t i = 0; i < 2; i++) {
        const json_t *list = json_object_get(config, more[i]);
        for (size_t k = 0; k < json_array_size(list) && st == OK; k++)
            st = add_token(a, json_array_get(list, k));
    }
    return st;
}

// Those of tokenizer.json, before any is added.
static status find_known(additions *a, bool own)
{
    status st;
    size_t i;
    json_t *token;
    TRY(find_pieces(a));
    json_array_foreach(a->list, i, token)
    {
        const char *content = json_string_value(json_object_get(token, "content"));
        TRY(know_token(a, content, json_integer_value(json_object_get(token, "id"))));
        a->own |= own && content && vocabulary_id(a, content) < 0;
    }
done:
    return st;
}

// A class of its own numbers tokens anew, so that what is in no vocabulary may have any id there: that
// is said, and nothing added.
static status add_tokens(tokenizer_rules *r, json_t *rules, const json_t *config, bool own)
{
    status st;
    const json_t *model = json_object_get(rules, "model");
    additions a = {.r = r,
                   .vocab = json_object_get(model, "vocab"),
                   .list = json_object_get(rules, "added_tokens"),
                   .most = -1};
    if (!config || !json_is_object(model))
        return OK;
    if (!json_is_array(a.list)) {
        a.list = json_array();
        if (!a.list || json_object_set_new(rules, "added_tokens", a.list) != 0)
            return status_no_memory("a tokenizer");
    }
    TRY(find_known(&a, own));
    TRY(add_all(&a, config));
    if (a.added > 0)
        text_addf(&r->notices,
                  "tokenizer_config.json has %zu token%s that tokenizer.json has not (%s%s); %s\n",
                  a.added, a.added > 1 ? "s" : "", text_get(&a.said), a.added > 3 ? ", ..." : "",
                  a.own ? "not read as such"
                        : "as in transformers, read as numbered behind its own");
done:
    names_free(&a.pieces);
    names_free(&a.known);
    text_free(&a.said);
    return st;
}

// NULL where there is none.
static status read_config(const char *path, json_t **out)
{
    status st = OK;
    json_error_t error;
    char *bytes = NULL;
    size_t n;
    *out = NULL;
    if (!file_exists(path))
        return OK;
    TRY(file_read(path, FILE_LIMIT, &bytes, &n));
    json_t *config = json_loadb(bytes, n, JSON_ALLOW_NUL, &error);
    const char *what = json_is_object(config)      ? NULL
                       : file_stands_for(bytes, n) ? file_stands_for(bytes, n)
                                                   : "is not a JSON object";
    if (what) {
        json_decref(config);
        st = status_fail(ERR_INPUT, path, "%s", what);
        goto done;
    }
    *out = config;
done:
    free(bytes);
    return st;
}

// The two files beside a tokenizer.json that may decide something; NULL for one that is not there. Both
// are owned by the caller, whatever is returned.
static status read_beside(const char *tokenizer, json_t **config, json_t **model)
{
    status st;
    char *path = find_path(tokenizer, "tokenizer_config.json"),
         *other = find_path(tokenizer, "config.json");
    *config = *model = NULL;
    TRY(path && other ? OK : status_no_memory("a path"));
    TRY(read_config(path, config));
    TRY(read_config(other, model));
    if (json_is_true(json_object_get(*config, "split_special_tokens")))
        st = status_fail(ERR_INPUT, path, "split_special_tokens: true is not supported");
done:
    free(path);
    free(other);
    return st;
}

// Puts what the two decide into the rules.
static status apply(tokenizer_rules *r, json_t *rules, const json_t *config, const json_t *model)
{
    status st;
    const char *class = find_class(config, model);
    json_t *rule = find_rule(rules, "normalizer", "BertNormalizer");
    if (rule && is_class(class, bert_classes))
        TRY(decide_bert(r, rule, config));
    rule = find_rule(rules, "pre_tokenizer", "ByteLevel");
    if (rule && is_class(class, space_classes))
        TRY(decide(r, rule, "add_prefix_space", config, "add_prefix_space", json_false()));
    TRY(add_tokens(r, rules, config,
                   is_class(class, bert_classes) || is_class(class, space_classes) ||
                       is_class(class, own_classes)));
done:
    return st;
}

status tokenizer_config_files(const char *tokenizer, bool always, name_list *out)
{
    status st = OK;
    tokenizer_file_json file = {0};
    tokenizer_rules r = {.path = (char *)(uintptr_t)tokenizer};
    json_t *config = NULL, *model = NULL;
    char *path = find_path(tokenizer, "tokenizer_config.json"),
         *other = find_path(tokenizer, "config.json");
    TRY(path && other ? OK : status_no_memory("a path"));
    if (strstr(tokenizer, ".gguf") || (!file_exists(path) && !file_exists(other)))
        goto done; // has its own; or there is nothing
    TRY(read_beside(tokenizer, &config, &model));
    const char *class = find_class(config, model), *alone = find_class(config, NULL);
    const bool own = is_class(alone, bert_classes) || is_class(alone, space_classes);
    TRY(tokenizer_file_read(tokenizer, &file));
    TRY(apply(&r, file.root, config, model));
    if (config && (r.config_decides || (always && own)))
        TRY(name_list_add(out, path, strlen(path)));
    if (model && r.config_decides && class != alone)
        TRY(name_list_add(out, other, strlen(other)));
done:
    text_free(&r.notices);
    tokenizer_file_free(&file);
    json_decref(config);
    json_decref(model);
    free(path);
    free(other);
    return st;
}

status tokenizer_config_apply(tokenizer_rules *r, json_t *rules, json_t **out)
{
    status st;
    json_t *config = NULL, *model = NULL;
    *out = NULL;
    TRY(read_beside(r->path, &config, &model));
    TRY(apply(r, rules, config, model));
    *out = json_incref(config);
done:
    json_decref(config);
    json_decref(model);
    return st;
}

// The id of "bos_token": a text, or an object with one; -1: there is none.
static int32_t find_special(const tokenizer_rules *r, const json_t *config, const char *key)
{
    const json_t *named = json_object_get(config, key);
    const json_t *content = json_is_object(named) ? json_object_get(named, "content") : named;
    const char *bytes = json_string_value(content);
    const size_t n = json_string_length(content);
    for (size_t i = 0; bytes && i < added_tokens_count(r->added); i++) {
        const added_token *t = added_tokens_at(r->added, i);
        if (t->n == n && memcmp(t->content, bytes, n) == 0)
            return t->id;
    }
    return bytes ? vocabulary_find(r->vocabulary, bytes, n) : -1;
}

static bool holds(const token_list *side, int32_t id)
{
    for (size_t i = 0; i < side->n; i++)
        if (side->id[i] == id)
            return true;
    return false;
}

status tokenizer_config_compare(tokenizer_rules *r, const json_t *config)
{
    const struct {
        const char *flag, *token, *place;
        const token_list *side;
    } sides[] = {{"add_bos_token", "bos_token", "before", &r->prefix},
                 {"add_eos_token", "eos_token", "behind", &r->suffix}};
    for (size_t i = 0; i < 2; i++) {
        const json_t *flag = json_object_get(config, sides[i].flag);
        const int32_t id = find_special(r, config, sides[i].token);
        if (!json_is_boolean(flag) || id < 0 || holds(sides[i].side, id) == json_is_true(flag))
            continue;
        text_addf(&r->notices,
                  "tokenizer_config.json has %s: %s, but tokenizer.json puts %s %s a text; as in "
                  "transformers 5, tokenizer.json is followed\n",
                  sides[i].flag, spell(flag), json_is_true(flag) ? "none" : "one", sides[i].place);
    }
    return r->notices.failed ? status_no_memory("a tokenizer") : OK;
}

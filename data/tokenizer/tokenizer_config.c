// SPDX-License-Identifier: Apache-2.0
// As transformers 5 does it, so that the tokens are its own: add_bos_token and add_eos_token are left
// aside where there is a tokenizer.json (some classes of 4 heeded them), while the classes of BERT,
// GPT-2 and RoBERTa make their first rules by their own arguments, given or not. Whatever contradicts
// is noted in a line, for nobody would look for it.
#include "data/tokenizer/tokenizer_config.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/file.h"

enum { FILE_LIMIT = 64 << 20 };

// tokenizer_config.json beside the tokenizer.json; owned by the caller.
static char *find_path(const char *tokenizer)
{
    char *folder = file_folder(tokenizer);
    char *path = folder ? file_join(folder, "tokenizer_config.json") : NULL;
    free(folder);
    return path;
}

// Is the class one of these, in its old spelling ("...Fast") or not?
static bool is_class(const json_t *config, const char *const *names)
{
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    for (; class && *names; names++) {
        const size_t n = strlen(*names);
        if (strncmp(class, *names, n) == 0 && (class[n] == 0 || strcmp(class + n, "Fast") == 0))
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
    if (had && !json_equal(had, wanted))
        text_addf(
            &r->notices,
            "tokenizer_config.json has %s: %s%s, tokenizer.json %s: %s; as in transformers, the "
            "former is followed\n",
            name, spell(wanted), given ? "" : " (by its class)", key, spell(had));
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
                         *const gpt2_classes[] = {"GPT2Tokenizer", "RobertaTokenizer", NULL};

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

status tokenizer_config_find(const char *tokenizer, char **out)
{
    status st;
    json_t *config = NULL;
    *out = NULL;
    if (strstr(tokenizer, ".gguf"))
        return OK; // has its own
    char *path = find_path(tokenizer);
    if (!path)
        return status_no_memory("a path");
    TRY(read_config(path, &config));
    if (is_class(config, bert_classes) || is_class(config, gpt2_classes)) {
        *out = path;
        path = NULL;
    }
done:
    json_decref(config);
    free(path);
    return st;
}

status tokenizer_config_apply(tokenizer_rules *r, json_t *rules, json_t **out)
{
    status st;
    json_t *config = NULL, *rule;
    char *path = find_path(r->path);
    *out = NULL;
    if (!path)
        return status_no_memory("a path");
    TRY(read_config(path, &config));
    if (json_is_true(json_object_get(config, "split_special_tokens")))
        TRY(status_fail(ERR_INPUT, path, "split_special_tokens: true is not supported"));
    rule = find_rule(rules, "normalizer", "BertNormalizer");
    if (rule && is_class(config, bert_classes))
        TRY(decide_bert(r, rule, config));
    rule = find_rule(rules, "pre_tokenizer", "ByteLevel");
    if (rule && is_class(config, gpt2_classes))
        TRY(decide(r, rule, "add_prefix_space", config, "add_prefix_space", json_false()));
    *out = json_incref(config);
done:
    json_decref(config);
    free(path);
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

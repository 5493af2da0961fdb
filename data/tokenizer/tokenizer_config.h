// SPDX-License-Identifier: Apache-2.0
// The tokenizer_config.json beside a tokenizer.json: `transformers` follows it in some things, and in
// others leaves it aside.
#ifndef DATA_TOKENIZER_TOKENIZER_CONFIG_H
#define DATA_TOKENIZER_TOKENIZER_CONFIG_H

#include <jansson.h>

#include "data/bytes/name_list.h"
#include "data/tokenizer/tokenizer_rules.h"
#include "pipeline/base/status.h"

// Appends which of tokenizer_config.json and config.json beside this tokenizer.json decide something of
// it; with `always`, the former too where its class might. ERR_INPUT for what is no JSON.
status tokenizer_config_files(const char *tokenizer, bool always, name_list *out);

// Reads them, where they are, and puts into the tokenizer.json's rules what they decide: a class of
// BERT's its BertNormalizer, GPT-2's and its like the space in front; tokens that are only there. The
// class is named, or config.json's type stands for it. What changes is noted in r->notices, and
// r->config_decides is set. *out, owned by the caller, is tokenizer_config.json; NULL: there is none.
// ERR_INPUT for what is no JSON, and for split_special_tokens.
status tokenizer_config_apply(tokenizer_rules *r, json_t *rules, json_t **out);
// Once the tokens before and after a text are known: notes where add_bos_token or add_eos_token say
// otherwise, which tokenizer.json decides. `config` may be NULL.
status tokenizer_config_compare(tokenizer_rules *r, const json_t *config);

#endif

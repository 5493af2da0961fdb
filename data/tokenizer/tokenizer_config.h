// SPDX-License-Identifier: Apache-2.0
// The tokenizer_config.json beside a tokenizer.json: `transformers` follows it in some things, and in
// others leaves it aside.
#ifndef DATA_TOKENIZER_TOKENIZER_CONFIG_H
#define DATA_TOKENIZER_TOKENIZER_CONFIG_H

#include <jansson.h>

#include "data/tokenizer/tokenizer_rules.h"
#include "pipeline/base/status.h"

// The tokenizer_config.json that may decide something beside this tokenizer.json, by its class; NULL:
// there is none. *out is owned by the caller. ERR_INPUT for what is no JSON.
status tokenizer_config_find(const char *tokenizer, char **out);

// Reads it, where there is one (else *out = NULL), and puts into the tokenizer.json's rules what it
// decides: a class of BERT's its BertNormalizer, GPT-2's and RoBERTa's the space in front. What it
// changes is noted in r->notices. *out is owned by the caller. ERR_INPUT for what is no JSON, and
// for split_special_tokens.
status tokenizer_config_apply(tokenizer_rules *r, json_t *rules, json_t **out);
// Once the tokens before and after a text are known: notes where add_bos_token or add_eos_token say
// otherwise, which tokenizer.json decides. `config` may be NULL.
status tokenizer_config_compare(tokenizer_rules *r, const json_t *config);

#endif

// SPDX-License-Identifier: Apache-2.0
// tokenizer.json, as the `tokenizers` package writes it.
#ifndef DATA_TOKENIZER_TOKENIZER_JSON_H
#define DATA_TOKENIZER_TOKENIZER_JSON_H

#include "data/tokenizer/tokenizer_rules.h"
#include "pipeline/base/status.h"

// Fills rules that have their path and an empty set of added tokens. ERR_INPUT names the file and
// what is malformed or not supported; what was read then is the caller's to free. Local.
status tokenizer_json_read(tokenizer_rules *r);

#endif

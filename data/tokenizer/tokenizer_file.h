// SPDX-License-Identifier: Apache-2.0
// A tokenizer.json as bytes and as JSON; what else goes by that name is told.
#ifndef DATA_TOKENIZER_TOKENIZER_FILE_H
#define DATA_TOKENIZER_TOKENIZER_FILE_H

#include <jansson.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// A file's JSON. Jansson takes no U+0000 in a key, so `nul`, a character that the file has not,
// stands for it there; "" where no key holds one.
typedef struct tokenizer_file_json {
    json_t *root; // owned
    char nul[4];
} tokenizer_file_json;

// Reads it. ERR_INPUT, saying what it is, for what is no tokenizer.json of Hugging Face's.
status tokenizer_file_read(const char *path, tokenizer_file_json *out);
void tokenizer_file_free(tokenizer_file_json *f); // frees and empties; safe on {0}
// Puts a key into `out` as the file has it.
void tokenizer_file_key(const tokenizer_file_json *f, const char *key, text *out);

#endif

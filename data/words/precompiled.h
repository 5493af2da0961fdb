// SPDX-License-Identifier: Apache-2.0
// SentencePiece's table of replacements ("precompiled_charsmap"), with which T5's and XLM-R's texts
// are normalised.
#ifndef DATA_WORDS_PRECOMPILED_H
#define DATA_WORDS_PRECOMPILED_H

#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// Threads share it.
typedef struct precompiled precompiled;

// From base 64. ERR_INPUT, naming the file, for what is malformed.
status precompiled_new(const char *base64, size_t n, const char *file, precompiled **out);
void precompiled_free(precompiled *p); // NULL is a no-op
// Appends the normalised form of valid UTF-8.
void precompiled_apply(const precompiled *p, const char *bytes, size_t n, text *out);

#endif

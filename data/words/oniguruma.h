// SPDX-License-Identifier: Apache-2.0
// A tokenizer.json's patterns are Oniguruma's; here they are run by PCRE2. Much is spelled alike and
// means something else: "[a&&b]", "\h", "a{1,2}+", "$", "(?i)".
#ifndef DATA_WORDS_ONIGURUMA_H
#define DATA_WORDS_ONIGURUMA_H

#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// Appends the pattern that means to PCRE2 what `source` (n bytes of UTF-8) means to Oniguruma.
// ERR_INPUT, naming the place in it, for what is malformed or has no equal. `file` is for messages.
status oniguruma_translate(const char *source, size_t n, const char *file, text *out);

#endif

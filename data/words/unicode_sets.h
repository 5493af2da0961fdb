// SPDX-License-Identifier: Apache-2.0
// Sets of characters as the `tokenizers` package has them.
#ifndef DATA_WORDS_UNICODE_SETS_H
#define DATA_WORDS_UNICODE_SETS_H

#include <stdbool.h>
#include <stdint.h>

bool unicode_is_punctuation(int32_t code); // ASCII's symbols too
bool unicode_is_nonspacing(int32_t code);  // Mn: what BertNormalizer strips
bool unicode_is_mark(int32_t code);        // M: what StripAccents strips
bool unicode_is_other(int32_t code);       // controls, formats, private use
bool unicode_is_ideograph(int32_t code);   // what BertNormalizer puts spaces around
// Does it have a form by NFD, NFKC or NFKD that came later? There it stays as it is.
bool unicode_has_new_form(int32_t code);

#endif

// SPDX-License-Identifier: Apache-2.0
// Oniguruma's sets of characters that have names, as items of a class of PCRE2's.
#ifndef DATA_WORDS_ONIGURUMA_PROPERTY_H
#define DATA_WORDS_ONIGURUMA_PROPERTY_H

#include "pipeline/base/text.h"

enum { ONIG_NAME = 60 }; // bytes of a name at most

// Appends what \p{name} holds. A name that is unknown comes as a script's, which
// PCRE2 refuses if there is none.
void onig_property(const char *name, text *items);
// Appends what [:name:] holds, as it does in a class; likewise \w there, as "word".
void onig_posix(const char *name, text *items);

#endif

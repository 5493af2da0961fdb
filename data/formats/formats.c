// SPDX-License-Identifier: Apache-2.0
// The only file that names every format: to add one, write data/formats/format_NAME.c and a line in
// formats.def (docs/adding.md).
#include "data/formats/formats.h"

#include <string.h>

#define FORMAT(NAME) extern const format format_##NAME;
#include "data/formats/formats.def"
#undef FORMAT

const format *const formats[] = {
#define FORMAT(NAME) &format_##NAME,
#include "data/formats/formats.def"
#undef FORMAT
    NULL};

const char *const formats_names[] = {
#define FORMAT(NAME) #NAME,
#include "data/formats/formats.def"
#undef FORMAT
    NULL};

const format *formats_find(const char *name)
{
    const format *const *f = formats;
    while (*f && strcmp((*f)->name, name) != 0)
        f++;
    return *f;
}

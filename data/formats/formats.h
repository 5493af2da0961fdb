// SPDX-License-Identifier: Apache-2.0
// The registry of formats.
#ifndef DATA_FORMATS_FORMATS_H
#define DATA_FORMATS_FORMATS_H

#include "data/formats/format.h"

// In the order of include/data/formats/formats.def, and their names; both ended by NULL.
extern const format *const formats[];
extern const char *const formats_names[];

// The format of a name, or NULL.
const format *formats_find(const char *name);

#endif

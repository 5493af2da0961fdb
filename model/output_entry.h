// SPDX-License-Identifier: Apache-2.0
// Which tensor the neurons of a site are read by.
#ifndef MODEL_OUTPUT_ENTRY_H
#define MODEL_OUTPUT_ENTRY_H

#include "model/model.h"

// The entry of a layer's table that is the site's output projection; of experts, that of their
// neurons. -1: there is none. Local.
int output_entry(const model *m, site which);

#endif

// SPDX-License-Identifier: Apache-2.0
// The architectures' tables tell it already: it is the matrix of a layer that leads from as many
// numbers as the site has neurons to the hidden size. So no architecture knows of this file.
#include "model/output_entry.h"

#include "model/arch/archs.h"
#include "model/forward/state.h"

int output_entry(const model *m, site which)
{
    const tensor_table *table = m->arch->tensors;
    const dim width = which == SITE_ATTN ? DIM_ATTN : m->config.info.experts ? DIM_EXPERT : DIM_MLP;
    for (int i = 0; i < table->n_layer; i++) {
        const tensor_def *def = &table->layer[i];
        if (def->name && def->shape[0] == DIM_HIDDEN && def->shape[1] == width &&
            def->shape[2] == DIM_END && (m->config.features & def->needs) == def->needs)
            return i;
    }
    return -1;
}

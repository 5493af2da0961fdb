// SPDX-License-Identifier: Apache-2.0
// By the dimensions that an artefact has, so that no stage need know of it.
#include "stages/common/modules.h"

#include <stdio.h>

#include "pipeline/base/checked.h"

// The modules whose inputs an artefact's neurons are: SITE_module(layer).
status modules_describe(const model *m, artefact_writer *w)
{
    static const char *const unit[] = {[SITE_MLP] = "unit", [SITE_ATTN] = "attn_unit"};
    enum { NAME = 160 };
    const model_info *info = model_get_info(m);
    const size_t layers = (size_t)info->layers;
    status st = OK;
    for (site s = SITE_MLP; st == OK && s <= SITE_ATTN; s++) {
        char variable_name[32];
        if (artefact_writer_length(w, "layer") != info->layers ||
            artefact_writer_length(w, unit[s]) != model_site_width(info, s))
            continue;
        char **block = checked_calloc(layers, sizeof *block + NAME);
        if (!block)
            return status_no_memory("names of modules");
        for (size_t l = 0; l < layers; l++) {
            block[l] = (char *)(block + layers) + l * NAME;
            model_site_module(m, s, (int)l, block[l]);
        }
        snprintf(variable_name, sizeof variable_name, "%s_module", site_names[s]);
        st = artefact_take_coordinate(
            w,
            &(variable){.name = variable_name,
                        .type = VARIABLE_TEXT,
                        .dims = 1,
                        .dim = {"layer"},
                        .long_name = "the module whose input the layer's neurons are",
                        .units = "1"},
            block);
    }
    return st;
}

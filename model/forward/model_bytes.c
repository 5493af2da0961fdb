// SPDX-License-Identifier: Apache-2.0
// Plans are made before the CPU's packing is known, and for nodes other than this one: so scratch
// is that of the packing that needs most.
#include "model/forward/model_bytes.h"

#include "model/forward/state.h"
#include "model/weights/slots_shown.h"

size_t model_scratch_bytes(const model_info *info, int threads, int64_t samples, int64_t rows)
{
    config c = {.info = *info, .patch_width = 1};
    c.rotary.theta = info->modality == MODALITY_TEXT; // perhaps it has a table of them
    c.rotary.kind = ROTARY_DYNAMIC;
    c.windowed_rotary.theta = info->apart; // models that have a second one hold outputs apart too
    if (info->rows_per_image > 1)          // a patch has at most this many pixels
        c.patch_height = info->image_height * info->image_width / (info->rows_per_image - 1);
    size_t most = 0;
    for (packing form = PACKING_NONE; form <= PACKING_BF16; form++) { // which one is not known here
        const size_t bytes = workspace_bytes(&c, form, (pass_limits){samples, rows});
        most = bytes > most ? bytes : most;
    }
    return (size_t)threads * most;
}

size_t model_weight_bytes(const model_info *info, compute c)
{
    return (size_t)info->parameters * (c == COMPUTE_BF16 ? 2 : 4);
}

size_t model_part_bytes(const model *m, int part, int parts, compute c)
{
    config held = m->config;
    config_hold(&held, part, parts);
    model_info info = held.info;
    info.parameters = tensor_table_parameters(&held, m->arch->tensors);
    return model_weight_bytes(&info, c);
}

size_t model_shown_bytes(const model *m, int part, int parts)
{
    config held = m->config;
    config_hold(&held, part, parts);
    return slots_shown_bytes(&held, m->arch->tensors);
}

size_t model_neuron_bytes(const model *m)
{
    if (!products_own(m->engine, m->packing) || m->config.info.experts > 0)
        return 0;
    return m->packing == PACKING_BF16 ? sizeof(uint16_t) : sizeof(float);
}

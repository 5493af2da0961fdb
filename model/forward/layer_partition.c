// SPDX-License-Identifier: Apache-2.0
// How the layers of a model are dealt to the members of a team.
#include "model/forward/state.h"

layer_range model_layers(const model *m)
{
    return m->config.held;
}

// The first layer of a part.
static int cut(const model_info *info, int part, int parts, bool with_head)
{
    const double rows = 256; // of a sample; the shares hardly depend on it
    model_info bare = *info;
    bare.outputs = 0;
    double layers = model_operations(&bare, 1, rows);
    double head = with_head ? model_operations(info, 1, rows) - layers : 0;
    double fair = (layers + head) * part / parts;
    int first = (int)(fair / layers * info->layers + 0.5);
    int least = part, most = info->layers - (parts - part);
    return part == parts ? info->layers : first < least ? least : first > most ? most : first;
}

layer_range model_part(const model_info *info, int part, int parts, bool head)
{
    return (layer_range){cut(info, part, parts, head), cut(info, part + 1, parts, head)};
}

void parts_hold(config *c, int part, int parts)
{
    const layer_range bare = model_part(&c->info, part, parts, false);
    const layer_range head = model_part(&c->info, part, parts, true);
    // The head moves cuts towards the end, and between the two there is no gap.
    c->held = (layer_range){bare.first, head.end};
    c->holds_embedding = part == 0;
    c->holds_head = part == parts - 1;
}

size_t model_part_bytes(const model *m, int part, int parts, compute c)
{
    config held = m->config;
    parts_hold(&held, part, parts);
    model_info info = held.info;
    info.parameters = tensor_table_parameters(&held, m->arch->tensors);
    return model_weight_bytes(&info, c);
}

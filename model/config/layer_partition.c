// SPDX-License-Identifier: Apache-2.0
// Layers are divided by their operations, of which the head may have as many as several layers. A
// member holds at least one layer in either kind of pass.
#include "model/config/layer_partition.h"

// The first layer of a part.
static int first_layer(const model_info *info, int part, int parts, bool with_head)
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
    return (layer_range){first_layer(info, part, parts, head),
                         first_layer(info, part + 1, parts, head)};
}

// SPDX-License-Identifier: Apache-2.0
// Counted by the functions that lay weights and batches out, so that a plan and a run cannot differ. A
// device's own blocks of rows are not known where none is: tiles and the largest batch are whole ones
// of all that there are.
#include "model/device/device_need.h"

#include "model/device/device_model.h"

typedef struct counting {
    bool rounded; // do products read bf16?
    size_t bytes;
} counting;

static void count_tensor(void *context, const tensor_def *def, size_t elements, int64_t copies)
{
    counting *n = context;
    n->bytes += (size_t)copies * device_tensor_bytes(n->rounded, tensor_def_products(def),
                                                     tensor_def_rows(def), elements);
}

// A tile closes with the sample that fills it, so it has rows of two at most.
static size_t batch_bytes(const config *c, bool rounded, int64_t rows)
{
    const model_info *i = &c->info;
    const int64_t samples = i->rows_per_image > 0 ? (rows - 1) / i->rows_per_image + 1 : rows;
    return device_room_bytes(c, rounded ? sizeof(uint16_t) : sizeof(float),
                             (device_room){rows, samples});
}

device_need model_device_need(const model *m, int part, int parts, compute c)
{
    config held = m->config;
    config_hold(&held, part, parts);
    counting n = {.rounded = c == COMPUTE_BF16};
    tensor_table_each(&held, m->arch->tensors, count_tensor, &n);
    const int64_t one = 2 * model_tile_rows(&held.info);
    const int64_t most = parts > 1 ? one : DEVICE_MOST_ROWS; // members hand over tiles
    return (device_need){device_least_free(n.bytes), n.bytes, batch_bytes(&held, n.rounded, one),
                         batch_bytes(&held, n.rounded, most)};
}

// SPDX-License-Identifier: Apache-2.0
// The order in which products read weights, oneDNN's own: blocks of PACK_OUTPUTS outputs; a block
// its inputs by 16 groups at a time, each group (one float32, two bf16) for all outputs of the
// block (oneDNN's BA16a64b and BA16a64b2a of the transposed matrix). Outputs are filled up with
// zeros to whole blocks, inputs to whole groups of 16: so a part that begins at a whole block or
// panel is packed too.
#ifndef MODEL_KERNELS_PACKING_H
#define MODEL_KERNELS_PACKING_H

#include <stddef.h>

// How the weights of products are held.
typedef enum packing {
    PACKING_NONE, // row-major float32, for BLAS
    PACKING_F32,
    PACKING_BF16,
} packing;

enum { PACK_OUTPUTS = 64, PACK_PANEL = 1024, PACK_GROUPS = 16 };

static inline size_t packing_value_bytes(packing form)
{
    return form == PACKING_BF16 ? 2 : 4;
}

// Inputs side by side of one output.
static inline int packing_group_inputs(packing form)
{
    return form == PACKING_BF16 ? 2 : 1;
}

// Inputs of a panel with those that fill it up to whole groups.
static inline int packing_padded_inputs(packing form, int in)
{
    const int whole = PACK_GROUPS * packing_group_inputs(form);
    return (in + whole - 1) / whole * whole;
}

// Bytes of a block of PACK_OUTPUTS outputs in a panel of `in` inputs.
static inline size_t packing_block_bytes(packing form, int in)
{
    return (size_t)packing_padded_inputs(form, in) * packing_value_bytes(form) * PACK_OUTPUTS;
}

#endif

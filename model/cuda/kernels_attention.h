// SPDX-License-Identifier: Apache-2.0
// Attention by the kernel that the arguments ask for: of `compute: bf16` on tensor cores, where the
// device and its names have what that takes, and a head's values come in fours; of all else in float32.
// That is a model's and a device's, never a batch's. Read by nvcc and as C (grid.h).
#ifndef MODEL_CUDA_KERNELS_ATTENTION_H
#define MODEL_CUDA_KERNELS_ATTENTION_H

#include "model/cuda/kernels_attention_f32.h"
#if !defined(__CUDACC__) || GPU_HAS_SQUARES
#include "model/cuda/kernels_attention_bf16.h"
#else
#define is_in_fours(a) 0
#define attend_in_bf16 attend_in_f32
#endif

static status ops_attention(device *d, const device_attention *a)
{
    if (a->head_dim > WIDEST * TILE)
        return grid_fail(d, "heads of more than 256 values are not computed on a device");
    if (a->samples <= 0 || a->longest_query <= 0)
        return OK;
    if (a->compute == DEVICE_COMPUTE_BF16 && grid_has_squares(d) && is_in_fours(a))
        attend_in_bf16(d, a);
    else
        attend_in_f32(d, a);
    return grid_end(d, "attention");
}

#endif

// SPDX-License-Identifier: Apache-2.0
// Arithmetic on shapes alone, for plans that are made before any weight is read: here is no model.
#include "model/config/model_info.h"

const char *const site_names[SITES] = {"mlp", "attn", "expert"};

int model_site_width(const model_info *info, site s)
{
    return s == SITE_MLP    ? info->d_mlp
           : s == SITE_ATTN ? info->heads * info->head_dim
                            : info->experts;
}

double model_operations(const model_info *info, int64_t samples, int64_t rows)
{
    const double h = info->hidden_size, attn = (double)info->heads * info->head_dim;
    const double kv = (double)info->kv_heads * info->head_dim, n = (double)rows;
    const double length = samples ? n / (double)samples : 0;
    const double scored = info->modality == MODALITY_IMAGE ? (double)samples : n;
    const double maps = info->gated ? 3 : 2; // of the MLP
    // Of a sparse model those experts that a token goes through.
    const double inside =
        info->experts > 0 ? (double)info->experts_per_token * info->d_expert : info->d_mlp;
    const double router = 2 * h * info->experts;
    double layer = 2 * h * (2 * attn + 2 * kv) + 2 * h * inside * maps + router + 4 * attn * length;
    return n * layer * info->layers + 2 * scored * h * info->outputs;
}

int64_t model_tile_rows(const model_info *info)
{
    (void)info;
    return 512;
}

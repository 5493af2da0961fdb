// SPDX-License-Identifier: Apache-2.0
// One MLP on some rows: a dense layer's on all, an expert's on those that are routed to it.
#ifndef MODEL_FORWARD_MLP_H
#define MODEL_FORWARD_MLP_H

#include "model/forward/pass.h"
#include "model/kernels/linear.h"
#include "pipeline/base/status.h"

// Which MLP, and what it reads.
typedef struct mlp_rows {
    int layer, expert; // expert 0 of a dense model
    operand x;
    const int32_t *row; // as a site_block has it
} mlp_rows;

// to [x.rows, H] += down(act(up(x))); the site `mlp` is what down reads. Ends with that site where
// the layer's output is not wanted.
status mlp_run(pass *p, const mlp_rows *m, float *to);

#endif

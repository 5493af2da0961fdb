// SPDX-License-Identifier: Apache-2.0
// The MLP of a sparse layer: a router chooses some experts for each row, and with which weight each
// takes part.
#ifndef MODEL_FORWARD_EXPERTS_H
#define MODEL_FORWARD_EXPERTS_H

#include "model/config/config.h"
#include "model/forward/pass.h"
#include "model/kernels/linear.h"
#include "pipeline/base/status.h"

// to [p->rows, H] += what the experts make of x [p->rows, H], each times its weight. The sites
// `expert` and, of each expert that has rows, `mlp` are read and pruned: a pruned expert's weight
// becomes 0 and it takes no part, while the others' weights stay as they were. ERR_NUMERIC: NaN or
// infinity among what the router says. Local.
status experts_run(pass *p, int layer, const operand *x, float *to);

// What the router says of rows, r->weight [rows, experts], becomes the weights of those it chooses, and
// 0 of the others; r->row and r->first list each expert's rows, ascending. Local.
void experts_choose(const config *c, int64_t rows, const routing *r);

#endif

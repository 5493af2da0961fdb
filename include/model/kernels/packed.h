// SPDX-License-Identifier: Apache-2.0
// Matrices in the order of model/kernels/packing.h. A matrix [out, in] is cut into panels of
// PACK_PANEL inputs; a panel holds blocks of PACK_OUTPUTS outputs. All local.
#ifndef MODEL_KERNELS_PACKED_H
#define MODEL_KERNELS_PACKED_H

#include <stddef.h>
#include <stdint.h>

#include "model/kernels/packing.h"

typedef struct packed {
    const void *at; // NULL: not packed
    packing form;
    int out, in;
} packed;

// Bytes of a packed matrix; SIZE_MAX when it does not fit.
size_t packed_bytes(packing form, int out, int in);
// Writes rows [first, first + n) of a matrix; `first` begins a block, and n ends one or the
// matrix. Each row's values come one after the other.
void packed_put(const packed *p, void *at, int first, int n, const float *rows);
// Reads row `row` [in] back.
void packed_get(const packed *p, int row, float *values);

// Where the part begins that has the outputs from `first` (a multiple of PACK_OUTPUTS) and the
// inputs of panel `panel`.
const void *packed_part(const packed *p, int first, int panel);
// Inputs of a panel.
int packed_panel_inputs(const packed *p, int panel);

// Packs the rows, or columns, `index` [n] of another matrix into `at`, of packed_bytes(form,
// filled, in) or (form, out, filled) bytes, filled >= n: what lies behind the last of them is zero.
// Borrows at.
packed packed_gather_outputs(const packed *from, const int32_t *index, int n, int filled, void *at);
packed packed_gather_inputs(const packed *from, const int32_t *index, int n, int filled, void *at);

// Packs a matrix [out, in] into one panel, however many inputs: attention's keys and values. Output
// o is rows[o · stride ..]; or, transposed, input i is rows[i · stride ..], and inputs are filled
// up with zeros to `filled`, a multiple of 16. Needs products_avx512_has(form). What lies behind
// the last 16 outputs that there are is left as it is.
void packed_strip(packing form, int out, int in, const float *rows, int64_t stride, void *at);
void packed_strip_transposed(packing form, int out, int in, int filled, const float *rows,
                             int64_t stride, void *at);

#endif

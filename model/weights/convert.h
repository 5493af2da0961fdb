// SPDX-License-Identifier: Apache-2.0
// From the elements of a file's tensor to float32 in the order of the architecture's table.
#ifndef MODEL_WEIGHTS_CONVERT_H
#define MODEL_WEIGHTS_CONVERT_H

#include "model/weights/tensor_table.h"

// Elements that belong together: conversions begin and end at multiples of it. A row where the
// layout moves rows, a block of the type otherwise.
size_t convert_grain(const tensor *t, layout how);

// Where element `first` lies in the file, and how many bytes n elements take; both multiples of the
// type's block.
const unsigned char *convert_at(const tensor *t, size_t first);
size_t convert_bytes(const tensor *t, size_t n);

// Writes elements [first, first + n) of the tensor to `out`. head_dim: of LAYOUT_PAIRS and LAYOUT_HEADS. Local.
void convert_elements(const tensor *t, layout how, int head_dim, size_t first, size_t n,
                      float *out);

#endif

// SPDX-License-Identifier: Apache-2.0
// Is the BLAS sound on this machine? It chooses its kernels by CPU, and a wrong choice (a
// hypervisor that hides instructions) shows as wrong products.
#ifndef MODEL_KERNELS_BLAS_CHECK_H
#define MODEL_KERNELS_BLAS_CHECK_H

#include "pipeline/base/status.h"

struct text;

// Adds which BLAS it is and whose kernels run: "OpenBLAS Zen".
void blas_name(struct text *found);

// Makes products single-threaded, sees that there is memory for those of so many threads at once,
// and compares one with a plain loop. ERR_INTERNAL when there is none, or names the BLAS and, for
// OpenBLAS, says to set OPENBLAS_CORETYPE. Local; a millisecond.
status blas_check(int threads);

#endif

// SPDX-License-Identifier: Apache-2.0
// Whole numbers small enough that float32 adds them exactly in any order: a product that is not
// equal to the last bit is wrong, whatever the library's order of additions.
#include "model/kernels/blas_check.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

const char *blas_core(void)
{
    return openblas_get_corename();
}

// Small whole numbers: every order of adding gives the same float32.
static float matrix_entry(int i, int j)
{
    return (float)((i * 7 + j * 13) % 17 - 8);
}

status blas_check(void)
{
    enum { M = 61, N = 53, K = 131 }; // no multiple of a kernel's tile
    static const char *const advice =
        "the kernels do not fit this CPU; set OPENBLAS_CORETYPE=Haswell (or SANDYBRIDGE)";
    float a[M * K], b[N * K], c[M * N];
    for (int i = 0; i < M * K; i++)
        a[i] = matrix_entry(i / K, i % K);
    for (int i = 0; i < N * K; i++)
        b[i] = matrix_entry(i % K, i / K);
    for (int i = 0; i < M * N; i++)
        c[i] = 1;
    openblas_set_num_threads(1);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, M, N, K, 1.0f, a, K, b, K, 1.0f, c, N);
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            float sum = 1;
            for (int k = 0; k < K; k++)
                sum += a[i * K + k] * b[j * K + k];
            if (c[i * N + j] != sum)
                return status_fail(ERR_INTERNAL, "OpenBLAS",
                                   "core %s multiplies wrongly (%g instead of %g); %s", blas_core(),
                                   (double)c[i * N + j], (double)sum, advice);
        }
    }
    return OK;
}

// "OpenBLAS 0.3.21 DYNAMIC_ARCH NO_AFFINITY Zen MAX_THREADS=64": with the core whose kernels run.
static void add_openblas_version(text *found)
{
    text_add(found, openblas_get_config());
}

const version_def library_openblas = {"OpenBLAS", add_openblas_version};

// SPDX-License-Identifier: Apache-2.0
// Whole numbers small enough that float32 adds them exactly in any order: a product that is not
// equal to the last bit is wrong, whatever the library's order of additions. OpenBLAS takes a buffer
// for each thread at its first product and keeps it; where there is no room it tries for ever: so
// all are taken here, each after a look whether there is room. Beyond CBLAS each library has calls of
// its own: declared weak here, they are NULL unless the one that was loaded has them.
#include "model/kernels/blas_check.h"

#include <cblas.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

#define OPTIONAL __attribute__((weak))
OPTIONAL extern void openblas_set_num_threads(int);
OPTIONAL extern char *openblas_get_corename(void);
OPTIONAL extern char *openblas_get_config(void);
OPTIONAL extern void *blas_memory_alloc(int);
OPTIONAL extern void blas_memory_free(void *);
OPTIONAL extern void bli_thread_set_num_threads(int64_t);
OPTIONAL extern const char *bli_info_get_version_str(void);
OPTIONAL extern void MKL_Set_Num_Threads(int);
OPTIONAL extern void MKL_Get_Version_String(char *, int);
OPTIONAL extern void flexiblas_set_num_threads(int);

void blas_name(text *found)
{
    if (openblas_get_corename)
        text_addf(found, "OpenBLAS %s", openblas_get_corename());
    else if (bli_info_get_version_str)
        text_addf(found, "BLIS %s", bli_info_get_version_str());
    else
        text_add(found, MKL_Set_Num_Threads ? "MKL" : "BLAS");
}

static void use_one_thread(void)
{
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    if (bli_thread_set_num_threads)
        bli_thread_set_num_threads(1);
    if (MKL_Set_Num_Threads)
        MKL_Set_Num_Threads(1);
    if (flexiblas_set_num_threads)
        flexiblas_set_num_threads(1);
}

// Where addresses are limited (ulimit -v, -d) there may be no room for one more buffer.
static status see_room(int threads)
{
    const size_t bytes = (size_t)128 << 20; // of OpenBLAS 0.3, the largest there is
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return status_fail(ERR_INTERNAL, NULL,
                           "out of memory for OpenBLAS's buffers, %zu MB of addresses a thread "
                           "(threads: %d); raise `ulimit -v`, or give fewer `threads`",
                           bytes >> 20, threads);
    munmap(room, bytes); // which has touched none of it
    return OK;
}

static status take_buffers(int threads)
{
    status st = OK;
    int n = 0;
    void **buffers = NULL;
    if (!blas_memory_alloc || !blas_memory_free)
        return OK;
    buffers = checked_calloc((size_t)threads, sizeof *buffers);
    if (!buffers)
        return status_no_memory("OpenBLAS's buffers");
    while (n < threads) {
        TRY(see_room(threads));
        buffers[n] = blas_memory_alloc(0);
        if (!buffers[n++])
            TRY(status_no_memory("OpenBLAS's buffers"));
    }
done:
    for (int i = 0; i < n && buffers[i]; i++)
        blas_memory_free(buffers[i]);
    free(buffers);
    return st;
}

static status wrong_product(float found, float right)
{
    text name = {0};
    blas_name(&name);
    status st = status_fail(
        ERR_INTERNAL, text_get(&name), "multiplies wrongly (%g instead of %g); %s", (double)found,
        (double)right,
        openblas_get_corename ? "the kernels do not fit this CPU; set OPENBLAS_CORETYPE=Haswell "
                                "(or SANDYBRIDGE)"
                              : "build with another, as OpenBLAS");
    text_free(&name);
    return st;
}

// Small whole numbers: every order of adding gives the same float32.
static float matrix_entry(int i, int j)
{
    return (float)((i * 7 + j * 13) % 17 - 8);
}

// Not on the stack, of which `ulimit -s` may leave little.
static status check_product(void)
{
    enum { M = 61, N = 53, K = 131 }; // no multiple of a kernel's tile
    status st = OK;
    float *a = malloc((M * K + N * K + M * N) * sizeof *a);
    if (!a)
        return status_no_memory("a product");
    float *b = a + M * K, *c = b + N * K;
    for (int i = 0; i < M * K; i++)
        a[i] = matrix_entry(i / K, i % K);
    for (int i = 0; i < N * K; i++)
        b[i] = matrix_entry(i % K, i / K);
    for (int i = 0; i < M * N; i++)
        c[i] = 1;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, M, N, K, 1.0f, a, K, b, K, 1.0f, c, N);
    for (int i = 0; i < M * N && st == OK; i++) {
        float sum = 1;
        for (int k = 0; k < K; k++)
            sum += a[i / N * K + k] * b[i % N * K + k];
        if (c[i] != sum)
            st = wrong_product(c[i], sum);
    }
    free(a);
    return st;
}

status blas_check(int threads)
{
    use_one_thread();
    const status st = take_buffers(threads);
    return st == OK ? check_product() : st;
}

// "OpenBLAS 0.3.21 DYNAMIC_ARCH NO_AFFINITY Zen MAX_THREADS=64": with the core whose kernels run.
static void add_blas_version(text *found)
{
    char mkl[200] = "";
    if (openblas_get_config) {
        text_add(found, openblas_get_config());
    } else if (MKL_Get_Version_String) {
        MKL_Get_Version_String(mkl, (int)sizeof mkl - 1);
        text_add(found, mkl);
    } else {
        blas_name(found);
    }
}

const version_def library_blas = {"BLAS", add_blas_version};

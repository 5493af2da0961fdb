// SPDX-License-Identifier: Apache-2.0
// Products by cuBLASLt: a batch of equal blocks of rows, each with one algorithm, that was chosen for
// many blocks when the shape first came. It gets no workspace, and so cannot split a sum (split-K,
// stream-K): the bits of a row depend on the shape and on the library, not on how many rows there are.
#include <string.h>

#include "model/cuda/plugin.h"

enum { NOMINAL_BLOCKS = 32, CANDIDATES = 16, LARGEST_ALIGNMENT = 256 };

typedef struct product_layouts {
    cublasLtMatmulDescOpaque_t operation;
    cublasLtMatrixLayoutOpaque_t w, x, y;
} product_layouts;

static status check_products(device *d, cublasStatus_t error, const char *call)
{
    if (d->is_lost)
        return ERR_INTERRUPTED;
    if (error == CUBLAS_STATUS_SUCCESS)
        return OK;
    const status st = plugin_check(d, gpu_last_error(), "product", 0);
    return st != OK ? st
                    : plugin_fail(d, ERR_INTERNAL, "product, %s: %s", call,
                                  cublasLtGetStatusString(error));
}

// The alignment of an operand's first value and of all its rows, in bytes.
static uint32_t alignment_of(const void *at, size_t row_bytes)
{
    uint32_t aligned = LARGEST_ALIGNMENT;
    while (((uintptr_t)at | row_bytes) % aligned != 0)
        aligned /= 2;
    return aligned;
}

static product_plan plan_of(const device_linear *a)
{
    product_plan p;
    memset(&p, 0, sizeof p);
    const size_t each = a->compute == DEVICE_COMPUTE_BF16 ? 2 : 4;
    const uint32_t aligned[] = {alignment_of(a->x, (size_t)a->x_stride * each),
                                alignment_of(a->w, (size_t)a->w_stride * each),
                                alignment_of(a->y, (size_t)a->y_stride * 4),
                                alignment_of(a->bias, 0)};
    p.compute = a->compute;
    p.out = a->out;
    p.in = a->in;
    p.add = a->add != 0;
    p.has_bias = a->bias != NULL;
    p.x_stride = a->x_stride;
    p.w_stride = a->w_stride;
    p.y_stride = a->y_stride;
    p.aligned = LARGEST_ALIGNMENT;
    for (int i = 0; i < 4; i++)
        p.aligned = aligned[i] < p.aligned ? aligned[i] : p.aligned;
    return p;
}

// One operand: `columns` of `rows` values, which lie `stride` apart; a batch of them `next` apart.
static cublasStatus_t lay_out(cublasLtMatrixLayout_t to, cudaDataType_t type, int rows, int columns,
                              int64_t stride, int32_t blocks, int64_t next)
{
    cublasStatus_t st =
        cublasLtMatrixLayoutInit(to, type, (uint64_t)rows, (uint64_t)columns, stride);
    if (st == CUBLAS_STATUS_SUCCESS)
        st = cublasLtMatrixLayoutSetAttribute(to, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &blocks,
                                              sizeof blocks);
    if (st == CUBLAS_STATUS_SUCCESS)
        st = cublasLtMatrixLayoutSetAttribute(to, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                              &next, sizeof next);
    return st;
}

// In cuBLAS' order, columns first, y is w transposed times x.
static status make_layouts(device *d, const device_linear *a, int32_t blocks, product_layouts *l)
{
    const cublasComputeType_t compute =
        a->compute == DEVICE_COMPUTE_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    const cudaDataType_t type = a->compute == DEVICE_COMPUTE_BF16 ? CUDA_R_16BF : CUDA_R_32F;
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    const int n = PLUGIN_ROW_BLOCK;
    status st;
    TRY(check_products(d, cublasLtMatmulDescInit(&l->operation, compute, CUDA_R_32F), "operation"));
    TRY(check_products(d,
                       cublasLtMatmulDescSetAttribute(&l->operation, CUBLASLT_MATMUL_DESC_TRANSA,
                                                      &transposed, sizeof transposed),
                       "operand"));
    if (a->bias) {
        TRY(check_products(d,
                           cublasLtMatmulDescSetAttribute(&l->operation,
                                                          CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                                          sizeof epilogue),
                           "epilogue"));
        TRY(check_products(d,
                           cublasLtMatmulDescSetAttribute(&l->operation,
                                                          CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                                          &a->bias, sizeof a->bias),
                           "bias"));
    }
    TRY(check_products(d, lay_out(&l->w, type, a->in, a->out, a->w_stride, blocks, 0), "weights"));
    TRY(check_products(d, lay_out(&l->x, type, a->in, n, a->x_stride, blocks, n * a->x_stride),
                       "rows"));
    TRY(check_products(
        d, lay_out(&l->y, CUDA_R_32F, a->out, n, a->y_stride, blocks, n * a->y_stride), "outputs"));
done:
    return st;
}

// Does it make each output's sum in one piece?
static int is_whole(const cublasLtMatmulHeuristicResult_t *found)
{
    int32_t parts = 0;
    uint32_t scheme = 1;
    size_t written = 0;
    return found->state == CUBLAS_STATUS_SUCCESS && found->workspaceSize == 0 &&
           cublasLtMatmulAlgoConfigGetAttribute(&found->algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM,
                                                &parts, sizeof parts,
                                                &written) == CUBLAS_STATUS_SUCCESS &&
           cublasLtMatmulAlgoConfigGetAttribute(&found->algo, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME,
                                                &scheme, sizeof scheme,
                                                &written) == CUBLAS_STATUS_SUCCESS &&
           parts <= 1 && scheme == CUBLASLT_REDUCTION_SCHEME_NONE;
}

static cublasStatus_t prefer(cublasLtMatmulPreference_t to, uint32_t aligned)
{
    const cublasLtMatmulPreferenceAttributes_t operands[] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    const uint64_t workspace = 0;
    const uint32_t scheme = CUBLASLT_REDUCTION_SCHEME_NONE;
    cublasStatus_t st = cublasLtMatmulPreferenceInit(to);
    if (st == CUBLAS_STATUS_SUCCESS)
        st = cublasLtMatmulPreferenceSetAttribute(to, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                  &workspace, sizeof workspace);
    if (st == CUBLAS_STATUS_SUCCESS)
        st = cublasLtMatmulPreferenceSetAttribute(to, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                                  &scheme, sizeof scheme);
    for (int i = 0; i < 4 && st == CUBLAS_STATUS_SUCCESS; i++)
        st = cublasLtMatmulPreferenceSetAttribute(to, operands[i], &aligned, sizeof aligned);
    return st;
}

static status choose(device *d, const device_linear *a, product_plan *p)
{
    cublasLtMatmulHeuristicResult_t found[CANDIDATES];
    cublasLtMatmulPreferenceOpaque_t preference;
    product_layouts l;
    int n = 0;
    status st;
    TRY(make_layouts(d, a, NOMINAL_BLOCKS, &l));
    TRY(check_products(d, prefer(&preference, p->aligned), "preference"));
    TRY(check_products(d,
                       cublasLtMatmulAlgoGetHeuristic(d->products, &l.operation, &l.w, &l.x, &l.y,
                                                      &l.y, &preference, CANDIDATES, found, &n),
                       "choice"));
    for (int i = 0; i < n; i++)
        if (is_whole(&found[i])) {
            p->algorithm = found[i].algo;
            return OK;
        }
    return plugin_fail(d, ERR_INTERNAL,
                       "cuBLASLt has no product of %d by %d in one piece; another version may",
                       a->out, a->in);
done:
    return st;
}

// The plan of that shape, made where it is new. The table is large enough for any model; where it is
// not, its last entry is made again.
static status find_plan(device *d, const device_linear *a, const cublasLtMatmulAlgo_t **out)
{
    product_plan own = plan_of(a);
    const size_t shape = offsetof(product_plan, algorithm);
    status st;
    for (int i = 0; i < d->plans; i++)
        if (memcmp(&d->plan[i], &own, shape) == 0) {
            *out = &d->plan[i].algorithm;
            return OK;
        }
    TRY(choose(d, a, &own));
    d->plans += d->plans < PLUGIN_PLANS;
    d->plan[d->plans - 1] = own;
    *out = &d->plan[d->plans - 1].algorithm;
done:
    return st;
}

status plugin_linear(device *d, const device_linear *a)
{
    const float one = 1, kept = a->add ? 1 : 0;
    const cublasLtMatmulAlgo_t *algorithm;
    product_layouts l;
    status st = OK;
    if (a->rows == 0)
        return OK;
    if (a->rows % PLUGIN_ROW_BLOCK != 0)
        return plugin_fail(d, ERR_INTERNAL, "a product of %lld rows", (long long)a->rows);
    TRY(find_plan(d, a, &algorithm));
    TRY(make_layouts(d, a, (int32_t)(a->rows / PLUGIN_ROW_BLOCK), &l));
    TRY(check_products(d,
                       cublasLtMatmul(d->products, &l.operation, &one, a->w, &l.w, a->x, &l.x,
                                      &kept, a->y, &l.y, a->y, &l.y, algorithm, NULL, 0, d->stream),
                       "run"));
done:
    return st;
}

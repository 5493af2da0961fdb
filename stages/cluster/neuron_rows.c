// SPDX-License-Identifier: Apache-2.0
// Either library gives the same bits for any number of threads, since a block has a fixed size and
// is multiplied by one thread; the two libraries differ from each other in the last bits, as CPU
// types do.
#include "stages/cluster/neuron_rows.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "model/kernels/packed.h"
#include "model/kernels/products.h"
#include "model/kernels/products_avx512.h"
#include "pipeline/base/checked.h"

double neuron_rows_square(const float *x, int64_t width)
{
    double sum = 0;
    for (int64_t i = 0; i < width; i++)
        sum += (double)x[i] * x[i];
    return sum;
}

status neuron_rows_prepare(float *rows, int64_t n, int64_t width)
{
    double *mean = checked_calloc((size_t)width, sizeof *mean);
    if (!mean)
        return status_no_memory("the mean of rows");
    status st = OK;
    for (int64_t i = 0; i < n && st == OK; i++) {
        float *row = rows + i * width;
        double norm = sqrt(neuron_rows_square(row, width)), factor = norm > 0 ? 1 / norm : 0;
        if (!isfinite(norm))
            st = status_fail(ERR_NUMERIC, NULL, "row %lld to cluster is not finite", (long long)i);
        for (int64_t c = 0; c < width; c++) {
            row[c] = (float)(row[c] * factor);
            mean[c] += row[c];
        }
    }
    for (int64_t c = 0; c < width; c++)
        mean[c] /= (double)n;
    for (int64_t i = 0; i < n && st == OK; i++)
        for (int64_t c = 0; c < width; c++)
            rows[i * width + c] -= (float)mean[c];
    free(mean);
    return st;
}

status neuron_rows_inertia(const float *rows, int64_t n, int64_t width, int k, const int32_t *label,
                           double *inertia)
{
    double *mean = checked_calloc((size_t)k * (size_t)width, sizeof *mean);
    int64_t *size = checked_calloc((size_t)k, sizeof *size);
    status st = mean && size ? OK : status_no_memory("cluster means");
    double total = 0;
    for (int64_t i = 0; i < n && st == OK; i++) {
        size[label[i]]++;
        for (int64_t c = 0; c < width; c++)
            mean[label[i] * width + c] += rows[i * width + c];
    }
    for (int64_t j = 0; j < k && st == OK; j++)
        for (int64_t c = 0; c < width; c++)
            mean[j * width + c] /= size[j] > 0 ? (double)size[j] : 1;
    for (int64_t i = 0; i < n && st == OK; i++)
        for (int64_t c = 0; c < width; c++) {
            double off = rows[i * width + c] - mean[label[i] * width + c];
            total += off * off;
        }
    *inertia = total;
    free(mean);
    free(size);
    return st;
}

int64_t neuron_rows_blocks(int64_t n)
{
    return (n + NEURON_ROWS_BLOCK - 1) / NEURON_ROWS_BLOCK;
}

static bool is_packed(void)
{
    return products_float32() == PACKING_F32;
}

size_t neuron_rows_packed_bytes(int count, int64_t width)
{
    const size_t blocks = ((size_t)count + PACK_OUTPUTS - 1) / PACK_OUTPUTS;
    return is_packed() ? blocks * packing_block_bytes(PACKING_F32, (int)width) : 0;
}

void neuron_rows_pack(const float *centre, int count, int64_t width, void *strip)
{
    if (is_packed())
        packed_strip(PACKING_F32, count, (int)width, centre, width, strip);
}

int64_t neuron_rows_products(const float *rows, int64_t n, int64_t width, int64_t block,
                             const float *centre, const void *strip, int count, float *out)
{
    const int64_t first = block * NEURON_ROWS_BLOCK, left = n - first;
    const int here = (int)(left < NEURON_ROWS_BLOCK ? left : NEURON_ROWS_BLOCK);
    const product_shape shape = {.form = PACKING_F32,
                                 .rows = here,
                                 .out = count,
                                 .in = (int)width,
                                 .x_stride = width,
                                 .y_stride = count};
    if (is_packed())
        products_avx512_run(&shape, rows + first * width, strip, NULL, out);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, here, count, (int)width, 1,
                    rows + first * width, (int)width, centre, (int)width, 0, out, count);
    return here;
}

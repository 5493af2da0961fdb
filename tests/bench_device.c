// SPDX-License-Identifier: Apache-2.0
// Batches are as large as a pass's on a device may be, and every layer has weights of its own, so that
// no product finds them where the last one left them. Values are none that are special: how fast a
// device multiplies depends on how many bits change.
#include "bench_device.h"

#include <stdlib.h>

#include "bench_common.h"
#include "model/cuda/ops.h"
#include "model/forward/pass.h"
#include "pipeline/base/checked.h"

enum { BATCH_ROWS = 1 << 15, PIECE = 1 << 20, MOST_SHAPES = 7 };

typedef struct product {
    int out, in;
} product;

struct device_alone {
    const device_ops *ops;  // borrowed
    const model_info *info; // borrowed
    device *device;         // owned
    device_compute compute;
    bool answers;
    int64_t rows; // of a batch
    int products; // of a layer; the last is its down projection
    product product[MOST_SHAPES];
    int widest;
    char
        *weights; // owned, of the device as the next two: all layers', one after the other, and the
                  // head's
    void *x;      // [rows, widest]
    float *y;     // likewise
};

static status checked_call(const device_alone *a, status st)
{
    return st == OK ? OK : status_fail(st, "device", "%s", a->ops->said(a->device));
}

static size_t value_bytes(const device_alone *a)
{
    return a->compute == DEVICE_COMPUTE_BF16 ? 2 : sizeof(float);
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

// Of a sparse model those of a dense one as wide as a token's experts together.
static void list_products(device_alone *a)
{
    const model_info *i = a->info;
    const int inside = i->experts > 0 ? i->experts_per_token * i->d_expert : i->d_mlp;
    const int h = i->hidden_size, attn = i->heads * i->head_dim, kv = i->kv_heads * i->head_dim;
    const product all[] = {{attn, h}, {kv, h}, {kv, h}, {h, attn}, {inside, h}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        a->product[a->products++] = all[k];
    if (i->gated)
        a->product[a->products++] = (product){inside, h};
    a->product[a->products++] = (product){h, inside};
    a->widest = larger(larger(h, attn), larger(inside, PASS_OUTPUTS));
}

// Values of a layer's weights, and of the head's.
static size_t layer_values(const device_alone *a)
{
    size_t n = 0;
    for (int k = 0; k < a->products; k++)
        n += (size_t)a->product[k].out * (size_t)a->product[k].in;
    return n;
}

static size_t head_values(const device_alone *a)
{
    return a->answers ? (size_t)a->info->outputs * (size_t)a->info->hidden_size : 0;
}

// Fills n values as products read them, by way of `piece`, which is on the device.
static status fill(const device_alone *a, const float *piece, size_t n, void *to)
{
    status st = OK;
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t part = n - first < PIECE ? n - first : PIECE;
        void *at = (char *)to + first * value_bytes(a);
        if (a->compute == DEVICE_COMPUTE_BF16)
            TRY(checked_call(a, a->ops->round(a->device, piece, part, at)));
        else
            TRY(checked_call(a, a->ops->copy(a->device, piece, part * sizeof *piece, at)));
    }
done:
    return st;
}

static status make_arrays(device_alone *a)
{
    status st;
    const size_t weights = layer_values(a) * (size_t)a->info->layers + head_values(a);
    const size_t values = (size_t)a->rows * (size_t)a->widest;
    float *host = bench_values(PIECE, 0.1f), *piece = NULL;
    if (!host)
        return status_no_memory("the benchmark");
    TRY(checked_call(a, a->ops->alloc(a->device, PIECE * sizeof *piece, (void **)&piece)));
    TRY(checked_call(a, a->ops->upload(a->device, host, PIECE * sizeof *piece, piece)));
    TRY(checked_call(a, a->ops->alloc(a->device, weights * value_bytes(a), (void **)&a->weights)));
    TRY(checked_call(a, a->ops->alloc(a->device, values * value_bytes(a), &a->x)));
    TRY(checked_call(a, a->ops->alloc(a->device, values * sizeof *a->y, (void **)&a->y)));
    TRY(fill(a, piece, weights, a->weights));
    TRY(fill(a, piece, values, a->x));
done:
    a->ops->free(a->device, piece);
    free(host);
    return st;
}

status device_alone_new(const found_device *found, const model_info *info, compute c, bool answers,
                        int64_t rows, device_alone **out)
{
    static const device_compute as[] = {[COMPUTE_F32] = DEVICE_COMPUTE_F32,
                                        [COMPUTE_BF16] = DEVICE_COMPUTE_BF16,
                                        [COMPUTE_TF32] = DEVICE_COMPUTE_TF32};
    status st;
    device_info what;
    device_alone *a = checked_calloc(1, sizeof *a);
    if (!a)
        return status_no_memory("the benchmark");
    *a = (device_alone){.ops = found->ops,
                        .info = info,
                        .compute = as[c],
                        .answers = answers && info->modality == MODALITY_TEXT};
    list_products(a);
    TRY(checked_call(a, a->ops->open(found->index, &a->device)));
    TRY(checked_call(a, a->ops->info(a->device, &what)));
    rows = rows < BATCH_ROWS ? rows : BATCH_ROWS;
    a->rows = (rows + what.row_block - 1) / what.row_block * what.row_block;
    TRY(make_arrays(a));
    *out = a;
    a = NULL;
done:
    device_alone_free(a);
    return st;
}

// Outputs [.., out] of the batch by weights that begin at `value`.
static status run_product(const device_alone *a, product p, size_t value)
{
    const device_linear l = {.compute = a->compute,
                             .x = a->x,
                             .w = a->weights + value * value_bytes(a),
                             .y = a->y,
                             .rows = a->rows,
                             .out = p.out,
                             .in = p.in,
                             .x_stride = p.in,
                             .w_stride = p.in,
                             .y_stride = p.out};
    return checked_call(a, a->ops->linear(a->device, &l));
}

static status run_batch(const device_alone *a)
{
    status st = OK;
    const int hidden = a->info->hidden_size;
    size_t value = 0;
    for (int l = 0; l < a->info->layers; l++)
        for (int k = 0; k < a->products; k++) {
            if (k == a->products - 1 && l == a->info->layers - 1 && !a->answers)
                break; // as the pass: what the last layer's MLP gives is not read
            TRY(run_product(a, a->product[k], value));
            value += (size_t)a->product[k].out * (size_t)a->product[k].in;
        }
    for (int first = 0; a->answers && first < a->info->outputs; first += PASS_OUTPUTS) {
        const int left = a->info->outputs - first;
        TRY(run_product(a, (product){left < PASS_OUTPUTS ? left : PASS_OUTPUTS, hidden}, value));
        value += (size_t)(left < PASS_OUTPUTS ? left : PASS_OUTPUTS) * (size_t)hidden;
    }
done:
    return st;
}

status device_alone_run(device_alone *a, int64_t rows)
{
    status st = OK;
    float waited;
    for (int64_t done = 0; done < rows; done += a->rows)
        TRY(run_batch(a));
    TRY(checked_call(a, a->ops->download(a->device, a->y, sizeof waited, &waited)));
done:
    return st;
}

int64_t device_alone_rows(const device_alone *a)
{
    return a->rows;
}

void device_alone_free(device_alone *a)
{
    if (!a)
        return;
    if (a->device) {
        a->ops->free(a->device, a->weights);
        a->ops->free(a->device, a->x);
        a->ops->free(a->device, a->y);
    }
    a->ops->close(a->device);
    free(a);
}

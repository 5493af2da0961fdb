// SPDX-License-Identifier: Apache-2.0
// Architectures know weights by addresses of this process, where no values are (weights_open_shown).
// Each tensor's address is kept beside its place on the device, so that parts of it, which maps are cut
// into, are found too. Values pass by in pieces.
#include "model/device/device_model.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"

status device_check(const device_model *d, status st)
{
    if (st == OK)
        return OK;
    return status_fail(st, d->info.name[0] ? d->info.name : "device", "%s",
                       d->ops->said(d->device));
}

size_t device_value_bytes(const device_model *d)
{
    return d->compute == DEVICE_COMPUTE_BF16 ? sizeof(uint16_t) : sizeof(float);
}

device_type device_value_type(const device_model *d)
{
    return d->compute == DEVICE_COMPUTE_BF16 ? DEVICE_BF16 : DEVICE_F32;
}

// What is planned of all tensors before any is brought over.
typedef struct planned {
    device_model *d;
    size_t capacity, bytes;
} planned;

static size_t whole(size_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

size_t device_tensor_bytes(bool rounded, bool multiplied, bool read, size_t elements)
{
    if (!rounded) // one copy is for both
        return whole(elements * sizeof(float));
    return (read ? whole(elements * sizeof(float)) : 0) +
           (multiplied ? whole(elements * sizeof(uint16_t)) : 0);
}

static status plan_values(void *context, const weight_values *v)
{
    planned *p = context;
    device_model *d = p->d;
    if (!checked_grow(&d->range, &p->capacity, d->ranges + 1, sizeof *d->range))
        return status_no_memory("the list of weights");
    d->range[d->ranges++] = (device_range){.host = v->at, .elements = v->elements};
    p->bytes +=
        device_tensor_bytes(d->compute == DEVICE_COMPUTE_BF16, v->products, v->rows, v->elements);
    return OK;
}

static int by_host(const void *a, const void *b)
{
    const device_range *x = a, *y = b;
    return (x->host > y->host) - (x->host < y->host);
}

static device_range *find_range(const device_model *d, const float *host)
{
    size_t low = 0, high = d->ranges;
    while (low + 1 < high) {
        const size_t middle = low + (high - low) / 2;
        if (d->range[middle].host <= host)
            low = middle;
        else
            high = middle;
    }
    return &d->range[low];
}

const float *device_rows_of(const device_model *d, const float *host)
{
    if (!host)
        return NULL;
    const device_range *r = find_range(d, host);
    return r->rows + (host - r->host);
}

const void *device_products(const device_model *d, const float *host)
{
    if (!host)
        return NULL;
    const device_range *r = find_range(d, host);
    return (const char *)r->products + (size_t)(host - r->host) * device_value_bytes(d);
}

typedef struct bringing {
    device_model *d;
    float *piece; // on the device, for values that only products read
} bringing;

// Takes the memory of a tensor. One copy is for both where nothing is rounded.
static status take_memory(device_model *d, const weight_values *v, device_range *r)
{
    status st = OK;
    const bool rounded = d->compute == DEVICE_COMPUTE_BF16;
    if (v->rows || !rounded)
        TRY_DEVICE(d, d->ops->alloc(d->device, v->elements * sizeof(float), (void **)&r->rows));
    if (v->products && rounded)
        TRY_DEVICE(d, d->ops->alloc(d->device, v->elements * sizeof(uint16_t), &r->products));
    else if (v->products)
        r->products = r->rows;
done:
    return st;
}

static status bring_piece(void *context, const weight_values *v, size_t first, size_t n,
                          const float *values)
{
    status st = OK;
    const bringing *b = context;
    device_model *d = b->d;
    device_range *r = find_range(d, v->at);
    if (first == 0)
        TRY(take_memory(d, v, r));
    float *to = r->rows ? r->rows + first : b->piece;
    TRY_DEVICE(d, d->ops->upload(d->device, values, n * sizeof(float), to));
    if (r->products && r->products != r->rows)
        TRY_DEVICE(d, d->ops->round(d->device, to, n, (uint16_t *)r->products + first));
done:
    return st;
}

static double gigabytes(size_t bytes)
{
    return (double)bytes / 1e9;
}

size_t device_least_free(size_t bytes)
{
    return bytes + bytes / 10;
}

// Is there memory for the weights, and for batches?
static status check_memory(const model *m, device_model *d, size_t bytes)
{
    const size_t needed = device_least_free(bytes);
    if (needed <= d->info.free) {
        d->memory_left = d->info.free - bytes;
        return OK;
    }
    const size_t members = (needed + d->info.free - 1) / (d->info.free > 0 ? d->info.free : 1);
    return status_fail(ERR_USAGE, m->path,
                       "needs %.1f GB on a device, and %s has %.1f free; `layers_over: %zu` would "
                       "do, or a device with more",
                       gigabytes(needed), d->info.name, gigabytes(d->info.free), members);
}

// Lists the weights, and looks whether they go there.
static status plan_weights(const model *m, device_model *d)
{
    status st;
    planned p = {.d = d};
    TRY(weights_each(m->weights, plan_values, &p));
    qsort(d->range, d->ranges, sizeof *d->range, by_host);
    TRY(check_memory(m, d, p.bytes));
done:
    return st;
}

status device_model_bring(device_model *d, const model *m, int threads, const atomic_bool *stopping)
{
    status st = OK;
    bringing b = {.d = d};
    const size_t piece = weights_largest_piece(m->weights);
    if (d->compute == DEVICE_COMPUTE_BF16)
        TRY_DEVICE(d, d->ops->alloc(d->device, piece * sizeof *b.piece, (void **)&b.piece));
    TRY(weights_show(m->weights, &m->config, threads, stopping, bring_piece, &b));
done:
    d->ops->free(d->device, b.piece);
    return st;
}

status device_model_open(const model *m, const device_ops *ops, int index, int sharers,
                         device_compute form, device_model **out)
{
    status st;
    device_model *d = checked_calloc(1, sizeof *d);
    if (!d)
        return status_no_memory("a model on a device");
    d->ops = ops;
    d->compute = form;
    pthread_mutex_init(&d->lock, NULL);
    pthread_mutex_init(&d->keeping, NULL);
    TRY_DEVICE(d, ops->open(index, &d->device));
    TRY_DEVICE(d, ops->info(d->device, &d->info));
    if (sharers > 1 && d->info.free > d->info.memory / (size_t)sharers)
        d->info.free = d->info.memory / (size_t)sharers;
    TRY(plan_weights(m, d));
    *out = d;
    d = NULL;
done:
    device_model_close(d);
    return st;
}

void device_model_close(device_model *d)
{
    if (!d)
        return;
    for (size_t i = 0; d->device && i < d->ranges; i++) {
        if (d->range[i].products != d->range[i].rows)
            d->ops->free(d->device, d->range[i].products);
        d->ops->free(d->device, d->range[i].rows);
    }
    if (d->device) {
        d->ops->free(d->device, d->block);
        d->ops->free(d->device, d->arrays.sum);
        d->ops->free(d->device, d->arrays.positive);
        d->ops->free(d->device, d->arrays.firing);
        d->ops->free(d->device, d->arrays.histogram);
    }
    d->ops->close(d->device);
    pthread_mutex_destroy(&d->lock);
    pthread_mutex_destroy(&d->keeping);
    free(d->range);
    free(d);
}

// SPDX-License-Identifier: Apache-2.0
// What every block does on a device: products of whole blocks of rows, sums with the hidden states,
// lists that go there.
#include "model/device/device_pass.h"

device_activation device_find_activation(const activation *a)
{
    static const struct {
        const char *name;
        device_activation act;
    } table[] = {{"gelu", DEVICE_ACT_GELU},
                 {"gelu_new", DEVICE_ACT_GELU_TANH},
                 {"quick_gelu", DEVICE_ACT_QUICK_GELU},
                 {"silu", DEVICE_ACT_SILU},
                 {"relu", DEVICE_ACT_RELU}};
    for (size_t i = 0; a && i < sizeof table / sizeof *table; i++)
        if (activation_find(table[i].name)->apply == a->apply)
            return table[i].act;
    return DEVICE_ACT_NONE;
}

int32_t *device_bad(const device_model *d, int layer, site after)
{
    return d->arrays.bad + (layer + 1) * SITES + (int)after;
}

int32_t *device_bad_logits(const device_model *d, const model_info *i)
{
    return device_bad(d, i->layers, 0);
}

size_t device_image_values(const model_info *i)
{
    return (size_t)i->channels * (size_t)i->image_height * (size_t)i->image_width;
}

tile device_tile(const device_pass *b, const batch_tile *t)
{
    const struct pass *p = b->p;
    const bool images = p->m->config.info.modality == MODALITY_IMAGE;
    return (tile){
        .samples = t->samples,
        .rows = t->rows,
        .first_row = t->first_row,
        .pixels = images
                      ? p->tile.pixels + (size_t)t->sample * device_image_values(&p->m->config.info)
                      : NULL,
        .ids = images ? NULL : p->tile.ids + t->row,
        .target = p->tile.target + (images ? t->sample : t->row),
    };
}

int64_t device_filled(const device_model *d, int64_t rows)
{
    const int64_t block = d->info.row_block;
    return (rows + block - 1) / block * block;
}

status device_put(device_pass *b, const int64_t *from, int64_t n, int32_t *to)
{
    for (int64_t i = 0; i < n; i++)
        b->index[i] = (int32_t)from[i];
    return device_check(
        b->d, b->d->ops->upload(b->d->device, b->index, (size_t)n * sizeof *b->index, to));
}

status device_product(const device_model *d, const linear *l, const void *x, int64_t x_stride,
                      int64_t rows, bool add, float *y, int64_t y_stride)
{
    const device_linear a = {.compute = d->compute,
                             .x = x,
                             .w = device_products(d, l->w),
                             .bias = device_rows_of(d, l->bias),
                             .y = y,
                             .rows = device_filled(d, rows),
                             .out = l->out,
                             .in = l->in,
                             .x_stride = x_stride,
                             .w_stride = l->stride,
                             .y_stride = y_stride,
                             .add = add};
    return device_check(d, d->ops->linear(d->device, &a));
}

status device_add_output(pass *p, const output_step *then, int layer, site s)
{
    status st = OK;
    const device_model *d = p->device->d;
    const int hidden = p->m->config.info.hidden_size;
    float *y = d->arrays.output;
    if (then->norm)
        TRY_DEVICE(d,
                   d->ops->norm(d->device, &(device_norm){.x = y,
                                                          .x_stride = hidden,
                                                          .rows = p->rows,
                                                          .width = hidden,
                                                          .weight = device_rows_of(d, then->norm),
                                                          .eps = (float)p->m->config.norm_eps,
                                                          .to = y,
                                                          .to_stride = hidden,
                                                          .type = DEVICE_F32,
                                                          .bad = device_bad(d, layer, s)}));
    TRY_DEVICE(d, d->ops->add(d->device, &(device_add){.from = y,
                                                       .scale = device_rows_of(d, then->scale),
                                                       .n = p->rows,
                                                       .width = hidden,
                                                       .to = d->arrays.hidden}));
done:
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Tables of embeddings are weights and lie on the device; what is looked up in them comes with each
// batch. An image's places are made here once a batch, since they are few.
#include "model/device/device_embed.h"

#include <stdlib.h>

#include "model/device/device_pass.h"
#include "pipeline/base/checked.h"

status device_embed_tokens(pass *p, const token_embedding *e)
{
    status st;
    device_pass *b = p->device;
    device_model *d = b->d;
    device_arrays *a = &d->arrays;
    float *to = e->into ? a->mlp : a->hidden;
    TRY_DEVICE(
        d, d->ops->upload(d->device, p->tile.ids, (size_t)p->rows * sizeof *p->tile.ids, a->index));
    TRY_DEVICE(d,
               d->ops->embed(d->device, &(device_embed){.table = device_rows_of(d, e->table),
                                                        .index = a->index,
                                                        .rows = p->rows,
                                                        .width = e->width,
                                                        .scale = e->scale > 0 ? (float)e->scale : 1,
                                                        .to = to}));
    if (!e->into)
        goto done;
    TRY_DEVICE(d, d->ops->norm(d->device, &(device_norm){.x = to,
                                                         .x_stride = e->width,
                                                         .rows = p->rows,
                                                         .width = e->width,
                                                         .to = a->site,
                                                         .to_stride = e->width,
                                                         .type = device_value_type(d)}));
    TRY(device_product(d, e->into, a->site, e->width, p->rows, false, a->hidden,
                       p->m->config.info.hidden_size));
done:
    return st;
}

status device_add_positions(pass *p, const float *table, const int64_t *place, int64_t before)
{
    status st;
    device_pass *b = p->device;
    device_model *d = b->d;
    const int hidden = p->m->config.info.hidden_size;
    for (int64_t r = 0; r < p->rows; r++)
        b->index[r] = (int32_t)((place ? place[r] : 0) + before);
    TRY_DEVICE(d, d->ops->upload(d->device, b->index, (size_t)p->rows * sizeof *b->index,
                                 d->arrays.index));
    TRY_DEVICE(d, d->ops->embed(d->device, &(device_embed){.table = device_rows_of(d, table),
                                                           .index = d->arrays.index,
                                                           .rows = p->rows,
                                                           .width = hidden,
                                                           .scale = 1,
                                                           .add = 1,
                                                           .to = d->arrays.hidden}));
done:
    return st;
}

status device_embed_patches(pass *p, const linear *projection)
{
    status st;
    device_model *d = p->device->d;
    const config *c = &p->m->config;
    const model_info *i = &c->info;
    TRY_DEVICE(d, d->ops->upload(d->device, p->tile.pixels,
                                 (size_t)p->tile.samples * device_image_values(i) * sizeof(float),
                                 d->arrays.pixels));
    TRY_DEVICE(d, d->ops->patches(d->device,
                                  &(device_patches){.pixels = d->arrays.pixels,
                                                    .images = p->tile.samples,
                                                    .channels = i->channels,
                                                    .height = i->image_height,
                                                    .width = i->image_width,
                                                    .patch_height = c->patch_height,
                                                    .patch_width = c->patch_width,
                                                    .tokens = i->rows_per_image - config_patches(c),
                                                    .rows_per_image = i->rows_per_image,
                                                    .to = d->arrays.patches,
                                                    .type = device_value_type(d)}));
    TRY(device_product(d, projection, d->arrays.patches, projection->in, p->rows, false,
                       d->arrays.hidden, i->hidden_size));
done:
    return st;
}

status device_add_places(pass *p, const place_table *t)
{
    status st;
    device_model *d = p->device->d;
    const int rows = p->m->config.info.rows_per_image, width = p->m->config.info.hidden_size;
    float *table = checked_calloc((size_t)rows * (size_t)width, sizeof *table);
    if (!table)
        return status_no_memory("an image's places");
    for (int row = 0; row < rows; row++)
        t->make(t->context, row, table + (int64_t)row * width);
    TRY_DEVICE(d, d->ops->upload(d->device, table, (size_t)rows * (size_t)width * sizeof *table,
                                 d->arrays.places));
    TRY_DEVICE(d, d->ops->places(d->device, &(device_places){.x = d->arrays.hidden,
                                                             .table = d->arrays.places,
                                                             .images = p->tile.samples,
                                                             .rows_per_image = rows,
                                                             .width = width,
                                                             .set = t->set}));
done:
    free(table);
    return st;
}

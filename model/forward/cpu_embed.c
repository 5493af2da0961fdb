// SPDX-License-Identifier: Apache-2.0
// Patches do not overlap, so their convolution is a product of rows of pixels: one for a tile, with
// rows of zeros where tokens come.
#include "model/forward/cpu_embed.h"

#include <string.h>

#include "model/forward/state.h"
#include "model/kernels/kernels.h"

// Where embeddings are mapped, they wait in p->q, which no layer has used yet.
status cpu_embed_tokens(pass *p, const token_embedding *e)
{
    const size_t width = (size_t)e->width;
    float *to = e->into ? p->q : p->hidden;
    for (int64_t r = 0; r < p->rows; r++, to += width) {
        const float *row = e->table + (size_t)p->tile.ids[r] * width;
        if (e->scale > 0)
            kernel_scale(row, e->width, (float)e->scale, to);
        else
            memcpy(to, row, width * sizeof *row);
    }
    if (!e->into)
        return OK;
    const operand x =
        linear_operand(p->products, p->m->packing, p->q, e->width, p->rows, e->width, p->site_copy);
    return linear_apply(p->products, e->into, &x, NULL, p->hidden, p->m->config.info.hidden_size);
}

status cpu_add_positions(pass *p, const float *table, const int64_t *place, int64_t before)
{
    const int hidden = p->m->config.info.hidden_size;
    for (int64_t r = 0; r < p->rows; r++)
        kernel_add_rows(table + ((place ? place[r] : 0) + before) * hidden, 1, hidden,
                        p->hidden + r * hidden);
    return OK;
}

// An image's rows in `to`: those of tokens zero, each other one a patch's pixels in the order of
// the projection's weights.
static void lay_out_patches(const config *c, int patches, const float *pixels, float *to)
{
    const model_info *i = &c->info;
    const int across = i->image_width / c->patch_width;
    const size_t width = (size_t)i->channels * (size_t)c->patch_height * (size_t)c->patch_width;
    for (int row = 0; row < i->rows_per_image - patches; row++, to += width)
        kernel_fill_rows(NULL, 1, (int)width, 0, to);
    for (int patch = 0; patch < patches; patch++) {
        int top = patch / across * c->patch_height, left = patch % across * c->patch_width;
        for (int channel = 0; channel < i->channels; channel++)
            for (int y = top; y < top + c->patch_height; y++, to += c->patch_width)
                memcpy(to,
                       pixels +
                           ((size_t)channel * (size_t)i->image_height + (size_t)y) *
                               (size_t)i->image_width +
                           left,
                       (size_t)c->patch_width * sizeof *to);
    }
}

status cpu_embed_patches(pass *p, const linear *projection)
{
    const config *c = &p->m->config;
    const model_info *i = &c->info;
    const int rows = i->rows_per_image, width = projection->in, patches = config_patches(c);
    const size_t image = (size_t)i->channels * (size_t)i->image_height * (size_t)i->image_width;
    for (int64_t s = 0; s < p->tile.samples; s++)
        lay_out_patches(c, patches, p->tile.pixels + (size_t)s * image,
                        p->patches + s * rows * (int64_t)width);
    const operand x =
        linear_operand(p->products, p->m->packing, p->patches, width, p->rows, width, p->site_copy);
    return linear_apply(p->products, projection, &x, NULL, p->hidden, i->hidden_size);
}

// Each row is made once, for all images of the tile.
status cpu_add_places(pass *p, const place_table *t)
{
    const int hidden = p->m->config.info.hidden_size, rows = p->m->config.info.rows_per_image;
    float *own = p->normed;
    for (int row = 0; row < rows; row++) {
        t->make(t->context, row, own);
        for (int64_t s = 0; s < p->tile.samples; s++) {
            float *to = p->hidden + (s * rows + row) * hidden;
            if (row < t->set)
                memcpy(to, own, (size_t)hidden * sizeof *to);
            else
                kernel_add_rows(own, 1, hidden, to);
        }
    }
    return OK;
}

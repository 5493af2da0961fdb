// SPDX-License-Identifier: Apache-2.0
// A slot's values, a run of them at a time: drawn by name and index, or converted from where the file
// is mapped, and looked over. So the result does not depend on who asks for which run.
#include "model/weights/slots.h"

#include <math.h>

#include "model/kernels/kernels.h"
#include "model/weights/convert.h"
#include "pipeline/base/file.h"

enum { RUN_ELEMENTS = 1 << 18 };

// Draws what is uniform.
static void draw_uniform(const config *c, const tensor_slot *t, const rng *r, size_t first,
                         size_t n, float *out)
{
    const double outputs = (double)tensor_def_outputs(c, t->def);
    const double inputs = (double)t->elements / outputs;
    const double patch = (double)c->info.channels * c->patch_height * c->patch_width;
    const double most =
        t->def->init == INIT_XAVIER ? sqrt(6 / (inputs + outputs)) : 1 / sqrt(patch);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((2 * rng_uniform(r, first + i) - 1) * most);
}

// Draws elements [first, first + n) of a tensor: the same for any slicing.
static void draw_elements(draw_form form, const config *c, const tensor_slot *t, uint64_t seed,
                          size_t first, size_t n, float *out)
{
    const init how = t->def->init;
    const rng r = rng_new(seed, t->name);
    const float same = how == INIT_LAYER_SCALE ? (float)c->layer_scale : how == INIT_ONES;
    if (how == INIT_ZEROS || how == INIT_ONES || how == INIT_LAYER_SCALE)
        for (size_t i = 0; i < n; i++)
            out[i] = same;
    else if (how == INIT_XAVIER || how == INIT_PATCH)
        draw_uniform(c, t, &r, t->before + first, n, out);
    else
        draw_normals(form, &r, tensor_def_deviation(c, t->def),
                     how == INIT_TRUNC_NORMAL || how == INIT_LECUN, t->before + first, n, out);
}

// The embedding of the padding token, among elements [first, first + n).
static void zero_padding(const config *c, const tensor_def *def, size_t first, size_t n, float *at)
{
    if (def->init != INIT_EMBEDDING || c->padding < 0)
        return;
    const size_t width = (size_t)c->info.hidden_size, begin = (size_t)c->padding * width;
    for (size_t i = begin > first ? begin : first; i < begin + width && i < first + n; i++)
        at[i - first] = 0;
}

bool slot_is_mapped(const slot *s)
{
    return s->tensor.from && (const void *)s->at == (const void *)s->tensor.from->bytes;
}

size_t slot_run(const slot *s)
{
    const size_t grain = s->tensor.from ? convert_grain(s->tensor.from, s->tensor.layout) : 1;
    return grain < RUN_ELEMENTS ? RUN_ELEMENTS / grain * grain : grain;
}

status slot_read(const slot *s, const config *c, uint64_t seed, draw_form form, size_t first,
                 size_t n, float *to)
{
    const tensor_slot *t = &s->tensor;
    const float *values = to ? to : s->at + first;
    size_t at;
    if (!t->from) {
        draw_elements(form, c, t, seed, first, n, to);
        zero_padding(c, t->def, first, n, to);
        return OK;
    }
    if (to) {
        convert_elements(t->from, t->layout, c->info.head_dim, first, n, to);
        if (t->layout == LAYOUT_PLAIN) // pages that no other run reads
            file_drop_pages(convert_at(t->from, first), convert_bytes(t->from, n));
    }
    if (kernel_finite(values, n, &at))
        return OK;
    return status_fail(ERR_NUMERIC, t->from->file, "tensor %s: element %zu is %s", t->from->name,
                       first + at, isnan(values[at]) ? "NaN" : "infinite");
}

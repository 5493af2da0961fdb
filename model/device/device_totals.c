// SPDX-License-Identifier: Apache-2.0
// Sums are formed where the activations are, of each tile by itself, and are integers from then on: so
// those of a batch's tiles can be added up there, and one array comes back.
#include "model/device/device_totals.h"

#include <string.h>

#include "model/forward/sites.h"

// Lists what is rounded together: each tile's rows, or each sample's behind those that are left out.
static int list_segments(const device_pass *b, const device_rows *r)
{
    const int64_t skip = b->p->f->skip_first;
    int n = 0;
    int64_t at = 0;
    for (int64_t i = 0; i < b->tiles; i++) {
        const batch_tile *t = &b->tile[i];
        const int64_t parts = skip > 0 ? t->samples : 1;
        for (int64_t s = 0; s < parts; s++) {
            const int64_t begin = skip > 0 ? t->row + t->first_row[s] + skip : t->row;
            const int64_t end = skip > 0 ? t->row + t->first_row[s + 1] : t->row + t->rows;
            if (begin >= end)
                continue;
            const device_segment one = device_rows_segment(r, begin, end, &at);
            if (one.end > one.first)
                b->segment[n++] = one;
        }
    }
    return n;
}

// Where a layer's sums of a site begin, in neurons: sums of a site come behind those of the sites
// before it.
static int64_t totals_at(const model_info *i, int layer, site s)
{
    int64_t before = 0;
    for (site other = 0; other < s; other++)
        before += (int64_t)i->layers * model_site_width(i, other);
    return before + (int64_t)layer * model_site_width(i, s);
}

static int64_t totals_neurons(const model_info *i)
{
    return totals_at(i, 0, SITES);
}

static int32_t *bad_sums(const device_model *d, const model_info *i, int layer, site s)
{
    return d->arrays.bad + (i->layers + 2 + layer) * SITES + (int)s;
}

// Bits of the rows whose firing is wanted, of those that are here.
static status add_firing(pass *p, const device_rows *r, int64_t at)
{
    status st;
    device_pass *b = p->device;
    const device_model *d = b->d;
    const device_arrays *a = &d->arrays;
    const forward *f = p->f;
    int n = 0;
    for (int64_t i = 0, seen = 0; i < b->tiles; i++) {
        const batch_tile *t = &b->tile[i];
        const int64_t listed = f->firing(f->context, t->index, b->index + n, b->bit + n);
        const int first = n;
        for (int64_t k = 0; k < listed; k++) {
            const int64_t row = t->row + b->index[first + k];
            const device_segment here = device_rows_segment(r, row, row + 1, &seen);
            if (here.end <= here.first)
                continue;
            b->bit[n] = b->bit[first + k];
            b->index[n++] = here.first;
        }
    }
    TRY_DEVICE(d, d->ops->upload(d->device, b->index, (size_t)n * sizeof *b->index, a->listed));
    TRY_DEVICE(d, d->ops->upload(d->device, b->bit, (size_t)n * sizeof *b->bit, a->bit));
    TRY_DEVICE(d,
               d->ops->firing(d->device, &(device_firing){.x = r->x,
                                                          .stride = r->neurons,
                                                          .neurons = r->neurons,
                                                          .row = a->listed,
                                                          .bit = a->bit,
                                                          .n = n,
                                                          .word = a->firing + at * f->firing_words,
                                                          .words = f->firing_words}));
done:
    return st;
}

// Counts of the segments that are listed: `n` of them.
static status add_counts(pass *p, const device_rows *r, int64_t at, int n)
{
    status st;
    const device_model *d = p->device->d;
    const model_info *i = &p->m->config.info;
    const device_arrays *a = &d->arrays;
    TRY_DEVICE(d,
               d->ops->sums(d->device, &(device_sums){
                                           .x = r->x,
                                           .stride = r->neurons,
                                           .neurons = r->neurons,
                                           .segment = a->segment,
                                           .segments = n,
                                           .sum = a->sum + DEVICE_MOMENTS * (at - r->first_neuron) +
                                                  r->first_neuron,
                                           .positive = a->positive + at,
                                           .neurons_apart = model_site_width(i, r->site),
                                           .bad = bad_sums(d, i, r->layer, r->site),
                                       }));
    if (p->f->histogram)
        TRY_DEVICE(
            d, d->ops->histogram(d->device,
                                 &(device_histogram){.x = r->x,
                                                     .stride = r->neurons,
                                                     .neurons = r->neurons,
                                                     .segment = a->segment,
                                                     .segments = n,
                                                     .count = a->histogram + at * HISTOGRAM_BINS}));
done:
    return st;
}

status device_sum_rows(pass *p, const device_rows *r)
{
    status st;
    device_pass *b = p->device;
    const device_model *d = b->d;
    const model_info *i = &p->m->config.info;
    const int64_t at = totals_at(i, r->layer, r->site) + r->first_neuron;
    const int n = list_segments(b, r);
    if (r->site == SITE_MLP && i->experts > 0)
        for (int k = 0; k < n; k++)
            b->routed[(int64_t)r->layer * i->experts + r->first_neuron / i->d_expert] +=
                b->segment[k].end - b->segment[k].first;
    TRY_DEVICE(d, d->ops->upload(d->device, b->segment, (size_t)n * sizeof *b->segment,
                                 d->arrays.segment));
    TRY(add_counts(p, r, at, n));
    if (r->site == SITE_MLP && p->f->firing_words > 0)
        TRY(add_firing(p, r, at));
done:
    return st;
}

static size_t bad_slots(const model_info *i)
{
    return (size_t)(i->layers + 2) * 2 * SITES;
}

status device_clear_bad(const pass *p)
{
    const device_model *d = p->device->d;
    return device_check(d, d->ops->clear(d->device, d->arrays.bad,
                                         bad_slots(&p->m->config.info) * sizeof(int32_t)));
}

// Within a layer, attention comes first, then the router, then the MLP.
static const site in_order[SITES] = {SITE_ATTN, SITE_EXPERT, SITE_MLP};

static status check_layer(const model_info *i, const int32_t *bad, int layer)
{
    for (int k = 0; k < SITES; k++) {
        const site s = in_order[k];
        if (bad[(layer + 1) * SITES + (int)s])
            return site_not_finite(layer, s);
        const int32_t unit = layer < 0 ? 0 : bad[(i->layers + 2 + layer) * SITES + (int)s];
        if (unit > 0)
            return status_fail(ERR_NUMERIC, "model",
                               "%s layer %d unit %d: a sum of activations is NaN or out of range; "
                               "look for NaN or overflow in the model's weights, or use compute: "
                               "f32",
                               site_names[s], layer, unit - 1);
    }
    return OK;
}

status device_check_bad(const pass *p)
{
    status st;
    const device_model *d = p->device->d;
    const model_info *i = &p->m->config.info;
    int32_t *bad = p->device->bad;
    TRY_DEVICE(d, d->ops->download(d->device, d->arrays.bad, bad_slots(i) * sizeof *bad, bad));
    for (int layer = -1; layer < i->layers; layer++)
        TRY(check_layer(i, bad, layer));
    if (bad[(i->layers + 1) * SITES])
        st = status_fail(ERR_NUMERIC, "model", "NaN or infinity in the logits");
done:
    return st;
}

// An array of the device, all zeros: a new one where it does not fit. `array` points to its pointer.
static status clear_array(device_model *d, void *array, bool fits, size_t bytes)
{
    status st = OK;
    void **at = array;
    if (!fits) {
        d->ops->free(d->device, *at);
        *at = NULL;
        TRY_DEVICE(d, d->ops->alloc(d->device, bytes, at));
    }
    TRY_DEVICE(d, d->ops->clear(d->device, *at, bytes));
done:
    return st;
}

status device_clear_totals(const pass *p)
{
    status st;
    device_model *d = p->device->d;
    device_pass *b = p->device;
    device_arrays *a = &d->arrays;
    const model_info *i = &p->m->config.info;
    const size_t n = (size_t)totals_neurons(i), count = n * sizeof(int64_t);
    const size_t mlp = (size_t)i->layers * (size_t)i->d_mlp, words = (size_t)p->f->firing_words;
    TRY(clear_array(d, &a->sum, a->sum, DEVICE_MOMENTS * n * sizeof(device_fixed)));
    TRY(clear_array(d, &a->positive, a->positive, count));
    if (p->f->histogram)
        TRY(clear_array(d, &a->histogram, a->histogram, count * HISTOGRAM_BINS));
    if (words > 0) {
        TRY(clear_array(d, &a->firing, a->firing && a->firing_words >= p->f->firing_words,
                        mlp * words * sizeof *a->firing));
        if (a->firing_words < p->f->firing_words)
            a->firing_words = p->f->firing_words;
    }
    if (b->routed)
        memset(b->routed, 0, (size_t)i->layers * (size_t)i->experts * sizeof *b->routed);
done:
    return st;
}

// Rows of the batch that count.
static int64_t counted_rows(const pass *p)
{
    int64_t rows = 0;
    for (int64_t k = 0; k < p->tile.samples; k++) {
        const int64_t own = p->tile.first_row[k + 1] - p->tile.first_row[k] - p->f->skip_first;
        rows += own > 0 ? own : 0;
    }
    return rows;
}

// A layer's counts of a site, in this process's memory.
typedef struct layer_counts {
    const int64_t *positive, *firing, *histogram;
} layer_counts;

// A layer's sums of a site to the caller: an expert's by themselves.
static status give_layer(const pass *p, int layer, site s, const layer_counts *c)
{
    status st = OK;
    const forward *f = p->f;
    const model_info *i = &p->m->config.info;
    const int width = model_site_width(i, s);
    const bool sparse = s == SITE_MLP && i->experts > 0;
    const int each = sparse ? i->d_expert : width;
    const int64_t rows = counted_rows(p);
    for (int first = 0; first < width; first += each) {
        site_totals t = {s, layer, first, each, rows, {0}, c->positive + first, NULL, NULL};
        for (int m = 0; m < SITE_MOMENTS; m++)
            t.sum[m] = p->device->sum + (int64_t)m * width + first;
        t.firing = c->firing ? c->firing + first * f->firing_words : NULL;
        t.histogram = c->histogram ? c->histogram + (int64_t)first * HISTOGRAM_BINS : NULL;
        if (sparse)
            t.rows = p->device->routed[(int64_t)layer * i->experts + first / each];
        TRY(f->totals(f->context, p->thread, &t));
    }
done:
    return st;
}

// Brings `each` counts of each of a layer's neurons, of an array that `from` is the layer's part of.
static status bring_counts(const device_model *d, const int64_t *from, size_t values, int64_t **at,
                           const int64_t **out)
{
    *out = *at;
    *at += values;
    return device_check(d,
                        d->ops->download(d->device, from, values * sizeof *from, (int64_t *)*out));
}

static status bring_layer(const pass *p, int layer, site s)
{
    status st;
    const device_model *d = p->device->d;
    const device_arrays *a = &d->arrays;
    const forward *f = p->f;
    const size_t width = (size_t)model_site_width(&p->m->config.info, s);
    const int64_t first = totals_at(&p->m->config.info, layer, s);
    int64_t *at = p->device->counts;
    layer_counts c = {0};
    TRY_DEVICE(d, d->ops->download(d->device, a->sum + DEVICE_MOMENTS * first,
                                   DEVICE_MOMENTS * width * sizeof(fixed), p->device->sum));
    TRY(bring_counts(d, a->positive + first, width, &at, &c.positive));
    if (f->histogram)
        TRY(bring_counts(d, a->histogram + first * HISTOGRAM_BINS, width * HISTOGRAM_BINS, &at,
                         &c.histogram));
    if (f->firing_words > 0 && s == SITE_MLP)
        TRY(bring_counts(d, a->firing + first * f->firing_words, width * (size_t)f->firing_words,
                         &at, &c.firing));
    TRY(give_layer(p, layer, s, &c));
done:
    return st;
}

status device_give_totals(const pass *p)
{
    status st = OK;
    const layer_range held = p->m->config.held;
    for (site s = 0; s < SITES; s++)
        for (int l = held.first; p->f->read_sites[s] && l < held.end; l++)
            if (model_site_width(&p->m->config.info, s) > 0)
                TRY(bring_layer(p, l, s));
done:
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Rows are gathered by expert, so that an expert's weights are read once for all its rows, and
// experts are taken in ascending order: a row's sum over experts has one order, whatever rows are
// beside it.
#include "model/forward/experts.h"

#include <string.h>

#include "model/forward/mask.h"
#include "model/forward/mlp.h"
#include "model/forward/sites.h"
#include "model/forward/state.h"
#include "model/kernels/kernel_math.h"
#include "model/kernels/kernels.h"

// The softmax of what the router says of a row.
static void softmax(float *x, int n)
{
    const float largest = kernel_max(x, n);
    float sum = 0;
    for (int e = 0; e < n; e++) {
        x[e] = kernel_exp(x[e] - largest);
        sum += x[e];
    }
    for (int e = 0; e < n; e++)
        x[e] /= sum;
}

// A row's experts, and their weights in place of its logits: 0 of those that are not chosen.
static void choose_experts(const config *c, ranked_value *ranking, float *weight, int32_t *chosen)
{
    const int n = c->info.experts, k = c->info.experts_per_token;
    float sum = 0;
    softmax(weight, n);
    for (int e = 0; e < n; e++)
        ranking[e] = (ranked_value){weight[e], e};
    largest_choose(ranking, n, k);
    memset(weight, 0, (size_t)n * sizeof *weight);
    for (int i = 0; i < k; i++)
        sum += ranking[i].value;
    for (int i = 0; i < k; i++) {
        chosen[i] = ranking[i].index;
        weight[chosen[i]] = c->share_weights ? ranking[i].value / sum : ranking[i].value;
    }
}

// Lists each expert's rows, ascending.
static void list_rows(const model_info *info, int64_t rows, const routing *r)
{
    const int n = info->experts, k = info->experts_per_token;
    memset(r->first, 0, (size_t)(n + 1) * sizeof *r->first);
    for (int64_t i = 0; i < rows * k; i++)
        r->first[r->chosen[i] + 1]++;
    for (int e = 0; e < n; e++)
        r->first[e + 1] += r->first[e];
    for (int64_t i = 0; i < rows * k; i++)
        r->row[r->first[r->chosen[i]]++] = (int32_t)(i / k);
    for (int e = n; e > 0; e--) // each is now where the next one's begin
        r->first[e] = r->first[e - 1];
    r->first[0] = 0;
}

void experts_choose(const config *c, int64_t rows, const routing *r)
{
    const int n = c->info.experts, k = c->info.experts_per_token;
    for (int64_t row = 0; row < rows; row++)
        choose_experts(c, r->ranking, r->weight + row * n, r->chosen + row * k);
    list_rows(&c->info, rows, r);
}

static status route_rows(pass *p, int layer, const operand *x)
{
    status st;
    const config *c = &p->m->config;
    const int n = c->info.experts;
    const routing *r = &p->routing;
    const linear router = p->m->arch->router(p->m, layer);
    size_t at;
    TRY(linear_apply(p->products, &router, x, NULL, r->weight, n));
    if (!kernel_finite(r->weight, (size_t)p->rows * (size_t)n, &at)) {
        st = site_not_finite(layer, SITE_EXPERT);
        goto done;
    }
    experts_choose(c, p->rows, r);
    TRY(site_show(p, &(site_block){SITE_EXPERT, layer, 0, n, p->rows, r->weight, n, NULL},
                  r->weight));
done:
    return st;
}

// What an expert reads: its rows of x.
static operand gather_rows(const pass *p, const operand *from, const int32_t *row, int64_t rows)
{
    const int hidden = p->m->config.info.hidden_size;
    const bool half = p->m->packing == PACKING_BF16;
    const size_t bytes = (size_t)hidden * (half ? sizeof *from->half : sizeof *from->x);
    const char *source = half ? (const char *)from->half : (const char *)from->x;
    for (int64_t i = 0; i < rows; i++)
        memcpy((char *)p->routing.x + (size_t)i * bytes, source + (size_t)row[i] * bytes, bytes);
    return (operand){half ? NULL : p->routing.x, half ? p->routing.x : NULL, hidden, hidden, rows};
}

// to[row[i], :] += weight · y[i, :].
static void add_weighted(const pass *p, int expert, const int32_t *row, int64_t rows, float *to)
{
    const int hidden = p->m->config.info.hidden_size, n = p->m->config.info.experts;
    for (int64_t i = 0; i < rows; i++) {
        float *y = p->routing.y + i * hidden;
        kernel_scale(y, hidden, p->routing.weight[row[i] * n + expert], y);
        kernel_add_rows(y, 1, hidden, to + row[i] * (int64_t)hidden);
    }
}

static status run_expert(pass *p, int layer, int expert, const operand *x, float *to)
{
    status st;
    const routing *r = &p->routing;
    const int hidden = p->m->config.info.hidden_size;
    const int32_t *row = r->row + r->first[expert];
    const int64_t rows = r->first[expert + 1] - r->first[expert];
    const mlp_rows m = {layer, expert, gather_rows(p, x, row, rows), row};
    kernel_fill_rows(NULL, rows, hidden, hidden, r->y);
    TRY(mlp_run(p, &m, r->y));
    if (!p->sites_only)
        add_weighted(p, expert, row, rows, to);
done:
    return st;
}

status experts_run(pass *p, int layer, const operand *x, float *to)
{
    status st;
    const forward *f = p->f;
    const bool read = f->read && f->read_sites[SITE_MLP];
    TRY(route_rows(p, layer, x));
    if (p->sites_only && !read)
        goto done;
    for (int e = 0; e < p->m->config.info.experts; e++) {
        const bool pruned = mask_prunes_expert(f->mask, layer, e, !read);
        if (!pruned && p->routing.first[e + 1] > p->routing.first[e])
            TRY(run_expert(p, layer, e, x, to));
    }
done:
    return st;
}

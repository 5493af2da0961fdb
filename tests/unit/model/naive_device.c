// SPDX-License-Identifier: Apache-2.0
// Every sum is in float64 where the order is not said, so that distances from it are the kernels' own.
#include "naive_device.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/fixed.h"

struct device {
    size_t used;
    int calls;
};

static const naive_faults *faults;
static char line[128];

// Counts a call; a lost device fails every one.
static status called(device *d)
{
    if (!faults || faults->fails_after == 0 || ++d->calls <= faults->fails_after)
        return OK;
    snprintf(line, sizeof line, "the device is lost; start again on another one");
    return ERR_INTERRUPTED;
}

static status naive_count(int *devices)
{
    *devices = 1;
    return OK;
}

static status naive_open(int index, device **out)
{
    (void)index;
    *out = calloc(1, sizeof **out);
    return *out ? OK : ERR_INTERNAL;
}

static void naive_close(device *d)
{
    free(d);
}

static status naive_info(device *d, device_info *out)
{
    const size_t memory = faults && faults->memory > 0 ? faults->memory : (size_t)1 << 34;
    *out = (device_info){.name = "naive device",
                         .driver = "none",
                         .memory = memory,
                         .free = memory - d->used,
                         .row_block = NAIVE_ROW_BLOCK,
                         .id = 1};
    return called(d);
}

static const char *naive_said(const device *d)
{
    (void)d;
    return line;
}

static status naive_alloc(device *d, size_t bytes, void **out)
{
    if (faults && faults->memory > 0 && d->used + bytes > faults->memory) {
        snprintf(line, sizeof line, "out of memory: %zu bytes", bytes);
        return ERR_INTERNAL;
    }
    *out = malloc(bytes ? bytes : 1);
    if (*out)
        memset(*out, 0xff, bytes); // what nobody has written is NaN
    d->used += malloc_usable_size(*out);
    return *out ? called(d) : ERR_INTERNAL;
}

static void naive_free(device *d, void *at)
{
    d->used -= malloc_usable_size(at);
    free(at);
}

static status naive_host_alloc(device *d, size_t bytes, void **out)
{
    (void)d;
    *out = malloc(bytes ? bytes : 1);
    return *out ? OK : ERR_INTERNAL;
}

static void naive_host_free(device *d, void *at)
{
    (void)d;
    free(at);
}

static status naive_move(device *d, const void *from, size_t bytes, void *to)
{
    if (bytes > 0)
        memmove(to, from, bytes);
    return called(d);
}

static status naive_clear(device *d, void *at, size_t bytes)
{
    memset(at, 0, bytes);
    return called(d);
}

static uint16_t to_half(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (isnan(x))
        return (uint16_t)(bits >> 16 | 64);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float from_half(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float value_at(const void *at, bool half, int64_t i)
{
    return half ? from_half(((const uint16_t *)at)[i]) : ((const float *)at)[i];
}

static void put_value(void *at, device_type type, int64_t i, float x)
{
    if (type == DEVICE_BF16)
        ((uint16_t *)at)[i] = to_half(x);
    else
        ((float *)at)[i] = x;
}

static status naive_round(device *d, const float *x, size_t n, void *to)
{
    for (size_t i = 0; i < n; i++)
        put_value(to, DEVICE_BF16, (int64_t)i, x[i]);
    return called(d);
}

// The ten bits of a fraction that tf32 keeps.
static float to_tf32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0xfff + (bits >> 13 & 1)) & ~0x1fffU;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static status naive_linear(device *d, const device_linear *a)
{
    const bool half = a->compute == DEVICE_COMPUTE_BF16, tf32 = a->compute == DEVICE_COMPUTE_TF32;
    if (a->rows % NAIVE_ROW_BLOCK != 0) {
        snprintf(line, sizeof line, "a product of %lld rows", (long long)a->rows);
        return ERR_INTERNAL;
    }
    for (int64_t r = 0; r < a->rows; r++)
        for (int o = 0; o < a->out; o++) {
            double sum = a->bias ? (double)a->bias[o] : 0;
            for (int i = 0; i < a->in; i++) {
                float x = value_at(a->x, half, r * a->x_stride + i);
                float w = value_at(a->w, half, o * a->w_stride + i);
                sum += (double)(tf32 ? to_tf32(x) : x) * (double)(tf32 ? to_tf32(w) : w);
            }
            float *y = a->y + r * a->y_stride + o;
            *y = (float)(a->add ? (double)*y + sum : sum);
        }
    return called(d);
}

static status naive_norm(device *d, const device_norm *a)
{
    for (int64_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->x_stride;
        double mean = 0, square = 0;
        for (int i = 0; i < a->width; i++) {
            mean += (double)x[i] / a->width;
            if (!isfinite(x[i]) && a->bad)
                *a->bad = 1;
        }
        if (!a->bias)
            mean = 0;
        for (int i = 0; i < a->width; i++)
            square += ((double)x[i] - mean) * ((double)x[i] - mean) / a->width;
        const double by = 1 / sqrt(square + (double)a->eps);
        for (int i = 0; i < a->width; i++) {
            double y = (double)x[i];
            if (a->weight)
                y = (y - mean) * by * (double)a->weight[i] + (a->bias ? (double)a->bias[i] : 0);
            if (a->to)
                put_value(a->to, a->type, r * a->to_stride + i, (float)y);
            if (a->sum)
                a->sum[r * a->x_stride + i] = (float)y;
        }
    }
    return called(d);
}

static status naive_rotary(device *d, const device_rotary *a)
{
    const int half = a->dims / 2;
    for (int64_t r = 0; r < a->rows; r++)
        for (int h = 0; h < a->heads; h++)
            for (int i = 0; i < half; i++) {
                float *x = a->x + (r * a->heads + h) * a->head_dim + i;
                const float *t = a->table + (int64_t)a->turn[r] * a->dims;
                const float u = x[0], v = x[half];
                x[0] = u * t[i] - v * t[half + i];
                x[half] = v * t[i] + u * t[half + i];
            }
    return called(d);
}

// One query of one head, at `q`, over the keys of its sample.
static void attend(const device_attention *a, int s, int64_t query, int head, float *out)
{
    const int kv = head / (a->heads / a->kv_heads), dim = a->head_dim;
    const int64_t key = a->first_key[s], keys = a->first_key[s + 1] - key;
    const int64_t at = a->position[query];
    const int window = faults && faults->windowless ? 0 : a->window;
    const float *q = a->q + query * a->q_stride + head * dim;
    double *mixed = calloc((size_t)dim, sizeof *mixed), sum = 0, most = -INFINITY;
    double *score = calloc((size_t)keys, sizeof *score);
    for (int64_t k = 0; k < keys; k++) {
        const bool seen = !a->causal || (k <= at && (window == 0 || k > at - window));
        for (int i = 0; i < dim; i++)
            score[k] += (double)q[i] * (double)a->k[(key + k) * a->kv_stride + kv * dim + i];
        score[k] *= (double)a->scale;
        if (a->cap > 0)
            score[k] = (double)a->cap * tanh(score[k] / (double)a->cap);
        score[k] = seen ? score[k] : -INFINITY;
        most = fmax(most, score[k]);
    }
    for (int64_t k = 0; k < keys; k++) {
        const double weight = exp(score[k] - most);
        sum += weight;
        for (int i = 0; i < dim; i++)
            mixed[i] += weight * (double)a->v[(key + k) * a->kv_stride + kv * dim + i];
    }
    for (int i = 0; i < dim; i++)
        out[i] = (float)(mixed[i] / sum);
    free(mixed);
    free(score);
}

static status naive_attention(device *d, const device_attention *a)
{
    float *out = calloc((size_t)a->head_dim, sizeof *out);
    for (int s = 0; s < a->samples; s++)
        for (int64_t q = a->first_query[s]; q < a->first_query[s + 1]; q++)
            for (int h = 0; h < a->heads; h++) {
                attend(a, s, q, h, out);
                memcpy(a->out + q * a->q_stride + h * a->head_dim, out,
                       (size_t)a->head_dim * sizeof *out);
            }
    free(out);
    return called(d);
}

static double activated(device_activation act, double x)
{
    switch (act) {
    case DEVICE_ACT_GELU:
        return x * (1 + erf(x / sqrt(2))) / 2;
    case DEVICE_ACT_GELU_TANH:
        return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case DEVICE_ACT_QUICK_GELU:
        return x / (1 + exp(-1.702 * x));
    case DEVICE_ACT_SILU:
        return x / (1 + exp(-x));
    case DEVICE_ACT_RELU:
        return x < 0 ? 0 : x;
    default:
        return x;
    }
}

static status naive_site(device *d, const device_site *a)
{
    for (int64_t r = 0; r < a->rows; r++)
        for (int u = 0; u < a->neurons; u++) {
            float *x = a->x + r * a->stride + u;
            if (a->gate)
                *x = (float)(activated(a->act, (double)a->gate[r * a->stride + u]) * (double)*x);
            else
                *x = (float)activated(a->act, (double)*x);
            if (a->pruned && a->pruned[u])
                *x = 0;
            if (a->to)
                put_value(a->to, a->type, r * a->to_stride + u, *x);
        }
    return called(d);
}

// The sums of one neuron over a segment, as the table says; false: one is no number in range.
static bool sum_segment(const device_sums *a, device_segment s, int u)
{
    double sum[DEVICE_MOMENTS] = {0};
    if (faults && faults->forgets_sum)
        s.first++;
    for (int64_t first = s.first; first < s.end; first += DEVICE_RUN) {
        float run[DEVICE_MOMENTS] = {0};
        for (int64_t r = first; r < s.end && r < first + DEVICE_RUN; r++) {
            const float x = a->x[r * a->stride + u];
            run[0] += fabsf(x);
            run[1] += x;
            run[2] += x * x;
            run[3] += sqrtf(fabsf(x));
            a->positive[u] += x > 0;
        }
        for (int m = 0; m < DEVICE_MOMENTS; m++)
            sum[m] += (double)run[m];
    }
    for (int m = 0; m < DEVICE_MOMENTS; m++) {
        fixed all;
        device_fixed *to = &a->sum[m * a->neurons_apart + u];
        if (!(fabs(sum[m]) <= 0x1p60))
            return false;
        memcpy(&all, to, sizeof all);
        all += (fixed)rint(sum[m] * 0x1p60);
        memcpy(to, &all, sizeof all);
    }
    return true;
}

static status naive_sums(device *d, const device_sums *a)
{
    for (int k = 0; k < a->segments; k++)
        for (int u = 0; u < a->neurons; u++)
            if (!sum_segment(a, a->segment[k], u) && (*a->bad == 0 || *a->bad > u + 1))
                *a->bad = u + 1;
    return called(d);
}

static status naive_histogram(device *d, const device_histogram *a)
{
    for (int k = 0; k < a->segments; k++)
        for (int64_t r = a->segment[k].first; r < a->segment[k].end; r++)
            for (int u = 0; u < a->neurons; u++) {
                const double x = (double)a->x[r * a->stride + u], size = fabs(x);
                const double octaves = size < 0x1p-10 ? -1 : floor(2 * log2(size) + 20);
                const int m = octaves >= 30 ? 31 : octaves >= 0 ? 1 + (int)octaves : 0; // 0: NaN
                a->count[u * 64 + (x > 0 ? 32 + m : 31 - m)]++;
            }
    return called(d);
}

static status naive_firing(device *d, const device_firing *a)
{
    for (int i = 0; i < a->n; i++)
        for (int u = 0; u < a->neurons; u++)
            if (a->x[a->row[i] * a->stride + u] > 0)
                a->word[u * a->words + a->bit[i] / 56] |= (int64_t)1 << a->bit[i] % 56;
    return called(d);
}

static status naive_embed(device *d, const device_embed *a)
{
    for (int64_t r = 0; r < a->rows; r++)
        for (int i = 0; i < a->width; i++) {
            const int64_t row = a->index[r];
            const float x = row < 0 ? 0 : a->scale * a->table[row * a->width + i];
            float *to = a->to + r * a->width + i;
            *to = a->add ? *to + x : x;
        }
    return called(d);
}

static status naive_patches(device *d, const device_patches *a)
{
    const int across = a->width / a->patch_width;
    const int64_t plane = (int64_t)a->patch_height * a->patch_width, width = a->channels * plane;
    for (int64_t r = 0; r < a->images * a->rows_per_image; r++)
        for (int64_t i = 0; i < width; i++) {
            const int64_t image = r / a->rows_per_image, patch = r % a->rows_per_image - a->tokens;
            const int64_t y = patch / across * a->patch_height + i % plane / a->patch_width;
            const int64_t x = patch % across * a->patch_width + i % a->patch_width;
            const int64_t at = ((image * a->channels + i / plane) * a->height + y) * a->width + x;
            put_value(a->to, a->type, r * width + i, patch < 0 ? 0 : a->pixels[at]);
        }
    return called(d);
}

static status naive_places(device *d, const device_places *a)
{
    for (int64_t r = 0; r < a->images * a->rows_per_image; r++)
        for (int i = 0; i < a->width; i++) {
            const int64_t row = r % a->rows_per_image;
            float *x = a->x + r * a->width + i;
            *x = (row < a->set ? 0 : *x) + a->table[row * a->width + i];
        }
    return called(d);
}

static status naive_gather(device *d, const device_gather *a)
{
    const bool half = a->type == DEVICE_BF16;
    for (int64_t r = 0; r < a->filled; r++)
        for (int i = 0; i < a->width; i++)
            put_value(a->to, a->type, r * a->to_stride + i,
                      r < a->n ? value_at(a->from, half, a->row[r] * a->from_stride + i) : 0);
    return called(d);
}

static status naive_add(device *d, const device_add *a)
{
    for (int64_t r = 0; r < a->n; r++)
        for (int i = 0; i < a->width; i++) {
            float x = a->from[r * a->width + i];
            x = a->scale ? x * a->scale[i] : x;
            x = a->factor ? x * a->factor[r] : x;
            a->to[(a->row ? a->row[r] : r) * a->width + i] += x;
        }
    return called(d);
}

static bool comes_before(const device_answer *o, int k, float logit, int32_t id)
{
    return o->top[k] > logit || (o->top[k] == logit && o->id[k] < id);
}

static void fold_logit(device_answer *o, float logit, int32_t id)
{
    const double before = o->n > 0 ? o->sum * exp((double)o->max - fmax(logit, o->max)) : 0;
    o->max = o->n > 0 && o->max > logit ? o->max : logit;
    o->sum = before + exp((double)logit - (double)o->max);
    if (id == o->target)
        o->target_logit = logit;
    int at = o->n < DEVICE_RANKS ? o->n++ : DEVICE_RANKS;
    for (; at > 0 && !comes_before(o, at - 1, logit, id); at--)
        if (at < DEVICE_RANKS) {
            o->top[at] = o->top[at - 1];
            o->id[at] = o->id[at - 1];
        }
    if (at < DEVICE_RANKS) {
        o->top[at] = logit;
        o->id[at] = id;
    }
}

static status naive_fold(device *d, const device_fold *a)
{
    for (int64_t r = 0; r < a->rows; r++) {
        device_answer *o = &a->answer[r];
        if (a->first == 0)
            *o = (device_answer){.target = o->target};
        for (int i = 0; i < a->n; i++) {
            float *logit = a->logits + r * a->stride + i;
            if (!isfinite(*logit))
                *a->bad = 1;
            if (a->cap > 0)
                *logit = (float)((double)a->cap * tanh((double)*logit / (double)a->cap));
            fold_logit(o, *logit, a->first + i);
        }
    }
    return called(d);
}

const device_ops *naive_device(const naive_faults *f)
{
    static const device_ops ops = {
        .version = DEVICE_OPS_VERSION,
        .count = naive_count,
        .open = naive_open,
        .close = naive_close,
        .info = naive_info,
        .said = naive_said,
        .alloc = naive_alloc,
        .free = naive_free,
        .host_alloc = naive_host_alloc,
        .host_free = naive_host_free,
        .upload = naive_move,
        .download = naive_move,
        .clear = naive_clear,
        .copy = naive_move,
        .round = naive_round,
        .linear = naive_linear,
        .norm = naive_norm,
        .rotary = naive_rotary,
        .attention = naive_attention,
        .site = naive_site,
        .sums = naive_sums,
        .histogram = naive_histogram,
        .firing = naive_firing,
        .embed = naive_embed,
        .patches = naive_patches,
        .places = naive_places,
        .gather = naive_gather,
        .add = naive_add,
        .fold = naive_fold,
    };
    faults = f;
    return &ops;
}

// SPDX-License-Identifier: Apache-2.0
// The vision fixtures of tests/reference/make_vit.py, and a pass over their pixels that keeps
// logits, site statistics and hidden states.
#ifndef TESTS_MODEL_FIXTURE_H
#define TESTS_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/files/safetensors.h"
#include "model/model.h"

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) != OK)                                                                          \
            fail_msg("%s: %s", #call, status_text());                                              \
    } while (0)

enum { STATISTICS = 5 };
static const char *const statistic_names[STATISTICS] = {"mean_abs", "mean", "mean_square",
                                                        "mean_sqrt_abs", "positive"};

static const struct fixture_case {
    const char *name, *model;
} fixture_cases[] = {
    {"vit-glyph100", "examples/vit-glyph100"},
    {"vit-rect", "tests/reference/models/vit-rect"},
    {"vit-shards", "tests/reference/models/vit-shards"},
    {"vit-quick", "tests/reference/models/vit-quick"},
    {"vit-silu", "tests/reference/models/vit-silu"},
    {"deit", "tests/reference/models/deit"},
    {"deit-teacher", "tests/reference/models/deit-teacher"},
    {"timm-vit", "tests/reference/models/timm-vit"},
    {"timm-distilled", "tests/reference/models/timm-distilled"},
};
enum { FIXTURE_CASES = sizeof fixture_cases / sizeof *fixture_cases };

// What models are opened on; NULL: this machine's CPUs.
static const struct device_ops *fixture_device;

typedef struct fixture {
    model *m;
    const model_info *info;
    safetensors *expected;
    int64_t images;
    // What a pass produced; [images, outputs], [SITES][STATISTICS][L × U], [images × rows × H].
    float *logits;
    double *sums[SITES];
    float *hidden;
    prediction *answers;
    pthread_mutex_t lock;
    // How to run.
    const model_mask *mask;
    int threads;
    int64_t tile_images;
    bool read;
} fixture;

static inline const tensor *expected(const fixture *x, const char *name)
{
    for (size_t i = 0; i < safetensors_count(x->expected); i++)
        if (strcmp(safetensors_at(x->expected, i)->name, name) == 0)
            return safetensors_at(x->expected, i);
    fail_msg("the fixture has no %s", name);
    return NULL;
}

static inline const float *expected_values(const fixture *x, const char *name)
{
    return (const float *)(const void *)expected(x, name)->bytes;
}

// Opens fixture `name` and the model in `folder`, in that form.
static inline void fixture_open_in(compute form, fixture *x, const char *name, const char *folder)
{
    char path[256];
    *x = (fixture){.threads = 1, .tile_images = 3};
    pthread_mutex_init(&x->lock, NULL);
    snprintf(path, sizeof path, "tests/reference/%s.safetensors", name);
    assert_ok(safetensors_open(path, &x->expected));
    assert_ok(model_open(
        &(model_options){.path = folder, .compute = form, .device = fixture_device}, NULL, &x->m));
    x->info = model_get_info(x->m);
    x->images = (int64_t)expected(x, "pixels")->shape[0];
    x->logits = calloc((size_t)(x->images * x->info->outputs), sizeof *x->logits);
    x->answers = calloc((size_t)x->images, sizeof *x->answers);
    x->hidden = calloc((size_t)(x->images * x->info->rows_per_image * x->info->hidden_size),
                       sizeof *x->hidden);
    for (site s = 0; s < SITES; s++)
        x->sums[s] = calloc((size_t)STATISTICS * (size_t)x->info->layers *
                                (size_t)model_site_width(x->info, s),
                            sizeof *x->sums[s]);
}

static inline void fixture_open_model(fixture *x, const char *name, const char *folder)
{
    fixture_open_in(COMPUTE_F32, x, name, folder);
}

static inline void fixture_open(fixture *x, int i)
{
    fixture_open_model(x, fixture_cases[i].name, fixture_cases[i].model);
}

static inline void fixture_close(fixture *x)
{
    for (site s = 0; s < SITES; s++)
        free(x->sums[s]);
    free(x->logits);
    free(x->hidden);
    free(x->answers);
    model_close(x->m);
    safetensors_close(x->expected);
    pthread_mutex_destroy(&x->lock);
}

static inline status fixture_load(void *context, int64_t index, int thread, tile *t)
{
    (void)thread;
    const fixture *x = context;
    const size_t image =
        (size_t)x->info->channels * (size_t)x->info->image_height * (size_t)x->info->image_width;
    int64_t first = index * x->tile_images, left = x->images - first;
    t->samples = left < x->tile_images ? left : x->tile_images;
    memcpy(t->pixels, expected_values(x, "pixels") + (size_t)first * image,
           (size_t)t->samples * image * sizeof(float));
    for (int64_t s = 0; s < t->samples; s++)
        t->target[s] = (int32_t)((first + s) % x->info->outputs);
    return OK;
}

static inline status fixture_read(void *context, int64_t index, int thread, const tile *t,
                                  const site_block *b)
{
    (void)index, (void)thread, (void)t;
    fixture *x = context;
    const int neurons = model_site_width(x->info, b->site);
    const size_t plane = (size_t)x->info->layers * (size_t)neurons;
    double *to = x->sums[b->site] + (size_t)b->layer * (size_t)neurons + (size_t)b->first_neuron;
    pthread_mutex_lock(&x->lock);
    for (int64_t row = 0; row < b->rows; row++)
        for (int u = 0; u < b->neurons; u++) {
            double v = (double)b->x[row * b->stride + u];
            double add[STATISTICS] = {fabs(v), v, v * v, sqrt(fabs(v)), v > 0};
            for (int k = 0; k < STATISTICS; k++)
                to[(size_t)k * plane + (size_t)u] += add[k];
        }
    pthread_mutex_unlock(&x->lock);
    return OK;
}

static inline status fixture_result(void *context, int64_t index, int thread, const tile *t,
                                    const prediction *p, int64_t n)
{
    (void)thread, (void)t;
    fixture *x = context;
    for (int64_t i = 0; i < n; i++)
        x->answers[index * x->tile_images + p[i].row] = p[i];
    return OK;
}

static inline status fixture_logits(void *context, int64_t index, int thread, const tile *t,
                                    int64_t row, const float *logits)
{
    (void)thread, (void)t;
    fixture *x = context;
    memcpy(x->logits + (index * x->tile_images + row) * x->info->outputs, logits,
           (size_t)x->info->outputs * sizeof *logits);
    return OK;
}

static inline float *fixture_hidden(fixture *x, int64_t index)
{
    return x->hidden + index * x->tile_images * x->info->rows_per_image * x->info->hidden_size;
}

static inline status fixture_keep(void *context, int64_t index, int thread, const tile *t,
                                  const float *hidden)
{
    (void)thread;
    fixture *x = context;
    memcpy(fixture_hidden(x, index), hidden,
           (size_t)(t->rows * x->info->hidden_size) * sizeof *hidden);
    return OK;
}

static inline status fixture_restore(void *context, int64_t index, int thread, const tile *t,
                                     float *hidden)
{
    (void)thread;
    fixture *x = context;
    memcpy(hidden, fixture_hidden(x, index),
           (size_t)(t->rows * x->info->hidden_size) * sizeof *hidden);
    return OK;
}

// A pass over all images, as x says how; `change` may alter it further.
static inline status fixture_run(fixture *x, void (*change)(forward *f))
{
    pool *p = NULL;
    assert_ok(pool_new(x->threads, &p));
    for (site s = 0; s < SITES; s++)
        memset(x->sums[s], 0,
               (size_t)STATISTICS * (size_t)x->info->layers * (size_t)model_site_width(x->info, s) *
                   sizeof *x->sums[s]);
    forward f = {
        .context = x,
        .tiles = (x->images + x->tile_images - 1) / x->tile_images,
        .max_samples = x->tile_images,
        .max_rows = x->tile_images * x->info->rows_per_image,
        .load = fixture_load,
        .read = x->read ? fixture_read : NULL,
        .read_sites = {x->read, x->read},
        .result = fixture_result,
        .logits = fixture_logits,
        .mask = x->mask,
    };
    if (change)
        change(&f);
    status st = model_forward(x->m, p, &f);
    pool_free(p);
    return st;
}

// The largest absolute difference of n values.
static inline double distance(const float *a, const float *b, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

static inline double logits_distance(const fixture *x, const char *name)
{
    return distance(x->logits, expected_values(x, name), (size_t)(x->images * x->info->outputs));
}

#endif

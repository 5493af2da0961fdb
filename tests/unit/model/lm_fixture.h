// SPDX-License-Identifier: Apache-2.0
// The language fixtures of tests/reference/make_lm.py, and a pass over their samples that keeps
// logits, answers and site statistics.
#ifndef TESTS_MODEL_LM_FIXTURE_H
#define TESTS_MODEL_LM_FIXTURE_H

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

enum { LM_STATISTICS = 5 };
static const char *const lm_statistic_names[LM_STATISTICS] = {"mean_abs", "mean", "mean_square",
                                                              "mean_sqrt_abs", "positive"};

// What PyTorch made of a model, and the files that hold the model.
#define LM_MODELS "tests/reference/models/"
static const struct lm_case {
    const char *name, *model;
} lm_cases[] = {
    {"lm-debtext", "examples/mistral-debtext"},
    {"lm-llama", LM_MODELS "lm-llama"},
    {"lm-llama", LM_MODELS "lm-llama.gguf"},
    {"lm-mistral", LM_MODELS "lm-mistral"},
    {"lm-llama3", LM_MODELS "lm-llama3"},
    {"lm-smollm", LM_MODELS "lm-smollm"},
    {"lm-smollm", LM_MODELS "lm-smollm.gguf"},
    {"lm-qwen2", LM_MODELS "lm-qwen2"},
    {"lm-qwen2", LM_MODELS "lm-qwen2.gguf"},
    {"lm-qwen3", LM_MODELS "lm-qwen3"},
    {"lm-qwen3", LM_MODELS "lm-qwen3.gguf"},
    {"lm-gpt2", LM_MODELS "lm-gpt2"},
    {"lm-gpt2", LM_MODELS "lm-gpt2-bare"},
    {"lm-gpt2", LM_MODELS "lm-gpt2.gguf"},
    {"lm-qwen2-window", LM_MODELS "lm-qwen2-window"},
    {"lm-qwen3-window", LM_MODELS "lm-qwen3-window"},
    {"lm-gpt2-layers", LM_MODELS "lm-gpt2-layers"},
    {"lm-quants", LM_MODELS "lm-quants.gguf"},
    {"lm-yarn", LM_MODELS "lm-yarn"},
    {"lm-yarn2", LM_MODELS "lm-yarn2"},
    {"lm-yarn2", LM_MODELS "lm-yarn2.gguf"},
    {"lm-neox", LM_MODELS "lm-neox"},
    {"lm-neox", LM_MODELS "lm-neox.gguf"},
    {"lm-neox-serial", LM_MODELS "lm-neox-serial"},
    {"lm-olmo2", LM_MODELS "lm-olmo2"},
    {"lm-olmo3", LM_MODELS "lm-olmo3"},
    {"lm-olmo3", LM_MODELS "lm-olmo3.gguf"},
    {"lm-gemma", LM_MODELS "lm-gemma"},
    {"lm-gemma", LM_MODELS "lm-gemma.gguf"},
    {"lm-gemma2", LM_MODELS "lm-gemma2"},
    {"lm-gemma2-gguf", LM_MODELS "lm-gemma2-gguf"},
    {"lm-gemma2-gguf", LM_MODELS "lm-gemma2-gguf.gguf"},
    {"lm-gemma3", LM_MODELS "lm-gemma3"},
    {"lm-gemma3", LM_MODELS "lm-gemma3-images"},
    {"lm-gemma3-gguf", LM_MODELS "lm-gemma3-gguf"},
    {"lm-gemma3-gguf", LM_MODELS "lm-gemma3-gguf.gguf"},
    {"lm-phi", LM_MODELS "lm-phi"},
    {"lm-phi", LM_MODELS "lm-phi.gguf"},
    {"lm-phi3", LM_MODELS "lm-phi3"},
    {"lm-phi3", LM_MODELS "lm-phi3.gguf"},
    {"lm-opt", LM_MODELS "lm-opt"},
    {"lm-opt-350m", LM_MODELS "lm-opt-350m"},
    {"lm-bert", LM_MODELS "lm-bert"},
    {"lm-bert", LM_MODELS "lm-bert-published"},
    {"lm-bert-untied", LM_MODELS "lm-bert-untied"},
    {"lm-roberta", LM_MODELS "lm-roberta"},
    {"lm-xlm-roberta", LM_MODELS "lm-xlm-roberta"},
    {"lm-camembert", LM_MODELS "lm-camembert"},
    {"lm-dynamic", LM_MODELS "lm-dynamic"},
    {"lm-longrope", LM_MODELS "lm-longrope"},
};
enum { LM_CASES = sizeof lm_cases / sizeof *lm_cases };

// What models are opened on; NULL: this machine's CPUs.
static const struct device_ops *lm_device;

typedef struct lm {
    model *m;
    const model_info *info;
    safetensors *expected;
    int64_t samples, tokens, *first; // [samples + 1]
    int columns;                     // outputs whose logits are kept
    int64_t scored;
    // What a pass produced: [tokens, columns], [tokens], [SITES][LM_STATISTICS][L × U].
    float *logits;
    prediction *answers;
    double *sums[SITES];
    pthread_mutex_t lock;
    // How to run.
    const model_mask *mask;
    int threads;
    int64_t tile_samples;
    const int32_t *ids; // instead of the fixture's; NULL: those
    bool some;          // only what the fixture scores is
    bool read, whole;   // show all logits instead of the columns'
    // Optional: sees each block, of a tile whose rows begin at `first`.
    void (*watch)(void *context, int64_t first, const site_block *b);
    void *context;
    // What pruned neurons become, with a mask of model_mask_new_ablated; its context is this.
    status (*ablate)(void *x, int64_t index, int thread, const tile *t, const site_block *block,
                     const int32_t *neuron, int n, float *values);
} lm;

static inline const tensor *lm_expected(const lm *x, const char *name)
{
    for (size_t i = 0; i < safetensors_count(x->expected); i++)
        if (strcmp(safetensors_at(x->expected, i)->name, name) == 0)
            return safetensors_at(x->expected, i);
    fail_msg("the fixture has no %s", name);
    return NULL;
}

static inline const float *lm_reals(const lm *x, const char *name)
{
    return (const float *)(const void *)lm_expected(x, name)->bytes;
}

static inline const int32_t *lm_ints(const lm *x, const char *name)
{
    return (const int32_t *)(const void *)lm_expected(x, name)->bytes;
}

// What token t is to predict: the next one, or of a masked model itself; < 0: nothing.
static inline int32_t lm_target(const lm *x, int64_t t)
{
    const bool scored = lm_ints(x, "rank")[t] >= 0;
    if (x->info->masked)
        return lm_ints(x, "targets")[t];
    return scored ? lm_ints(x, "ids")[t + 1] : -1;
}

// Opens fixture `name` and the model at `path`.
static inline void lm_open_in(lm *x, compute c, const char *name, const char *path)
{
    char file[256];
    *x = (lm){.threads = 1, .tile_samples = 1};
    pthread_mutex_init(&x->lock, NULL);
    snprintf(file, sizeof file, "tests/reference/%s.safetensors", name);
    assert_ok(safetensors_open(file, &x->expected));
    assert_ok(
        model_open(&(model_options){.path = path, .threads = 2, .compute = c, .device = lm_device},
                   NULL, &x->m));
    x->info = model_get_info(x->m);
    x->samples = (int64_t)lm_expected(x, "lengths")->elements;
    x->columns = (int)lm_expected(x, "columns")->elements;
    x->first = calloc((size_t)x->samples + 1, sizeof *x->first);
    for (int64_t s = 0; s < x->samples; s++)
        x->first[s + 1] = x->first[s] + lm_ints(x, "lengths")[s];
    x->tokens = x->first[x->samples];
    x->logits = calloc((size_t)(x->tokens * x->columns), sizeof *x->logits);
    x->answers = calloc((size_t)x->tokens, sizeof *x->answers);
    for (site s = 0; s < SITES; s++)
        x->sums[s] = calloc((size_t)LM_STATISTICS * (size_t)x->info->layers *
                                (size_t)model_site_width(x->info, s),
                            sizeof *x->sums[s]);
}

static inline void lm_open(lm *x, const char *name, const char *path)
{
    lm_open_in(x, COMPUTE_F32, name, path);
}

static inline void lm_close(lm *x)
{
    for (site s = 0; s < SITES; s++)
        free(x->sums[s]);
    free(x->first);
    free(x->logits);
    free(x->answers);
    model_close(x->m);
    safetensors_close(x->expected);
    pthread_mutex_destroy(&x->lock);
}

static inline status lm_load(void *context, int64_t index, int thread, tile *t)
{
    (void)thread;
    const lm *x = context;
    int64_t begin = index * x->tile_samples, left = x->samples - begin;
    t->samples = left < x->tile_samples ? left : x->tile_samples;
    for (int64_t s = 0; s <= t->samples; s++)
        t->first_row[s] = x->first[begin + s] - x->first[begin];
    t->rows = t->first_row[t->samples];
    const int32_t *ids = (x->ids ? x->ids : lm_ints(x, "ids")) + x->first[begin];
    for (int64_t r = 0; r < t->rows; r++) {
        const int32_t target = lm_target(x, x->first[begin] + r);
        t->ids[r] = ids[r];
        // Logits are wanted of every token: where there is none, the target is made up.
        t->target[r] = target >= 0 || x->some ? target : 0;
    }
    return OK;
}

static inline status lm_read(void *context, int64_t index, int thread, const tile *t,
                             const site_block *b)
{
    (void)thread, (void)t;
    lm *x = context;
    const size_t neurons = (size_t)model_site_width(x->info, b->site);
    const size_t plane = (size_t)x->info->layers * neurons;
    double *to = x->sums[b->site] + (size_t)b->layer * neurons + (size_t)b->first_neuron;
    pthread_mutex_lock(&x->lock);
    if (x->watch)
        x->watch(x->context, x->first[index * x->tile_samples], b);
    for (int64_t row = 0; row < b->rows; row++)
        for (int u = 0; u < b->neurons; u++) {
            double v = (double)b->x[row * b->stride + u];
            double add[LM_STATISTICS] = {fabs(v), v, v * v, sqrt(fabs(v)), v > 0};
            for (int k = 0; k < LM_STATISTICS; k++)
                to[(size_t)k * plane + (size_t)u] += add[k];
        }
    pthread_mutex_unlock(&x->lock);
    return OK;
}

static inline status lm_result(void *context, int64_t index, int thread, const tile *t,
                               const prediction *p, int64_t n)
{
    (void)thread, (void)t;
    lm *x = context;
    for (int64_t i = 0; i < n; i++)
        x->answers[x->first[index * x->tile_samples] + p[i].row] = p[i];
    return OK;
}

static inline status lm_logits(void *context, int64_t index, int thread, const tile *t, int64_t row,
                               const float *logits)
{
    (void)thread, (void)t;
    lm *x = context;
    float *to = x->logits + (x->first[index * x->tile_samples] + row) * x->columns;
    for (int c = 0; c < x->columns; c++)
        to[c] = logits[x->whole ? lm_ints(x, "columns")[c] : c];
    return OK;
}

// A pass over all samples, as x says how.
static inline status lm_run(lm *x)
{
    pool *p = NULL;
    int64_t most = 0;
    for (int64_t s = 0; s < x->samples; s += x->tile_samples) {
        int64_t end = s + x->tile_samples < x->samples ? s + x->tile_samples : x->samples;
        most = x->first[end] - x->first[s] > most ? x->first[end] - x->first[s] : most;
    }
    assert_ok(pool_new(x->threads, &p));
    for (site s = 0; s < SITES; s++)
        memset(x->sums[s], 0,
               (size_t)LM_STATISTICS * (size_t)x->info->layers *
                   (size_t)model_site_width(x->info, s) * sizeof *x->sums[s]);
    forward f = {
        .context = x,
        .tiles = (x->samples + x->tile_samples - 1) / x->tile_samples,
        .max_samples = x->tile_samples,
        .max_rows = most,
        .load = lm_load,
        .read = x->read ? lm_read : NULL,
        .read_sites = {x->read, x->read, x->read},
        .result = lm_result,
        .logits = lm_logits,
        .candidates = x->whole ? NULL : lm_ints(x, "columns"),
        .n_candidates = x->whole ? 0 : x->columns,
        .mask = x->mask,
        .ablate = x->ablate,
    };
    status st = model_forward(x->m, p, &f);
    pool_free(p);
    return st;
}

// The largest absolute difference of the pass's logits from the fixture's `name`.
static inline double lm_distance(const lm *x, const char *name)
{
    const float *expected = lm_reals(x, name);
    double most = 0;
    for (int64_t i = 0; i < x->tokens * x->columns; i++)
        most = fmax(most, fabs((double)x->logits[i] - (double)expected[i]));
    return most;
}

#endif

// SPDX-License-Identifier: Apache-2.0
// Shapes are those of known models, so that a rate can be held against what others say of them;
// weights are drawn at random, since no rate depends on them.
#include "bench_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

double bench_median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

const char *bench_value(int argc, char **argv, const char *key, const char *otherwise)
{
    size_t n = strlen(key);
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], key, n) == 0 && argv[i][n] == '=')
            return argv[i] + n + 1;
    return otherwise;
}

int bench_number(int argc, char **argv, const char *key, const char *otherwise, int most)
{
    int n = atoi(bench_value(argc, argv, key, otherwise));
    return n < most ? n : most;
}

static const struct shape {
    const char *name;
    int layers, hidden, heads, mlp;
    const char *config; // of those four, in that order
} shapes[] = {
    {"vit-b", 12, 768, 12, 3072,
     "{\"model_type\": \"vit\", \"num_hidden_layers\": %d, \"hidden_size\": %d, "
     "\"num_attention_heads\": %d, \"intermediate_size\": %d, \"image_size\": 224, "
     "\"patch_size\": 16, \"num_labels\": 1000}\n"},
    {"smollm2", 30, 576, 9, 1536,
     "{\"model_type\": \"llama\", \"num_hidden_layers\": %d, \"hidden_size\": %d, "
     "\"num_attention_heads\": %d, \"intermediate_size\": %d, \"num_key_value_heads\": 3, "
     "\"vocab_size\": 49152, \"max_position_embeddings\": 2048, \"rope_theta\": 100000, "
     "\"rms_norm_eps\": 1e-5, \"tie_word_embeddings\": true}\n"},
    {"mistral-7b", 32, 4096, 32, 14336,
     "{\"model_type\": \"mistral\", \"num_hidden_layers\": %d, \"hidden_size\": %d, "
     "\"num_attention_heads\": %d, \"intermediate_size\": %d, \"num_key_value_heads\": 8, "
     "\"vocab_size\": 32000, \"max_position_embeddings\": 32768, \"rms_norm_eps\": 1e-5, "
     "\"tie_word_embeddings\": false}\n"},
    {"olmoe", 16, 2048, 16, 1024,
     "{\"model_type\": \"olmoe\", \"num_hidden_layers\": %d, \"hidden_size\": %d, "
     "\"num_attention_heads\": %d, \"intermediate_size\": %d, \"num_experts\": 64, "
     "\"num_experts_per_tok\": 8, \"vocab_size\": 50304, \"max_position_embeddings\": 4096, "
     "\"tie_word_embeddings\": false}\n"},
};

static const struct shape *find_shape(const char *name)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    return NULL;
}

// From a configuration that is written for the moment.
static status open_shape(const struct shape *s, int layers, int width, bench_open_fn *open,
                         void *context)
{
    status st;
    char folder[] = "/tmp/bench.XXXXXX", path[64], config[1024];
    if (!mkdtemp(folder))
        return status_fail_errno(ERR_IO, folder, "cannot make a folder");
    snprintf(path, sizeof path, "%s/config.json", folder);
    snprintf(config, sizeof config, s->config, layers ? layers : s->layers, s->hidden * width,
             s->heads * width, s->mlp * width);
    TRY(file_write_atomic(path, config, strlen(config)));
    st = open(context, &(model_options){.path = folder, .random = true, .seed = 1});
done:
    unlink(path);
    rmdir(folder);
    return st;
}

// A folder with a configuration and nothing else.
static bool lacks_weights(const char *name)
{
    static const char *const files[] = {"model.safetensors", "model.safetensors.index.json"};
    bool lacks = file_is_folder(name);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = file_join(name, files[i]);
        lacks = lacks && path && !file_exists(path);
        free(path);
    }
    return lacks;
}

status bench_open(const char *name, int layers, int width, bench_open_fn *open, void *context)
{
    const struct shape *s = find_shape(name);
    if (s)
        return open_shape(s, layers, width, open, context);
    return open(context, &(model_options){.path = name, .random = lacks_weights(name), .seed = 1});
}

float *bench_values(size_t n, float scale)
{
    float *v = checked_aligned(n, sizeof *v);
    for (size_t i = 0; v && i < n; i++)
        v[i] = scale * (float)((i * 7919) % 1009) / 1009 - scale / 2;
    return v;
}

static size_t pixels_of(const bench_tiles *t)
{
    const model_info *i = t->info;
    return (size_t)t->samples * (size_t)i->channels * (size_t)i->image_height *
           (size_t)i->image_width;
}

status bench_tiles_new(const model_info *info, int64_t rows, int64_t length, bench_tiles *out)
{
    const int64_t wanted = rows > 0 ? rows : model_tile_rows(info);
    *out = (bench_tiles){.info = info, .length = length};
    if (info->modality == MODALITY_IMAGE)
        out->length = info->rows_per_image;
    out->samples = (wanted + out->length - 1) / out->length;
    out->rows = out->samples * out->length;
    out->pixels = bench_values(pixels_of(out), 2);
    return out->pixels ? OK : status_no_memory("the benchmark");
}

void bench_tiles_free(bench_tiles *t)
{
    free(t->pixels);
    t->pixels = NULL;
}

void bench_tiles_load(const bench_tiles *t, int64_t index, tile *out)
{
    out->samples = t->samples;
    if (t->info->modality == MODALITY_IMAGE) {
        memcpy(out->pixels, t->pixels, pixels_of(t) * sizeof *out->pixels);
        memset(out->target, 0, (size_t)t->samples * sizeof *out->target);
        return;
    }
    out->rows = t->rows;
    for (int64_t s = 0; s <= t->samples; s++)
        out->first_row[s] = s * t->length;
    for (int64_t r = 0; r < t->rows; r++) {
        out->ids[r] = (int32_t)((index * 131 + r * 7919) % t->info->outputs);
        out->target[r] = (int32_t)((r * 31) % t->info->outputs);
    }
}

status bench_sums_new(int64_t units, moments *out)
{
    double *sums = checked_calloc(MOMENTS * (size_t)units, sizeof *sums);
    out->positive = checked_calloc((size_t)units, sizeof *out->positive);
    for (int m = 0; sums && m < MOMENTS; m++)
        out->sum[m] = sums + m * units;
    return sums && out->positive ? OK : status_no_memory("the benchmark");
}

void bench_sums_free(moments *m)
{
    free(m->sum[0]);
    free(m->positive);
}

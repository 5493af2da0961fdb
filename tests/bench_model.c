// SPDX-License-Identifier: Apache-2.0
// How much of the matrix products' own speed a forward pass reaches: a pass that reads both sites,
// as `collect` does, or that answers, as `prune` does, against its products alone, with the same
// shapes and threads, alternating in one process.
//
//   bench_model [KEY=VALUE ...]
//     model=vit-b     a model folder, or vit-b, smollm2, mistral-7b: those shapes, random weights
//     layers=N        of a shape; 0: its own
//     width=1         hidden size, heads and MLP of a shape, times its own
//     compute=f32     or bf16
//     what=collect    or answer (all logits)
//     rows=0          of a tile; 0: model_tile_rows
//     length=512      tokens of a text sample
//     alone=yes       no: leave the products alone out
//     threads=2  repeats=7  tiles=2 (a thread)
//
// Prints one line: rows/s of the pass and of the products (medians over the repeats), the share
// with its spread, and the process's peak memory.
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "model/kernels/attention.h"
#include "model/kernels/bfloat16.h"
#include "model/kernels/linear.h"
#include "model/kernels/products_avx512.h"
#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "stages/collect/moments.h"

enum { MAX_THREADS = 64, MAX_REPEATS = 99, MAX_MAPS = 8, HEAD_TILE = 2048 };

typedef struct options {
    const char *model, *compute, *what, *alone;
    int layers, width, rows, length, threads, repeats, tiles;
} options;

// A thread's rows.
typedef struct lane {
    float *in, *out, *scores;
    uint16_t *half;
    products *products;
    moments sums;
} lane;

typedef struct bench {
    const model_info *info;
    options options;
    packing form;                  // of the products alone
    int64_t samples, length, rows; // of a tile
    float *pixels;
    int maps;
    linear map[MAX_MAPS]; // of a layer; their weights serve all layers but lie apart
    linear head;
    void **weights; // [layers × maps + 1]
    lane lane[MAX_THREADS];
} bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static status load(void *context, int64_t index, int thread, tile *t)
{
    (void)thread;
    const bench *b = context;
    const model_info *i = b->info;
    t->samples = b->samples;
    if (i->modality == MODALITY_IMAGE) {
        memcpy(t->pixels, b->pixels,
               (size_t)b->samples * (size_t)i->channels * (size_t)i->image_height *
                   (size_t)i->image_width * sizeof(float));
        memset(t->target, 0, (size_t)b->samples * sizeof *t->target);
        return OK;
    }
    t->rows = b->rows;
    for (int64_t s = 0; s <= b->samples; s++)
        t->first_row[s] = s * b->length;
    for (int64_t r = 0; r < b->rows; r++) {
        t->ids[r] = (int32_t)((index * 131 + r * 7919) % i->outputs);
        t->target[r] = (int32_t)((r * 31) % i->outputs);
    }
    return OK;
}

static status read_site(void *context, int64_t index, int thread, const tile *t,
                        const site_block *s)
{
    (void)index, (void)t;
    bench *b = context;
    moments_of_block(s->x, s->rows, s->stride, s->neurons, &b->lane[thread].sums);
    return OK;
}

static status take_answers(void *context, int64_t index, int thread, const tile *t,
                           const prediction *p, int64_t n)
{
    (void)index, (void)t, (void)p;
    bench *b = context;
    b->lane[thread].sums.positive[0] += n;
    return OK;
}

static status map_rows(const bench *b, lane *t, const linear *l, const float *x, float *y)
{
    operand o = {x, b->form == PACKING_BF16 ? t->half : NULL, l->in, l->in, b->rows};
    return linear_apply(t->products, l, &o, y, l->out);
}

// The products of a block of queries' attention in the form of the maps, with weights for keys and
// values; OpenBLAS's are larger blocks' without packed ones.
static void attend_block(const bench *b, lane *t, float *at, int rows, int keys)
{
    const model_info *i = b->info;
    const int d = i->head_dim, a = i->heads * d;
    const void *w = b->weights[0];
    if (b->form == PACKING_NONE) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, keys, d, 1, at, a, t->in, a, 0,
                    t->scores, keys);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, d, keys, 1, t->scores, keys,
                    t->in, a, 0, at, a);
        return;
    }
    const void *x = b->form == PACKING_BF16 ? (const void *)t->half : t->in;
    const product_shape score = {b->form, rows, keys, d, a, keys, false, false};
    products_avx512_run(&score, x, w, NULL, t->scores);
    const product_shape mix = {b->form, rows, d, keys, keys, a, false, false};
    products_avx512_run(&mix, x, w, NULL, at);
}

// A tile's attention, without the softmax.
static void attend(const bench *b, lane *t)
{
    const model_info *i = b->info;
    const int a = i->heads * i->head_dim, n = (int)b->length;
    for (int64_t s = 0; s < b->samples; s++)
        for (int h = 0; h < i->heads; h++)
            for (int first = 0; first < n; first += ATTENTION_BLOCK) {
                const int rows = n - first < ATTENTION_BLOCK ? n - first : ATTENTION_BLOCK;
                attend_block(b, t, t->out + (s * n + first) * a + h * i->head_dim, rows,
                             i->modality == MODALITY_TEXT ? first + rows : n);
            }
}

static status products_of_tile(void *context, int64_t item, int thread)
{
    (void)item;
    status st = OK;
    bench *b = context;
    lane *t = &b->lane[thread];
    products_begin();
    const bool answers = strcmp(b->options.what, "answer") == 0;
    for (int l = 0; l < b->info->layers; l++) {
        for (int k = 0; k < b->maps; k++) {
            linear m = b->map[k];
            void *w = b->weights[l * b->maps + k];
            if (m.packed.at)
                m.packed.at = w;
            else
                m.w = w;
            if (k == b->maps - 1 && l == b->info->layers - 1 && !answers)
                break; // as the pass: what the last layer's MLP gives is not read
            TRY(map_rows(b, t, &m, t->in, t->out));
        }
        attend(b, t);
    }
    for (int first = 0; answers && b->info->modality == MODALITY_TEXT && first < b->head.out;
         first += HEAD_TILE) {
        int left = b->head.out - first;
        linear part = linear_outputs(&b->head, first, left < HEAD_TILE ? left : HEAD_TILE);
        TRY(map_rows(b, t, &part, t->in, t->out));
    }
done:
    return st;
}

static float *make_values(size_t n, float scale)
{
    float *v = checked_aligned(n, sizeof *v);
    for (size_t i = 0; v && i < n; i++)
        v[i] = scale * (float)((i * 7919) % 1009) / 1009 - scale / 2;
    return v;
}

// Weights of a map in the products' form.
static status make_weights(const bench *b, int out, int in, linear *l, void **w)
{
    if (b->form == PACKING_NONE) {
        *w = make_values((size_t)out * (size_t)in, 0.01f);
        *l = linear_whole(*w, NULL, out, in);
        return *w ? OK : status_no_memory("the benchmark");
    }
    packed p = {NULL, b->form, out, in};
    float *rows = make_values((size_t)PACK_OUTPUTS * (size_t)in, 0.01f);
    p.at = *w = checked_aligned(packed_bytes(b->form, out, in), 1);
    for (int first = 0; rows && *w && first < out; first += PACK_OUTPUTS)
        packed_put(&p, *w, first, out - first < PACK_OUTPUTS ? out - first : PACK_OUTPUTS, rows);
    free(rows);
    *l = linear_packed(&p, NULL);
    return *w && rows ? OK : status_no_memory("the benchmark");
}

static status prepare_maps(bench *b, bool gated)
{
    status st = OK;
    const model_info *i = b->info;
    const int h = i->hidden_size, a = i->heads * i->head_dim, kv = i->kv_heads * i->head_dim;
    const int shape[][2] = {{a, h}, {kv, h}, {kv, h}, {h, a}, {i->d_mlp, h}, {i->d_mlp, h}};
    b->maps = 0;
    b->weights = checked_calloc((size_t)i->layers * MAX_MAPS + 1, sizeof *b->weights);
    if (!b->weights)
        return status_no_memory("the benchmark");
    const int before = gated ? 6 : 5;
    for (int l = 0; l < i->layers; l++) {
        b->maps = before + 1;
        for (int k = 0; k < before; k++)
            TRY(make_weights(b, shape[k][0], shape[k][1], &b->map[k],
                             &b->weights[l * b->maps + k]));
        TRY(make_weights(b, h, i->d_mlp, &b->map[before], &b->weights[l * b->maps + before]));
    }
    TRY(make_weights(b, i->outputs, h, &b->head, &b->weights[i->layers * b->maps]));
done:
    return st;
}

static status prepare(bench *b)
{
    status st = OK;
    const model_info *i = b->info;
    const size_t h = (size_t)i->hidden_size, a = (size_t)i->heads * (size_t)i->head_dim;
    const size_t f = (size_t)i->d_mlp, rows = (size_t)b->rows;
    size_t widest = f > a ? f : a;
    widest = widest > h ? widest : h;
    widest = widest > HEAD_TILE ? widest : HEAD_TILE;
    b->pixels = make_values((size_t)b->samples * (size_t)i->channels * (size_t)i->image_height *
                                (size_t)i->image_width,
                            2);
    TRY(b->pixels ? OK : status_no_memory("the benchmark"));
    for (int t = 0; t < b->options.threads; t++) {
        lane *own = &b->lane[t];
        TRY(products_new(ENGINE_BEST, &own->products));
        own->in = make_values(rows * widest, 1);
        own->out = make_values(rows * widest, 1);
        own->half = checked_calloc(rows * widest, sizeof *own->half);
        own->scores = make_values((size_t)b->length * ATTENTION_BLOCK, 1);
        double *sums = checked_calloc(MOMENTS * widest, sizeof *sums);
        own->sums.positive = checked_calloc(widest, sizeof *own->sums.positive);
        if (!own->in || !own->out || !own->half || !own->scores || !sums || !own->sums.positive)
            TRY(status_no_memory("the benchmark"));
        bfloat16_round(own->in, rows * widest, own->half);
        for (int m = 0; m < MOMENTS; m++)
            own->sums.sum[m] = sums + (size_t)m * widest;
    }
done:
    return st;
}

static void release_maps(bench *b)
{
    for (int i = 0; b->weights && i <= b->info->layers * b->maps; i++)
        free(b->weights[i]);
    free(b->weights);
    b->weights = NULL;
}

static void release(bench *b)
{
    for (int t = 0; t < b->options.threads; t++) {
        lane *own = &b->lane[t];
        free(own->in);
        free(own->out);
        free(own->half);
        free(own->scores);
        free(own->sums.sum[0]);
        free(own->sums.positive);
        products_free(own->products);
    }
    free(b->pixels);
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

static forward pass_of(bench *b, int64_t tiles)
{
    forward f = {
        .context = b, .tiles = tiles, .max_samples = b->samples, .max_rows = b->rows, .load = load};
    if (strcmp(b->options.what, "answer") == 0) {
        f.result = take_answers;
    } else {
        f.read = read_site;
        f.read_sites[SITE_MLP] = f.read_sites[SITE_ATTN] = true;
    }
    return f;
}

static status compare(model *m, bench *b)
{
    status st;
    pool *p = NULL;
    const int n = b->options.repeats;
    double pass_time[MAX_REPEATS], product_time[MAX_REPEATS], reached[MAX_REPEATS];
    const int64_t tiles = (int64_t)b->options.threads * b->options.tiles;
    const forward f = pass_of(b, tiles);
    struct rusage use;
    TRY(pool_new(b->options.threads, &p));
    TRY(model_forward(m, p, &f)); // pages, caches
    const bool alone_too = b->options.alone[0] != 'n';
    if (alone_too)
        TRY(pool_run(p, b->options.threads, products_of_tile, b));
    for (int r = 0; r < n; r++) {
        double begin = now();
        TRY(model_forward(m, p, &f));
        double middle = now();
        if (alone_too)
            TRY(pool_run(p, tiles, products_of_tile, b));
        pass_time[r] = middle - begin;
        product_time[r] = now() - middle;
        reached[r] = product_time[r] / pass_time[r];
    }
    const double rows = (double)(tiles * b->rows);
    const double pass = median(pass_time, n), alone = median(product_time, n);
    const double share_of = 100 * median(reached, n);
    getrusage(RUSAGE_SELF, &use);
    printf("%s %s %s: tile %lld rows, %d threads: pass %.0f rows/s (%.0f to %.0f), products alone "
           "(%s) %.0f rows/s; share %.1f%% (%.1f to %.1f); peak %ld MB\n",
           b->options.model, b->options.compute, b->options.what, (long long)b->rows,
           b->options.threads, rows / pass, rows / pass_time[n - 1], rows / pass_time[0],
           b->form == PACKING_NONE ? "OpenBLAS" : products_name(b->form), rows / alone, share_of,
           100 * reached[0], 100 * reached[n - 1], use.ru_maxrss >> 10);
done:
    pool_free(p);
    return st;
}

static const struct {
    const char *name;
    int layers, hidden, heads, mlp;
    const char *config; // of those four, in that order
} shapes[] = {
    {"vit-b", 4, 768, 12, 3072,
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
};

// Opens a model folder, or a shape from a configuration written for the moment.
static status open_model(const options *o, model **out)
{
    status st = OK;
    char folder[] = "/tmp/bench_model.XXXXXX", path[64], text[1024];
    model_options open = {.path = o->model, .threads = o->threads};
    open.compute = strcmp(o->compute, "bf16") == 0 ? COMPUTE_BF16 : COMPUTE_F32;
    const char *config = NULL;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].name, o->model) == 0) {
            config = shapes[i].config;
            snprintf(text, sizeof text, config, o->layers ? o->layers : shapes[i].layers,
                     shapes[i].hidden * o->width, shapes[i].heads * o->width,
                     shapes[i].mlp * o->width);
        }
    if (!config)
        return model_open(&open, NULL, out);
    if (!mkdtemp(folder))
        return status_fail_errno(ERR_IO, folder, "cannot make a folder");
    snprintf(path, sizeof path, "%s/config.json", folder);
    open.path = folder;
    open.random = true;
    TRY(file_write_atomic(path, text, strlen(text)));
    double begin = now();
    TRY(model_open(&open, NULL, out));
    fprintf(stderr, "opened in %.1f s\n", now() - begin);
done:
    unlink(path);
    rmdir(folder);
    return st;
}

static const char *value_of(int argc, char **argv, const char *key, const char *otherwise)
{
    size_t n = strlen(key);
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], key, n) == 0 && argv[i][n] == '=')
            return argv[i] + n + 1;
    return otherwise;
}

static int number_of(int argc, char **argv, const char *key, const char *otherwise, int most)
{
    int n = atoi(value_of(argc, argv, key, otherwise));
    return n < most ? n : most;
}

int main(int argc, char **argv)
{
    status st;
    model *m = NULL;
    bench b = {0};
    b.options = (options){
        .model = value_of(argc, argv, "model", "vit-b"),
        .compute = value_of(argc, argv, "compute", "f32"),
        .what = value_of(argc, argv, "what", "collect"),
        .alone = value_of(argc, argv, "alone", "yes"),
        .layers = number_of(argc, argv, "layers", "0", 1000),
        .width = number_of(argc, argv, "width", "1", 100),
        .rows = number_of(argc, argv, "rows", "0", 1 << 20),
        .length = number_of(argc, argv, "length", "512", 1 << 16),
        .threads = number_of(argc, argv, "threads", "2", MAX_THREADS),
        .repeats = number_of(argc, argv, "repeats", "7", MAX_REPEATS),
        .tiles = number_of(argc, argv, "tiles", "2", 1000),
    };
    TRY(open_model(&b.options, &m));
    b.info = model_get_info(m);
    b.length = b.info->modality == MODALITY_IMAGE ? b.info->rows_per_image : b.options.length;
    const int64_t wanted = b.options.rows > 0 ? b.options.rows : model_tile_rows(b.info);
    b.samples = (wanted + b.length - 1) / b.length;
    b.rows = b.samples * b.length;
    TRY(prepare(&b));
    for (int k = 0; k < 2; k++) { // OpenBLAS's products too, where the pass runs on others
        packing own = model_products(m);
        if (k == 0 && own == PACKING_BF16)
            continue;
        if (k == 1 && own == PACKING_NONE)
            break;
        b.form = k == 0 ? PACKING_NONE : own;
        if (b.options.alone[0] != 'n')
            TRY(prepare_maps(&b, b.info->modality == MODALITY_TEXT));
        TRY(compare(m, &b));
        release_maps(&b);
    }
done:
    if (st != OK)
        fprintf(stderr, "bench_model: %s\n", status_text());
    release(&b);
    model_close(m);
    return (int)st;
}

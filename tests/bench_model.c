// SPDX-License-Identifier: Apache-2.0
// How much of the matrix products' own speed a forward pass reaches: a pass that reads both sites,
// as `collect` may, or that answers, as `prune` does, against its products alone, with the same
// shapes and threads, alternating in one process.
//
//   bench_model [KEY=VALUE ...]
//     model=vit-b     a model folder, whose weights are random where it has none, or vit-b, smollm2,
//                     mistral-7b, olmoe: those shapes, random weights
//     layers=N        of a shape; 0: its own
//     width=1         hidden size, heads and MLP of a shape, times its own
//     compute=f32     or bf16; on a device tf32 too
//     device=cpu      or cuda: the plug-in's that lies beside this program; `alone` is then what its
//                     product reaches, in batches as large as a pass's may be
//     what=collect    reads both sites; mlp: that one; answer: all logits; mlp-answer: both of these
//     rows=0          of a tile; 0: model_tile_rows
//     length=512      tokens of a text sample
//     alone=yes       no: leave the products alone out
//     clock=wall      or cpu: what the process took of the processors, for machines that do other
//                     things too
//     engine=best     amx, avx512 or onednn: what runs the pass's products
//     threads=2  repeats=7  tiles=2 (a thread; at most 10,000)
//
// Prints one line: rows/s of the pass and of the products (medians over the repeats), the share
// with its spread, and the process's peak memory.
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench_common.h"
#include "bench_device.h"
#include "model/kernels/attention.h"
#include "model/kernels/bfloat16.h"
#include "model/kernels/linear.h"
#include "model/kernels/products_amx.h"
#include "model/kernels/products_avx512.h"
#include "model/kernels/products_onednn.h"
#include "pipeline/base/checked.h"

enum { MAX_MAPS = 8, HEAD_TILE = 2048 };

typedef struct options {
    const char *model, *compute, *what, *alone, *engine, *clock, *device;
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
    model *model;
    const model_info *info;
    options options;
    packing form; // of the products alone
    bench_tiles tiles;
    int maps;
    linear map[MAX_MAPS]; // of a layer; their weights serve all layers but lie apart
    linear head;
    void **weights; // [layers × maps + 1]
    lane lane[BENCH_THREADS];
    found_device found;
    device_alone *on_device; // the products alone there
} bench;

static status load(void *context, int64_t index, int thread, tile *t)
{
    (void)thread;
    const bench *b = context;
    bench_tiles_load(&b->tiles, index, t);
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

// In place of read_site where a device has summed.
static status add_totals(void *context, int thread, const site_totals *t)
{
    bench *b = context;
    b->lane[thread].sums.positive[0] += t->positive[0];
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

static bool wants_answers(const bench *b)
{
    return strstr(b->options.what, "answer") != NULL;
}

static status map_rows(const bench *b, lane *t, const linear *l, const float *x, float *y)
{
    operand o = {x, b->form == PACKING_BF16 ? t->half : NULL, l->in, l->in, b->tiles.rows};
    return linear_apply(t->products, l, &o, NULL, y, l->out);
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
    const product_shape score = {b->form, rows, keys, d, a, keys, false, false, NULL};
    products_run_own(t->products, &score, x, w, t->scores);
    const product_shape mix = {b->form, rows, d, keys, keys, a, false, false, NULL};
    products_run_own(t->products, &mix, x, w, at);
}

// A tile's attention, without the softmax.
static void attend(const bench *b, lane *t)
{
    const model_info *i = b->info;
    const int a = i->heads * i->head_dim, n = (int)b->tiles.length;
    for (int64_t s = 0; s < b->tiles.samples; s++)
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
    const bool answers = wants_answers(b);
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

// Weights of a map in the products' form.
static status make_weights(const bench *b, int out, int in, linear *l, void **w)
{
    if (b->form == PACKING_NONE) {
        *w = bench_values((size_t)out * (size_t)in, 0.01f);
        *l = linear_whole(*w, NULL, out, in);
        return *w ? OK : status_no_memory("the benchmark");
    }
    packed p = {NULL, b->form, out, in};
    float *rows = bench_values((size_t)PACK_OUTPUTS * (size_t)in, 0.01f);
    p.at = *w = checked_aligned(packed_bytes(b->form, out, in), 1);
    for (int first = 0; rows && *w && first < out; first += PACK_OUTPUTS)
        packed_put(&p, *w, first, out - first < PACK_OUTPUTS ? out - first : PACK_OUTPUTS, rows);
    free(rows);
    *l = linear_packed(&p, NULL);
    return *w && rows ? OK : status_no_memory("the benchmark");
}

// Neurons that a token goes through: a sparse model is measured against a dense one of that width.
static int inside_of(const model_info *i)
{
    return i->experts > 0 ? i->experts_per_token * i->d_expert : i->d_mlp;
}

static status prepare_maps(bench *b, bool gated)
{
    status st = OK;
    const model_info *i = b->info;
    const int inside = inside_of(i);
    const int h = i->hidden_size, a = i->heads * i->head_dim, kv = i->kv_heads * i->head_dim;
    const int shape[][2] = {{a, h}, {kv, h}, {kv, h}, {h, a}, {inside, h}, {inside, h}};
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
        TRY(make_weights(b, h, inside, &b->map[before], &b->weights[l * b->maps + before]));
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
    const size_t f = (size_t)inside_of(i), rows = (size_t)b->tiles.rows;
    size_t widest = f > a ? f : a;
    widest = widest > h ? widest : h;
    widest = widest > HEAD_TILE ? widest : HEAD_TILE;
    for (int t = 0; t < b->options.threads; t++) {
        lane *own = &b->lane[t];
        TRY(products_new(NULL, &own->products));
        own->in = bench_values(rows * widest, 1);
        own->out = bench_values(rows * widest, 1);
        own->half = checked_calloc(rows * widest, sizeof *own->half);
        own->scores = bench_values((size_t)b->tiles.length * ATTENTION_BLOCK, 1);
        TRY(bench_sums_new((int64_t)widest, &own->sums));
        if (!own->in || !own->out || !own->half || !own->scores)
            TRY(status_no_memory("the benchmark"));
        bfloat16_round(own->in, rows * widest, own->half);
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
        bench_sums_free(&own->sums);
        products_free(own->products);
    }
    bench_tiles_free(&b->tiles);
}

static forward pass_of(bench *b, int64_t tiles)
{
    forward f = {.context = b,
                 .tiles = tiles,
                 .max_samples = b->tiles.samples,
                 .max_rows = b->tiles.rows,
                 .load = load};
    if (wants_answers(b))
        f.result = take_answers;
    if (strcmp(b->options.what, "answer") != 0) {
        f.read = read_site;
        f.totals = add_totals;
        f.read_sites[SITE_MLP] = true;
        f.read_sites[SITE_ATTN] = strcmp(b->options.what, "collect") == 0;
    }
    return f;
}

// Seconds, by the clock asked for.
static double now(const bench *b)
{
    struct timespec t;
    if (b->options.clock[0] != 'c')
        return bench_now();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec) / b->options.threads;
}

// The products alone of `tiles` tiles; seconds of as many rows.
static status run_alone(bench *b, pool *p, int64_t tiles, double *seconds)
{
    const double begin = now(b);
    if (!b->on_device) {
        const status st = pool_run(p, tiles, products_of_tile, b);
        *seconds = now(b) - begin;
        return st;
    }
    const int64_t rows = tiles * b->tiles.rows, each = device_alone_rows(b->on_device);
    const status st = device_alone_run(b->on_device, rows);
    *seconds = (now(b) - begin) * (double)rows / (double)((rows + each - 1) / each * each);
    return st;
}

static const char *alone_name(const bench *b)
{
    if (b->on_device)
        return "the plug-in's";
    return b->form == PACKING_NONE ? "OpenBLAS" : products_name(b->form);
}

static status compare(bench *b)
{
    status st;
    pool *p = NULL;
    const int n = b->options.repeats;
    double pass_time[BENCH_REPEATS], product_time[BENCH_REPEATS], reached[BENCH_REPEATS];
    const int64_t tiles = (int64_t)b->options.threads * b->options.tiles;
    const forward f = pass_of(b, tiles);
    struct rusage use;
    TRY(pool_new(b->options.threads, &p));
    TRY(model_forward(b->model, p, &f)); // pages, caches
    const bool alone_too = b->options.alone[0] != 'n';
    if (alone_too)
        TRY(run_alone(b, p, b->options.threads, &product_time[0]));
    for (int r = 0; r < n; r++) {
        double begin = now(b);
        TRY(model_forward(b->model, p, &f));
        pass_time[r] = now(b) - begin;
        product_time[r] = 0;
        if (alone_too)
            TRY(run_alone(b, p, tiles, &product_time[r]));
        reached[r] = product_time[r] / pass_time[r];
    }
    const double rows = (double)(tiles * b->tiles.rows);
    const double pass = bench_median(pass_time, n), alone = bench_median(product_time, n);
    const double share_of = 100 * bench_median(reached, n);
    getrusage(RUSAGE_SELF, &use);
    printf("%s %s %s: tile %lld rows, %d threads: pass %.0f rows/s (%.0f to %.0f), products alone "
           "(%s) %.0f rows/s; share %.1f%% (%.1f to %.1f); peak %ld MB\n",
           b->options.model, b->options.compute, b->options.what, (long long)b->tiles.rows,
           b->options.threads, rows / pass, rows / pass_time[n - 1], rows / pass_time[0],
           alone_name(b), rows / alone, share_of, 100 * reached[0], 100 * reached[n - 1],
           use.ru_maxrss >> 10);
done:
    pool_free(p);
    return st;
}

// NULL: the best.
static const product_engine *find_engine(const char *name)
{
    if (strcmp(name, "amx") == 0)
        return &products_amx;
    if (strcmp(name, "avx512") == 0)
        return &products_avx512;
#ifdef SULCUS_ONEDNN
    if (strcmp(name, "onednn") == 0)
        return &products_onednn;
#endif
    return NULL;
}

static compute compute_of(const bench *b)
{
    return strcmp(b->options.compute, "bf16") == 0   ? COMPUTE_BF16
           : strcmp(b->options.compute, "tf32") == 0 ? COMPUTE_TF32
                                                     : COMPUTE_F32;
}

static status find_device(bench *b)
{
    if (strcmp(b->options.device, "cuda") != 0)
        return OK;
    loader_find(0, &b->found);
    return b->found.ops ? OK : status_fail(ERR_USAGE, "device=cuda", "%s", b->found.line);
}

static status open_one(void *context, const model_options *given)
{
    bench *b = context;
    model_options own = *given;
    own.threads = b->options.threads;
    own.compute = compute_of(b);
    own.device = b->found.ops;
    own.device_index = b->found.index;
    own.engine = find_engine(b->options.engine);
    const double begin = bench_now();
    const status st = model_open(&own, NULL, &b->model);
    fprintf(stderr, "opened in %.1f s\n", bench_now() - begin);
    return st;
}

static status compare_here(bench *b)
{
    status st = OK;
    for (int k = 0; k < 2; k++) { // OpenBLAS's products too, where the pass runs on others
        const packing own = model_products(b->model);
        if (k == 0 && (own == PACKING_BF16 || (own == PACKING_F32 && b->options.alone[0] == 'n')))
            continue;
        if (k == 1 && own == PACKING_NONE)
            break;
        b->form = k == 0 ? PACKING_NONE : own;
        if (b->options.alone[0] != 'n')
            TRY(prepare_maps(b, b->info->modality == MODALITY_TEXT));
        TRY(compare(b));
        release_maps(b);
    }
done:
    return st;
}

static status compare_on_device(bench *b)
{
    status st;
    const int64_t rows = b->options.threads * (int64_t)b->options.tiles * b->tiles.rows;
    if (b->options.alone[0] != 'n')
        TRY(device_alone_new(&b->found, b->info, compute_of(b), wants_answers(b), rows,
                             &b->on_device));
    TRY(compare(b));
done:
    return st;
}

int main(int argc, char **argv)
{
    status st;
    bench b = {0};
    b.options = (options){
        .model = bench_value(argc, argv, "model", "vit-b"),
        .compute = bench_value(argc, argv, "compute", "f32"),
        .engine = bench_value(argc, argv, "engine", "best"),
        .what = bench_value(argc, argv, "what", "collect"),
        .alone = bench_value(argc, argv, "alone", "yes"),
        .clock = bench_value(argc, argv, "clock", "wall"),
        .device = bench_value(argc, argv, "device", "cpu"),
        .layers = bench_number(argc, argv, "layers", "0", 1000),
        .width = bench_number(argc, argv, "width", "1", 100),
        .rows = bench_number(argc, argv, "rows", "0", 1 << 20),
        .length = bench_number(argc, argv, "length", "512", 1 << 16),
        .threads = bench_number(argc, argv, "threads", "2", BENCH_THREADS),
        .repeats = bench_number(argc, argv, "repeats", "7", BENCH_REPEATS),
        .tiles = bench_number(argc, argv, "tiles", "2", 10000),
    };
    TRY(find_device(&b));
    TRY(bench_open(b.options.model, b.options.layers, b.options.width, open_one, &b));
    b.info = model_get_info(b.model);
    TRY(bench_tiles_new(b.info, b.options.rows, b.options.length, &b.tiles));
    TRY(prepare(&b));
    TRY(b.found.ops ? compare_on_device(&b) : compare_here(&b));
done:
    if (st != OK)
        fprintf(stderr, "bench_model: %s\n", status_text());
    release(&b);
    device_alone_free(b.on_device);
    model_close(b.model);
    return (int)st;
}

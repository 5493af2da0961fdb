// SPDX-License-Identifier: Apache-2.0
// How fast a team is that holds the layers of a model between its ranks, against as many ranks that
// hold all of them: alternating in one job, over units of four tiles, as in a wave.
//
//   mpirun --oversubscribe --bind-to none -n 2 bench_teams [MODEL [PASS [UNITS [REPEATS
//   [THREADS]]]]]
//
// MODEL is a model folder, or vit-b (ViT-B/16) or smollm2 (SmolLM2-135M), shapes with random
// weights. PASS is read (statistics of the mlp site, as `collect`) or answer (the head and every
// answer, as `prune`). All ranks are one team. Prints one line a repeat, then the medians.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/comm/comm.h"
#include "stages/collect/moments.h"

enum { UNIT_TILES = 4, MAX_REPEATS = 99, MAX_THREADS = 64, LENGTH = 256 };

typedef struct bench {
    comm *c;
    pool *pool;
    model *whole, *part; // all layers; this member's
    const model_info *info;
    int64_t samples, rows; // of a tile
    bool answers;
    moments sums[MAX_THREADS];
    double loss[MAX_THREADS];
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
    t->samples = b->samples;
    if (b->info->modality == MODALITY_IMAGE) {
        size_t n = (size_t)b->samples * (size_t)b->info->channels * (size_t)b->info->image_height *
                   (size_t)b->info->image_width;
        for (size_t i = 0; i < n; i++)
            t->pixels[i] = (float)((i * 7919 + (size_t)index) % 1009) / 504.5f - 1;
        memset(t->target, 0, (size_t)b->samples * sizeof *t->target);
        return OK;
    }
    t->rows = b->rows;
    for (int64_t s = 0; s <= b->samples; s++)
        t->first_row[s] = s * LENGTH;
    for (int64_t r = 0; r < b->rows; r++) {
        t->ids[r] = (int32_t)((r * 7919 + index * 31) % b->info->outputs);
        t->target[r] = (int32_t)((r * 104729 + index) % b->info->outputs);
    }
    return OK;
}

static status read_site(void *context, int64_t index, int thread, const tile *t,
                        const site_block *s)
{
    (void)index, (void)t;
    bench *b = context;
    moments_of_block(s->x, s->rows, s->stride, s->neurons, &b->sums[thread]);
    return OK;
}

static status add_loss(void *context, int64_t index, int thread, const tile *t, const prediction *p,
                       int64_t n)
{
    (void)index, (void)t;
    bench *b = context;
    for (int64_t i = 0; i < n; i++)
        b->loss[thread] += (double)p[i].loss;
    return OK;
}

static status run_unit(bench *b, model *m)
{
    const forward f = {.context = b,
                       .tiles = UNIT_TILES,
                       .max_samples = b->samples,
                       .max_rows = b->rows,
                       .load = load,
                       .read = b->answers ? NULL : read_site,
                       .read_sites = {true, false},
                       .result = b->answers ? add_loss : NULL};
    return model_forward(m, b->pool, &f);
}

// Every rank its own units of the list.
static status run_alone(bench *b, int64_t units)
{
    status st = OK;
    for (int64_t u = comm_rank(b->c); u < units && st == OK; u += comm_ranks(b->c))
        st = run_unit(b, b->whole);
    return comm_agree(b->c, st);
}

// All ranks every unit.
static status run_together(bench *b, int64_t units)
{
    status st;
    team *t = comm_team(b->c);
    int64_t claimed = 0, unit;
    TRY(comm_agree(b->c, team_begin(t, pool_threads(b->pool))));
    while (unit = claimed, team_next(t, claimed < units, &unit)) {
        claimed++;
        st = team_unit_end(t, run_unit(b, b->part));
    }
    team_finish(t);
    st = comm_agree(b->c, st);
done:
    return st;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static status compare(bench *b, int64_t units, int repeats)
{
    status st;
    double alone[MAX_REPEATS], together[MAX_REPEATS], ratio[MAX_REPEATS];
    const double rows = (double)(units * UNIT_TILES * b->rows);
    TRY(run_alone(b, comm_ranks(b->c))); // pages, caches
    TRY(run_together(b, 1));
    for (int r = 0; r < repeats; r++) {
        double begin = now();
        TRY(run_alone(b, units));
        double middle = now();
        TRY(run_together(b, units));
        alone[r] = middle - begin;
        together[r] = now() - middle;
        ratio[r] = alone[r] / together[r];
        if (comm_rank(b->c) == 0)
            printf("%d teams of 1: %.0f rows/s; a team of %d: %.0f rows/s; %.1f%%\n",
                   comm_ranks(b->c), rows / alone[r], comm_ranks(b->c), rows / together[r],
                   100 * ratio[r]);
    }
    qsort(alone, (size_t)repeats, sizeof *alone, by_value);
    qsort(together, (size_t)repeats, sizeof *together, by_value);
    qsort(ratio, (size_t)repeats, sizeof *ratio, by_value);
    if (comm_rank(b->c) == 0)
        printf("medians: %.0f rows/s against %.0f: %.1f%%\n", rows / together[repeats / 2],
               rows / alone[repeats / 2], 100 * ratio[repeats / 2]);
done:
    return st;
}

static const struct shape {
    const char *name, *config;
} shapes[] = {
    {"vit-b", "{\"model_type\": \"vit\", \"num_labels\": 1000}\n"}, // the defaults are ViT-B/16's
    {"smollm2",
     "{\"model_type\": \"llama\", \"hidden_size\": 576, \"num_hidden_layers\": 30, "
     "\"num_attention_heads\": 9, \"num_key_value_heads\": 3, \"intermediate_size\": 1536, "
     "\"vocab_size\": 49152, \"max_position_embeddings\": 8192, \"tie_word_embeddings\": true}\n"},
};

static status open_both(bench *b, const char *folder, bool random)
{
    status st;
    model_options options = {.path = folder, .random = random, .seed = 1, .threads = 1};
    TRY(comm_agree(b->c, model_open(&options, comm_share(b->c), &b->whole)));
    options.team = team_share(comm_team(b->c))->team;
    TRY(comm_agree(b->c, model_open(&options, team_share(comm_team(b->c)), &b->part)));
    b->info = model_get_info(b->whole);
done:
    return st;
}

// A shape's configuration is written for the moment, one a rank.
static status open_models(bench *b, const char *name)
{
    status st;
    char folder[] = "/tmp/bench_teams.XXXXXX", config[64];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(name, shapes[i].name) != 0)
            continue;
        if (!mkdtemp(folder))
            return status_fail_errno(ERR_IO, folder, "cannot make a folder");
        snprintf(config, sizeof config, "%s/config.json", folder);
        st = file_write_atomic(config, shapes[i].config, strlen(shapes[i].config));
        if (st == OK)
            st = open_both(b, folder, true);
        unlink(config);
        rmdir(folder);
        return st;
    }
    return open_both(b, name, false);
}

static status prepare(bench *b, const char *name, bool answers, int threads)
{
    status st;
    TRY(comm_form_teams(b->c, comm_ranks(b->c)));
    TRY(pool_new(threads, &b->pool));
    TRY(open_models(b, name));
    const int64_t length = b->info->modality == MODALITY_IMAGE ? b->info->rows_per_image : LENGTH;
    b->samples = (model_tile_rows(b->info) + length - 1) / length;
    b->rows = b->samples * length;
    b->answers = answers;
    for (int t = 0; t < threads && st == OK; t++) {
        size_t widest = (size_t)b->info->d_mlp;
        double *sums = checked_calloc(MOMENTS * widest, sizeof *sums);
        b->sums[t].positive = checked_calloc(widest, sizeof *b->sums[t].positive);
        for (int m = 0; sums && m < MOMENTS; m++)
            b->sums[t].sum[m] = sums + (size_t)m * widest;
        if (!sums || !b->sums[t].positive)
            st = status_no_memory("the benchmark");
    }
done:
    return st;
}

static int argument(int argc, char **argv, int i, int otherwise, int most)
{
    int n = argc > i ? atoi(argv[i]) : otherwise;
    return n < most ? n : most;
}

int main(int argc, char **argv)
{
    status st;
    bench b = {0};
    int given;
    const char *name = argc > 1 ? argv[1] : "vit-b";
    const bool answers = argc > 2 && strcmp(argv[2], "answer") == 0;
    const int threads = argument(argc, argv, 5, 1, MAX_THREADS);
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0); // as the program
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &given);
    TRY(comm_new(MPI_Comm_c2f(MPI_COMM_WORLD), &b.c));
    TRY(comm_agree(b.c, comm_ranks(b.c) > 1 ? OK : status_fail(ERR_USAGE, NULL, "needs 2 ranks")));
    TRY(comm_agree(b.c, prepare(&b, name, answers, threads)));
    TRY(compare(&b, argument(argc, argv, 3, 8, 1 << 20), argument(argc, argv, 4, 3, MAX_REPEATS)));
done:
    if (st != OK && (!b.c || comm_rank(b.c) == 0))
        fprintf(stderr, "bench_teams: %s\n", status_text());
    model_close(b.part);
    model_close(b.whole);
    pool_free(b.pool);
    for (int t = 0; t < threads; t++) {
        free(b.sums[t].sum[0]);
        free(b.sums[t].positive);
    }
    comm_free(b.c);
    MPI_Finalize();
    return (int)st;
}

// SPDX-License-Identifier: Apache-2.0
// How fast a team is that holds the layers of a model between its ranks, against as many ranks that
// hold all of them: alternating in one job, over units of four tiles, as in a wave.
//
//   mpirun --oversubscribe --bind-to none -n 2 bench_teams [KEY=VALUE ...]
//     model=vit-b     a model folder, or a shape (bench_common.h)
//     what=collect    reads the mlp site; answer: the head and every answer, as `prune`
//     units=8  repeats=3  threads=1
//
// All ranks are one team. Prints one line a repeat, then the medians.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_common.h"
#include "pipeline/comm/comm.h"

enum { UNIT_TILES = 4, LENGTH = 256 };

typedef struct bench {
    comm *c;
    pool *pool;
    model *whole, *part; // all layers; this member's
    bench_tiles tiles;
    bool answers;
    moments sums[BENCH_THREADS];
    double loss[BENCH_THREADS];
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
                       .max_samples = b->tiles.samples,
                       .max_rows = b->tiles.rows,
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

static status compare(bench *b, int64_t units, int repeats)
{
    status st;
    double alone[BENCH_REPEATS], together[BENCH_REPEATS], ratio[BENCH_REPEATS];
    const double rows = (double)(units * UNIT_TILES * b->tiles.rows);
    TRY(run_alone(b, comm_ranks(b->c))); // pages, caches
    TRY(run_together(b, 1));
    for (int r = 0; r < repeats; r++) {
        double begin = bench_now();
        TRY(run_alone(b, units));
        double middle = bench_now();
        TRY(run_together(b, units));
        alone[r] = middle - begin;
        together[r] = bench_now() - middle;
        ratio[r] = alone[r] / together[r];
        if (comm_rank(b->c) == 0)
            printf("%d teams of 1: %.0f rows/s; a team of %d: %.0f rows/s; %.1f%%\n",
                   comm_ranks(b->c), rows / alone[r], comm_ranks(b->c), rows / together[r],
                   100 * ratio[r]);
    }
    if (comm_rank(b->c) == 0)
        printf("medians: %.0f rows/s against %.0f: %.1f%%\n",
               rows / bench_median(together, repeats), rows / bench_median(alone, repeats),
               100 * bench_median(ratio, repeats));
done:
    return st;
}

static status open_both(void *context, const model_options *given)
{
    status st;
    bench *b = context;
    model_options options = *given;
    options.threads = 1;
    TRY(comm_agree(b->c, model_open(&options, comm_share(b->c), &b->whole)));
    options.team = team_share(comm_team(b->c))->team;
    TRY(comm_agree(b->c, model_open(&options, team_share(comm_team(b->c)), &b->part)));
done:
    return st;
}

static status prepare(bench *b, const char *name, int threads)
{
    status st;
    TRY(comm_form_teams(b->c, comm_ranks(b->c)));
    TRY(pool_new(threads, &b->pool));
    TRY(bench_open(name, 0, 1, open_both, b));
    const model_info *info = model_get_info(b->whole);
    TRY(bench_tiles_new(info, 0, LENGTH, &b->tiles));
    for (int t = 0; t < threads; t++)
        TRY(bench_sums_new(info->d_mlp, &b->sums[t]));
done:
    return st;
}

int main(int argc, char **argv)
{
    status st;
    bench b = {.answers = strcmp(bench_value(argc, argv, "what", "collect"), "answer") == 0};
    int given;
    const char *name = bench_value(argc, argv, "model", "vit-b");
    const int units = bench_number(argc, argv, "units", "8", 1 << 20);
    const int repeats = bench_number(argc, argv, "repeats", "3", BENCH_REPEATS);
    const int threads = bench_number(argc, argv, "threads", "1", BENCH_THREADS);
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0); // as the program
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &given);
    TRY(comm_new(MPI_Comm_c2f(MPI_COMM_WORLD), &b.c));
    TRY(comm_agree(b.c, comm_ranks(b.c) > 1 ? OK : status_fail(ERR_USAGE, NULL, "needs 2 ranks")));
    TRY(comm_agree(b.c, prepare(&b, name, threads)));
    TRY(compare(&b, units, repeats));
done:
    if (st != OK && (!b.c || comm_rank(b.c) == 0))
        fprintf(stderr, "bench_teams: %s\n", status_text());
    model_close(b.part);
    model_close(b.whole);
    pool_free(b.pool);
    for (int t = 0; t < threads; t++)
        bench_sums_free(&b.sums[t]);
    bench_tiles_free(&b.tiles);
    comm_free(b.c);
    MPI_Finalize();
    return (int)st;
}

// SPDX-License-Identifier: Apache-2.0
// Toy stages and a toy resource, joined by the program's own main.c: the engine without a
// transformer.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"
#include "stages/registry.h"
#include "toy.h"

// --- Resource: a file of numbers, shared by the ranks of a node

typedef struct numbers {
    share *share;
    double *at; // node memory
    int64_t n;
} numbers;

enum { MOST = 4096 };

static status numbers_files(const params *p, file_list *out)
{
    return file_list_add(out, params_text(p, "path"));
}

static status read_numbers(const char *path, double *at, int64_t *n)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return status_fail_errno(ERR_INPUT, path, "cannot open");
    while (*n < MOST && fscanf(file, "%lf", &at[*n]) == 1)
        ++*n;
    fclose(file);
    return OK;
}

static status numbers_open(const params *p, const params *pipeline, share *s, resource_depth depth,
                           void **object)
{
    (void)pipeline;
    status st = OK;
    void *block = NULL;
    numbers *x = checked_calloc(1, sizeof *x);
    if (!x)
        return status_no_memory("numbers");
    *object = x;
    if (depth != RESOURCE_WHOLE)
        return OK;
    *object = NULL;
    x->share = s;
    TRY(s->alloc(s, (MOST + 1) * sizeof(double), SHARE_ZEROS, &block));
    x->at = block;
    if (s->rank == 0) {
        if (getenv("TOY_OPENS"))
            fprintf(stderr, "numbers are opened whole\n");
        st = read_numbers(params_text(p, "path"), x->at, &x->n);
        x->at[MOST] = (double)x->n;
    }
    TRY(s->vote(s, st));
    x->n = (int64_t)x->at[MOST];
    *object = x;
    return OK;
done:
    if (block)
        s->release(s, block);
    free(x);
    return st;
}

static void numbers_close(void *object)
{
    numbers *x = object;
    if (x->share)
        x->share->release(x->share, x->at);
    free(x);
}

const share *toy_numbers_share(const void *of)
{
    const numbers *x = of;
    return x->share;
}

static const param_def numbers_params[] = {
    {.name = "path", .type = PARAM_PATH, .required = true, .help = "file of numbers"},
    {.name = NULL},
};

static const resource_def resource_numbers = {
    .section = "numbers",
    .parameter = "numbers",
    .summary = "a file of numbers",
    .params = numbers_params,
    .files = numbers_files,
    .open = numbers_open,
    .close = numbers_close,
};

// --- What the stages share

typedef struct toy {
    const task *task;
    const numbers *numbers;
    double input; // sum of the inputs' totals
    int64_t units, width, length;
    fixed *sums;     // [lanes, width]
    int64_t *counts; // likewise
    double total, *values;
    int64_t *histogram;
} toy;

static void toy_close(void *state)
{
    toy *t = state;
    free(t->sums);
    free(t->counts);
    free(t->values);
    free(t->histogram);
    free(t);
}

static status toy_open(const task *of, void **state)
{
    status st = OK;
    toy *t = checked_calloc(1, sizeof *t);
    if (!t)
        return status_no_memory("toy");
    t->task = of;
    for (size_t i = 0; i < task_inputs(of); i++) {
        double total;
        TRY(artefact_read(task_input(of, i), "total", VARIABLE_F64, &total));
        t->input += total;
    }
    *state = t;
    return OK;
done:
    toy_close(t);
    return st;
}

// Is this the rank, as mpirun numbers it, that is to fail alone at `place`? Stages know no ranks.
static status told_to_fail(const task *of, const char *location)
{
    const params *p = task_params(of);
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (strcmp(params_text(p, "fail_at"), location) != 0 || !rank ||
        atoi(rank) != params_int(p, "fail_rank"))
        return OK;
    return status_fail(ERR_INPUT, task_label(of), "%s was told to fail on rank %s", location, rank);
}

static void wait_seconds(const task *of, double seconds)
{
    for (; seconds > 0 && !task_stopping(of); seconds -= 0.001)
        nanosleep(&(struct timespec){0, (long)(fmin(seconds, 0.001) * 1e9)}, NULL);
}

// --- sum: each unit adds noise of wildly different sizes to every place, over several rounds

static status sum_open(const task *of, void **state)
{
    const params *p = task_params(of);
    status st = toy_open(of, state);
    if (st != OK)
        return st;
    toy *t = *state;
    t->units = params_int(p, "units");
    t->width = params_int(p, "width");
    if (params_has(p, "numbers"))
        t->numbers = task_resource(of, "numbers", 0);
    const size_t lanes = (size_t)pool_threads(task_pool(of));
    t->sums = checked_calloc(lanes * (size_t)t->width, sizeof *t->sums);
    t->counts = checked_calloc(lanes * (size_t)t->width, sizeof *t->counts);
    t->values = checked_calloc((size_t)t->width, sizeof *t->values);
    t->histogram = checked_calloc((size_t)t->width, sizeof *t->histogram);
    st = t->sums && t->counts && t->values && t->histogram ? told_to_fail(of, "open")
                                                           : status_no_memory("toy");
    if (st == OK)
        return OK;
    toy_close(t);
    *state = NULL;
    return st;
}

static status sum_next(void *state, const round_state *finished, const partial *sum,
                       round_state *next, bool *done)
{
    toy *t = state;
    int64_t rounds = params_int(task_params(t->task), "rounds");
    status st = told_to_fail(t->task, "next");
    if (st != OK)
        return st;
    if (finished && finished->values[0] + 1 == rounds) {
        *done = true;
        return OK;
    }
    int64_t *v = round_extend(next, 2);
    if (!v)
        return status_no_memory("toy");
    // The second number depends on the sum, so that a wrong one shows in all later rounds.
    v[0] = finished ? finished->values[0] + 1 : 0;
    v[1] = finished ? (int64_t)(partial_sums(sum, 0)[0] & 0xffff) : 0;
    return OK;
}

static status sum_plan(void *state, const round_state *round, round_plan *out)
{
    toy *t = state;
    (void)round;
    *out = (round_plan){
        t->units, {2, {{"sums", PARTIAL_SUM, t->width}, {"histogram", PARTIAL_COUNT, t->width}}}};
    return told_to_fail(t->task, "plan");
}

static double sum_cost(void *state, const round_state *round, int64_t unit)
{
    toy *t = state;
    (void)round;
    return params_real(task_params(t->task), "uneven") > 0 ? (double)(1 + unit % 50) : 1;
}

typedef struct sum_context {
    toy *toy;
    rng rng;
    double scale;
    int64_t unit;
    fixed *sums; // the lane's
    int64_t *counts;
} sum_context;

// One place: an item of the pool's loop.
static status sum_place(void *context, int64_t location, int thread)
{
    const sum_context *c = context;
    (void)thread;
    double x = rng_normal(&c->rng, (uint64_t)location);
    x *= exp(20 * (rng_uniform(&c->rng, (uint64_t)location) - 0.5)) * c->scale;
    if (c->toy->numbers && c->toy->numbers->n)
        x += c->toy->numbers->at[c->unit % c->toy->numbers->n];
    fixed exact;
    if (!fixed_from(x, &exact))
        return status_fail(ERR_NUMERIC, task_label(c->toy->task), "unit %lld gives %g",
                           (long long)c->unit, x);
    c->sums[location] += exact;
    c->counts[location] += x > 0;
    return OK;
}

// Appends the units' numbers, a line each, the first one's with how many the call had, to a file of
// this process, so that a test can count what was run.
static void trace(const params *p, const round_state *round, int64_t first, int64_t n)
{
    char path[4096];
    if (!params_has(p, "trace"))
        return;
    snprintf(path, sizeof path, "%s.%ld", params_text(p, "trace"), (long)getpid());
    FILE *file = fopen(path, "a");
    if (!file)
        return;
    for (int64_t i = 0; i < n; i++)
        fprintf(file, i == 0 ? "%lld %lld of %lld\n" : "%lld %lld\n", (long long)round->values[0],
                (long long)(first + i), (long long)n);
    fclose(file);
}

// Adds a unit to the lane's sums.
static status add_unit(toy *t, const round_state *round, int64_t unit, int lane)
{
    status st;
    const params *p = task_params(t->task);
    uint64_t seed = (uint64_t)(unit * 1000003 + round->values[0] * 101 + round->values[1]);
    sum_context c = {t,    rng_new(seed, "toy"),      params_real(p, "scale"),
                     unit, t->sums + lane * t->width, t->counts + lane * t->width};
    double seconds = params_real(p, "seconds");
    seconds += params_real(p, "uneven") * (double)(1 + unit % 50);
    seconds += params_real(p, "lopsided") * (double)(1 + 49 * unit / t->units);
    if (unit == params_int(p, "hang_unit"))
        seconds += 60;
    wait_seconds(t->task, seconds);
    if (task_stopping(t->task))
        return status_fail(ERR_INTERRUPTED, NULL, "stopped");
    TRY(told_to_fail(t->task, "unit"));
    if (unit == params_int(p, "fail_unit"))
        return status_fail(ERR_INPUT, task_label(t->task), "unit %lld was told to fail",
                           (long long)unit);
    if (unit == params_int(p, "nan_unit"))
        c.scale = NAN;
    TRY(pool_run(task_pool(t->task), t->width, sum_place, &c));
done:
    return st;
}

static status sum_units(void *state, const round_state *round, int64_t first, int64_t n, int lane,
                        partial *sum)
{
    toy *t = state;
    status st = OK;
    fixed *sums = t->sums + lane * t->width;
    int64_t *counts = t->counts + lane * t->width;
    memset(sums, 0, (size_t)t->width * sizeof *sums);
    memset(counts, 0, (size_t)t->width * sizeof *counts);
    for (int64_t i = 0; i < n; i++)
        TRY(add_unit(t, round, first + i, lane));
    TRY(partial_add_sums(sum, 0, 0, t->width, sums));
    TRY(partial_add_counts(sum, 1, 0, t->width, counts));
    trace(task_params(t->task), round, first, n);
done:
    return st;
}

static int64_t sum_ahead(void *state, const round_state *round)
{
    const toy *t = state;
    return (params_int(task_params(t->task), "rounds") - 1 - round->values[0]) * t->units;
}

// Every tenth begins a call.
static int64_t sum_together(void *state, const round_state *round, int64_t unit)
{
    (void)round;
    return unit % 10 == 0 ? 1 : params_int(task_params(((toy *)state)->task), "together");
}

static status fill_values(void *context, int64_t first, int64_t rows, void *out)
{
    (void)first, (void)rows;
    const toy *t = context;
    memcpy(out, t->values, (size_t)t->width * sizeof *t->values);
    return OK;
}

static status sum_finish(void *state, const round_state *finished, const partial *sum,
                         artefact_writer *w)
{
    toy *t = state;
    status st;
    (void)finished;
    if (params_bool(task_params(t->task), "fail_finish"))
        return status_fail(ERR_IO, task_label(t->task), "finish was told to fail");
    TRY(told_to_fail(t->task, "finish"));
    t->total = t->input;
    for (int64_t i = 0; i < t->width; i++) {
        t->values[i] = fixed_to(partial_sums(sum, 0)[i]);
        t->histogram[i] = partial_counts(sum, 1)[i];
        t->total += t->values[i];
    }
    TRY(artefact_dim(w, "place", t->width));
    const variable values = {.name = "values",
                             .type = VARIABLE_F64,
                             .dims = 1,
                             .dim = {"place"},
                             .long_name = "sum at a place",
                             .units = "1",
                             .fill = fill_values,
                             .context = t};
    TRY(artefact_variable(w, &values));
    const variable histogram = {.name = "histogram",
                                .type = VARIABLE_I64,
                                .dims = 1,
                                .dim = {"place"},
                                .long_name = "positive addends",
                                .units = "1",
                                .data = t->histogram};
    TRY(artefact_variable(w, &histogram));
    const variable total = {.name = "total",
                            .type = VARIABLE_F64,
                            .long_name = "sum over places and inputs",
                            .units = "1",
                            .data = &t->total};
    TRY(artefact_variable(w, &total));
done:
    return st;
}

static const param_def sum_params[] = {
    {"from", PARAM_FROM, .help = "sums to add to the total"},
    {"numbers", PARAM_RESOURCE, .section = "numbers", .help = "added in turn"},
    {"units", PARAM_INT, .value = "16", .low = 0, .high = 1e9, .help = "units"},
    {"width", PARAM_INT, .value = "64", .low = 1, .high = 1e8, .help = "places"},
    {"rounds", PARAM_INT, .value = "1", .low = 1, .high = 100, .help = "rounds"},
    {"seconds", PARAM_REAL, .value = "0", .low = 0, .high = 100, .unkeyed = true,
     .help = "a unit takes"},
    {"uneven", PARAM_REAL, .value = "0", .low = 0, .high = 1, .unkeyed = true,
     .help = "and more, 1 to 50 times"},
    {"lopsided", PARAM_REAL, .value = "0", .low = 0, .high = 1, .unkeyed = true,
     .help = "and more, 1 to 50 times from the first to the last, of which the costs say nothing"},
    {"scale", PARAM_REAL, .value = "1", .low = -1e30, .high = 1e30, .help = "of the noise"},
    {"fail_unit", PARAM_INT, .value = "-1", .low = -1, .high = 1e9, .help = "this unit fails"},
    {"hang_unit", PARAM_INT, .value = "-1", .low = -1, .high = 1e9, .unkeyed = true,
     .help = "this unit takes a minute more"},
    {"nan_unit", PARAM_INT, .value = "-1", .low = -1, .high = 1e9, .help = "this unit is NaN"},
    {"trace", PARAM_TEXT, .unkeyed = true, .help = "files that name each unit run"},
    {"together", PARAM_INT, .value = "1", .low = 1, .high = 1e9, .unkeyed = true,
     .help = "units that one call may compute"},
    {"fail_at", PARAM_TEXT, .value = "unit", .choices = "open|next|plan|unit|finish",
     .help = "where fail_rank fails"},
    {"fail_rank", PARAM_INT, .value = "-1", .low = -1, .high = 1e9,
     .help = "this rank fails there, alone"},
    {"fail_finish", PARAM_BOOL, .value = "false", .help = "finish fails"},
    {.name = NULL},
    {0},
};

static const stage_def stage_sum = {
    .name = "sum",
    .version = 1,
    .summary = "sums over units, in rounds",
    .params = sum_params,
    .inputs = "sum|bisect|total",
    .open = sum_open,
    .next = sum_next,
    .plan = sum_plan,
    .cost = sum_cost,
    .ahead = sum_ahead,
    .together = sum_together,
    .units = sum_units,
    .finish = sum_finish,
    .close = toy_close,
};

// --- bisect: the integer square root of `target`, one probe a round

static status bisect_next(void *state, const round_state *finished, const partial *sum,
                          round_state *next, bool *done)
{
    const toy *t = state;
    int64_t target = params_int(task_params(t->task), "target");
    int64_t low = 0, high = target + 1;
    if (finished) {
        low = finished->values[0];
        high = finished->values[1];
        if (partial_counts(sum, 0)[0] <= target)
            low = finished->values[2];
        else
            high = finished->values[2];
    }
    *done = finished && finished->values[1] - finished->values[0] <= 1;
    int64_t *v = *done ? NULL : round_extend(next, 3);
    if (v) {
        v[0] = low;
        v[1] = high;
        v[2] = low + (high - low) / 2;
    }
    return v || *done ? OK : status_no_memory("toy");
}

static status bisect_plan(void *state, const round_state *round, round_plan *out)
{
    (void)state;
    *out = (round_plan){round->values[2], {1, {{"square", PARTIAL_COUNT, 1}}}};
    return OK;
}

// The sum over units u < n of 2u + 1 is n².
static status bisect_unit(void *state, const round_state *round, int64_t unit, int lane,
                          partial *sum)
{
    (void)state, (void)round, (void)lane;
    int64_t odd = 2 * unit + 1;
    return partial_add_counts(sum, 0, 0, 1, &odd);
}

static status add_total(toy *t, artefact_writer *w)
{
    const variable v = {.name = "total",
                        .type = VARIABLE_F64,
                        .long_name = "the number found",
                        .units = "1",
                        .data = &t->total};
    return artefact_variable(w, &v);
}

static status bisect_finish(void *state, const round_state *finished, const partial *sum,
                            artefact_writer *w)
{
    toy *t = state;
    (void)sum;
    t->total = (double)finished->values[0];
    return add_total(t, w);
}

static const param_def bisect_params[] = {
    {.name = "target",
     .type = PARAM_INT,
     .required = true,
     .low = 0,
     .high = 1e8,
     .help = "its root is sought"},
    {.name = NULL},
};

static const stage_def stage_bisect = {
    .name = "bisect",
    .version = 1,
    .summary = "a search, one probe a round",
    .params = bisect_params,
    .open = toy_open,
    .next = bisect_next,
    .plan = bisect_plan,
    .unit = bisect_unit,
    .finish = bisect_finish,
    .close = toy_close,
};

// --- total: no rounds, only its inputs

static status total_finish(void *state, const round_state *finished, const partial *sum,
                           artefact_writer *w)
{
    toy *t = state;
    if (finished || sum)
        return status_fail(ERR_INTERNAL, task_label(t->task), "a stage without rounds saw one");
    t->total = t->input;
    return add_total(t, w);
}

static const param_def total_params[] = {
    {.name = "from", .type = PARAM_FROM, .required = true, .help = "what is added up"},
    {.name = "numbers", .type = PARAM_RESOURCE, .section = "numbers", .help = "are not read"},
    {.name = NULL},
};

static const stage_def stage_total = {
    .name = "total",
    .version = 1,
    .summary = "adds up its inputs",
    .params = total_params,
    .inputs = "sum|bisect|total",
    .inputs_required = true,
    .light = true,
    .open = toy_open,
    .finish = total_finish,
    .close = toy_close,
};

static const stage_def *const stages[] = {&stage_sum, &stage_bisect, &stage_total, &stage_chain,
                                          NULL};
static const resource_def *const resources[] = {&resource_numbers, NULL};
static const inspect_def *const inspectors[] = {NULL};

static status no_report(const struct report_input *in)
{
    (void)in;
    return OK;
}

const registry sulcus_registry = {
    .stages = stages,
    .resources = resources,
    .inspectors = inspectors,
    .report = no_report,
};

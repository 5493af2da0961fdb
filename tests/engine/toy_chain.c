// SPDX-License-Identifier: Apache-2.0
// A toy stage of teams: every unit sends numbers through a chain of places, which a team's members
// share out as they do a model's layers.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/checked.h"
#include "toy.h"

typedef struct chain {
    const task *task;
    relay *team; // NULL: all places are this rank's
    int64_t units, blocks, first, end, places;
    int64_t *sum; // [lanes, places] of each lane's unit
    pthread_mutex_t lock;
} chain;

typedef struct chain_pass {
    chain *chain;
    int64_t unit, *sum;
    int lane;
} chain_pass;

typedef struct link {
    int64_t block;
    uint64_t value;
} link;

static status chain_open(const task *of, void **state)
{
    const params *p = task_params(of);
    chain *c = checked_calloc(1, sizeof *c);
    if (!c)
        return status_no_memory("toy");
    c->task = of;
    c->team = toy_numbers_share(task_resource(of, "numbers", 0))->team;
    c->units = params_int(p, "units");
    c->blocks = params_int(p, "blocks");
    c->places = c->end = params_int(p, "places");
    if (c->team) {
        c->first = c->places * c->team->rank / c->team->ranks;
        c->end = c->places * (c->team->rank + 1) / c->team->ranks;
    }
    pthread_mutex_init(&c->lock, NULL);
    c->sum =
        checked_calloc((size_t)pool_threads(task_pool(of)) * (size_t)c->places, sizeof *c->sum);
    if (!c->sum) {
        free(c);
        return status_no_memory("toy");
    }
    *state = c;
    return OK;
}

static void chain_close(void *state)
{
    chain *c = state;
    pthread_mutex_destroy(&c->lock);
    free(c->sum);
    free(c);
}

static status chain_next(void *state, const round_state *finished, const partial *sum,
                         round_state *next, bool *done)
{
    (void)state, (void)sum;
    *done = finished != NULL;
    return *done || round_extend(next, 1) ? OK : status_no_memory("toy");
}

static status chain_plan(void *state, const round_state *round, round_plan *out)
{
    (void)round;
    const chain *c = state;
    *out = (round_plan){c->units, {1, {{"places", PARTIAL_COUNT, c->places}}}};
    return OK;
}

// Takes the number that comes next, or begins one.
static status take(const chain_pass *p, int64_t item, link *out)
{
    const chain *c = p->chain;
    relay_block *block;
    *out = (link){item, (uint64_t)(p->unit * 1000003 + item)};
    if (!c->team || c->team->rank == 0)
        return OK;
    status st = c->team->receive(c->team, p->lane, &block);
    if (st != OK)
        return st;
    memcpy(out, block->at, sizeof *out);
    c->team->release(c->team, block);
    return OK;
}

static status give(const chain_pass *p, const link *l)
{
    const chain *c = p->chain;
    relay_block *block;
    if (!c->team || c->team->rank + 1 == c->team->ranks)
        return OK;
    status st = c->team->reserve(c->team, p->lane, sizeof *l, &block);
    if (st != OK)
        return st;
    memcpy(block->at, l, sizeof *l);
    c->team->send(c->team, block);
    return OK;
}

static status chain_block(void *context, int64_t item, int thread)
{
    (void)thread;
    status st;
    const chain_pass *pass = context;
    chain *c = pass->chain;
    link l;
    const params *p = task_params(c->task);
    const bool first = !c->team || c->team->rank == 0;
    const double seconds = params_real(p, "seconds"), slow = params_real(p, "slow");
    TRY(take(pass, item, &l));
    for (int64_t location = c->first; location < c->end; location++) {
        if (first && task_stopping(c->task))
            TRY(status_fail(ERR_INTERRUPTED, NULL, "stopped"));
        if (pass->unit == params_int(p, "fail_unit") && location == params_int(p, "fail_place"))
            TRY(status_fail(ERR_INPUT, task_label(c->task), "place %lld was told to fail",
                            (long long)location));
        const double pause = seconds + (location + 1 == c->places ? slow : 0);
        nanosleep(&(struct timespec){0, (long)(pause * 1e9)}, NULL);
        l.value = l.value * UINT64_C(6364136223846793005) + (uint64_t)location;
        pthread_mutex_lock(&c->lock);
        pass->sum[location] += (int64_t)(l.value >> 30);
        pthread_mutex_unlock(&c->lock);
    }
    TRY(give(pass, &l));
done:
    return st;
}

static status chain_unit(void *state, const round_state *round, int64_t unit, int lane,
                         partial *sum)
{
    (void)round;
    status st;
    chain *c = state;
    chain_pass pass = {c, unit, c->sum + lane * c->places, lane};
    memset(pass.sum, 0, (size_t)c->places * sizeof *pass.sum);
    TRY(pool_run(task_pool(c->task), c->blocks, chain_block, &pass));
    TRY(partial_add_counts(sum, 0, c->first, c->end - c->first, pass.sum + c->first));
done:
    return st;
}

static status chain_finish(void *state, const round_state *finished, const partial *sum,
                           artefact_writer *w)
{
    (void)finished;
    const chain *c = state;
    status st;
    memcpy(c->sum, partial_counts(sum, 0), (size_t)c->places * sizeof *c->sum);
    TRY(artefact_dim(w, "place", c->places));
    const variable places = {.name = "places",
                             .type = VARIABLE_I64,
                             .dims = 1,
                             .dim = {"place"},
                             .long_name = "sum at a place",
                             .units = "1",
                             .data = c->sum};
    TRY(artefact_variable(w, &places));
done:
    return st;
}

static const param_def chain_params[] = {
    {.name = "numbers",
     .type = PARAM_RESOURCE,
     .section = "numbers",
     .required = true,
     .help = "whose share knows the team"},
    {.name = "units", .type = PARAM_INT, .value = "16", .low = 0, .high = 1e9, .help = "units"},
    {.name = "blocks",
     .type = PARAM_INT,
     .value = "10",
     .low = 0,
     .high = 1e6,
     .help = "numbers a unit sends through"},
    {.name = "places", .type = PARAM_INT, .value = "12", .low = 1, .high = 1e6, .help = "places"},
    {.name = "seconds",
     .type = PARAM_REAL,
     .value = "0",
     .low = 0,
     .high = 0.9,
     .unkeyed = true,
     .help = "that a place takes"},
    {.name = "slow",
     .type = PARAM_REAL,
     .value = "0",
     .low = 0,
     .high = 0.09,
     .unkeyed = true,
     .help = "and the last one more"},
    {.name = "fail_unit",
     .type = PARAM_INT,
     .value = "-1",
     .low = -1,
     .high = 1e9,
     .help = "this unit fails"},
    {.name = "fail_place", .type = PARAM_INT, .value = "0", .low = 0, .high = 1e6, .help = "there"},
    {.name = NULL},
};

const stage_def stage_chain = {
    .name = "chain",
    .version = 1,
    .summary = "numbers through a chain of places, over teams",
    .params = chain_params,
    .in_teams = true,
    .open = chain_open,
    .next = chain_next,
    .plan = chain_plan,
    .unit = chain_unit,
    .finish = chain_finish,
    .close = chain_close,
};

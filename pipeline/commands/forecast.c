// SPDX-License-Identifier: Apache-2.0
// Seconds come from what earlier runs measured: of the same task, of its step, of its stage, in
// that order, scaled by the operations that the stages foretell; by what computes now, a device or
// CPUs. Without any, nothing is said.
#include "pipeline/commands/forecast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/machine/cores.h"

// A rank before its first task, until a run has measured it here; and what opening and writing the
// first artefact adds.
static const double program_bytes = 26e6, netcdf_bytes = 10.5e6;

// What the finished tasks of a stage, or of a step, took together.
typedef struct tally {
    double threads_busy; // thread seconds in units
    double expected;     // operations of those, as the stage foretells them
    double units;        // of the tasks
    double alone;        // seconds
    double n;
} tally;

struct forecast {
    pipeline_state *state; // borrowed
    task_runtime runtime;
    int ranks, threads;
    double program;
    forecast_device here;
    const char *device; // whose rates count; NULL: CPUs. Borrowed
    names index;        // "stage" and "step/name", in the arena
    tally *tallies;     // owned
    size_t n_tallies, capacity;
    arena texts;
    double *disk; // of the tasks asked for; owned
    look *look;   // owned
};

// --- Beginning

// Looks at what is to come: first at what takes an instant, since all of a large dataset takes its time.
static status look_ahead(forecast *f, bool records)
{
    const pipeline_state *s = f->state;
    bool *wanted = checked_calloc(s->dag->n, sizeof *wanted);
    if (!wanted)
        return status_no_memory("a forecast");
    for (size_t i = 0; i < s->dag->n; i++)
        wanted[i] =
            s->tasks[i].state == PIPELINE_TASK_RUN || s->tasks[i].state == PIPELINE_TASK_WAITING;
    status st = look_open(s->dag, wanted, true, RESOURCE_FIRST, &f->look);
    if (st == OK && look_verdict(f->look) == OK) {
        look_close(f->look);
        f->look = NULL;
        st = look_open(s->dag, wanted, true, records ? RESOURCE_RECORDS : RESOURCE_LIGHT, &f->look);
    }
    free(wanted);
    return st;
}

static tally *find_tally(const forecast *f, const char *name)
{
    size_t i;
    return names_get(&f->index, name, &i) ? &f->tallies[i] : NULL;
}

static status add_to(forecast *f, const char *name, const journal_commit *c)
{
    tally *t = name ? find_tally(f, name) : NULL;
    if (name && !t) {
        if (!checked_grow(&f->tallies, &f->capacity, f->n_tallies + 1, sizeof *f->tallies) ||
            !names_put(&f->index, name, f->n_tallies))
            return status_no_memory("the rates");
        t = &f->tallies[f->n_tallies++];
        *t = (tally){0};
    }
    if (!t)
        return status_no_memory("the rates");
    t->threads_busy += c->busy * c->threads;
    t->expected += c->expected > 0 ? c->expected : c->worked;
    t->units += (double)c->units;
    t->alone += c->alone;
    t->n++;
    return OK;
}

static status add_up_rates(forecast *f)
{
    for (size_t i = 0; i < journal_tasks(f->state->journal); i++) {
        const journal_commit *c = journal_task_at(f->state->journal, i)->commit;
        if (!c || c->ranks < 1 || (c->busy <= 0 && c->alone <= 0) ||
            !journal_same_device(c->device, f->device))
            continue;
        status st = add_to(f, arena_format(&f->texts, "step/%s", c->step), c);
        if (st == OK)
            st = add_to(f, c->stage, c);
        if (st != OK)
            return st;
    }
    return OK;
}

// Rates are those of this machine's device, or where it has none the last run's.
static status find_device(forecast *f, const journal_run *last)
{
    status st = OK;
    forecast_device *d = &f->here;
    const registry *known = f->state->file->registry;
    const char *wanted = params_text(f->state->file->globals, "device");
    d->wanted = strcmp(wanted, "cpu") != 0 && known->device_memory;
    if (!d->wanted)
        return OK;
    TRY(known->device_memory(&d->name, &d->bytes, &d->note));
    f->device = d->name.length > 0 ? text_get(&d->name) : last ? last->device : NULL;
done:
    return st;
}

const forecast_device *forecast_device_here(const forecast *f)
{
    return &f->here;
}

// As many threads as a run would take here: what the file says, or what the last run had, or one
// for each core.
static int count_threads(const pipeline_state *s, const journal_run *last)
{
    if (params_has(s->file->globals, "threads"))
        return (int)params_int(s->file->globals, "threads");
    if (last && last->threads > 0)
        return last->threads;
    return cores_here(1);
}

status forecast_new(pipeline_state *s, bool records, forecast **out)
{
    status st;
    const journal_run *last = journal_summarize(s->journal).run;
    forecast *f = checked_calloc(1, sizeof *f);
    if (!f)
        return status_no_memory("a forecast");
    f->state = s;
    f->ranks = last ? last->ranks : 0;
    f->threads = count_threads(s, last);
    f->program = last && last->memory > 0 ? last->memory : program_bytes;
    f->program += netcdf_bytes;
    if (!(f->disk = checked_calloc(s->dag->n, sizeof *f->disk))) {
        st = status_no_memory("a forecast");
        goto done;
    }
    TRY(pool_new(f->threads, &f->runtime.pool));
    for (size_t i = 0; i < s->dag->n; i++)
        s->dag->tasks[i]->runtime = &f->runtime;
    TRY(look_ahead(f, records));
    TRY(find_device(f, last));
    TRY(add_up_rates(f));
    *out = f;
    f = NULL;
done:
    forecast_free(f);
    return st;
}

void forecast_free(forecast *f)
{
    if (!f)
        return;
    look_close(f->look);
    for (size_t i = 0; i < f->state->dag->n; i++)
        f->state->dag->tasks[i]->runtime = NULL;
    pool_free(f->runtime.pool);
    names_free(&f->index);
    arena_free(&f->texts);
    text_free(&f->here.name);
    text_free(&f->here.note);
    free(f->tallies);
    free(f->disk);
    free(f);
}

const look *forecast_look(const forecast *f)
{
    return f->look;
}

void forecast_machine(const forecast *f, int *ranks, int *threads)
{
    *ranks = f->ranks;
    *threads = f->threads;
}

// --- A task

static double inputs_disk(const forecast *f, const task *t)
{
    double bytes = 0;
    for (size_t i = 0; i < t->n_inputs; i++)
        bytes += f->disk[t->inputs[i]->index];
    return bytes;
}

static void copy_measured(const journal_commit *c, task_forecast *out)
{
    *out = (task_forecast){.units = c->units,
                           .memory = c->memory > 0 ? c->memory : -1,
                           .disk = (double)c->bytes,
                           .seconds = c->seconds};
    if (c->ranks > 0 && c->busy + c->alone > 0) // its share, where others ran beside it
        out->seconds = c->busy / c->ranks + c->alone;
}

// By the rate of its kind: an operation's, or a unit's, or a task's, whichever is known.
static double expected_seconds(const forecast *f, const task *t, const estimate *e)
{
    char name[256];
    snprintf(name, sizeof name, "step/%s", t->step->name);
    const tally *k = find_tally(f, name);
    if (!k)
        k = find_tally(f, t->stage->name);
    if (!k || f->ranks < 1)
        return -1;
    double part = 1 / k->n; // of what the tasks of its kind took together
    if (e->operations > 0 && k->expected > 0)
        part = e->operations / k->expected;
    else if (e->units > 0 && k->units > 0)
        part = (double)e->units / k->units;
    return k->threads_busy * part / f->ranks / f->threads + k->alone / k->n;
}

status forecast_task(forecast *f, size_t i, task_forecast *out)
{
    status st = OK;
    const pipeline_task *t = &f->state->tasks[i];
    estimate e = {0};
    *out = (task_forecast){-1, -1, -1, -1};
    if (t->state == PIPELINE_TASK_DONE) {
        copy_measured(t->commit, out);
        f->disk[i] = out->disk;
        return OK;
    }
    if (t->task->stage->foresee)
        TRY(t->task->stage->foresee(t->task));
    double before = inputs_disk(f, t->task);
    e.memory_bytes = before;
    if (t->task->stage->estimate) {
        TRY(t->task->stage->estimate(t->task, &e));
        out->units = e.units;
        out->disk = f->disk[i] = e.disk_bytes;
    } else {
        f->disk[i] = before; // a guess, for what comes after it
    }
    out->memory = f->program + e.memory_bytes + e.shared_bytes;
    out->seconds = expected_seconds(f, t->task, &e);
done:
    return st;
}

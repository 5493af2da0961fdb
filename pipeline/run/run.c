// SPDX-License-Identifier: Apache-2.0
// The loop of a run. Each pass asks all owners what follows, looks which tasks have become ready,
// opens them, and runs one wave over all that are in a round; so tasks of all steps and sweep
// points share the ranks, and nothing waits for more than its own inputs.
#include "pipeline/run/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/dag/dag_build.h"
#include "pipeline/machine/leftovers.h"
#include "pipeline/machine/memory_use.h"
#include "pipeline/run/checkpoint.h"
#include "pipeline/run/checkpoint_cleanup.h"
#include "pipeline/run/readiness.h"
#include "pipeline/run/resource_use.h"
#include "pipeline/run/run_state.h"
#include "pipeline/run/running_task.h"
#include "pipeline/run/task_decide.h"
#include "pipeline/run/task_end.h"
#include "pipeline/run/task_open.h"
#include "pipeline/run/team_size.h"
#include "pipeline/run/wave.h"
#include "pipeline/run/wave_note.h"
#include "pipeline/schedule/deadline.h"

// --- Beginning

status run_load(comm *c, const char *path, const char *const *overrides, size_t n_overrides,
                const registry *reg, pipeline_file **out)
{
    bool first = comm_rank(c) == 0;
    status st = OK;
    pipeline_file *f = NULL;
    void *source = NULL;
    size_t size = 0;
    if (first)
        st = pipeline_file_open(path, overrides, n_overrides, reg, &f);
    TRY(comm_agree(c, st));
    if (first && (source = checked_calloc(f->text_size, 1)))
        memcpy(source, f->text, size = f->text_size);
    else if (first)
        st = status_no_memory("the pipeline");
    TRY(comm_agree(c, st));
    st = comm_broadcast_block(c, 0, &source, &size);
    if (!first && st == OK)
        st = pipeline_file_parse(path, source, size, overrides, n_overrides, reg, &f);
    TRY(comm_agree(c, st));
    *out = f;
    f = NULL;
done:
    pipeline_file_free(f);
    free(source);
    return st;
}

static status load_dag(run *r, const registry *reg, const run_options *o)
{
    status st;
    TRY(run_load(r->comm, o->pipeline, o->overrides, o->n_overrides, reg, &r->file));
    TRY(comm_agree(r->comm, dag_build(r->file, &r->dag)));
    TRY(comm_agree(r->comm, dag_select(r->dag, &o->selection)));
done:
    return st;
}

// What may be used of the node that has least: a share of it where `memory:` is negative.
static void find_memory(run *r)
{
    const double memory = params_real(r->file->globals, "memory");
    r->limit = memory_limit_find();
    const int64_t here = (int64_t)r->limit.bytes, least = comm_smallest(r->comm, here);
    const int64_t whose = here == least ? comm_rank(r->comm) : INT64_MAX;
    comm_broadcast(r->comm, (int)comm_smallest(r->comm, whose), &r->limit, sizeof r->limit);
    r->memory = floor(memory < 0 ? -memory * r->limit.bytes : fmin(memory, r->limit.bytes));
}

// The tasks' records. What is neither selected nor above something selected is left out at once.
static status make_records(run *r)
{
    size_t n = r->dag->n;
    status st = OK;
    bool *needed = checked_calloc(n, sizeof *needed);
    r->tasks = checked_calloc(n, sizeof *r->tasks);
    if (!needed || !r->tasks) {
        st = status_no_memory("the tasks");
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        task *t = r->dag->tasks[i];
        r->tasks[i].task = t;
        t->run = &r->tasks[i];
        t->runtime = &r->runtime;
        for (size_t k = 0; k < t->n_inputs; k++)
            r->tasks[t->inputs[k]->index].users++;
    }
    TRY(running_places_new(r->comm, &r->places));
    TRY(resource_use_new(r->comm, r->dag, &r->resources));
    for (size_t i = n; i-- > 0;) {
        task *t = r->dag->tasks[i];
        needed[i] |= t->selected;
        for (size_t k = 0; needed[i] && k < t->n_inputs; k++)
            needed[t->inputs[k]->index] = true;
        if (!needed[i])
            task_end(r, &r->tasks[i], PHASE_LEFT_OUT);
    }
done:
    free(needed);
    return st;
}

// A launcher may show all of a machine's devices to each of its ranks, or each its own: who shares one
// is known once all have found theirs.
static status find_device(run *r, text *note)
{
    status st = OK;
    uint64_t id = 0;
    const registry *known = r->file->registry;
    if (!known->device || strcmp(params_text(r->file->globals, "device"), "cpu") == 0)
        return OK;
    TRY(comm_agree(r->comm, known->device(r->file->globals, comm_machine_rank(r->comm),
                                          &r->device_name, note, &id, &r->device)));
    const int alike = comm_alike(r->comm, id);
    if (r->device)
        known->device_share(r->device, alike);
done:
    return st;
}

// What runs on nodes of several types is another computation, to the last bits.
static status look_at_machines(run *r, int threads)
{
    status st = OK;
    text note = {0};
    TRY(find_device(r, &note));
    if (note.length > 0 && comm_rank(r->comm) == 0)
        progress_say(r->records.progress, "%s", text_get(&note));
    const int types = machines_cpus(r->comm, text_get(&r->device_name), r->cpus);
    TRY(machines_check_threads(r->comm, threads, params_bool(r->file->globals, "oversubscribe")));
    if (types > 1 && params_bool(r->file->globals, "strict"))
        st = params_fail(
            r->file->globals, "strict",
            "the nodes have different CPUs (%s); ask for one type, or leave strict out", r->cpus);
    else if (types > 1 && comm_rank(r->comm) == 0)
        progress_say(r->records.progress, "the nodes have different CPUs: %s", r->cpus);
done:
    text_free(&note);
    return st;
}

// The pipeline file's path from the root on, since `gc` looks at it from wherever it is called. Owned
// by the caller; NULL when out of memory.
static char *path_from_root(const run *r, const char *pipeline)
{
    const char *slash = strrchr(pipeline, '/');
    return file_join(r->file->folder, slash ? slash + 1 : pipeline);
}

// Rank 0, where there is nothing to do: what is there is this pipeline's too, as `gc` must know.
static status record_pipeline(const run *r, const char *pipeline)
{
    status st = OK;
    char *path = path_from_root(r, pipeline);
    if (!path)
        return status_no_memory("a path");
    bool known = false;
    for (size_t i = 0; i < journal_pipelines(r->records.known); i++)
        known |= strcmp(journal_pipeline_at(r->records.known, i), path) == 0;
    if (!known)
        st = journal_add_pipeline(r->records.journal, path);
    free(path);
    return st;
}

// Rank 0: the journal's line of this run.
static status record_start(const run *r, const char *pipeline, int threads)
{
    char host[256] = "";
    char *path = path_from_root(r, pipeline);
    if (!path)
        return status_no_memory("a path");
    gethostname(host, sizeof host - 1);
    const journal_run line = {.epoch = r->epoch,
                              .ranks = comm_ranks(r->comm),
                              .threads = threads,
                              .memory = (double)memory_use_now(),
                              .host = host,
                              .cpus = r->cpus,
                              .device = text_get(&r->device_name),
                              .version = SULCUS_VERSION,
                              .command = r->command,
                              .pipeline = path};
    const status st = journal_run_started(r->records.journal, &line);
    free(path);
    return st;
}

static status form_teams(run *r, int threads)
{
    int n, ranks = comm_ranks(r->comm);
    status st = team_size_form(r->comm, r->file, r->resources, r->memory, threads, &n);
    if (st == OK && n > 1 && comm_rank(r->comm) == 0)
        progress_say(r->records.progress, "%d team%s of %d ranks share%s the layers of a model",
                     ranks / n, ranks == n ? "" : "s", n, ranks == n ? "s" : "");
    return st;
}

// Does this node see the folder that rank 0 holds? Over NFS it may be a moment later.
static status see_folder(run *r)
{
    enum { TRIES = 100 };
    status st = run_may_write(r);
    for (int i = 0; st == ERR_IO && i < TRIES; i++) {
        nanosleep(&(struct timespec){0, 100000000}, NULL);
        st = run_may_write(r);
    }
    return st;
}

// What rank 0 knows of who writes, in one message.
static void tell_who(run *r)
{
    struct {
        int64_t epoch;
        char lease_id[LEASE_ID];
    } who = {.epoch = r->epoch};
    memcpy(who.lease_id, r->lease_id, sizeof who.lease_id);
    comm_broadcast(r->comm, 0, &who, sizeof who);
    r->epoch = who.epoch;
    memcpy(r->lease_id, who.lease_id, sizeof who.lease_id);
}

// Rank 0: what the tasks of each step took in earlier runs on what computes now. For want of memory
// nothing is said of the end.
static void recall_times(run *r)
{
    r->times = checked_calloc(r->file->n_steps, sizeof *r->times);
    for (size_t i = 0; i < r->dag->n; i++) {
        const journal_task *k = journal_find_task(r->records.known, r->dag->tasks[i]->label);
        const journal_commit *c = k ? k->commit : NULL;
        if (c && journal_same_device(c->device, text_get(&r->device_name)))
            wave_note_finished(r, r->dag->tasks[i], c->busy, c->ranks, c->alone);
    }
}

// Threads, teams and clocks, once there is something to do.
static status start_work(run *r, const char *pipeline)
{
    status st;
    const params *g = r->file->globals;
    const bool first = comm_rank(r->comm) == 0;
    int threads = params_has(g, "threads") ? (int)params_int(g, "threads") : comm_cores(r->comm);
    TRY(look_at_machines(r, threads));
    TRY(form_teams(r, threads));
    TRY(comm_agree(r->comm, pool_new(threads, &r->runtime.pool)));
    const int32_t *cpu;
    if (comm_own_cores(r->comm, &cpu) == threads) // else other threads may want the same ones
        pool_pin(r->runtime.pool, cpu);
    if (first) {
        recall_times(r);
        st = record_start(r, pipeline, threads);
    }
    tell_who(r);
    if (!stop_share_deadline(r->stop) && first)
        progress_say(r->records.progress, "by this node's clock the job's time is over; its end "
                                          "is not looked at");
    TRY(comm_agree(r->comm, st));
    TRY(comm_agree(r->comm, comm_share(r->comm)->rank == 0 ? see_folder(r) : OK));
    resource_use_share(r->resources)->stopping = r->runtime.stopping;
    resource_use_share(r->resources)->device = r->device;
    checkpoint_clock_start(&r->clock, params_real(g, "checkpoint"));
    TRY(task_look(r, first ? checkpoint_clean(r) : OK));
    TRY(watchdog_new(r->comm, r->dag, params_real(g, "watchdog"), &r->watchdog));
done:
    return st;
}

// --- Working

static size_t count_tasks(const run *r, task_phase phase)
{
    size_t n = 0;
    for (size_t i = 0; i < r->dag->n; i++)
        n += r->tasks[i].phase == phase;
    return n;
}

// A turn of the loop in which no task moved would be followed by the same turn for ever.
static status must_have_moved(const run *r, int64_t *before)
{
    if (r->moves == *before && !run_must_end(r))
        return status_fail(ERR_INTERNAL, NULL,
                           "no task moves and none has failed; run the same command again, and "
                           "report this");
    *before = r->moves;
    return OK;
}

static status work_through(run *r, const char *pipeline)
{
    status st;
    wave *w = NULL;
    int64_t moves = 0;
    TRY(readiness_update(r));
    if (count_tasks(r, PHASE_READY))
        TRY(start_work(r, pipeline));
    else
        TRY(comm_agree(r->comm, comm_rank(r->comm) == 0 ? record_pipeline(r, pipeline) : OK));
    while (!run_must_end(r) && (r->n_running || count_tasks(r, PHASE_READY))) {
        bool save, interrupted = !w && stop_anywhere(r->stop, r->clock.wrote); // a wave has asked
        if (!interrupted)
            task_open_ready(r);
        if (run_must_end(r))
            break;
        task_decide_all(r, &save); // also when it must stop: what is summed is not yet on disk
        wave_free(r, w);
        w = NULL;
        if (interrupted)
            verdict_add(&r->ending, status_fail(ERR_INTERRUPTED, NULL, "interrupted"));
        r->interrupted |= interrupted;
        if (run_must_end(r))
            break;
        if (save)
            TRY(checkpoint_rounds(r, false));
        TRY(readiness_update(r));
        if (r->n_running)
            TRY(wave_run(r, &w));
        TRY(must_have_moved(r, &moves));
    }
    if (r->n_running)
        TRY(checkpoint_rounds(r, true));
done:
    wave_free(r, w);
    return st;
}

// --- Ending

static void say_summary(run *r, double seconds, const char *pipeline)
{
    char duration[32];
    text line = {0};
    progress_duration(seconds, duration);
    text_addf(&line, "%zu done, %zu skipped", count_tasks(r, PHASE_COMMITTED),
              count_tasks(r, PHASE_SKIPPED));
    size_t failed = count_tasks(r, PHASE_FAILED);
    size_t open = count_tasks(r, PHASE_WAITING) + count_tasks(r, PHASE_READY) + r->n_running;
    if (failed)
        text_addf(&line, ", %zu failed", failed);
    if (open + count_tasks(r, PHASE_BLOCKED))
        text_addf(&line, ", %zu not done", open + count_tasks(r, PHASE_BLOCKED));
    progress_say(r->records.progress, "%s in %s; sulcus report %s", text_get(&line), duration,
                 pipeline);
    text_free(&line);
}

// Rank 0, where it got as far as to know what earlier runs have done: records how it ended.
static status end_records(run *r, status st, double started, const char *pipeline)
{
    const run_records *own = &r->records;
    if (!own->inputs)
        return st;
    char line[sizeof r->failure.text];
    snprintf(line, sizeof line, "%s", st == OK ? "" : status_text());
    status recorded = inputs_record(own->inputs, own->journal);
    if (r->runtime.pool) {
        status ended = journal_run_ended(own->journal, r->epoch, st, line, r->clock.spent);
        recorded = recorded == OK ? ended : recorded;
    }
    if (st == OK)
        st = recorded;
    else
        status_carry(st, line);
    say_summary(r, progress_clock() - started, pipeline);
    return st;
}

static void release_run(run *r)
{
    watchdog_free(r->watchdog);
    running_places_free(r->places);
    if (r->dag && r->tasks)
        for (size_t i = 0; i < r->dag->n; i++)
            artefact_close(r->dag->tasks[i]->artefact);
    resource_use_free(r->resources);
    stop_free(r->stop);
    pool_free(r->runtime.pool);
    run_records_close(&r->records);
    free(r->tasks);
    free(r->times);
    free(r->device);
    text_free(&r->device_name);
    dag_free(r->dag);
    pipeline_file_free(r->file);
    pthread_mutex_destroy(&r->lock);
}

// Rank 0 takes the folder; what it says there of itself.
static status open_records(run *r, bool quiet)
{
    status st =
        run_records_open(&r->records, r->file->output, quiet, stop_flag(r->stop), &r->epoch);
    if (r->records.lease)
        snprintf(r->lease_id, sizeof r->lease_id, "%s", lease_id(r->records.lease));
    return st;
}

// How it went. A run that was stopped can go on, also where a task has failed before: its line is
// told behind.
static status outcome(const run *r)
{
    if (r->failure.code != OK && (r->stop_on_error || r->ending.code == OK))
        return verdict_get(&r->failure);
    if (r->ending.code == OK || !r->interrupted)
        return verdict_get(&r->ending);
    return status_fail(ERR_INTERRUPTED, NULL,
                       "interrupted; run the same command again to go on%s%s",
                       r->failure.code != OK ? "; before that: " : "", r->failure.text);
}

status run_pipeline(comm *c, const registry *reg, const run_options *o)
{
    status st;
    double started = progress_clock();
    run r = {.comm = c, .command = o->command};
    pthread_mutex_init(&r.lock, NULL);
    TRY(load_dag(&r, reg, o));
    if (comm_share(c)->rank == 0)
        leftovers_remove();
    TRY(stop_new(c, o->watch_signals, &r.stop));
    r.runtime.stopping = stop_flag(r.stop);
    r.runtime.engine = pthread_self();
    r.stop_on_error = strcmp(params_text(r.file->globals, "on_error"), "stop") == 0;
    find_memory(&r);
    r.wants_notes = wave_note_wanted(c);
    TRY(comm_agree(c, make_records(&r)));
    TRY(comm_agree(c, comm_rank(c) == 0 ? open_records(&r, o->quiet) : OK));
    TRY(work_through(&r, o->pipeline));
    st = outcome(&r);
done:
    st = comm_agree(c, end_records(&r, st, started, o->pipeline));
    release_run(&r);
    return st;
}

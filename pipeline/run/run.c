// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/memory_use.h"
#include "pipeline/base/text.h"
#include "pipeline/run/checkpoint.h"
#include "pipeline/run/deadline.h"
#include "pipeline/run/readiness.h"
#include "pipeline/run/resource_use.h"
#include "pipeline/run/run_state.h"
#include "pipeline/run/running_task.h"
#include "pipeline/run/team_size.h"
#include "pipeline/run/wave.h"
#include "pipeline/run/wave_note.h"

enum { ACTIVE = 64 }; // tasks opened at once: enough to share the ranks among, few enough to hold

// --- Beginning

// Rank 0 reads the file, so that its error is one error; the others parse what it read.
static status load(run *r, const registry *reg)
{
    const run_options *o = r->options;
    bool first = comm_rank(r->comm) == 0;
    status st = OK;
    void *source = NULL;
    size_t size = 0;
    if (first)
        st = pipeline_file_open(o->pipeline, o->overrides, o->n_overrides, reg, &r->file);
    TRY(comm_agree(r->comm, st));
    if (first) {
        size = r->file->text_size;
        source = (void *)(uintptr_t)r->file->text; // only read
    }
    TRY(comm_broadcast_block(r->comm, 0, &source, &size));
    if (!first)
        st = pipeline_file_parse(o->pipeline, source, size, o->overrides, o->n_overrides, reg,
                                 &r->file);
    TRY(comm_agree(r->comm, st));
    TRY(comm_agree(r->comm, dag_new(r->file, &r->dag)));
    TRY(comm_agree(r->comm, dag_select(r->dag, &o->selection)));
done:
    if (!first)
        free(source);
    return st;
}

// Bytes of this node that `memory:` allows for sums: a share of it where it is negative.
static double allowed_memory(const run *r)
{
    double memory = params_real(r->file->globals, "memory");
    double whole = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    int64_t bytes = (int64_t)(memory < 0 ? -memory * whole : memory);
    return (double)comm_smallest(r->comm, bytes);
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
    TRY(resource_use_count(r));
    for (size_t i = n; i-- > 0;) {
        task *t = r->dag->tasks[i];
        needed[i] |= t->selected;
        for (size_t k = 0; needed[i] && k < t->n_inputs; k++)
            needed[t->inputs[k]->index] = true;
        if (!needed[i])
            settle_end(r, &r->tasks[i], STATE_LEFT_OUT);
    }
done:
    free(needed);
    return st;
}

// Rank 0: the folder is ours, and what is known of earlier runs.
static status open_records(run *r)
{
    status st;
    const char *output = r->file->output;
    TRY(progress_new(stdout, progress_terminal(), r->options->quiet, &r->progress));
    TRY(lease_take(output, &r->flags->stopping, &r->lease));
    snprintf(r->lease_id, sizeof r->lease_id, "%s", lease_id(r->lease));
    TRY(journal_open(output, &r->journal));
    TRY(journal_load(output, &r->known));
    TRY(inputs_new(r->known, &r->inputs));
    const journal_run *last = journal_summarize(r->known).run;
    r->epoch = (int64_t)time(NULL);
    if (last && last->epoch >= r->epoch)
        r->epoch = last->epoch + 1;
done:
    return st;
}

// What runs on nodes of several types is another computation, to the last bits.
static status look_at_machines(run *r, int threads)
{
    status st = OK;
    const int types = machines_cpus(r->comm, r->cpus);
    TRY(machines_check_threads(r->comm, threads));
    if (types > 1 && params_bool(r->file->globals, "strict"))
        st = params_fail(
            r->file->globals, "strict",
            "the nodes have different CPUs (%s); ask for one type, or leave strict out", r->cpus);
    else if (types > 1 && comm_rank(r->comm) == 0)
        progress_say(r->progress, "the nodes have different CPUs: %s", r->cpus);
done:
    return st;
}

// Threads and the journal's line of this run, once there is something to do.
static status start_work(run *r)
{
    status st;
    const params *g = r->file->globals;
    int threads = params_has(g, "threads") ? (int)params_int(g, "threads") : comm_cores(r->comm);
    TRY(look_at_machines(r, threads));
    TRY(team_size_set(r, threads));
    TRY(comm_agree(r->comm, pool_new(threads, &r->runtime.pool)));
    if (comm_rank(r->comm) == 0) {
        char host[256] = "";
        gethostname(host, sizeof host - 1);
        const journal_run line = {.epoch = r->epoch,
                                  .ranks = comm_ranks(r->comm),
                                  .threads = threads,
                                  .memory = (double)memory_use_now(),
                                  .host = host,
                                  .cpus = r->cpus,
                                  .version = SULCUS_VERSION,
                                  .command = r->options->command,
                                  .pipeline = r->options->pipeline};
        st = journal_run_started(r->journal, &line);
    }
    comm_broadcast(r->comm, 0, &r->epoch, sizeof r->epoch);
    comm_broadcast(r->comm, 0, r->lease_id, sizeof r->lease_id);
    comm_broadcast(r->comm, 0, &r->deadline, sizeof r->deadline);
    TRY(comm_agree(r->comm, st));
    TRY(saving_begin(r));
    TRY(watchdog_new(r->comm, r->dag, params_real(g, "watchdog"), &r->watchdog));
done:
    return st;
}

// --- Working

static bool any_ready(const run *r)
{
    for (size_t i = 0; i < r->dag->n; i++)
        if (r->tasks[i].state == STATE_READY)
            return true;
    return false;
}

static bool must_stop(const run *r)
{
    return r->failure.code == ERR_INTERRUPTED || (r->failure.code != OK && r->stop_on_error);
}

static void open_ready(run *r)
{
    size_t most = (size_t)comm_ranks(r->comm) > ACTIVE ? (size_t)comm_ranks(r->comm) : ACTIVE;
    for (size_t i = 0; i < r->dag->n && r->n_active < most && !must_stop(r); i++)
        if (r->tasks[i].state == STATE_READY)
            active_open(r, &r->tasks[i]);
}

// Has a signal come, on any node, or is the job's time nearly over?
static bool interrupted(run *r)
{
    bool stop = atomic_load(&r->flags->stopping) || deadline_near(r->deadline, 0, r->saving.wrote);
    return comm_largest(r->comm, stop) != 0;
}

static status work(run *r)
{
    status st;
    wave *w = NULL;
    TRY(settle(r));
    if (any_ready(r))
        TRY(start_work(r));
    while (!must_stop(r) && (r->n_active || any_ready(r))) {
        bool stop = interrupted(r);
        if (!stop)
            open_ready(r);
        if (must_stop(r))
            break;
        active_advance(r); // also when it must stop: what is complete is not yet on disk
        wave_free(r, w);
        w = NULL;
        if (stop)
            verdict_add(&r->failure, status_fail(ERR_INTERRUPTED, NULL, "interrupted"));
        r->stopped |= stop;
        if (must_stop(r))
            break;
        TRY(saving_rounds(r, false));
        TRY(settle(r));
        if (r->n_active)
            TRY(wave_run(r, &w));
    }
    if (r->n_active)
        TRY(saving_rounds(r, true));
done:
    wave_free(r, w);
    return st;
}

// --- Ending

static size_t count(const run *r, task_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < r->dag->n; i++)
        n += r->tasks[i].state == state;
    return n;
}

static void say_summary(run *r, double seconds)
{
    char duration[32];
    text line = {0};
    progress_duration(seconds, duration);
    text_addf(&line, "%zu done, %zu skipped", count(r, STATE_DONE), count(r, STATE_SKIPPED));
    size_t failed = count(r, STATE_FAILED);
    size_t open = count(r, STATE_WAITING) + count(r, STATE_READY) + count(r, STATE_ACTIVE);
    if (failed)
        text_addf(&line, ", %zu failed", failed);
    if (open + count(r, STATE_BLOCKED))
        text_addf(&line, ", %zu not done", open + count(r, STATE_BLOCKED));
    progress_say(r->progress, "%s in %s; sulcus report %s", text_get(&line), duration,
                 r->options->pipeline);
    text_free(&line);
}

static status end_records(run *r, status st, double started)
{
    if (!r->inputs) // the last of what open_records opens
        return st;
    char line[sizeof r->failure.text];
    snprintf(line, sizeof line, "%s", st == OK ? "" : status_text());
    status recorded = inputs_record(r->inputs, r->journal);
    if (r->runtime.pool) {
        status ended = journal_run_ended(r->journal, r->epoch, st, line, r->saving.spent);
        recorded = recorded == OK ? ended : recorded;
    }
    if (st == OK)
        st = recorded;
    else
        status_carry(st, line);
    say_summary(r, progress_clock() - started);
    return st;
}

static void release(run *r)
{
    watchdog_free(r->watchdog);
    if (r->dag && r->tasks)
        for (size_t i = 0; i < r->dag->n; i++) {
            active_free(r->tasks[i].active);
            artefact_close(r->dag->tasks[i]->artefact);
        }
    if (r->file)
        resource_use_close_all(r);
    if (r->flags) {
        r->options->watch_signals(NULL, NULL);
        comm_share(r->comm)->release(comm_share(r->comm), r->flags);
    }
    pool_free(r->runtime.pool);
    inputs_free(r->inputs);
    journal_state_free(r->known);
    journal_close(r->journal);
    lease_release(r->lease);
    progress_free(r->progress);
    free(r->resource_users);
    free(r->tasks);
    dag_free(r->dag);
    pipeline_file_free(r->file);
}

status run_pipeline(comm *c, const registry *reg, const run_options *o)
{
    status st;
    double started = progress_clock();
    void *flags = NULL;
    run r = {.comm = c, .options = o};
    TRY(load(&r, reg));
    TRY(comm_share(c)->alloc(comm_share(c), sizeof *r.flags, SHARE_ZEROS, &flags));
    r.flags = flags;
    r.runtime.stopping = &r.flags->stopping;
    r.runtime.engine = pthread_self();
    o->watch_signals(&r.flags->stopping, &r.flags->hurry);
    r.deadline = deadline_get();
    r.stop_on_error = strcmp(params_text(r.file->globals, "on_error"), "stop") == 0;
    r.memory = allowed_memory(&r);
    r.notes = wave_note_wanted(c);
    TRY(comm_agree(c, make_records(&r)));
    TRY(comm_agree(c, comm_rank(c) == 0 ? open_records(&r) : OK));
    TRY(work(&r));
    st = verdict_get(&r.failure);
done:
    if (st == ERR_INTERRUPTED && r.stopped)
        st = status_fail(st, NULL, "interrupted; run the same command again to go on");
    st = comm_agree(c, end_records(&r, st, started));
    release(&r);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Reads the journal alone, while a run may be writing it, from any node: no lock, no MPI. A run
// that has not said its end counts as running, until it has given no sign of life for too long.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/progress.h"
#include "pipeline/commands/views.h"
#include "pipeline/dag/dag.h"
#include "pipeline/dag/dag_build.h"
#include "pipeline/store/journal.h"

// A run says something at least every few seconds while it computes; after so long it is likely
// dead.
static const double stale_seconds = 120;

typedef struct line {
    const char *label, *state;
    double done, units, rate, left, seconds; // rate 0, left < 0: unknown
    double waiting;                          // of a task that is done: its threads' share
    double busy;                             // rank-seconds of a task that is done
    long long round;                         // of a task that runs, from 1; 0: unknown
    const char *note;                        // what its stage says of it; NULL: nothing
    const char *message;
} line;

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Would the same command go on where the last run was, should that no longer run?
static bool is_resumable(const journal_summary *run)
{
    return run->run && (!run->ended || run->result == ERR_INTERRUPTED);
}

static bool is_stale(const journal_summary *run)
{
    return run->run && !run->ended && now_seconds() - run->time > stale_seconds;
}

static line describe_task(const char *label, const journal_task *k, const journal_summary *run)
{
    line l = {.label = label, .state = "waiting", .left = -1};
    if (!k)
        return l;
    bool alive = run->run && !run->ended && k->epoch == run->run->epoch;
    const journal_progress *p = k->progress;
    if (k->event == TASK_DONE) {
        l.state = "done";
        l.seconds = k->commit ? k->commit->seconds : 0;
        l.done = l.units = k->commit ? (double)k->commit->units : 0;
        l.waiting = k->commit ? k->commit->waiting : 0;
        l.busy = k->commit ? k->commit->busy + k->commit->alone : 0;
    } else if (k->event == TASK_FAILED) {
        l.state = "failed";
        l.message = k->message;
    } else {
        l.state = alive ? "running" : "interrupted";
        if (p) {
            l.done = (double)p->done;
            l.units = (double)p->units;
            l.rate = alive ? p->rate : 0;
            l.left = l.rate > 0 ? (l.units - l.done) / l.rate : -1;
            if (alive && p->left > 0)
                l.left = p->left;
            l.round = p->round + 1;
            l.note = p->note;
        }
    }
    return l;
}

// What the tasks come to: how many are in each state, and what is known of the time to the end.
typedef struct totals {
    size_t done, running, failed, waiting, unknown; // unknown: waiting, and no like of it has run
    double left;                                    // seconds; of all but the unknown
} totals;

// Mean seconds of the finished tasks of each step, counted as if each had the machine to itself.
typedef struct step_time {
    double seconds;
    size_t n;
} step_time;

static void add_time(const journal_task *k, step_time *s)
{
    const journal_commit *c = k && k->event == TASK_DONE ? k->commit : NULL;
    if (!c || c->ranks < 1)
        return;
    s->seconds += c->busy / c->ranks + c->alone;
    s->n++;
}

static void add_task(const line *l, const step_time *s, totals *all)
{
    bool over = strcmp(l->state, "done") == 0;
    all->done += over;
    all->failed += strcmp(l->state, "failed") == 0;
    if (over || strcmp(l->state, "failed") == 0)
        return;
    if (strcmp(l->state, "running") == 0)
        all->running++;
    else
        all->waiting++;
    if (l->left >= 0) // tasks that run together end together, more or less
        all->left = l->left > all->left ? l->left : all->left;
    else if (s->n == 0)
        all->unknown++;
}

// Once `left` holds the longest of those that run: the others come after it.
static void add_waiting(const line *l, const step_time *s, totals *all)
{
    if (l->left < 0 && s->n > 0 && strcmp(l->state, "done") != 0 && strcmp(l->state, "failed") != 0)
        all->left += s->seconds / (double)s->n;
}

static void print_totals(const totals *all, FILE *out)
{
    char left[32];
    progress_duration(all->left, left);
    fprintf(out, "%zu done, %zu running, %zu waiting, %zu failed", all->done, all->running,
            all->waiting, all->failed);
    if (all->left > 0)
        fprintf(out, "; %s to go", left);
    if (all->unknown > 0)
        fprintf(out, "%s %zu of which no like has run", all->left > 0 ? ", without" : ";",
                all->unknown);
    fputc('\n', out);
}

static json_t *to_json(const line *l)
{
    json_t *o = json_pack("{s:s, s:s, s:I, s:I}", "task", l->label, "state", l->state, "units_done",
                          (json_int_t)l->done, "units", (json_int_t)l->units);
    if (o && l->rate > 0)
        json_object_set_new(o, "units_per_second", json_real(l->rate));
    if (o && l->left >= 0)
        json_object_set_new(o, "seconds_left", json_real(l->left));
    if (o && l->seconds > 0)
        json_object_set_new(o, "seconds", json_real(l->seconds));
    if (o && l->busy > 0)
        json_object_set_new(o, "rank_seconds", json_real(l->busy));
    if (o && l->round > 0)
        json_object_set_new(o, "round", json_integer(l->round));
    if (o && l->note)
        json_object_set_new(o, "note", json_string(l->note));
    if (o && strcmp(l->state, "done") == 0)
        json_object_set_new(o, "waiting", json_real(l->waiting));
    if (o && l->message)
        json_object_set_new(o, "message", json_string(l->message));
    return o;
}

static void print_line(const line *l, FILE *out)
{
    fprintf(out, "%-11s  %-44s", l->state, l->label);
    if (l->round > 0)
        fprintf(out, "  round %lld", l->round);
    if (l->units > 0)
        fprintf(out, "  %8.0f/%.0f units", l->done, l->units);
    if (l->rate > 0)
        fprintf(out, "  %.3g units/s", l->rate);
    if (l->note)
        fprintf(out, "  %s", l->note);
    if (l->left >= 0)
        fprintf(out, "  %.0f s left", l->left);
    if (l->seconds > 0)
        fprintf(out, "  %.1f s", l->seconds);
    if (l->busy > 0)
        fprintf(out, ", %.1f rank-seconds", l->busy);
    if (l->waiting >= 0.05)
        fprintf(out, "  threads waited %.0f%%", 100 * l->waiting);
    if (l->message)
        fprintf(out, "  %s", l->message);
    fputc('\n', out);
}

static void print_run(const journal_summary *run, FILE *out)
{
    double quiet = now_seconds() - run->time;
    if (!run->run) {
        fputs("never run\n", out);
        return;
    }
    fprintf(out, "run %lld on %s, %d ranks of %d threads: ", (long long)run->runs, run->run->host,
            run->run->ranks, run->run->threads);
    if (run->ended && run->result == OK)
        fputs("ended well\n", out);
    else if (run->ended)
        fprintf(out, "ended with code %d%s%s\n", (int)run->result, run->message ? ": " : "",
                run->message ? run->message : "");
    else if (is_stale(run))
        fprintf(out,
                "no sign of life for %.0f s; it was likely killed: run the same command again\n",
                quiet);
    else
        fprintf(out, "running, last heard of %.0f s ago\n", quiet);
    if (run->skipped > 0)
        fprintf(out, "%lld journal lines were damaged and skipped\n", (long long)run->skipped);
}

static status print_json(const journal_summary *run, const totals *all, json_t *tasks, FILE *out)
{
    json_t *root = json_pack("{s:b, s:b, s:I, s:f, s:o}", "running", run->run && !run->ended,
                             "resumable", is_resumable(run), "progress_since_start",
                             (json_int_t)run->kept, "last_sign_of_life", run->time, "tasks", tasks);
    if (root && run->run)
        json_object_set_new(root, "run",
                            json_pack("{s:I, s:s, s:i, s:i}", "epoch", (json_int_t)run->run->epoch,
                                      "host", run->run->host, "ranks", run->run->ranks, "threads",
                                      run->run->threads));
    if (root && is_stale(run))
        json_object_set_new(root, "stale", json_true());
    if (root && all->left > 0)
        json_object_set_new(root, "seconds_left", json_real(all->left));
    if (root && all->unknown > 0)
        json_object_set_new(root, "tasks_of_unknown_time", json_integer((json_int_t)all->unknown));
    if (root && run->ended)
        json_object_set_new(root, "exit_code", json_integer((int)run->result));
    int failed = !root || json_dumpf(root, out, JSON_INDENT(1)) != 0;
    fputc('\n', out);
    json_decref(root);
    return ferror(out) ? status_fail_errno(ERR_IO, "stdout", "cannot write")
           : failed    ? status_no_memory("the status")
                       : OK;
}

status view_status(const view_source *v, bool json, FILE *out)
{
    status st;
    pipeline_file *file = NULL;
    dag *d = NULL;
    journal_state *known = NULL;
    json_t *list = json_array();
    line *lines = NULL;
    step_time *times = NULL;
    totals all = {0};
    TRY(pipeline_file_open(v->path, v->overrides, v->n_overrides, v->registry, &file));
    TRY(dag_build(file, &d));
    TRY(journal_load(file->output, &known));
    journal_summary run = journal_summarize(known);
    lines = checked_calloc(d->n, sizeof *lines);
    times = checked_calloc(file->n_steps, sizeof *times);
    if (!lines || !times || !list) {
        st = status_no_memory("the status");
        goto done;
    }
    for (size_t i = 0; i < d->n; i++) {
        const char *label = d->tasks[i]->label;
        const journal_task *k = journal_find_task(known, label);
        lines[i] = describe_task(label, k, &run);
        add_time(k, &times[d->tasks[i]->step - file->steps]);
    }
    for (size_t i = 0; i < d->n; i++)
        add_task(&lines[i], &times[d->tasks[i]->step - file->steps], &all);
    for (size_t i = 0; i < d->n; i++)
        add_waiting(&lines[i], &times[d->tasks[i]->step - file->steps], &all);
    if (json) {
        for (size_t i = 0; i < d->n; i++)
            json_array_append_new(list, to_json(&lines[i]));
        TRY(print_json(&run, &all, json_incref(list), out));
        goto done;
    }
    print_run(&run, out);
    for (size_t i = 0; i < d->n; i++)
        print_line(&lines[i], out);
    print_totals(&all, out);
done:
    json_decref(list);
    free(lines);
    free(times);
    journal_state_free(known);
    dag_free(d);
    pipeline_file_free(file);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/dag.h"
#include "pipeline/journal.h"
#include "pipeline/views.h"

// A run says something at least every few seconds while it computes; after so long it is likely
// dead.
static const double stale_seconds = 120;

typedef struct line {
    const char *label, *state;
    double done, units, rate, left, seconds; // rate 0, left < 0: unknown
    const char *message;
} line;

static double now(void)
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

static line describe(const char *label, const journal_task *k, const journal_summary *run)
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
    } else if (k->event == TASK_FAILED) {
        l.state = "failed";
        l.message = k->message;
    } else {
        l.state = alive ? "running" : "interrupted";
        if (p) {
            bool all = p->total > 0;
            l.done = (double)(all ? p->total_done : p->done);
            l.units = (double)(all ? p->total : p->units);
            l.rate = alive ? p->rate : 0;
            l.left = l.rate > 0 ? (l.units - l.done) / l.rate : -1;
        }
    }
    return l;
}

static json_t *to_json(const line *l)
{
    json_t *o = json_pack("{s:s, s:s, s:f, s:f}", "task", l->label, "state", l->state, "units_done",
                          l->done, "units", l->units);
    if (o && l->rate > 0)
        json_object_set_new(o, "units_per_second", json_real(l->rate));
    if (o && l->left >= 0)
        json_object_set_new(o, "seconds_left", json_real(l->left));
    if (o && l->seconds > 0)
        json_object_set_new(o, "seconds", json_real(l->seconds));
    if (o && l->message)
        json_object_set_new(o, "message", json_string(l->message));
    return o;
}

static void print_line(const line *l, FILE *out)
{
    fprintf(out, "%-11s  %-44s", l->state, l->label);
    if (l->units > 0)
        fprintf(out, "  %8.0f/%.0f units", l->done, l->units);
    if (l->rate > 0)
        fprintf(out, "  %.3g units/s", l->rate);
    if (l->left >= 0)
        fprintf(out, "  %.0f s left", l->left);
    if (l->seconds > 0)
        fprintf(out, "  %.1f s", l->seconds);
    if (l->message)
        fprintf(out, "  %s", l->message);
    fputc('\n', out);
}

static void print_run(const journal_summary *run, FILE *out)
{
    double quiet = now() - run->time;
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
    else if (quiet > stale_seconds)
        fprintf(out,
                "no sign of life for %.0f s; it was likely killed: run the same command again\n",
                quiet);
    else
        fprintf(out, "running, last heard of %.0f s ago\n", quiet);
    if (run->skipped > 0)
        fprintf(out, "%lld journal lines were damaged and skipped\n", (long long)run->skipped);
}

static status print_json(const journal_summary *run, json_t *tasks, FILE *out)
{
    json_t *root =
        json_pack("{s:b, s:b, s:f, s:o}", "running", run->run && !run->ended, "resumable",
                  is_resumable(run), "last_sign_of_life", run->time, "tasks", tasks);
    if (root && run->run)
        json_object_set_new(root, "run",
                            json_pack("{s:I, s:s, s:i, s:i}", "epoch", (json_int_t)run->run->epoch,
                                      "host", run->run->host, "ranks", run->run->ranks, "threads",
                                      run->run->threads));
    if (root && run->ended)
        json_object_set_new(root, "exit_code", json_integer((int)run->result));
    int failed = !root || json_dumpf(root, out, JSON_INDENT(1)) != 0;
    fputc('\n', out);
    json_decref(root);
    return failed ? status_no_memory("the status") : OK;
}

status view_status(const view_source *v, bool json, FILE *out)
{
    status st;
    pipeline_file *file = NULL;
    dag *d = NULL;
    journal_state *known = NULL;
    json_t *list = json_array();
    TRY(pipeline_file_open(v->path, v->overrides, v->n_overrides, v->registry, &file));
    TRY(dag_new(file, &d));
    TRY(journal_load(file->output, &known));
    journal_summary run = journal_summarize(known);
    if (!json)
        print_run(&run, out);
    for (size_t i = 0; i < d->n; i++) {
        const char *label = d->tasks[i]->label;
        line l = describe(label, journal_find_task(known, label), &run);
        if (json)
            json_array_append_new(list, to_json(&l));
        else
            print_line(&l, out);
    }
    if (json)
        TRY(print_json(&run, json_incref(list), out));
done:
    json_decref(list);
    journal_state_free(known);
    dag_free(d);
    pipeline_file_free(file);
    return st;
}

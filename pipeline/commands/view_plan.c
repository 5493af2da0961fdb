// SPDX-License-Identifier: Apache-2.0
// One line a task, so that it can be read and grepped; the totals count what would run.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/commands/forecast.h"
#include "pipeline/commands/pipeline_state.h"
#include "pipeline/commands/views.h"
#include "pipeline/machine/memory_limit.h"
#include "pipeline/run/team_size.h"

static const char *const state_names[] = {"done", "-", "run", "wait"};
static const char *const state_colours[] = {"#b7dfb9", "#ffffff", "#f5c56b", "#e4e4e4"};

static bool is_to_come(const pipeline_task *t)
{
    return t->state == PIPELINE_TASK_RUN || t->state == PIPELINE_TASK_WAITING;
}

// "1.5 GB"
static void print_bytes(FILE *out, int width, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    int u = 0;
    if (bytes < 0) {
        fprintf(out, "%*s   ", width, "-");
        return;
    }
    for (; bytes >= 999.5 && u < 4; u++)
        bytes /= 1000;
    fprintf(out, "%*.3g %-*s", width, bytes, width ? 2 : 0, units[u]);
}

static void print_seconds(FILE *out, double seconds)
{
    if (seconds < 0)
        fprintf(out, "  %8s  ", "-");
    else
        fprintf(out, "  %8.*f s", seconds < 0.95 ? 2 : 1, seconds);
}

static void print_task(const pipeline_task *t, const task_forecast *p, FILE *out)
{
    fprintf(out, "%-4s  %-44s", state_names[t->state], t->task->label);
    if (p->units < 0)
        fprintf(out, "%8s units", "-");
    else
        fprintf(out, "%8lld units", (long long)p->units);
    print_bytes(out, 10, p->memory);
    print_bytes(out, 10, p->disk);
    print_seconds(out, p->seconds);
    fprintf(out, "  %s\n", t->why);
}

// What is left to do, as far as it is known, and what the seconds are counted in.
static void print_total(const forecast *f, const pipeline_state *s, const task_forecast *all,
                        FILE *out)
{
    size_t counts[PIPELINE_TASK_STATES] = {0}, unknown = 0;
    double seconds = 0, memory = 0, disk = 0;
    int ranks, threads;
    forecast_machine(f, &ranks, &threads);
    for (size_t i = 0; i < s->dag->n; i++) {
        counts[s->tasks[i].state]++;
        if (!is_to_come(&s->tasks[i]))
            continue;
        unknown += all[i].seconds < 0;
        seconds += all[i].seconds > 0 ? all[i].seconds : 0;
        disk += all[i].disk > 0 ? all[i].disk : 0;
        memory = all[i].memory > memory ? all[i].memory : memory;
    }
    fprintf(out, "%zu tasks: %zu done, %zu to run, %zu behind those", s->dag->n,
            counts[PIPELINE_TASK_DONE], counts[PIPELINE_TASK_RUN], counts[PIPELINE_TASK_WAITING]);
    if (counts[PIPELINE_TASK_LEFT_OUT])
        fprintf(out, ", %zu left out", counts[PIPELINE_TASK_LEFT_OUT]);
    fputc('\n', out);
    if (counts[PIPELINE_TASK_RUN] == 0)
        return;
    fputs("to come:", out);
    print_bytes(out, 10, memory);
    fputs(" in a rank for the largest task alone,", out);
    print_bytes(out, 10, disk);
    fputs(" on disk,", out);
    print_seconds(
        out, unknown == counts[PIPELINE_TASK_RUN] + counts[PIPELINE_TASK_WAITING] ? -1 : seconds);
    if (ranks > 0)
        fprintf(out, " on %d ranks of %d threads", ranks, threads);
    else
        fputs(" (no run has measured this machine yet)", out);
    if (ranks > 0 && unknown > 0)
        fprintf(out, ", and %zu tasks of which no like has run", unknown);
    fputc('\n', out);
}

// One node a step, coloured by its least finished point.
static void print_dot(const pipeline_state *s, FILE *out)
{
    fputs("digraph pipeline {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", "
          "fontname=\"sans-serif\"];\n",
          out);
    for (size_t k = 0; k < s->file->n_steps; k++) {
        const step *p = &s->file->steps[k];
        size_t n = 0;
        pipeline_task_state worst = PIPELINE_TASK_DONE;
        for (size_t i = 0; i < s->dag->n; i++)
            if (s->tasks[i].task->step == p) {
                n++;
                worst = s->tasks[i].state > worst ? s->tasks[i].state : worst;
            }
        fprintf(out, "  \"%s\" [label=\"%s\\n%s", p->name, p->name, p->stage->name);
        if (n > 1)
            fprintf(out, " × %zu", n);
        fprintf(out, "\", fillcolor=\"%s\"];\n", state_colours[worst]);
        for (size_t i = 0; i < p->n_inputs; i++)
            fprintf(out, "  \"%s\" -> \"%s\";\n", s->file->steps[p->inputs[i].step].name, p->name);
    }
    fputs("}\n", out);
}

// What a node holds once beside the tasks' own memory, and less of with `layers_over`.
static void print_models(const pipeline_file *f, FILE *out)
{
    enum { LARGEST = 64 };
    const params *g = f->globals;
    const bool automatic = params_text(g, "layers_over") != NULL;
    const int64_t given = automatic ? 2 : params_int(g, "layers_over");
    double whole = team_size_part(f, 1), part;
    if (whole == 0)
        return;
    fputs("models, once a node: ", out);
    print_bytes(out, 0, whole);
    for (int n = (int)given; n > 1 && n <= LARGEST && (part = team_size_part(f, n)) > 0; n *= 2) {
        fprintf(out, "; a member of a team of %d holds at most ", n);
        print_bytes(out, 0, part);
        if (!automatic)
            break;
    }
    if (!automatic && team_size_part(f, (int)given) == 0)
        fprintf(out, "; a model has fewer layers than layers_over: %d", (int)given);
    fputc('\n', out);
}

// The most that a member of a team of `parts` needs of a device; most = 0: there is no such team.
static part_need device_part(const resource_entry *e, int parts)
{
    part_need most = {0};
    for (int member = 0; member < parts; member++) {
        const part_need n = e->def->part(e->object, member, parts, 1);
        if (n.most < parts)
            return (part_need){0};
        if (n.device_free >= most.device_free)
            most = n;
    }
    return most;
}

// Does it go on a device of this machine, and if not, into how many parts?
static void print_fit(const resource_entry *e, const part_need *n, const char *name, double bytes,
                      FILE *out)
{
    const int most = e->def->part(e->object, 0, 1, 1).most;
    int parts = 1;
    fprintf(out, "; %s has ", name);
    print_bytes(out, 0, bytes);
    fputs(" free", out);
    if (n->device_free <= bytes)
        return;
    while (parts <= most && device_part(e, parts).device_free > bytes)
        parts++;
    fputs(": TOO LITTLE, ", out);
    if (parts <= most)
        fprintf(out, "layers_over: %d would do, or a device with more", parts);
    else
        fputs("however many share its layers: use a device with more", out);
}

// What each model takes there, where a device may compute.
static void print_devices(const pipeline_file *f, const forecast_device *d, FILE *out)
{
    const params *g = f->globals;
    const int parts = params_text(g, "layers_over") ? 1 : (int)params_int(g, "layers_over");
    for (size_t i = 0; d->wanted && i < f->n_resources; i++) {
        const resource_entry *e = &f->resources[i];
        if (!e->def->part || !e->object)
            continue;
        const part_need n = device_part(e, parts);
        if (n.most == 0)
            continue; // layers_over is told of above
        fprintf(out, "%s/%s, on a device: ", e->def->section, e->name);
        print_bytes(out, 0, n.device);
        fputs(" of weights, batches of ", out);
        print_bytes(out, 0, n.batch_least);
        fputs(" to ", out);
        print_bytes(out, 0, n.batch_most);
        if (d->name.length > 0)
            print_fit(e, &n, text_get(&d->name), d->bytes, out);
        else
            fprintf(out, "; no device here: %s", text_get(&d->note));
        fputc('\n', out);
    }
}

// What of a task's needs is more than this node may give, on one rank; a compute node may have more.
static void print_limit(const pipeline_file *f, const pipeline_state *s, const task_forecast *all,
                        FILE *out)
{
    const memory_limit limit = memory_limit_find();
    const double given = params_real(f->globals, "memory");
    const double allowed = given < 0 ? -given * limit.bytes : fmin(given, limit.bytes);
    size_t largest = s->dag->n;
    for (size_t i = 0; i < s->dag->n; i++)
        if (is_to_come(&s->tasks[i]) && all[i].memory > allowed &&
            (largest == s->dag->n || all[i].memory > all[largest].memory))
            largest = i;
    fputs("memory of this node: ", out);
    print_bytes(out, 0, limit.bytes);
    fprintf(out, " (%s), of which ", limit.source);
    print_bytes(out, 0, allowed);
    fputs(" may be used", out);
    if (largest < s->dag->n) {
        fprintf(out, "; TOO LITTLE for %s, which needs ", s->tasks[largest].task->label);
        print_bytes(out, 0, all[largest].memory);
        fputs(" on one rank: use a larger node, or layers_over", out);
    }
    fputc('\n', out);
}

// A line each, behind `before`.
static void print_lines(const char *before, const char *at, FILE *out)
{
    int n;
    for (const char *line; (line = text_line(&at, &n));)
        fprintf(out, "%s%.*s\n", before, n, line);
}

// All that is wrong with what is to come, each in a line; the command ends with the first's code.
static status fail_look(const look *l)
{
    const status st = look_verdict(l);
    if (st == OK)
        return OK;
    print_lines("sulcus: error: ", look_failures(l), stderr);
    return status_carry(st, "");
}

status view_plan(const view_source *v, bool dot, bool records, FILE *out)
{
    status st;
    pipeline_state *s = NULL;
    forecast *f = NULL;
    task_forecast *all = NULL;
    TRY(pipeline_state_open(v, &s));
    if (dot) {
        print_dot(s, out);
        goto done;
    }
    TRY(forecast_new(s, records, &f));
    TRY(fail_look(forecast_look(f)));
    if (!(all = checked_calloc(s->dag->n, sizeof *all))) {
        st = status_no_memory("a plan");
        goto done;
    }
    fprintf(out, "%-4s  %-44s%14s  %12s%13s  %10s  %s\n", "", "task", "units", "memory", "disk",
            "time", "why");
    for (size_t i = 0; i < s->dag->n; i++) {
        TRY(forecast_task(f, i, &all[i]));
        print_task(&s->tasks[i], &all[i], out);
    }
    print_lines("note: ", look_notes(forecast_look(f)), out);
    print_models(s->file, out);
    print_devices(s->file, forecast_device_here(f), out);
    print_limit(s->file, s, all, out);
    print_total(f, s, all, out);
done:
    forecast_free(f);
    pipeline_state_close(s);
    free(all);
    return st;
}

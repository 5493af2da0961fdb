// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/survey.h"
#include "pipeline/team_size.h"
#include "pipeline/views.h"

static const char *const state_names[] = {"done", "run", "wait"};
static const char *const state_colours[] = {"#b7dfb9", "#f5c56b", "#e4e4e4"};

// "1.5 GB"
static void print_bytes(FILE *out, int width, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    int u = 0;
    for (; bytes >= 1000 && u < 4; u++)
        bytes /= 1000;
    fprintf(out, "%*.3g %-*s", width, bytes, width ? 2 : 0, units[u]);
}

// Operations a second of the finished tasks of a stage, on all their ranks; 0: none is known.
static double stage_rate(const survey *s, const char *stage)
{
    double operations = 0, seconds = 0;
    for (size_t i = 0; i < journal_tasks(s->journal); i++) {
        const journal_commit *c = journal_task_at(s->journal, i)->commit;
        if (c && strcmp(c->stage, stage) == 0 && c->operations > 0) {
            operations += c->operations;
            seconds += c->seconds;
        }
    }
    return seconds > 0 ? operations / seconds : 0;
}

static status print_task(const survey *s, const survey_task *t, FILE *out)
{
    status st = OK;
    estimate e = {0};
    const journal_commit *c = t->known ? t->known->commit : NULL;
    fprintf(out, "%-4s  %-44s", state_names[t->state], t->task->label);
    if (t->state == SURVEY_DONE) {
        fprintf(out, "%8lld units  %12s", (long long)c->units, "");
        print_bytes(out, 10, (double)c->bytes);
        fprintf(out, "  %8.1f s  %s\n", c->seconds, t->why);
        return OK;
    }
    if (t->task->stage->estimate) {
        TRY(t->task->stage->estimate(t->task, &e));
        double rate = stage_rate(s, t->task->stage->name);
        fprintf(out, "%8lld units", (long long)e.units);
        print_bytes(out, 10, e.memory_bytes);
        print_bytes(out, 10, e.disk_bytes);
        if (rate > 0 && e.operations > 0)
            fprintf(out, "  %8.1f s", e.operations / rate);
        else
            fprintf(out, "  %10s", "-");
    } else {
        fprintf(out, "%8s units  %12s%13s  %10s", "-", "-", "-", "-");
    }
    fprintf(out, "  %s\n", t->why);
done:
    return st;
}

// One node a step, coloured by its least finished point.
static void print_dot(const survey *s, FILE *out)
{
    fputs("digraph pipeline {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", "
          "fontname=\"sans-serif\"];\n",
          out);
    for (size_t k = 0; k < s->file->n_steps; k++) {
        const step *p = &s->file->steps[k];
        size_t n = 0;
        survey_state worst = SURVEY_DONE;
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

// Models and datasets as far as estimates look into them: no weights.
static status open_light(pipeline_file *f)
{
    status st = OK;
    for (size_t i = 0; i < f->n_resources && st == OK; i++) {
        resource_entry *e = &f->resources[i];
        st = e->def->open(e->params, f->globals, NULL, true, &e->object);
        if (st != OK)
            e->object = NULL;
    }
    return st;
}

static void close_light(pipeline_file *f)
{
    for (size_t i = 0; i < f->n_resources; i++) {
        resource_entry *e = &f->resources[i];
        if (e->object)
            e->def->close(e->object);
        e->object = NULL;
    }
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

status view_plan(const view_source *v, bool dot, FILE *out)
{
    status st;
    survey *s = NULL;
    size_t counts[3] = {0};
    TRY(survey_open(v->path, v->overrides, v->n_overrides, v->registry, &s));
    if (dot) {
        print_dot(s, out);
        goto done;
    }
    TRY(open_light(s->file));
    fprintf(out, "%-4s  %-44s%14s  %12s%13s  %10s  %s\n", "", "task", "units", "memory", "disk",
            "time", "why");
    for (size_t i = 0; i < s->dag->n && st == OK; i++) {
        st = print_task(s, &s->tasks[i], out);
        counts[s->tasks[i].state]++;
    }
    print_models(s->file, out);
    fprintf(out, "%zu tasks: %zu done, %zu to run, %zu behind those\n", s->dag->n,
            counts[SURVEY_DONE], counts[SURVEY_RUN], counts[SURVEY_WAITING]);
done:
    if (s)
        close_light(s->file);
    survey_close(s);
    return st;
}

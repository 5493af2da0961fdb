// SPDX-License-Identifier: Apache-2.0
// Turns the pipeline's state into what the report is made of: only committed tasks have an
// artefact, but all are listed, so that a report of half a pipeline says what is missing.
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/commands/pipeline_state.h"
#include "pipeline/commands/views.h"
#include "pipeline/report.h"
#include "pipeline/store/store.h"

// What a report_task borrows and the pipeline state does not own.
typedef struct own {
    report_axis *axes;
    size_t *inputs;
    artefact *artefact;
    char *path;
} own;

// The name of the first resource of the section's kind that a task refers to, or NULL.
static const char *resource_name(const task *t, const char *parameter)
{
    const task_reference *r = task_find_reference(t, parameter);
    return r && r->n > 0 ? r->entry[0]->name : NULL;
}

static status fill_task(const pipeline_state *s, const pipeline_task *k, own *o, report_task *out)
{
    status st = OK;
    const task *t = k->task;
    const journal_commit *c = k->commit;
    o->axes = checked_calloc(t->n_axes, sizeof *o->axes);
    o->inputs = checked_calloc(t->n_inputs, sizeof *o->inputs);
    if (!o->axes || !o->inputs)
        return status_no_memory("the report");
    for (size_t i = 0; i < t->n_axes; i++)
        o->axes[i] = (report_axis){t->axes[i].name, t->axes[i].value};
    for (size_t i = 0; i < t->n_inputs; i++)
        o->inputs[i] = t->inputs[i]->index;
    *out = (report_task){.label = t->label,
                         .step = t->step->name,
                         .stage = t->stage->name,
                         .figure = t->stage->figure.variable ? &t->stage->figure : NULL,
                         .axes = o->axes,
                         .n_axes = t->n_axes,
                         .params = t->params,
                         .model = resource_name(t, "model"),
                         .data = resource_name(t, "data"),
                         .inputs = o->inputs,
                         .n_inputs = t->n_inputs};
    if (k->state != PIPELINE_TASK_DONE)
        goto done;
    TRY(store_open(s->file->output, c, true, &o->artefact));
    if (!(o->path = file_join(s->file->output, c->path))) {
        st = status_no_memory("a path");
        goto done;
    }
    out->artefact = o->artefact;
    out->artefact_path = o->path;
    out->seconds = c->seconds;
    out->busy = c->busy + c->alone;
    out->units = c->units;
    out->ranks = c->ranks;
done:
    return st;
}

// Seconds of the last run: from its start to its end, or to its last sign of life.
static double run_seconds(const journal_summary *run)
{
    return run->run ? run->time - run->run->time : 0;
}

// A whole number of an option; 0 where it is not given.
static status read_option(const char *name, const char *word, int least, int most, int *out)
{
    char *end = NULL;
    const long value = word ? strtol(word, &end, 10) : 0;
    *out = (int)value;
    if (word && (end == word || *end || value < least || value > most))
        return status_fail(ERR_USAGE, name, "%s is no whole number from %d to %d", word, least,
                           most);
    return OK;
}

status view_report(const view_source *v, const char *columns, const char *dpi, FILE *out)
{
    status st;
    int wide, fine;
    pipeline_state *s = NULL;
    own *owned = NULL;
    report_task *tasks = NULL;
    TRY(read_option("--columns", columns, 1, 2, &wide));
    TRY(read_option("--dpi", dpi, 36, 2400, &fine));
    TRY(pipeline_state_open(v, &s));
    owned = checked_calloc(s->dag->n, sizeof *owned);
    tasks = checked_calloc(s->dag->n, sizeof *tasks);
    if (!owned || !tasks) {
        st = status_no_memory("the report");
        goto done;
    }
    size_t finished = 0;
    for (size_t i = 0; i < s->dag->n; i++) {
        TRY(fill_task(s, &s->tasks[i], &owned[i], &tasks[i]));
        finished += tasks[i].artefact != NULL;
    }
    if (finished == 0) {
        st = status_fail(ERR_USAGE, v->path, "no task is finished; sulcus run %s first", v->path);
        goto done;
    }
    journal_summary run = journal_summarize(s->journal);
    const report_input in = {.pipeline = s->file->name,
                             .pipeline_path = s->file->path,
                             .pipeline_text = s->file->effective,
                             .output = s->file->output,
                             .tasks = tasks,
                             .n_tasks = s->dag->n,
                             .columns = wide,
                             .dpi = fine,
                             .run_seconds = run_seconds(&run),
                             .run_ranks = run.run ? run.run->ranks : 0,
                             .host = run.run ? run.run->host : NULL};
    TRY(v->registry->report(&in));
    fprintf(out, "%zu of %zu tasks are in the report: %s/report/index.html\n", finished, s->dag->n,
            s->file->output);
done:
    for (size_t i = 0; owned && i < s->dag->n; i++) {
        artefact_close(owned[i].artefact);
        free(owned[i].axes);
        free(owned[i].inputs);
        free(owned[i].path);
    }
    free(owned);
    free(tasks);
    pipeline_state_close(s);
    return st;
}

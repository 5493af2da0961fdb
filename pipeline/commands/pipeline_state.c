// SPDX-License-Identifier: Apache-2.0
// The keys are computed as a run would, with the journal's digests of input files where they are
// still true, so that what `plan` says is what `run` does.
#include "pipeline/commands/pipeline_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/dag/dag_build.h"
#include "pipeline/store/store.h"

static status file_digest(void *context, const char *path, char hex[DIGEST_HEX])
{
    return inputs_digest(context, path, hex);
}

status pipeline_state_differences(pipeline_state *s, const pipeline_task *t, key_difference *out,
                                  size_t capacity, size_t *n)
{
    const key_field *fields = NULL;
    key_fields old = {0};
    status st;
    TRY(journal_fields(s->journal, t->task->label, &fields, &old.n));
    old.field = (key_field *)(uintptr_t)fields; // only read
    *n = key_compare(&old, &t->task->fields, out, capacity);
done:
    return st;
}

// What a stage's new version changed, where it is that and the stage says so.
static const char *new_version(const task *t, const key_difference *d)
{
    return strcmp(d->name, "version") == 0 && t->stage->changed ? t->stage->changed : NULL;
}

// Names the first field that differs, shortened.
static status say_difference(pipeline_state *s, pipeline_task *t)
{
    key_difference first;
    size_t n;
    status st;
    TRY(pipeline_state_differences(s, t, &first, 1, &n));
    const char *changed = n > 0 ? new_version(t->task, &first) : NULL;
    if (n == 0)
        snprintf(t->why, sizeof t->why, "its key changed");
    else if (changed)
        snprintf(t->why, sizeof t->why, "version changed from %.20s to %.20s: %.160s",
                 first.old_value, first.new_value, changed);
    else
        snprintf(t->why, sizeof t->why, "%s changed from %.40s to %.40s%s", first.name,
                 first.old_value ? first.old_value : "nothing",
                 first.new_value ? first.new_value : "nothing", n > 1 ? ", and more" : "");
done:
    return st;
}

static const task *unfinished_input(const pipeline_state *s, const task *t)
{
    for (size_t i = 0; i < t->n_inputs; i++)
        if (s->tasks[t->inputs[i]->index].state != PIPELINE_TASK_DONE)
            return t->inputs[i];
    return NULL;
}

// A task that is not finished and not selected, or that needs such a one.
static status leave_out(pipeline_task *t)
{
    if (t->task->selected)
        return status_fail(
            ERR_USAGE, t->task->label,
            "needs a task that is not finished and that --only, --from or --to leaves "
            "out; run without it, or name an earlier step");
    t->state = PIPELINE_TASK_LEFT_OUT;
    snprintf(t->why, sizeof t->why, "left out by --only, --from or --to");
    return OK;
}

// Is there a result under the task's key: its own, or one that was made under another name?
static bool find_result(const pipeline_state *s, pipeline_task *t, const journal_commit *own)
{
    const char *output = s->file->output, *key = t->task->key;
    if (t->task->forced)
        return false;
    if (own && strcmp(own->key, key) == 0 && store_present(output, own))
        t->commit = own;
    else if (kept_find(output, s->journal, key, t->task->label, &t->found))
        t->commit = &t->found.commit;
    else
        return false;
    t->state = PIPELINE_TASK_DONE;
    snprintf(t->task->digest, sizeof t->task->digest, "%s", t->commit->digest);
    if (t->commit == own)
        snprintf(t->why, sizeof t->why, "finished");
    else
        snprintf(t->why, sizeof t->why, "finished, as %.200s", t->commit->label);
    return true;
}

static status judge_task(pipeline_state *s, pipeline_task *t)
{
    status st;
    const key_digester digester = {s->inputs, file_digest};
    const task *before = unfinished_input(s, t->task);
    const journal_commit *c = t->known ? t->known->commit : NULL;
    // In a folder without results there is nothing to compare: the weights' digest may take minutes.
    // Without one of its own a task has no key where its inputs fail: who looks at them says why.
    if (c)
        TRY(key_compute(t->task, &digester));
    else if (!before && journal_tasks(s->journal) > 0)
        (void)key_compute(t->task, &digester);
    if (before && (!t->task->selected || s->tasks[before->index].state == PIPELINE_TASK_LEFT_OUT))
        return leave_out(t);
    if (before) {
        t->state = PIPELINE_TASK_WAITING;
        snprintf(t->why, sizeof t->why, "%.200s runs first", before->label);
        goto done;
    }
    if (find_result(s, t, c))
        goto done;
    t->state = PIPELINE_TASK_RUN;
    if (c && t->task->forced)
        snprintf(t->why, sizeof t->why, "--force");
    else if (!c && t->known && t->known->event == TASK_FAILED)
        snprintf(t->why, sizeof t->why, "failed: %.240s",
                 t->known->message ? t->known->message : "");
    else if (!c)
        snprintf(t->why, sizeof t->why, "never run");
    else if (strcmp(c->key, t->task->key) != 0)
        TRY(say_difference(s, t));
    else
        snprintf(t->why, sizeof t->why, "its file is gone or was changed");
    if (t->state == PIPELINE_TASK_RUN && !t->task->selected)
        TRY(leave_out(t));
done:
    return st;
}

status pipeline_state_open(const view_source *v, pipeline_state **out)
{
    status st;
    pipeline_state *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a survey");
    TRY(pipeline_file_open(v->path, v->overrides, v->n_overrides, v->registry, &s->file));
    TRY(dag_build(s->file, &s->dag));
    TRY(dag_select(s->dag, &v->selection));
    TRY(journal_load(s->file->output, &s->journal));
    TRY(inputs_new(s->journal, &s->inputs));
    if (!(s->tasks = checked_calloc(s->dag->n, sizeof *s->tasks))) {
        st = status_no_memory("a survey");
        goto done;
    }
    for (size_t i = 0; i < s->dag->n; i++) {
        s->tasks[i].task = s->dag->tasks[i];
        s->tasks[i].known = journal_find_task(s->journal, s->dag->tasks[i]->label);
        TRY(judge_task(s, &s->tasks[i]));
    }
    *out = s;
    s = NULL;
done:
    pipeline_state_close(s);
    return st;
}

void pipeline_state_close(pipeline_state *s)
{
    if (!s)
        return;
    free(s->tasks);
    inputs_free(s->inputs);
    journal_state_free(s->journal);
    dag_free(s->dag);
    pipeline_file_free(s->file);
    free(s);
}

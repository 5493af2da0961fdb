// SPDX-License-Identifier: Apache-2.0
// An artefact stays open while a task that may read it is not over, and so do models and datasets:
// users are counted down here, at the one place where a task ends.
#include "pipeline/run/task_end.h"

#include <stdio.h>

#include "pipeline/run/running_task.h"

void task_end(run *r, task_run *t, task_phase end)
{
    if (t->phase >= PHASE_OPENED && t->phase <= PHASE_DECIDED)
        r->n_running--;
    running_task_end(t->running);
    t->running = NULL;
    t->phase = end;
    r->moves++;
    resource_use_drop(r->resources, t->task);
    for (size_t i = 0; i < t->task->n_inputs; i++) {
        task_run *input = t->task->inputs[i]->run;
        if (--input->users > 0)
            continue;
        artefact_close(input->task->artefact);
        input->task->artefact = NULL;
    }
}

void task_fail(run *r, task_run *t, status st)
{
    char line[sizeof r->failure.text];
    snprintf(line, sizeof line, "%s", status_text());
    verdict_add(st == ERR_INTERRUPTED ? &r->ending : &r->failure, st);
    if (st == ERR_INTERRUPTED)
        return;
    if (comm_rank(r->comm) == 0) {
        progress_say(r->records.progress, "%s failed: %s", t->task->label, line);
        // The failure itself matters more than that its line could not be written.
        if (r->records.journal)
            (void)journal_task_failed(r->records.journal, t->task->label, t->task->key, st, line);
    }
    task_end(r, t, PHASE_FAILED);
}

size_t task_drop_failed(run *r, size_t n, int numbers)
{
    running_places *p = r->places;
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        running_task *a = p->listed[i];
        status st = verdict_get(&a->verdict);
        if (st != OK) {
            task_fail(r, a->of, st);
            continue;
        }
        p->listed[left] = a;
        for (int k = 0; k < numbers; k++)
            p->told[left * (size_t)numbers + (size_t)k] = p->told[i * (size_t)numbers + (size_t)k];
        left++;
    }
    return left;
}

size_t task_agree(run *r, size_t n)
{
    running_vote(r, n, 0);
    return task_drop_failed(r, n, 0);
}

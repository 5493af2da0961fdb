// SPDX-License-Identifier: Apache-2.0
// All owners decide at the same time, each on its own tasks, and only then do the ranks go through
// the tasks together: a search's next round is one rank's work, and a sweep has many searches.
#include "pipeline/run/task_decide.h"

#include <stdlib.h>
#include <unistd.h>

#include "pipeline/run/running_task.h"
#include "pipeline/run/task_commit.h"
#include "pipeline/run/task_end.h"

static bool is_due(const task_run *t)
{
    return t->phase == PHASE_OPENED || t->phase == PHASE_SUMMED;
}

// The owner: the next round's vector, or the artefact. Every rank learns *done.
static status decide_task(run *r, running_task *a, bool *done)
{
    const stage_def *stage = a->of->task->stage;
    const round_state *finished = a->of->phase == PHASE_SUMMED ? &a->vector : NULL;
    const partial *sum = finished ? a->sum : NULL;
    round_state next = {0};
    status st = OK;
    *done = !stage->next;
    if (!*done)
        TRY(stage->next(a->state, finished, sum, &next, done));
    if (*done) {
        TRY(task_store(r, a, finished, sum));
    } else {
        free(a->vector.values);
        a->vector = next;
        next = (round_state){0};
    }
done:
    free(next.values);
    return st;
}

static status begin_round(run *r, running_task *a)
{
    status st = running_task_receive(a, r->comm);
    if (st != OK)
        return st;
    a->of->phase = PHASE_IN_ROUND;
    r->moves++;
    a->round++;
    free(a->before);
    a->before = NULL;
    a->done = 0;
    a->plan = (round_plan){0};
    return comm_agree(r->comm, a->of->task->stage->plan(a->state, &a->vector, &a->plan));
}

// All ranks learn what the owner decided. An artefact of files that changed since their digests
// were taken is in place already, and goes again.
static void follow_decision(run *r, task_run *t)
{
    running_task *a = t->running;
    comm_agree_each(r->comm, 1, &a->verdict);
    comm_broadcast(r->comm, a->owner, &a->decided, sizeof a->decided);
    status st = verdict_get(&a->verdict);
    if (st == OK && a->decided) {
        st = comm_agree(r->comm, resource_use_unchanged(r->resources, t->task));
        if (st != OK && comm_rank(r->comm) == a->owner)
            unlink(t->task->artefact_path);
    }
    if (st == OK && a->decided) {
        t->phase = PHASE_DECIDED;
        task_commit(r, t);
        return;
    }
    if (st == OK)
        st = begin_round(r, a);
    if (st != OK)
        task_fail(r, t, st);
}

void task_decide_all(run *r)
{
    for (size_t i = 0; i < r->dag->n; i++) {
        running_task *a = r->tasks[i].running;
        if (!is_due(&r->tasks[i]) || a->owner != comm_rank(r->comm))
            continue;
        double begun = progress_clock();
        verdict_add(&a->verdict, decide_task(r, a, &a->decided));
        a->alone += progress_clock() - begun;
    }
    for (size_t i = 0; i < r->dag->n; i++)
        if (is_due(&r->tasks[i]))
            follow_decision(r, &r->tasks[i]);
}

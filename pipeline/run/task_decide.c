// SPDX-License-Identifier: Apache-2.0
// All owners decide at the same time, each on its own tasks, and only then do the ranks go on with
// all of them together: a search's next round is one rank's work, and a sweep has many searches.
#include "pipeline/run/task_decide.h"

#include <stdlib.h>

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

enum { STORED = -1 }; // told in place of the length of a vector

// The owners decide, and all learn what, and whether it is time to save rounds, by rank 0's clock.
static size_t decide_each(run *r, size_t n, bool *save)
{
    running_places *p = r->places;
    const bool due = comm_rank(r->comm) == 0 && checkpoint_clock_round_due(&r->clock);
    for (size_t i = 0; i < n; i++) {
        running_task *a = p->listed[i];
        double begun = progress_clock();
        p->told[2 * i] = INT64_MAX;
        p->told[2 * i + 1] = !due;
        if (a->owner != comm_rank(r->comm) || a->verdict.code != OK)
            continue;
        verdict_add(&a->verdict, decide_task(r, a, &a->decided));
        p->told[2 * i] = a->decided ? STORED : (int64_t)a->vector.length;
        a->alone += progress_clock() - begun;
    }
    running_vote(r, n, 2);
    n = task_drop_failed(r, n, 2);
    for (size_t i = 0; i < n; i++) {
        *save |= p->told[2 * i + 1] == 0;
        if (p->told[2 * i] == STORED)
            p->listed[i]->of->phase = PHASE_DECIDED;
    }
    return n;
}

// Room for the vector that the owner will send.
static status take_vector(const run *r, running_task *a, int64_t length)
{
    if (a->owner == comm_rank(r->comm))
        return OK;
    a->vector.length = 0;
    return round_extend(&a->vector, (size_t)length) ? OK : status_no_memory("a round");
}

// What the owners decided reaches all: the vectors of new rounds, and what is said of artefacts.
static void hand_out(run *r, size_t n)
{
    running_places *p = r->places;
    bool large = false;
    for (size_t i = 0; i < n; i++) {
        if (p->listed[i]->of->phase == PHASE_DECIDED)
            continue;
        verdict_add(&p->listed[i]->verdict, take_vector(r, p->listed[i], p->told[2 * i]));
        large |= (size_t)p->told[2 * i] > COMM_SMALL / sizeof(int64_t);
    }
    if (large) {
        running_vote(r, n, 2);
        n = task_drop_failed(r, n, 2);
    }
    for (size_t i = 0; i < n; i++) {
        running_task *a = p->listed[i];
        const bool room = a->verdict.code == OK;
        p->block[i] = (comm_block){a->owner, room ? a->vector.values : NULL,
                                   (size_t)p->told[2 * i] * sizeof *a->vector.values};
        if (a->of->phase == PHASE_DECIDED)
            p->block[i] = (comm_block){a->owner, &a->of->stored, sizeof a->of->stored};
    }
    comm_broadcast_each(r->comm, n, p->block);
}

static void begin_round(running_task *a)
{
    a->of->phase = PHASE_IN_ROUND;
    a->round++;
    free(a->before);
    a->before = NULL;
    a->done = 0;
    a->plan = (round_plan){0};
    if (a->verdict.code == OK)
        verdict_add(&a->verdict, a->of->task->stage->plan(a->state, &a->vector, &a->plan));
}

static bool is_decided(const task_run *t)
{
    return t->phase == PHASE_DECIDED;
}

static bool is_followed(const task_run *t)
{
    return is_due(t) || is_decided(t);
}

void task_decide_all(run *r, bool *save)
{
    running_places *p = r->places;
    *save = false;
    hand_out(r, decide_each(r, running_list(r, is_due), save));
    task_commit_prepare(r, running_list(r, is_decided));
    size_t n = running_list(r, is_followed);
    for (size_t i = 0; i < n; i++) {
        if (is_decided(p->listed[i]->of))
            verdict_add(&p->listed[i]->verdict, task_commit_record(r, p->listed[i]));
        else
            begin_round(p->listed[i]);
    }
    n = task_agree(r, n);
    for (size_t i = 0; i < n; i++) {
        r->moves++;
        if (is_decided(p->listed[i]->of))
            task_commit_end(r, p->listed[i]->of);
    }
}

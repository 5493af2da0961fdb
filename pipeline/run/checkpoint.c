// SPDX-License-Identifier: Apache-2.0
// A checkpoint is cut at a moment when no unit is half added: all ranks stand between two units, or
// between two waves. Then a bit and its share of the sum are both in, or neither.
#include "pipeline/run/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/run/running_task.h"
#include "pipeline/run/task_end.h"

// On the owner.
static status write_task(run *r, running_task *a, int64_t done)
{
    checkpoint_head head = {.epoch = r->epoch,
                            .round = a->round,
                            .length = (int64_t)a->vector.length,
                            .units = a->plan.units,
                            .done = done,
                            .earlier = a->units,
                            .operations = a->operations,
                            .seconds = a->seconds + progress_clock() - a->started};
    memcpy(head.key, a->of->task->key, sizeof head.key);
    status st = run_may_write(r); // before a folder is made that somebody removed
    if (st != OK)
        return st;
    char *path = checkpoint_file_path(r->file->output, a->of->task->artefact_name);
    if (!path)
        return status_no_memory("a path");
    st = checkpoint_file_write(path, &head, a->vector.values,
                               (const uint64_t *)(const void *)a->bits, a->sum, run_may_write, r);
    free(path);
    return st;
}

static void note_saved(run *r, running_task *a, int64_t done)
{
    a->saved_round = a->round;
    a->saved_done = done;
    if (comm_rank(r->comm) == 0) // a line lost here is nothing: the file is what counts
        (void)journal_task_checkpoint(r->records.journal, a->of->task->label, a->round, done,
                                      a->plan.units, checkpoint_clock_next(&r->clock));
}

static int64_t count_bits(const running_task *a)
{
    int64_t n = 0;
    for (int64_t w = 0; w < checkpoint_file_words(a->plan.units); w++)
        n += __builtin_popcountll(atomic_load_explicit(&a->bits[w], memory_order_relaxed));
    return n;
}

// Brings sum and bits to the owner's node; elsewhere both are zero afterwards.
static void gather_sum(run *r, running_task *a)
{
    int home = comm_node_of(r->comm, a->owner);
    size_t words = (size_t)checkpoint_file_words(a->plan.units);
    // The bits first: the vote that ends the sum's reduction lets the owner see both.
    comm_reduce_bits(r->comm, home, (uint64_t *)(void *)a->bits, words);
    verdict_add(&a->verdict, comm_reduce(r->comm, home, a->sum));
    if (comm_node(r->comm) != home && comm_share(r->comm)->rank == 0) {
        partial_clear(a->sum);
        memset((void *)a->bits, 0, words * sizeof *a->bits);
    }
}

// Units done of each running task (of all nodes), and whether it failed on some rank: also for
// files that changed, whose units no later run may go on from.
static status count_all(run *r, running_task ***tasks, int64_t **done, size_t *n)
{
    size_t most = r->n_running;
    *n = 0;
    *tasks = checked_calloc(most, sizeof **tasks);
    *done = checked_calloc(2 * most, sizeof **done);
    status st = comm_agree(r->comm, *tasks && *done ? OK : status_no_memory("a checkpoint"));
    if (st != OK)
        return st;
    for (size_t i = 0; i < r->dag->n; i++) {
        running_task *a = r->tasks[i].running;
        if (a && a->bits)
            (*tasks)[(*n)++] = a;
    }
    for (size_t i = 0; i < *n; i++) {
        running_task *a = (*tasks)[i];
        verdict_add(&a->verdict, resource_use_unchanged(r->resources, a->of->task));
        bool failed = a->verdict.code != OK && a->verdict.code != ERR_INTERRUPTED;
        (*done)[i] = comm_share(r->comm)->rank == 0 ? count_bits(a) : 0;
        (*done)[*n + i] = failed;
    }
    comm_sum_each(r->comm, 2 * *n, *done);
    return OK;
}

status checkpoint_wave(run *r)
{
    status st = OK;
    running_task **tasks = NULL;
    int64_t *done = NULL;
    size_t n = 0;
    double since = progress_clock(), wrote;
    if (!checkpoint_clock_allows(&r->clock, r->comm, stop_hurries(r->stop)))
        return OK;
    TRY(count_all(r, &tasks, &done, &n));
    for (size_t i = 0; i < n; i++) {
        bool same = tasks[i]->round == tasks[i]->saved_round ? done[i] == tasks[i]->saved_done
                                                             : done[i] + tasks[i]->round == 0;
        if (same || done[n + i])
            tasks[i] = NULL;
        else
            gather_sum(r, tasks[i]);
    }
    wrote = progress_clock();
    watchdog_note(r->watchdog, DOING_SAVE, NULL, 0);
    for (size_t i = 0; i < n && st == OK; i++)
        if (tasks[i] && tasks[i]->owner == comm_rank(r->comm) &&
            tasks[i]->verdict.code != ERR_NUMERIC)
            st = write_task(r, tasks[i], done[i]);
    wrote = progress_clock() - wrote;
    watchdog_note(r->watchdog, DOING_WAIT, NULL, 0);
    TRY(comm_agree(r->comm, st));
    checkpoint_clock_count(&r->clock, r->comm, since, wrote);
    for (size_t i = 0; i < n; i++)
        if (tasks[i])
            note_saved(r, tasks[i], done[i]);
done:
    free(tasks);
    free(done);
    return st;
}

// The round has begun, has no unit done, and what is saved is an earlier one.
static bool has_begun(const running_task *a)
{
    return a && a->of->phase == PHASE_IN_ROUND && a->round > 0 && a->done == 0 &&
           a->saved_round != a->round;
}

status checkpoint_rounds(run *r, bool must)
{
    status st = OK;
    double since = progress_clock(), wrote;
    uint8_t due = must || checkpoint_clock_round_due(&r->clock);
    comm_broadcast(r->comm, 0, &due, sizeof due);
    if (!due || (must && !checkpoint_clock_allows(&r->clock, r->comm, stop_hurries(r->stop))))
        return OK;
    for (size_t i = 0; i < r->dag->n; i++) {
        task_run *t = &r->tasks[i];
        if (!has_begun(t->running))
            continue;
        status changed = comm_agree(r->comm, resource_use_unchanged(r->resources, t->task));
        if (changed != OK)
            task_fail(r, t, changed);
    }
    for (size_t i = 0; i < r->dag->n && st == OK; i++) {
        running_task *a = r->tasks[i].running;
        if (has_begun(a) && a->owner == comm_rank(r->comm))
            st = write_task(r, a, 0);
    }
    wrote = progress_clock() - since;
    TRY(comm_agree(r->comm, st));
    checkpoint_clock_count(&r->clock, r->comm, since, wrote);
    for (size_t i = 0; i < r->dag->n; i++)
        if (has_begun(r->tasks[i].running))
            note_saved(r, r->tasks[i].running, 0);
done:
    return st;
}

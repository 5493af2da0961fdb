// SPDX-License-Identifier: Apache-2.0
// A checkpoint is cut where no unit is half added: all ranks stand between two units, or between two
// waves, or units go on in another sum. Then a bit and its share of the sum are both in, or neither.
#include "pipeline/run/checkpoint.h"

#include <stdlib.h>
#include <string.h>

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
    if (comm_rank(r->comm) != 0)
        return;
    pthread_mutex_lock(&r->lock);
    // A line lost here is nothing: the file is what counts.
    (void)journal_task_checkpoint(r->records.journal, a->of->task->label, a->round, done,
                                  a->plan.units, checkpoint_clock_next(&r->clock));
    pthread_mutex_unlock(&r->lock);
}

// Adds to the task's verdict, and returns it as it is now.
static status judge(run *r, running_task *a, status st)
{
    pthread_mutex_lock(&r->lock);
    verdict_add(&a->verdict, st);
    st = a->verdict.code;
    pthread_mutex_unlock(&r->lock);
    return st;
}

static void note_saving(run *r, bool saving)
{
    pthread_mutex_lock(&r->lock);
    r->doing.saving = saving;
    run_note(r);
    pthread_mutex_unlock(&r->lock);
}

static int64_t count_bits(const running_task *a)
{
    int64_t n = 0;
    for (int64_t w = 0; w < checkpoint_file_words(a->plan.units); w++)
        n += __builtin_popcountll(atomic_load_explicit(&a->bits[w], memory_order_relaxed));
    return n;
}

// Brings sum and bits to the owner's node; elsewhere both are zero after the next vote.
static void gather_sum(run *r, running_task *a)
{
    int home = comm_node_of(r->comm, a->owner);
    size_t words = (size_t)checkpoint_file_words(a->plan.units);
    // The bits first: the end of the sum's reduction lets the owner see both.
    comm_reduce_bits(r->comm, home, (uint64_t *)(void *)a->bits, words);
    (void)judge(r, a, comm_reduce(r->comm, home, a->sum));
    if (comm_node(r->comm) != home && comm_share(r->comm)->rank == 0) {
        partial_clear(a->sum);
        memset((void *)a->bits, 0, words * sizeof *a->bits);
    }
}

static bool is_in_wave(const task_run *t)
{
    return t->running->bits;
}

// For each of the n tasks of the wave two numbers: units done, of all nodes, and on how many ranks
// it failed: also for files that changed, whose units no later run may go on from.
static void count_all(run *r, size_t n)
{
    running_places *p = r->places;
    for (size_t i = 0; i < n; i++) {
        running_task *a = p->listed[i];
        const status st = judge(r, a, resource_use_unchanged(r->resources, a->of->task));
        p->told[2 * i] = comm_share(r->comm)->rank == 0 ? count_bits(a) : 0;
        p->told[2 * i + 1] = st != OK && st != ERR_INTERRUPTED;
    }
    comm_sum_each(r->comm, 2 * n, p->told);
}

status checkpoint_wave(run *r)
{
    status st = OK;
    running_places *p = r->places;
    double since = progress_clock(), wrote;
    int64_t met = 0;
    size_t n = 0, all = running_list(r, is_in_wave);
    if (!checkpoint_clock_allows(&r->clock, r->comm, stop_hurries(r->stop)))
        return OK;
    count_all(r, all);
    for (size_t i = 0; i < all; i++) {
        running_task *a = p->listed[i];
        const int64_t done = p->told[2 * i];
        bool same = a->round == a->saved_round ? done == a->saved_done : done + a->round == 0;
        if (same || p->told[2 * i + 1])
            continue;
        gather_sum(r, a);
        p->listed[n] = a;
        p->told[n++] = done;
    }
    wrote = progress_clock();
    note_saving(r, true);
    for (size_t i = 0; i < n && st == OK; i++)
        if (p->listed[i]->owner == comm_rank(r->comm) && judge(r, p->listed[i], OK) != ERR_NUMERIC)
            st = write_task(r, p->listed[i], p->told[i]);
    wrote = progress_clock() - wrote;
    note_saving(r, false);
    comm_sum_patiently(r->comm, 1, &met); // units may run meanwhile
    TRY(comm_agree(r->comm, st));
    checkpoint_clock_count(&r->clock, r->comm, since, wrote);
    for (size_t i = 0; i < n; i++)
        note_saved(r, p->listed[i], p->told[i]);
done:
    return st;
}

status checkpoint_stretch(run *r, int64_t stretch)
{
    running_places *p = r->places;
    int64_t met = 0;
    size_t n = running_list(r, is_in_wave);
    for (size_t i = 0; i < n; i++)
        running_task_turn(p->listed[i], stretch);
    status st = checkpoint_wave(r);
    n = running_list(r, is_in_wave); // that has made another list of it
    for (size_t i = 0; i < n && comm_share(r->comm)->rank == 0; i++)
        (void)judge(r, p->listed[i], running_task_move(p->listed[i], stretch));
    comm_sum_patiently(r->comm, 1, &met);
    return comm_agree(r->comm, st);
}

// The round has begun, has no unit done, and what is saved is an earlier one.
static bool has_begun(const task_run *t)
{
    const running_task *a = t->running;
    return t->phase == PHASE_IN_ROUND && a->round > 0 && a->done == 0 && a->saved_round != a->round;
}

status checkpoint_rounds(run *r, bool must)
{
    status st = OK;
    running_places *p = r->places;
    double since = progress_clock(), wrote;
    if (must && !checkpoint_clock_allows(&r->clock, r->comm, stop_hurries(r->stop)))
        return OK;
    size_t n = running_list(r, has_begun);
    for (size_t i = 0; i < n; i++)
        verdict_add(&p->listed[i]->verdict,
                    resource_use_unchanged(r->resources, p->listed[i]->of->task));
    n = task_agree(r, n);
    for (size_t i = 0; i < n && st == OK; i++)
        if (p->listed[i]->owner == comm_rank(r->comm))
            st = write_task(r, p->listed[i], 0);
    wrote = progress_clock() - since;
    TRY(comm_agree(r->comm, st));
    checkpoint_clock_count(&r->clock, r->comm, since, wrote);
    for (size_t i = 0; i < n; i++)
        note_saved(r, p->listed[i], 0);
done:
    return st;
}

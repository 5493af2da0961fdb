// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/checkpoint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/checked.h"

// Writing takes at most one part in so many of the run's time. A round's beginning is a small file
// and often the end of little work, so that it may be written more often than a wave.
static const double BUDGET = 50, ROUNDS = 20;
// mpirun kills one second after it was told to end: what took longer than this last time will not
// be begun then.
static const double HURRY = 0.5;

// --- The clock

static bool is_due(const saving *s, double every)
{
    double now = progress_clock();
    return now - s->last >= every && now - s->began >= BUDGET * s->spent;
}

bool saving_due(const run *r)
{
    return is_due(&r->saving, r->saving.every);
}

// Seconds until saving_due.
static double next_one(const saving *s)
{
    double now = progress_clock(), interval = s->last + s->every - now;
    double budget = s->began + BUDGET * s->spent - now;
    return interval > budget ? interval : budget;
}

// Counts what a checkpoint cost since this rank began to wait for the others. Collective.
static void count_cost(run *r, double since, double wrote)
{
    const double micro = 1e-6;
    double now = progress_clock();
    int64_t cost = comm_sum(r->comm, (int64_t)((now - since) / micro));
    r->saving.spent += (double)cost * micro / comm_ranks(r->comm);
    r->saving.wrote = (double)comm_largest(r->comm, (int64_t)(wrote / micro)) * micro;
    r->saving.last = progress_clock();
}

// Is there time to write, when the run must end at once?
static bool is_possible(const run *r)
{
    bool hurry = atomic_load(&r->flags->hurry) && r->saving.wrote >= HURRY;
    return comm_largest(r->comm, hurry) == 0;
}

// --- Writing

static status allowed(void *context)
{
    const run *r = context;
    return lease_check(r->file->output, r->lease_id);
}

// On the owner.
static status write_task(run *r, active *a, int64_t done)
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
    status st = allowed(r); // before a folder is made that somebody removed
    if (st != OK)
        return st;
    char *path = checkpoint_file_path(r->file->output, a->of->task->artefact_name);
    if (!path)
        return status_no_memory("a path");
    st = checkpoint_file_write(path, &head, a->vector.values,
                               (const uint64_t *)(const void *)a->bits, a->sum, allowed, r);
    free(path);
    return st;
}

static void note_kept(run *r, active *a, int64_t done)
{
    a->kept_round = a->round;
    a->kept_done = done;
    if (comm_rank(r->comm) == 0) // a line lost here is nothing: the file is what counts
        (void)journal_task_checkpoint(r->journal, a->of->task->label, a->round, done, a->plan.units,
                                      next_one(&r->saving));
}

static int64_t count_bits(const active *a)
{
    int64_t n = 0;
    for (int64_t w = 0; w < checkpoint_file_words(a->plan.units); w++)
        n += __builtin_popcountll(atomic_load_explicit(&a->bits[w], memory_order_relaxed));
    return n;
}

// Brings sum and bits to the owner's node; elsewhere both are zero afterwards.
static void gather(run *r, active *a)
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

// Units done of each active task (of all nodes), and whether it failed on some rank.
static status count_all(run *r, active ***tasks, int64_t **done, size_t *n)
{
    size_t most = r->n_active;
    *n = 0;
    *tasks = checked_calloc(most, sizeof **tasks);
    *done = checked_calloc(2 * most, sizeof **done);
    status st = comm_agree(r->comm, *tasks && *done ? OK : status_no_memory("a checkpoint"));
    if (st != OK)
        return st;
    for (size_t i = 0; i < r->dag->n; i++) {
        active *a = r->tasks[i].active;
        if (a && a->bits && !a->complete)
            (*tasks)[(*n)++] = a;
    }
    for (size_t i = 0; i < *n; i++) {
        const active *a = (*tasks)[i];
        bool failed = a->verdict.code != OK && a->verdict.code != ERR_INTERRUPTED;
        (*done)[i] = comm_share(r->comm)->rank == 0 ? count_bits(a) : 0;
        (*done)[*n + i] = failed;
    }
    comm_sum_each(r->comm, 2 * *n, *done);
    return OK;
}

status saving_wave(run *r)
{
    status st = OK;
    active **tasks = NULL;
    int64_t *done = NULL;
    size_t n = 0;
    double since = progress_clock(), wrote;
    if (!is_possible(r))
        return OK;
    TRY(count_all(r, &tasks, &done, &n));
    for (size_t i = 0; i < n; i++) {
        bool same = tasks[i]->round == tasks[i]->kept_round ? done[i] == tasks[i]->kept_done
                                                            : done[i] + tasks[i]->round == 0;
        if (same || done[n + i])
            tasks[i] = NULL;
        else
            gather(r, tasks[i]);
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
    count_cost(r, since, wrote);
    for (size_t i = 0; i < n; i++)
        if (tasks[i])
            note_kept(r, tasks[i], done[i]);
done:
    free(tasks);
    free(done);
    return st;
}

// The round has begun, has no unit done, and what is kept is an earlier one.
static bool has_begun(const active *a)
{
    return a && !a->complete && a->round > 0 && a->done == 0 && a->kept_round != a->round;
}

status saving_rounds(run *r, bool must)
{
    status st = OK;
    double since = progress_clock(), wrote;
    uint8_t due = must || is_due(&r->saving, r->saving.every / ROUNDS);
    comm_broadcast(r->comm, 0, &due, sizeof due);
    if (!due || (must && !is_possible(r)))
        return OK;
    for (size_t i = 0; i < r->dag->n && st == OK; i++) {
        active *a = r->tasks[i].active;
        if (has_begun(a) && a->owner == comm_rank(r->comm))
            st = write_task(r, a, 0);
    }
    wrote = progress_clock() - since;
    TRY(comm_agree(r->comm, st));
    count_cost(r, since, wrote);
    for (size_t i = 0; i < r->dag->n; i++)
        if (has_begun(r->tasks[i].active))
            note_kept(r, r->tasks[i].active, 0);
done:
    return st;
}

// --- Going on

// What the owner tells the others of the checkpoint it found.
typedef struct found {
    checkpoint_head head;
    bool there, damaged;
} found;

// The owner: opens the file. One of another key is of no use any more.
static status look(const run *r, active *a, found *f)
{
    status st = OK;
    char *path = checkpoint_file_path(r->file->output, a->of->task->artefact_name);
    if (!path)
        return status_no_memory("a path");
    if (file_exists(path)) {
        st = checkpoint_file_open(path, &a->from);
        f->damaged = st == ERR_INPUT;
        f->there = st == OK && strcmp(a->from.head.key, a->of->task->key) == 0;
        f->head = a->from.head;
        if (!f->there)
            checkpoint_file_close(&a->from);
        if (st == OK && !f->there)
            unlink(path);
    }
    free(path);
    return st == ERR_INPUT ? OK : st;
}

// The round's vector and the bits of the units done, on all ranks.
static status take(run *r, active *a, const checkpoint_head *head)
{
    status st = OK;
    size_t bytes = (size_t)checkpoint_file_words(head->units) * sizeof *a->before;
    void *bits = (void *)(uintptr_t)a->from.bits; // only read, on the owner
    if (comm_rank(r->comm) == a->owner) {
        int64_t *values = round_extend(&a->vector, (size_t)head->length);
        if (values)
            memcpy(values, a->from.vector, (size_t)head->length * sizeof *values);
        else
            st = status_no_memory("a round");
    }
    TRY(comm_agree(r->comm, st));
    TRY(active_receive(r, a));
    a->round = head->round;
    if (head->done > 0) {
        TRY(comm_broadcast_block(r->comm, a->owner, &bits, &bytes));
        if (comm_rank(r->comm) != a->owner)
            a->before = bits;
        else if ((a->before = checked_calloc(bytes, 1)))
            memcpy(a->before, bits, bytes);
        else
            st = status_no_memory("a round");
        TRY(comm_agree(r->comm, st));
    }
    a->done = head->done;
    TRY(comm_agree(r->comm, a->of->task->stage->plan(a->state, &a->vector, &a->plan)));
done:
    return st;
}

// Is the sum of the shape that the round's plan says?
static bool fits(const active *a, const checkpoint_head *head, bool owner)
{
    const partial_shape *want = &a->plan.shape, *have = &a->from.shape;
    if (a->plan.units != head->units || (owner && head->done && want->fields != have->fields))
        return false;
    for (int f = 0; owner && head->done && f < want->fields; f++)
        if (want->field[f].type != have->field[f].type ||
            want->field[f].length != have->field[f].length)
            return false;
    return true;
}

// The stage's version was not raised though its rounds changed: the task starts anew.
static void pass_over(active *a)
{
    checkpoint_file_close(&a->from);
    free(a->before);
    a->before = NULL;
    free(a->vector.values);
    a->vector = (round_state){0};
    a->done = 0;
    a->round = -1;
}

status saving_resume(run *r, active *a)
{
    status st = OK;
    found f = {0};
    const char *label = a->of->task->label;
    bool owner = comm_rank(r->comm) == a->owner, first = comm_rank(r->comm) == 0;
    if (owner)
        st = look(r, a, &f);
    TRY(comm_agree(r->comm, st));
    comm_broadcast(r->comm, a->owner, &f, sizeof f);
    if (f.damaged && first)
        progress_say(r->progress, "%s: its checkpoint is damaged; it starts anew", label);
    if (!f.there)
        return OK;
    TRY(take(r, a, &f.head));
    if (!comm_smallest(r->comm, fits(a, &f.head, owner))) {
        pass_over(a);
        return OK;
    }
    a->complete = false;
    a->kept_round = f.head.round;
    a->kept_done = f.head.done;
    a->units = f.head.earlier;
    a->operations = f.head.operations;
    a->seconds = f.head.seconds;
    if (first) {
        (void)journal_task_resumed(r->journal, label, f.head.epoch, a->round, a->done,
                                   a->plan.units);
        progress_say(r->progress, "%s goes on: round %lld, %lld of %lld units done", label,
                     (long long)a->round + 1, (long long)a->done, (long long)a->plan.units);
    }
done:
    return st;
}

void saving_restore(active *a)
{
    const saved *s = &a->from;
    if (!s->bits)
        return;
    for (int64_t w = 0; w < checkpoint_file_words(s->head.units); w++)
        atomic_store_explicit(&a->bits[w], s->bits[w], memory_order_relaxed);
    for (int f = 0; f < s->shape.fields; f++) {
        size_t item = s->shape.field[f].type == PARTIAL_COUNT ? sizeof(int64_t) : sizeof(fixed);
        memcpy(partial_values(a->sum, f), s->values[f], (size_t)s->shape.field[f].length * item);
    }
    checkpoint_file_close(&a->from);
}

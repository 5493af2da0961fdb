// SPDX-License-Identifier: Apache-2.0
// The owner alone reads the file and tells the others what is in it: ranks may see a shared folder
// differently, but must all go on from the same round.
#include "pipeline/run/checkpoint_resume.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/map_guard.h"

// One of another key is of no use any more.
status checkpoint_find(run *r, running_task *a)
{
    status st = OK;
    char *path = checkpoint_file_path(r->file->output, a->of->task->artefact_name);
    if (!path)
        return status_no_memory("a path");
    if (file_exists(path)) {
        st = checkpoint_file_open(path, &a->from);
        a->found = st != OK || strcmp(a->from.head.key, a->of->task->key) == 0;
        if (st != OK || !a->found)
            checkpoint_file_close(&a->from);
        if (!a->found)
            unlink(path);
    }
    free(path);
    return st == ERR_INPUT ? OK : st;
}

// Its digest was right when it was opened; what was read since is zeros where somebody cut it.
static status check_whole(const running_task *a)
{
    return map_guard_cut(a->from.file.bytes)
               ? status_fail(ERR_IO, a->of->task->label,
                             "its checkpoint was cut while it was read; run the same command again")
               : OK;
}

// The round's vector and the bits of the units done, on all ranks.
static status take_up(run *r, running_task *a, const checkpoint_head *head)
{
    status st = OK;
    size_t bytes = (size_t)checkpoint_file_words(head->units) * sizeof *a->before;
    void *bits = NULL;
    if (comm_rank(r->comm) == a->owner) { // copies, since MPI may write where it sends from
        int64_t *values = round_extend(&a->vector, (size_t)head->length);
        bits = a->before = head->done > 0 ? checked_calloc(bytes, 1) : NULL;
        if (values && (bits || head->done == 0)) {
            memcpy(values, a->from.vector, (size_t)head->length * sizeof *values);
            if (bits)
                memcpy(bits, a->from.bits, bytes);
        } else {
            st = status_no_memory("a round");
        }
    }
    TRY(comm_agree(r->comm, st));
    size_t length = (size_t)head->length * sizeof *a->vector.values;
    void *values = a->vector.values;
    TRY(comm_agree(r->comm, comm_broadcast_block(r->comm, a->owner, &values, &length)));
    a->vector.values = values;
    a->vector.length = a->vector.capacity = (size_t)head->length;
    a->round = head->round;
    if (head->done > 0) {
        TRY(comm_agree(r->comm, comm_broadcast_block(r->comm, a->owner, &bits, &bytes)));
        a->before = bits;
    }
    TRY(comm_agree(r->comm, check_whole(a)));
    a->done = head->done;
    TRY(comm_agree(r->comm, a->of->task->stage->plan(a->state, &a->vector, &a->plan)));
done:
    return st;
}

// Is the sum of the shape that the round's plan says?
static bool plan_fits(const running_task *a, const checkpoint_head *head, bool owner)
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
static void pass_over(running_task *a)
{
    checkpoint_file_close(&a->from);
    free(a->before);
    a->before = NULL;
    free(a->vector.values);
    a->vector = (round_state){0};
    a->done = 0;
    a->round = -1;
}

status checkpoint_resume(run *r, running_task *a)
{
    status st = OK;
    // What the owner tells the others of the checkpoint it found.
    struct {
        checkpoint_head head;
        bool there;
    } f = {a->from.head, a->from.file.bytes};
    const char *label = a->of->task->label;
    bool owner = comm_rank(r->comm) == a->owner, first = comm_rank(r->comm) == 0;
    comm_broadcast(r->comm, a->owner, &f, sizeof f);
    if (!f.there && first)
        progress_say(r->records.progress, "%s: its checkpoint is damaged; it starts anew", label);
    if (!f.there)
        return OK;
    TRY(take_up(r, a, &f.head));
    if (!comm_smallest(r->comm, plan_fits(a, &f.head, owner))) {
        pass_over(a);
        return OK;
    }
    a->of->phase = PHASE_IN_ROUND;
    a->saved_round = f.head.round;
    a->saved_done = f.head.done;
    a->units = f.head.earlier;
    a->operations = f.head.operations;
    a->seconds = f.head.seconds;
    if (first) {
        (void)journal_task_resumed(r->records.journal, label, f.head.epoch, a->round, a->done,
                                   a->plan.units);
        progress_say(r->records.progress, "%s goes on: round %lld, %lld of %lld units done", label,
                     (long long)a->round + 1, (long long)a->done, (long long)a->plan.units);
    }
done:
    return st;
}

status checkpoint_restore(running_task *a)
{
    const checkpoint_file *s = &a->from;
    if (!s->bits)
        return OK;
    for (int64_t w = 0; w < checkpoint_file_words(s->head.units); w++)
        atomic_store_explicit(&a->bits[w], s->bits[w], memory_order_relaxed);
    for (int f = 0; f < s->shape.fields; f++) {
        size_t item = s->shape.field[f].type == PARTIAL_COUNT ? sizeof(int64_t) : sizeof(fixed);
        memcpy(partial_values(a->sum, f), s->values[f], (size_t)s->shape.field[f].length * item);
    }
    status st = check_whole(a);
    checkpoint_file_close(&a->from);
    return st;
}

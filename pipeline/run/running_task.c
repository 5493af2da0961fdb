// SPDX-License-Identifier: Apache-2.0
// Owners follow one another over the ranks, so that tasks of a sweep are decided on side by side.
// Each step of the tasks' life is voted on for all of them at once: over a slow network their number
// then costs nothing.
#include "pipeline/run/running_task.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/progress.h"

enum { PLACES = 64 }; // enough to share the ranks among, few enough to hold

status running_places_new(const comm *c, running_places **out)
{
    running_places *p = checked_calloc(1, sizeof *p);
    if (!p)
        return status_no_memory("the tasks");
    *out = p; // freed with what follows
    p->n = comm_ranks(c) > PLACES ? (size_t)comm_ranks(c) : PLACES;
    p->place = checked_calloc(p->n, sizeof *p->place);
    p->listed = checked_calloc(p->n, sizeof(running_task *));
    p->ballot = checked_calloc(p->n, sizeof(verdict *));
    p->block = checked_calloc(p->n, sizeof *p->block);
    p->told = checked_calloc(p->n, 2 * sizeof *p->told);
    return p->place && p->listed && p->ballot && p->block && p->told
               ? OK
               : status_no_memory("the tasks");
}

void running_places_free(running_places *p)
{
    if (!p)
        return;
    for (size_t i = 0; p->place && i < p->n; i++)
        running_task_end(&p->place[i]);
    free(p->place);
    free(p->listed);
    free(p->ballot);
    free(p->block);
    free(p->told);
    free(p);
}

void running_task_begin(run *r, task_run *t)
{
    running_task *a = r->places->place;
    while (a->of)
        a++;
    *a = (running_task){.of = t,
                        .owner = (int)(r->n_opened++ % (size_t)comm_ranks(r->comm)),
                        .round = -1,
                        .saved_round = -1,
                        .started = progress_clock()};
    t->running = a;
}

void running_task_end(running_task *a)
{
    if (!a || !a->of)
        return;
    if (a->state)
        a->of->task->stage->close(a->state);
    checkpoint_file_close(&a->from);
    free(a->before);
    free(a->vector.values);
    running_task_unview(a);
    *a = (running_task){0};
}

// --- What its units come to

static size_t bits_bytes(const running_task *a)
{
    return ((size_t)checkpoint_file_words(a->plan.units) * sizeof *a->bits + 63) / 64 * 64;
}

size_t running_task_bytes(const running_task *a)
{
    size_t all;
    return checked_add(bits_bytes(a), partial_bytes(&a->plan.shape), &all) ? all : SIZE_MAX;
}

status running_task_view(running_task *a, int i, char *block)
{
    a->tally[i].bits = (atomic_uint_least64_t *)(void *)block;
    status st = partial_view(&a->plan.shape, block + bits_bytes(a), &a->tally[i].sum);
    if (i == 0)
        running_task_turn(a, 0);
    return st;
}

void running_task_unview(running_task *a)
{
    for (int i = 0; i < 2; i++)
        partial_free(a->tally[i].sum);
    a->tally[0] = a->tally[1] = (tally){0};
    running_task_turn(a, 0);
}

void running_task_turn(running_task *a, int64_t stretch)
{
    a->sum = a->tally[stretch % 2].sum;
    a->bits = a->tally[stretch % 2].bits;
}

status running_task_move(running_task *a, int64_t stretch)
{
    const tally *from = &a->tally[stretch % 2], *to = &a->tally[(stretch + 1) % 2];
    const int64_t words = checkpoint_file_words(a->plan.units);
    status st = OK;
    for (int f = 0; f < a->plan.shape.fields && st == OK; f++) {
        const partial_field *field = &a->plan.shape.field[f];
        if (field->type == PARTIAL_COUNT)
            st = partial_add_counts(to->sum, f, 0, field->length, partial_counts(from->sum, f));
        else
            st = partial_add_sums(to->sum, f, 0, field->length, partial_sums(from->sum, f));
    }
    for (int64_t w = 0; w < words; w++)
        atomic_fetch_or(&to->bits[w], atomic_exchange(&from->bits[w], 0));
    partial_clear(from->sum);
    return st;
}

double running_task_waiting(const running_task *a)
{
    return a->manned > 0 ? (double)a->rested / (double)a->manned : 0;
}

size_t running_list(run *r, bool (*is)(const task_run *t))
{
    size_t n = 0;
    for (size_t i = 0; i < r->dag->n; i++)
        if (r->tasks[i].running && is(&r->tasks[i]))
            r->places->listed[n++] = r->tasks[i].running;
    return n;
}

void running_vote(run *r, size_t n, int numbers)
{
    running_places *p = r->places;
    for (size_t i = 0; i < n; i++)
        p->ballot[i] = &p->listed[i]->verdict;
    comm_agree_each(r->comm, n, p->ballot, numbers, p->told);
}

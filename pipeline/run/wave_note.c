// SPDX-License-Identifier: Apache-2.0
// Seconds are added up as whole nanoseconds, so that one reduction of integers does for all.
#include "pipeline/run/wave_note.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/run/running_task.h"

enum { NANO = 1000000000, JOURNAL_SECONDS = 10 };

bool wave_note_wanted(const comm *c)
{
    return comm_largest(c, getenv("SULCUS_STATS") != NULL) != 0;
}

static double largest_seconds(const comm *c, double seconds)
{
    return (double)comm_largest(c, (int64_t)(seconds * NANO)) / NANO;
}

status wave_note_write(const wave_note *own, const comm *c, journal *j)
{
    double idle = own->seconds - own->busy;
    int64_t sum[] = {(int64_t)(idle * NANO), own->sent, own->fetched};
    status st = OK;
    comm_sum_each(c, 3, sum);
    const journal_wave line = {.units = own->units,
                               .ranks = comm_ranks(c),
                               .nodes = comm_nodes(c),
                               .seconds = largest_seconds(c, own->seconds),
                               .idle_mean = (double)sum[0] / NANO / comm_ranks(c),
                               .idle_most = largest_seconds(c, idle),
                               .longest = largest_seconds(c, own->longest),
                               .gap = largest_seconds(c, own->gap),
                               .waiting = own->waiting,
                               .messages = sum[1],
                               .fetched = sum[2]};
    if (comm_rank(c) == 0)
        st = journal_add_wave(j, &line);
    return comm_agree(c, st);
}

void wave_note_begin(wave_part *part)
{
    running_task *a = part->task;
    const task *t = a->of->task;
    if (t->stage->tell)
        t->stage->tell(a->state, &a->vector, part->note, sizeof part->note);
    part->ahead = t->stage->ahead ? t->stage->ahead(a->state, &a->vector) : -1;
    if (a->foreseen == 0) {
        estimate e = {0};
        const bool known = t->stage->estimate && t->stage->estimate(t, &e) == OK && e.units > 0;
        a->foreseen = known ? e.units : -1;
    }
}

void wave_note_finished(run *r, const task *t, double busy, int ranks, double alone)
{
    if (!r->times || ranks < 1)
        return;
    step_time *s = &r->times[t->step - r->file->steps];
    s->seconds += busy / ranks + alone;
    s->n++;
}

// Seconds to the end of a task: of its round, and of what is ahead of that, by the stage's word or
// by what was foreseen. Without a word, unknown once more was done than was foreseen.
static double seconds_left(const wave_part *part, const progress_line *line)
{
    const running_task *a = part->task;
    const double rate = progress_rate(line), done = (double)line->done;
    const double round = (double)line->units - done;
    const double all = part->ahead >= 0 ? round + (double)part->ahead
                                        : (double)(a->foreseen - a->units - a->done) - done;
    if (rate <= 0 || (a->foreseen > 0 && all < round && a->of->task->stage->tell))
        return -1;
    return (all > round ? all : round) / rate;
}

// Tasks that run together end together, more or less; the others come behind them.
static progress_end find_end(const run *r, const progress_line *lines, size_t n)
{
    progress_end end = {.left = -1};
    for (size_t i = 0; i < n; i++)
        end.left = lines[i].left > end.left ? lines[i].left : end.left;
    for (size_t i = 0; r->times && i < r->dag->n && end.left >= 0; i++) {
        if (r->tasks[i].phase > PHASE_READY)
            continue;
        const step_time *s = &r->times[r->tasks[i].task->step - r->file->steps];
        end.left += s->n > 0 ? s->seconds / (double)s->n : 0;
        end.unknown += s->n == 0;
    }
    return end;
}

void wave_note_progress(run *r, const wave_units *l, double started)
{
    size_t n = 0;
    double now = progress_clock();
    const bool due = progress_due(r->records.progress); // mostly not, and this is asked every unit
    for (size_t p = 0; p < l->n; p++) {
        wave_part *part = &l->parts[p];
        const bool late = now - part->journalled >= JOURNAL_SECONDS;
        int64_t done = due || late ? atomic_load(&part->board->done) : 0;
        if (part->here == 0 || done == 0)
            continue;
        progress_line line = {.label = part->task->of->task->label,
                              .round = part->task->round,
                              .units = part->n,
                              .seconds = now - started};
        line.done = (int64_t)((double)done / (double)part->here * (double)part->n);
        line.left = seconds_left(part, &line);
        memcpy(line.note, part->note, sizeof line.note);
        if (done < part->here)
            l->lines[n++] = line;
        if (!late)
            continue;
        part->journalled = now;
        const journal_progress j = {.label = line.label,
                                    .round = line.round,
                                    .done = part->task->done + line.done,
                                    .units = part->task->plan.units,
                                    .rate = progress_rate(&line),
                                    .left = line.left,
                                    .note = line.note};
        // A line lost here is nothing: a full disk stops the run where something is committed.
        (void)journal_task_progress(r->records.journal, &j);
    }
    if (due)
        progress_show(r->records.progress, n, l->lines, find_end(r, l->lines, n));
}

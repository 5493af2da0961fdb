// SPDX-License-Identifier: Apache-2.0
// Seconds are added up as whole nanoseconds, so that one reduction of integers does for all.
#include "pipeline/run/wave_note.h"

#include <math.h>
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

// Units of a task's later rounds, by the stage's word or by what was foreseen. Without a word, unknown
// (negative) once more was done than was foreseen.
static double units_ahead(const wave_part *part)
{
    const running_task *a = part->task;
    const double later = (double)(a->foreseen - a->units - a->plan.units);
    if (part->ahead >= 0)
        return (double)part->ahead;
    if (later < 0 && a->foreseen > 0 && a->of->task->stage->tell)
        return -1;
    return later > 0 ? later : 0;
}

static double part_cost(const wave_units *l, const wave_part *p)
{
    return (double)(l->before[p->first + p->n] - l->before[p->first]);
}

static double share_done(const wave_part *p)
{
    return p->here > 0 ? (double)atomic_load(&p->board->done) / (double)p->here : 0;
}

static double cost_done(const wave_units *l)
{
    double done = 0;
    for (size_t i = 0; i < l->n; i++)
        done += share_done(&l->parts[i]) * part_cost(l, &l->parts[i]);
    return done;
}

// Seconds that a unit of cost takes, since a part last ended: operations of one stage take another
// time than those of the next. Negative: not known.
static double find_pace(const wave_units *l, double seconds)
{
    const double done = cost_done(l);
    double ended = 0, before = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->parts[i].ended > ended) {
            ended = l->parts[i].ended;
            before = l->parts[i].wave_done;
        }
    if (done > before)
        return (seconds - ended) / (done - before);
    return done > 0 ? seconds / done : -1;
}

// Looks how far the wave has come, and what its pace makes of the tasks' later rounds, whose units
// are taken to cost what those of this one do. Returns the seconds that the wave has left;
// negative: not known.
static double look_ahead(const wave_units *l, double seconds)
{
    const double pace = find_pace(l, seconds);
    double rest = 0;
    for (size_t i = 0; i < l->n; i++) {
        wave_part *p = &l->parts[i];
        const double cost = part_cost(l, p), done = share_done(p);
        p->done = done * (double)p->n;
        rest += (1 - done) * cost;
        p->later = units_ahead(p) * cost / (double)p->n;
        if (pace >= 0)
            p->later *= pace;
    }
    return pace >= 0 ? rest * pace : -1;
}

// Seconds to the end of a task: no task goes on before the wave has ended, and all that do so share
// what computes.
static double seconds_left(const wave_units *l, const wave_part *part, double wave)
{
    double left = wave;
    if (wave < 0 || part->later < 0)
        return -1;
    for (size_t i = 0; i < l->n; i++)
        left += l->parts[i].later < part->later ? fmax(l->parts[i].later, 0) : part->later;
    return left;
}

// The tasks that run end when the last of them does; the others come behind them.
static progress_end find_end(const run *r, const wave_units *l, double wave)
{
    progress_end end = {.left = -1};
    for (size_t i = 0; i < l->n; i++) {
        const double left = seconds_left(l, &l->parts[i], wave);
        end.left = left > end.left ? left : end.left;
        end.unknown += left < 0;
    }
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
    const double now = progress_clock();
    const bool due = progress_due(r->records.progress); // mostly not, and this is asked every unit
    bool late = false;
    for (size_t i = 0; i < l->n; i++) {
        wave_part *p = &l->parts[i];
        if (p->ended <= 0 && atomic_load(&p->board->done) >= p->here) {
            p->ended = now - started;
            p->wave_done = cost_done(l);
        }
        late = late || now - p->journalled >= JOURNAL_SECONDS;
    }
    if (!due && !late)
        return;
    const double wave = look_ahead(l, now - started);
    for (size_t p = 0; p < l->n; p++) {
        wave_part *part = &l->parts[p];
        if (part->done <= 0)
            continue;
        progress_line line = {.label = part->task->of->task->label,
                              .round = part->task->round,
                              .units = part->n,
                              .done = (int64_t)part->done,
                              .seconds = part->ended > 0 ? part->ended : now - started,
                              .left = seconds_left(l, part, wave)};
        memcpy(line.note, part->note, sizeof line.note);
        if (part->ended <= 0)
            l->lines[n++] = line;
        if (now - part->journalled < JOURNAL_SECONDS)
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
        progress_show(r->records.progress, n, l->lines, find_end(r, l, wave));
}

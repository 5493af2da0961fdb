// SPDX-License-Identifier: Apache-2.0
// Seconds are added up as whole nanoseconds, so that one reduction of integers does for all.
#include "pipeline/run/wave_note.h"

#include <stdlib.h>

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

void wave_note_progress(run *r, const wave_units *l, double started)
{
    size_t n = 0;
    double now = progress_clock();
    for (size_t p = 0; p < l->n; p++) {
        wave_part *part = &l->parts[p];
        int64_t done = atomic_load(&part->board->done);
        if (part->here == 0 || done == 0)
            continue;
        progress_line line = {part->task->of->task->label, part->task->round, 0, part->n,
                              now - started};
        line.done = (int64_t)((double)done / (double)part->here * (double)part->n);
        if (done < part->here)
            l->lines[n++] = line;
        if (now - part->journalled < JOURNAL_SECONDS)
            continue;
        part->journalled = now;
        const journal_progress j = {.label = line.label,
                                    .round = line.round,
                                    .done = part->task->done + line.done,
                                    .units = part->task->plan.units,
                                    .rate = progress_rate(&line)};
        // A line lost here is nothing: a full disk stops the run where something is committed.
        (void)journal_task_progress(r->records.journal, &j);
    }
    progress_show(r->records.progress, n, l->lines);
}

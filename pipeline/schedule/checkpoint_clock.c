// SPDX-License-Identifier: Apache-2.0
// Costs travel as whole microseconds: sums of integers are the same on all ranks.
#include "pipeline/schedule/checkpoint_clock.h"

#include "pipeline/base/progress.h"

// Writing takes at most one part in BUDGET of the run's time; a round's beginning is due ROUNDS
// times as often as a wave's checkpoint.
static const double BUDGET = 50, ROUNDS = 20;
// mpirun kills half a second (Open MPI 5) to two (4) after it was told to end: what took longer than
// this last time will not be begun then.
static const double HURRY = 0.5;
static const double MICRO = 1e-6;

void checkpoint_clock_start(checkpoint_clock *k, double every)
{
    double now = progress_clock();
    *k = (checkpoint_clock){every, now, now, 0, 0};
}

static bool is_due(const checkpoint_clock *k, double every)
{
    double now = progress_clock();
    return now - k->last >= every && now - k->began >= BUDGET * k->spent;
}

bool checkpoint_clock_due(const checkpoint_clock *k)
{
    return is_due(k, k->every);
}

bool checkpoint_clock_round_due(const checkpoint_clock *k)
{
    return is_due(k, k->every / ROUNDS);
}

double checkpoint_clock_next(const checkpoint_clock *k)
{
    double now = progress_clock(), interval = k->last + k->every - now;
    double budget = k->began + BUDGET * k->spent - now;
    return interval > budget ? interval : budget;
}

bool checkpoint_clock_allows(const checkpoint_clock *k, const comm *c, bool hurry)
{
    return comm_largest(c, hurry && k->wrote >= HURRY) == 0;
}

void checkpoint_clock_count(checkpoint_clock *k, const comm *c, double since, double wrote)
{
    int64_t cost = comm_sum(c, (int64_t)((progress_clock() - since) / MICRO));
    k->spent += (double)cost * MICRO / comm_ranks(c);
    k->wrote = (double)comm_largest(c, (int64_t)(wrote / MICRO)) * MICRO;
    k->last = progress_clock();
}

// SPDX-License-Identifier: Apache-2.0
// Everything is decided on counts; shares are compared with a slack far below one answer, because
// (1 - drop) is not exact in binary. A probe ends early only where no answer still to come could
// change its side of the band, so that ending early changes no result.
#include "stages/prune/bisection.h"

#include <stdbool.h>
#include <string.h>

// Shares such as (1 - 0.8) · 1 are not exact: a count that meets a bound in decimal meets it here.
static const double slack = 1e-9;

static double target_of(const bisection_goal *goal)
{
    return (1 - goal->drop) * (double)goal->base_correct / (double)goal->total;
}

static bool is_above(const bisection_goal *goal, int64_t correct)
{
    return (double)correct / (double)goal->total > target_of(goal) + slack;
}

static bool is_below(const bisection_goal *goal, int64_t correct)
{
    return (double)correct / (double)goal->total < target_of(goal) - goal->tolerance - slack;
}

static void halve_bracket(bisection *b)
{
    b->step = b->correct = b->seen = 0;
    if (b->high - b->low > 1) {
        b->at = b->low + (b->high - b->low) / 2;
    } else {
        b->at = b->low;
        b->outcome = BISECTION_NARROW;
    }
}

void bisection_begin(bisection *b, const bisection_goal *goal)
{
    memset(b, 0, sizeof *b);
    b->high = goal->neurons;
    if (is_above(goal, goal->base_correct))
        halve_bracket(b);
    else
        b->outcome = BISECTION_REACHED;
}

void bisection_observe(bisection *b, const bisection_goal *goal, int64_t correct, int64_t seen)
{
    b->correct += correct;
    b->seen += seen;
    b->step++;
    int64_t rest = goal->total - b->seen;
    bool above = is_above(goal, b->correct), below = is_below(goal, b->correct + rest);
    if (rest > 0 && !above && !below)
        return;
    b->probe[b->probes++] = (bisection_probe){b->at, b->correct, b->seen};
    if (above)
        b->low = b->at;
    else if (below)
        b->high = b->at;
    else
        b->outcome = BISECTION_REACHED;
    if (b->outcome == BISECTION_OPEN)
        halve_bracket(b);
}

int64_t bisection_ahead(const bisection *b, int64_t neurons)
{
    int64_t probes = 1;
    for (int64_t width = (b->high - b->low) / 2; width > neurons / BISECTION_GRAIN; width /= 2)
        probes++;
    return b->outcome == BISECTION_OPEN ? probes : 0;
}

int64_t bisection_prefix(int64_t tiles, int64_t step)
{
    if (step <= 0)
        return 0;
    if (tiles < 3)
        return tiles;
    if (tiles < 8)
        step++;
    return step == 1 ? (tiles + 3) / 4 : step == 2 ? (tiles + 1) / 2 : tiles;
}

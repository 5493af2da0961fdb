// SPDX-License-Identifier: Apache-2.0
// The flags lie in the node's shared memory, so that a signal to one rank stops its whole node at
// once. `told` keeps the ranks of a node from sending an alarm each.
#include "pipeline/schedule/stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/progress.h"
#include "pipeline/schedule/deadline.h"

// In the node's shared memory.
typedef struct stop_flags {
    atomic_bool stopping; // the run ends as soon as it can
    atomic_bool hurry;    // and within a second
    atomic_bool told;     // and the other nodes know
} stop_flags;

struct stop {
    comm *comm;
    stop_watch *watch;
    stop_flags *flags;
    double deadline; // of the job (deadline.h), of this rank's progress_clock
};

status stop_new(comm *c, stop_watch *watch, stop **out)
{
    status st;
    void *flags = NULL;
    share *node = comm_share(c);
    stop *s = checked_calloc(1, sizeof *s);
    TRY(comm_agree(c, s ? OK : status_no_memory("the run")));
    TRY(comm_agree(c, node->alloc(node, sizeof *s->flags, SHARE_ZEROS, &flags)));
    *s = (stop){c, watch, flags, INFINITY};
    watch(&s->flags->stopping, &s->flags->hurry);
    *out = s;
    return OK;
done:
    if (flags)
        node->release(node, flags);
    free(s);
    return st;
}

void stop_free(stop *s)
{
    if (!s)
        return;
    s->watch(NULL, NULL);
    comm_share(s->comm)->release(comm_share(s->comm), s->flags);
    free(s);
}

const atomic_bool *stop_flag(const stop *s)
{
    return &s->flags->stopping;
}

bool stop_share_deadline(stop *s)
{
    double left = deadline_left();
    comm_broadcast(s->comm, 0, &left, sizeof left);
    if (left > 0)
        s->deadline = progress_clock() + left;
    return left > 0;
}

void stop_ask(stop *s)
{
    atomic_store(&s->flags->stopping, true);
}

bool stop_near(stop *s, double unit, double writing)
{
    if (deadline_near(s->deadline, unit, writing))
        stop_ask(s);
    return atomic_load(&s->flags->stopping);
}

bool stop_look(stop *s)
{
    if (comm_alarmed(s->comm)) {
        atomic_store(&s->flags->told, true);
        stop_ask(s);
    }
    const bool stopping = atomic_load(&s->flags->stopping);
    if (stopping && !atomic_exchange(&s->flags->told, true))
        comm_alarm(s->comm);
    return stopping;
}

bool stop_anywhere(stop *s, double writing)
{
    bool here = atomic_load(&s->flags->stopping) || deadline_near(s->deadline, 0, writing);
    return comm_largest(s->comm, here) != 0;
}

bool stop_hurries(const stop *s)
{
    return atomic_load(&s->flags->hurry);
}

bool stop_meet(stop *s, bool *due, int n, int64_t *numbers)
{
    int64_t sum[3 + STOP_NUMBERS] = {comm_alarms(s->comm), atomic_load(&s->flags->stopping), *due};
    memcpy(sum + 3, numbers, (size_t)n * sizeof *sum);
    comm_sum_each(s->comm, 3 + (size_t)n, sum);
    comm_alarm_clear(s->comm, sum[0]);
    *due = sum[2] > 0;
    memcpy(numbers, sum + 3, (size_t)n * sizeof *sum);
    if (sum[1] > 0)
        stop_ask(s);
    return sum[1] > 0;
}

// SPDX-License-Identifier: Apache-2.0
// Who claims the units of a wave: every rank, or the first member of every team for its team.
#ifndef PIPELINE_SCHEDULE_WORKERS_H
#define PIPELINE_SCHEDULE_WORKERS_H

#include "pipeline/comm/comm.h"

typedef struct workers {
    int all, first, here; // how many there are; in the order of nodes, those of this node
    int mine;             // this rank among those here; -1: it does not claim
} workers;

// `t` NULL: every rank. Local.
workers workers_find(comm *c, const team *t);

#endif

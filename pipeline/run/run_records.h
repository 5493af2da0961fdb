// SPDX-License-Identifier: Apache-2.0
// What rank 0 keeps for the run: the lease of the folder, the journal, what earlier runs have done,
// and what a person sees. All NULL on the other ranks.
#ifndef PIPELINE_RUN_RUN_RECORDS_H
#define PIPELINE_RUN_RUN_RECORDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/progress.h"
#include "pipeline/lease/lease.h"
#include "pipeline/store/inputs.h"
#include "pipeline/store/journal.h"

typedef struct run_records { // all owned
    progress *progress;
    lease *lease;
    journal *journal;
    journal_state *known; // the journal as it was at the start
    inputs *inputs;       // opened last
} run_records;

// Takes the folder `output` for this run and reads what is known of earlier ones. *epoch is larger
// than that of every run before. ERR_INTERRUPTED while a live run holds the folder. Local.
status run_records_open(run_records *r, const char *output, bool quiet, const atomic_bool *stopping,
                        int64_t *epoch);
// Gives the folder back. {0} is a no-op. Local.
void run_records_close(run_records *r);

#endif

// SPDX-License-Identifier: Apache-2.0
// Opened in an order that matters: nothing is read of a folder before the lease says that it is
// ours.
#include "pipeline/run/run_records.h"

#include <stdio.h>
#include <time.h>

status run_records_open(run_records *r, const char *output, bool quiet, const atomic_bool *stopping,
                        int64_t *epoch)
{
    static const int64_t MOST = INT64_MAX / 2; // seconds
    status st;
    TRY(progress_new(stdout, progress_terminal(), quiet, &r->progress));
    TRY(lease_take(output, stopping, &r->lease));
    TRY(journal_open(output, &r->journal));
    TRY(journal_load(output, &r->known));
    TRY(inputs_new(r->known, &r->inputs));
    inputs_stop_by(r->inputs, stopping);
    const journal_run *last = journal_summarize(r->known).run;
    *epoch = (int64_t)time(NULL);
    if (last && last->epoch >= MOST) {
        st = status_fail(ERR_INPUT, output,
                         JOURNAL_NAME " names a run of epoch %lld, which no clock gives; mend its "
                                      "last line of a run, or move the journal away",
                         (long long)last->epoch);
        goto done;
    }
    if (last && last->epoch >= *epoch)
        *epoch = last->epoch + 1;
done:
    return st;
}

void run_records_close(run_records *r)
{
    inputs_free(r->inputs);
    journal_state_free(r->known);
    journal_close(r->journal);
    lease_release(r->lease);
    progress_free(r->progress);
    *r = (run_records){0};
}

// SPDX-License-Identifier: Apache-2.0
// Copied, not linked: the file would go on saying what its task was called before, and another
// program could not join it with the tasks of a sweep.
#include "pipeline/dag/adopt.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/text.h"
#include "pipeline/dag/coordinates.h"
#include "pipeline/store/artefact_copy.h"
#include "pipeline/store/artefact_writer.h"

static status add_history(const task *t, const artefact *from, artefact_writer *w)
{
    char now[32];
    time_t seconds = time(NULL);
    struct tm utc;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    char *before = artefact_get_attribute(from, "history");
    char *all = text_format("%s%s%s sulcus " SULCUS_VERSION ": found by its key, for %s",
                            before ? before : "", before ? "\n" : "", now, t->label);
    status st = all ? artefact_attribute(w, "history", all) : status_no_memory("a history");
    free(before);
    free(all);
    return st;
}

status task_adopt(const task *t, const journal_commit *found, int64_t epoch,
                  status (*allowed)(void *context), void *context, stored *out)
{
    status st;
    artefact *from = NULL;
    artefact_writer *w = NULL;
    TRY(store_open(t->file->output, found, true, &from));
    TRY(artefact_writer_new(&w));
    TRY(artefact_copy(from, w));
    TRY(add_history(t, from, w));
    TRY(artefact_attribute(w, "pipeline", t->file->name));
    TRY(artefact_attribute(w, "pipeline_path", t->file->path));
    TRY(artefact_attribute(w, "pipeline_text", t->file->effective));
    TRY(artefact_attribute(w, "task", t->label));
    TRY(task_coordinates(t, w));
    TRY(store_again(t->file->output, t->artefact_name, w, epoch, allowed, context, out));
    if (strcmp(out->digest, found->digest) != 0)
        st = status_fail(ERR_INTERNAL, t->label, "the copy of a result has another digest");
done:
    artefact_writer_free(w);
    artefact_close(from);
    return st;
}

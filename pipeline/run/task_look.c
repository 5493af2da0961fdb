// SPDX-License-Identifier: Apache-2.0
// Rank 0 looks for all: a file system is the same for a job's ranks, or `sulcus doctor` says that it
// is not. A task that would fail in hours fails now, and with it, unless `on_error` lets the others
// go on, the run.
#include "pipeline/run/task_look.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/dag/look.h"
#include "pipeline/run/task_end.h"

// How rank 0 tells of a task that must fail; its line follows, terminated.
typedef struct found {
    uint64_t task;
    status code;
} found;

static bool is_to_come(const task_run *t)
{
    return t->phase == PHASE_READY || t->phase == PHASE_WAITING;
}

static void say_notes(run *r, const char *at)
{
    for (const char *end; (end = strchr(at, '\n')); at = end + 1)
        progress_say(r->records.progress, "note: %.*s", (int)(end - at), at);
}

// Rank 0: what it finds, as a message to all.
static status look_alone(run *r, text *message)
{
    look *l = NULL;
    status st = OK;
    bool *wanted = checked_calloc(r->dag->n, sizeof *wanted);
    if (!wanted)
        return status_no_memory("a look at the inputs");
    for (size_t i = 0; i < r->dag->n; i++)
        wanted[i] = is_to_come(&r->tasks[i]);
    TRY(look_open(r->dag, wanted, false, RESOURCE_FIRST, &l));
    say_notes(r, look_notes(l));
    for (size_t i = 0; i < r->dag->n; i++) {
        const found f = {i, wanted[i] ? look_found(l, i) : OK};
        if (f.code == OK)
            continue;
        text_add_bytes(message, (const char *)&f, sizeof f);
        text_add_bytes(message, status_text(), strlen(status_text()) + 1);
    }
    st = message->failed ? status_no_memory("a look at the inputs") : OK;
done:
    look_close(l);
    free(wanted);
    return st;
}

status task_look(run *r)
{
    verdict own = {OK, ""};
    text message = {0};
    void *bytes = NULL;
    size_t n = 0;
    if (comm_rank(r->comm) == 0) {
        verdict_add(&own, look_alone(r, &message));
        n = own.code == OK ? message.length : 0;
        bytes = message.at;
    }
    verdict_add(&own, comm_broadcast_block(r->comm, 0, &bytes, &n));
    const status st = comm_agree(r->comm, verdict_get(&own));
    for (const char *at = bytes, *end = at + n; st == OK && at < end; at += strlen(at) + 1) {
        found f;
        memcpy(&f, at, sizeof f);
        at += sizeof f;
        task_fail(r, &r->tasks[f.task], status_carry(f.code, at));
    }
    if (bytes != message.at)
        free(bytes);
    text_free(&message);
    return st;
}

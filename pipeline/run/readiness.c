// SPDX-License-Identifier: Apache-2.0
// Rank 0 alone looks at files and the journal, which other nodes may see a moment later; what it
// finds goes to all in one message, so that they all act on the same.
#include "pipeline/run/readiness.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/text.h"
#include "pipeline/dag/adopt.h"
#include "pipeline/dag/key.h"
#include "pipeline/run/task_end.h"
#include "pipeline/store/kept.h"

// How rank 0 tells a decision. Behind it, each terminated: the failure's line, and name and value
// of every field of the key (the owner of a task writes them into its artefact).
typedef struct decision {
    uint64_t task;
    task_phase phase;
    status failure;
    stored stored;
    char key[DIGEST_HEX];
    uint64_t fields;
} decision;

static status file_digest(void *context, const char *path, char hex[DIGEST_HEX])
{
    return inputs_digest(context, path, hex);
}

// What the states of the inputs say about a waiting task; PHASE_READY when all are there.
static task_phase judge_inputs(const task *t)
{
    task_phase worst = PHASE_READY;
    for (size_t i = 0; i < t->n_inputs; i++) {
        task_phase s = ((const task_run *)t->inputs[i]->run)->phase;
        if (s == PHASE_FAILED || s == PHASE_BLOCKED)
            return PHASE_BLOCKED;
        if (s == PHASE_LEFT_OUT)
            worst = PHASE_LEFT_OUT;
        else if (s != PHASE_COMMITTED && s != PHASE_SKIPPED && worst == PHASE_READY)
            worst = PHASE_WAITING;
    }
    return worst;
}

static void skip_task(task_run *t, const stored *as)
{
    t->stored = *as;
    memcpy(t->task->digest, as->digest, sizeof t->task->digest);
}

// A task's place, and what lies there under another key; NULL: nothing.
typedef struct place {
    run *run;
    const journal_commit *own;
} place;

// Keeps that, where the folder is still this run's: just before another result takes its place.
static status make_room(void *context)
{
    const place *p = context;
    status st = run_may_write(p->run);
    return st == OK && p->own ? kept_put(p->run->file->output, p->own) : st;
}

static status record_adopted(run *r, task_run *t, const journal_commit *found, const stored *made)
{
    const task *k = t->task;
    journal_commit line = *found;
    line.label = k->label;
    line.step = k->step->name;
    line.fields = k->fields.field;
    line.n_fields = k->fields.n;
    line.path = k->artefact_name;
    line.digest = made->digest;
    line.file_digest = made->file_digest;
    line.bytes = made->bytes;
    line.mtime_ns = made->mtime_ns;
    return journal_task_done(r->records.journal, &line);
}

// Rank 0: a result of before under the key, whatever its task was called, is put in the task's
// place; what lies there is kept. One that is damaged is forgotten, and the task is computed.
static status adopt_task(run *r, task_run *t, place *p, bool *adopted)
{
    const task *k = t->task;
    const char *output = r->file->output;
    kept_result found;
    stored made;
    status st;
    *adopted = false;
    if (k->forced || !kept_find(output, r->records.known, k->key, k->label, &found))
        return OK;
    st = task_adopt(k, &found.commit, r->epoch, make_room, p, &made);
    if (st == ERR_INPUT) {
        progress_say(r->records.progress, "%s was there, but %s", k->label, status_text());
        kept_forget(output, &found);
        return OK;
    }
    TRY(st);
    TRY(record_adopted(r, t, &found.commit, &made));
    kept_forget(output, &found);
    progress_say(r->records.progress, "%s was there, as %s", k->label, found.commit.label);
    skip_task(t, &made);
    *adopted = true;
done:
    return st;
}

// Rank 0: what becomes of a waiting task. On failure the state is set too.
static status judge_task(run *r, task_run *t, task_phase *phase)
{
    task *k = t->task;
    status st = OK;
    *phase = judge_inputs(k);
    if (*phase == PHASE_LEFT_OUT && k->selected)
        return status_fail(
            ERR_USAGE, k->label,
            "needs a task that is not finished and that --only, --from or --to leaves out; run "
            "without it, or name an earlier step");
    if (*phase != PHASE_READY)
        return OK;
    key_digester digester = {r->records.inputs, file_digest};
    st = key_compute(k, &digester);
    if (st != OK) {
        *phase = PHASE_FAILED;
        return st;
    }
    const journal_task *known = journal_find_task(r->records.known, k->label);
    const journal_commit *c = known ? known->commit : NULL;
    if (c && !k->forced && strcmp(c->key, k->key) == 0 && store_present(r->file->output, c)) {
        stored as = {.bytes = c->bytes, .mtime_ns = c->mtime_ns};
        memcpy(as.digest, c->digest, strlen(c->digest) + 1);
        memcpy(as.file_digest, c->file_digest, strlen(c->file_digest) + 1);
        skip_task(t, &as);
        *phase = PHASE_SKIPPED;
        return OK;
    }
    place p = {r, c && strcmp(c->key, k->key) != 0 ? c : NULL};
    bool adopted;
    st = adopt_task(r, t, &p, &adopted);
    if (st == OK && !adopted && k->selected && p.own)
        st = make_room(&p);
    if (st != OK)
        *phase = PHASE_FAILED;
    else if (adopted)
        *phase = PHASE_SKIPPED;
    else if (!k->selected)
        *phase = PHASE_LEFT_OUT;
    return st;
}

// Rank 0: decides on all waiting tasks, in topological order, so that one pass settles whole
// chains.
static status judge_all(run *r, text *out)
{
    for (size_t i = 0; i < r->dag->n; i++) {
        task_run *t = &r->tasks[i];
        decision d = {.task = i};
        if (t->phase != PHASE_WAITING)
            continue;
        d.failure = judge_task(r, t, &d.phase);
        if (d.failure != OK && d.phase != PHASE_FAILED)
            return d.failure;
        d.failure = comm_name_host(r->comm, d.failure);
        if (d.phase == PHASE_WAITING)
            continue;
        t->phase = d.phase;
        d.stored = t->stored;
        memcpy(d.key, t->task->key, sizeof d.key);
        d.fields = d.phase == PHASE_READY ? t->task->fields.n : 0;
        text_add_bytes(out, (const char *)&d, sizeof d);
        const char *line = d.failure == OK ? "" : status_text();
        text_add_bytes(out, line, strlen(line) + 1);
        for (size_t f = 0; f < d.fields; f++) {
            const key_field *field = &t->task->fields.field[f];
            text_add_bytes(out, field->name, strlen(field->name) + 1);
            text_add_bytes(out, field->value, strlen(field->value) + 1);
        }
    }
    return out->failed ? status_no_memory("the list of tasks") : OK;
}

static const char *next_text(const char **at)
{
    const char *start = *at;
    *at += strlen(start) + 1;
    return start;
}

// The fields of a key, on the ranks that did not compute it.
static status read_fields(task *t, uint64_t n, const char **at)
{
    status st = OK;
    t->fields.field = arena_alloc(t->memory, n, sizeof *t->fields.field);
    t->fields.n = t->fields.capacity = t->fields.field ? n : 0;
    for (uint64_t f = 0; f < n; f++) {
        const char *name = next_text(at), *value = next_text(at);
        if (t->fields.n == 0)
            continue;
        key_field *field = &t->fields.field[f];
        field->name = arena_text(t->memory, name, strlen(name));
        field->value = arena_text(t->memory, value, strlen(value));
        if (!field->name || !field->value)
            t->fields.n = 0;
    }
    if (t->fields.n < n)
        st = status_no_memory("a task's key");
    return st;
}

static status follow_decisions(run *r, const char *at, size_t bytes)
{
    status st = OK;
    for (const char *end = at + bytes; at < end;) {
        decision d;
        memcpy(&d, at, sizeof d);
        at += sizeof d;
        task_run *t = &r->tasks[d.task];
        const char *line = next_text(&at);
        t->stored = d.stored;
        memcpy(t->task->key, d.key, sizeof d.key);
        memcpy(t->task->digest, d.stored.digest, sizeof t->task->digest);
        if (comm_rank(r->comm) != 0 && read_fields(t->task, d.fields, &at) != OK)
            st = ERR_INTERNAL;
        else
            for (uint64_t f = 0; comm_rank(r->comm) == 0 && f < 2 * d.fields; f++)
                next_text(&at);
        if (d.phase == PHASE_READY)
            t->phase = PHASE_READY;
        else if (d.phase == PHASE_FAILED)
            task_fail(r, t, status_carry(d.failure, line));
        else
            task_end(r, t, d.phase);
    }
    return st;
}

// Has anything that a task waits for come to its end?
static bool has_moved(const run *r)
{
    for (size_t i = 0; i < r->dag->n; i++)
        if (r->tasks[i].phase == PHASE_WAITING && judge_inputs(r->dag->tasks[i]) != PHASE_WAITING)
            return true;
    return false;
}

status readiness_update(run *r)
{
    verdict own = {OK, ""};
    text message = {0};
    void *bytes = NULL;
    size_t n = 0;
    if (!has_moved(r))
        return OK;
    if (comm_rank(r->comm) == 0) {
        verdict_add(&own, judge_all(r, &message));
        n = own.code == OK ? message.length : 0;
        bytes = message.at;
    }
    verdict_add(&own, comm_broadcast_block(r->comm, 0, &bytes, &n));
    if (own.code == OK)
        verdict_add(&own, follow_decisions(r, bytes, n));
    status st = comm_agree(r->comm, verdict_get(&own));
    if (bytes != message.at)
        free(bytes);
    text_free(&message);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/readiness.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/text.h"
#include "pipeline/dag/key.h"
#include "pipeline/run/resource_use.h"
#include "pipeline/run/running_task.h"

// How rank 0 tells a decision. Behind it, each terminated: the failure's line, and name and value
// of every field of the key (the owner of a task writes them into its artefact).
typedef struct decision {
    uint64_t task;
    task_state state;
    status failure;
    stored stored;
    char key[DIGEST_HEX];
    uint64_t fields;
} decision;

static status file_digest(void *context, const char *path, char hex[DIGEST_HEX])
{
    return inputs_digest(context, path, hex);
}

// What the states of the inputs say about a waiting task; STATE_READY when all are there.
static task_state judge_inputs(const task *t)
{
    task_state worst = STATE_READY;
    for (size_t i = 0; i < t->n_inputs; i++) {
        task_state s = ((const task_run *)t->inputs[i]->run)->state;
        if (s == STATE_FAILED || s == STATE_BLOCKED)
            return STATE_BLOCKED;
        if (s == STATE_LEFT_OUT)
            worst = STATE_LEFT_OUT;
        else if (s != STATE_DONE && s != STATE_SKIPPED && worst == STATE_READY)
            worst = STATE_WAITING;
    }
    return worst;
}

// Rank 0: what becomes of a waiting task. On failure the state is set too.
static status judge(run *r, task_run *t, task_state *state)
{
    task *k = t->task;
    status st = OK;
    *state = judge_inputs(k);
    if (*state == STATE_LEFT_OUT && k->selected)
        return status_fail(
            ERR_USAGE, k->label,
            "needs a task that is not finished and that --only or --from leaves out; run "
            "without it, or name an earlier step");
    if (*state != STATE_READY)
        return OK;
    key_digester digester = {r->inputs, file_digest};
    st = key_compute(k, &digester);
    if (st != OK) {
        *state = STATE_FAILED;
        return st;
    }
    const journal_task *known = journal_find_task(r->known, k->label);
    const journal_commit *c = known ? known->commit : NULL;
    if (c && !k->forced && strcmp(c->key, k->key) == 0 && store_present(r->file->output, c)) {
        *state = STATE_SKIPPED;
        t->stored.bytes = c->bytes;
        t->stored.mtime_ns = c->mtime_ns;
        memcpy(t->stored.digest, c->digest, strlen(c->digest) + 1);
        memcpy(t->stored.file_digest, c->file_digest, strlen(c->file_digest) + 1);
        memcpy(k->digest, t->stored.digest, sizeof k->digest);
    } else if (!k->selected) {
        *state = STATE_LEFT_OUT;
    }
    return OK;
}

// Rank 0: decides on all waiting tasks, in topological order, so that one pass settles whole
// chains.
static status decide(run *r, text *out)
{
    for (size_t i = 0; i < r->dag->n; i++) {
        task_run *t = &r->tasks[i];
        decision d = {.task = i};
        if (t->state != STATE_WAITING)
            continue;
        d.failure = judge(r, t, &d.state);
        if (d.failure != OK && d.state != STATE_FAILED)
            return d.failure;
        if (d.state == STATE_WAITING)
            continue;
        t->state = d.state;
        d.stored = t->stored;
        memcpy(d.key, t->task->key, sizeof d.key);
        d.fields = d.state == STATE_READY ? t->task->fields.n : 0;
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

static const char *take_text(const char **at)
{
    const char *start = *at;
    *at += strlen(start) + 1;
    return start;
}

// The fields of a key, on the ranks that did not compute it.
static status take_fields(task *t, uint64_t n, const char **at)
{
    status st = OK;
    t->fields.field = arena_alloc(t->memory, n, sizeof *t->fields.field);
    t->fields.n = t->fields.capacity = t->fields.field ? n : 0;
    for (uint64_t f = 0; f < n; f++) {
        const char *name = take_text(at), *value = take_text(at);
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

static status apply(run *r, const char *at, size_t bytes)
{
    status st = OK;
    for (const char *end = at + bytes; at < end;) {
        decision d;
        memcpy(&d, at, sizeof d);
        at += sizeof d;
        task_run *t = &r->tasks[d.task];
        const char *line = take_text(&at);
        t->stored = d.stored;
        memcpy(t->task->key, d.key, sizeof d.key);
        memcpy(t->task->digest, d.stored.digest, sizeof t->task->digest);
        if (comm_rank(r->comm) != 0 && take_fields(t->task, d.fields, &at) != OK)
            st = ERR_INTERNAL;
        else
            for (uint64_t f = 0; comm_rank(r->comm) == 0 && f < 2 * d.fields; f++)
                take_text(&at);
        if (d.state == STATE_READY)
            t->state = STATE_READY;
        else if (d.state == STATE_FAILED)
            settle_fail(r, t, status_carry(d.failure, line));
        else
            settle_end(r, t, d.state);
    }
    return comm_agree(r->comm, st);
}

status settle(run *r)
{
    status st = OK;
    text message = {0};
    void *bytes = NULL;
    size_t n = 0;
    if (comm_rank(r->comm) == 0)
        st = decide(r, &message);
    TRY(comm_agree(r->comm, st));
    if (comm_rank(r->comm) == 0) {
        n = message.length;
        bytes = message.at;
    }
    TRY(comm_broadcast_block(r->comm, 0, &bytes, &n));
    TRY(apply(r, bytes, n));
done:
    if (bytes != message.at)
        free(bytes);
    text_free(&message);
    return st;
}

static void drop_artefact(task_run *t)
{
    artefact_close(t->task->artefact);
    t->task->artefact = NULL;
}

void settle_end(run *r, task_run *t, task_state end)
{
    if (t->state == STATE_ACTIVE)
        r->n_active--;
    active_free(t->active);
    t->active = NULL;
    t->state = end;
    resource_use_drop(r, t->task);
    for (size_t i = 0; i < t->task->n_inputs; i++) {
        task_run *input = t->task->inputs[i]->run;
        if (--input->users == 0)
            drop_artefact(input);
    }
}

void settle_fail(run *r, task_run *t, status st)
{
    char line[sizeof r->failure.text];
    snprintf(line, sizeof line, "%s", status_text());
    verdict_add(&r->failure, st);
    if (st == ERR_INTERRUPTED)
        return;
    if (comm_rank(r->comm) == 0) {
        progress_say(r->progress, "%s failed: %s", t->task->label, line);
        // The failure itself matters more than that its line could not be written.
        if (r->journal)
            (void)journal_task_failed(r->journal, t->task->label, t->task->key, st, line);
    }
    settle_end(r, t, STATE_FAILED);
}

// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/names.h"
#include "pipeline/journal.h"

#define SUM_HEAD ",\"sum\":\""
enum { SUM_BYTES = sizeof SUM_HEAD - 1 + 16 + 2 }; // ,"sum":"0123456789abcdef"}

typedef struct entry { // of a label
    journal_task task;
    journal_progress progress;
    journal_commit commit;
    journal_field *fields; // owned, of the commit
    json_t *event_line, *progress_line, *commit_line,
        *name_line; // owned: the texts above live in them
} entry;

typedef struct input_entry {
    journal_input input;
    json_t *line; // owned
} input_entry;

struct journal_state {
    entry **tasks; // owned; each its own block, so that pointers into it stay
    input_entry **inputs;
    size_t n_tasks, tasks_capacity, n_inputs, inputs_capacity;
    names task_index, input_index;
    journal_run run;
    journal_summary summary;
    json_t *run_line, *end_line; // owned
};

static const char *get_text(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static int64_t get_int(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static double get_real(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

// Keeps a line for the texts borrowed from it, in place of the one before.
static void keep(json_t **place, json_t *line)
{
    json_incref(line);
    json_decref(*place);
    *place = line;
}

// The label's entry, made where it is new; NULL when out of memory.
static entry *task_entry(journal_state *s, json_t *line)
{
    size_t i;
    const char *label = get_text(line, "task");
    if (names_get(&s->task_index, label, &i))
        return s->tasks[i];
    entry *e = calloc(1, sizeof *e);
    if (!e || !checked_grow(&s->tasks, &s->tasks_capacity, s->n_tasks + 1, sizeof *s->tasks) ||
        !names_put(&s->task_index, label, s->n_tasks)) {
        free(e);
        return NULL;
    }
    keep(&e->name_line, line);
    e->task.label = label;
    s->tasks[s->n_tasks++] = e;
    return e;
}

static bool set_event(journal_state *s, json_t *line, journal_event event)
{
    entry *e = task_entry(s, line);
    if (!e)
        return false;
    keep(&e->event_line, line);
    e->task.event = event;
    e->task.time = get_real(line, "time");
    e->task.epoch = s->run.epoch;
    e->task.key = get_text(line, "key");
    e->task.result = event == TASK_FAILED ? (status)get_int(line, "result") : OK;
    e->task.message = get_text(line, "message");
    return true;
}

static bool on_start(journal_state *s, json_t *line)
{
    if (!set_event(s, line, TASK_STARTED))
        return false;
    task_entry(s, line)->task.progress = NULL;
    return true;
}

static bool on_failed(journal_state *s, json_t *line)
{
    return set_event(s, line, TASK_FAILED);
}

static bool on_progress(journal_state *s, json_t *line)
{
    entry *e = task_entry(s, line);
    if (!e)
        return false;
    keep(&e->progress_line, line);
    e->progress = (journal_progress){
        .label = e->task.label,
        .round = get_int(line, "round"),
        .done = get_int(line, "done"),
        .units = get_int(line, "units"),
        .total_done = get_int(line, "total_done"),
        .total = get_int(line, "total"),
        .rate = get_real(line, "rate"),
        .time = get_real(line, "time"),
    };
    e->task.progress = &e->progress;
    return true;
}

// Does the path stay below the folder it is relative to?
static bool is_inside(const char *path)
{
    if (!path || path[0] == '/')
        return false;
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (strcmp(part, "..") == 0 || strncmp(part, "../", 3) == 0)
            return false;
    return true;
}

static bool on_done(journal_state *s, json_t *line)
{
    entry *e = task_entry(s, line);
    json_t *fields = json_object_get(line, "fields"), *value;
    const char *name;
    size_t n = 0;
    journal_field *copy = checked_calloc(json_object_size(fields), sizeof *copy);
    if (!e || !copy || !set_event(s, line, TASK_DONE)) {
        free(copy);
        return false;
    }
    json_object_foreach(fields, name, value)
    {
        copy[n++] = (journal_field){name, json_string_value(value)};
    }
    free(e->fields);
    e->fields = copy;
    keep(&e->commit_line, line);
    e->commit = (journal_commit){
        .label = e->task.label,
        .step = get_text(line, "step"),
        .stage = get_text(line, "stage"),
        .key = get_text(line, "key"),
        .fields = copy,
        .n_fields = n,
        .path = get_text(line, "path"),
        .digest = get_text(line, "digest"),
        .file_digest = get_text(line, "file_digest"),
        .bytes = get_int(line, "bytes"),
        .mtime_ns = get_int(line, "mtime_ns"),
        .seconds = get_real(line, "seconds"),
        .units = get_int(line, "units"),
        .operations = get_real(line, "operations"),
        .ranks = (int)get_int(line, "ranks"),
        .threads = (int)get_int(line, "threads"),
        .time = get_real(line, "time"),
    };
    const journal_commit *c = &e->commit;
    bool whole = is_inside(c->path) && c->step && c->stage && c->key && c->digest && c->file_digest;
    e->task.commit = whole ? c : NULL; // a line of another version of the program
    return true;
}

static bool on_input(journal_state *s, json_t *line)
{
    size_t i;
    const char *path = get_text(line, "path");
    input_entry *e;
    if (names_get(&s->input_index, path, &i)) {
        e = s->inputs[i];
    } else {
        e = calloc(1, sizeof *e);
        if (!e ||
            !checked_grow(&s->inputs, &s->inputs_capacity, s->n_inputs + 1, sizeof *s->inputs)) {
            free(e);
            return false;
        }
        i = s->n_inputs++;
        s->inputs[i] = e;
    }
    if (!names_put(&s->input_index, path, i)) // the index borrows the new line's text from now on
        return false;
    keep(&e->line, line);
    e->input = (journal_input){
        .path = path,
        .size = get_int(line, "size"),
        .inode = (uint64_t)get_int(line, "inode"),
        .mtime_ns = get_int(line, "mtime_ns"),
        .ctime_ns = get_int(line, "ctime_ns"),
        .digest = get_text(line, "digest"),
    };
    return true;
}

static bool on_run(journal_state *s, json_t *line)
{
    keep(&s->run_line, line);
    s->run = (journal_run){
        .epoch = get_int(line, "epoch"),
        .ranks = (int)get_int(line, "ranks"),
        .threads = (int)get_int(line, "threads"),
        .host = get_text(line, "host"),
        .version = get_text(line, "version"),
        .command = get_text(line, "command"),
        .pipeline = get_text(line, "pipeline"),
        .time = get_real(line, "time"),
    };
    s->summary.run = &s->run;
    s->summary.ended = false;
    s->summary.message = NULL;
    s->summary.runs++;
    return true;
}

static bool on_end(journal_state *s, json_t *line)
{
    if (!s->summary.run || get_int(line, "epoch") != s->run.epoch)
        return true; // an older run that ended late
    keep(&s->end_line, line);
    s->summary.ended = true;
    s->summary.result = (status)get_int(line, "result");
    s->summary.message = get_text(line, "message");
    return true;
}

// What each event says is about its subject; a line without it is of another version of the
// program, and skipped. False when out of memory.
static const struct {
    const char *event, *subject;
    bool (*apply)(journal_state *s, json_t *line);
} events[] = {
    {"progress", "task", on_progress}, {"start", "task", on_start}, {"done", "task", on_done},
    {"failed", "task", on_failed},     {"input", "path", on_input}, {"run", "time", on_run},
    {"end", "time", on_end},
};

static bool apply(journal_state *s, json_t *line)
{
    const char *event = get_text(line, "event");
    s->summary.time = get_real(line, "time");
    for (size_t i = 0; event && i < sizeof events / sizeof *events; i++)
        if (strcmp(events[i].event, event) == 0)
            return !json_object_get(line, events[i].subject) || events[i].apply(s, line);
    return true;
}

// Does the line end in the sum of what is before it?
static bool is_whole(const char *line, size_t n)
{
    char tail[SUM_BYTES + 1];
    if (n <= SUM_BYTES || line[0] != '{')
        return false;
    snprintf(tail, sizeof tail, SUM_HEAD "%016llx\"}",
             (unsigned long long)XXH3_64bits(line, n - SUM_BYTES));
    return memcmp(line + n - SUM_BYTES, tail, SUM_BYTES) == 0;
}

static status load_lines(journal_state *s, const char *bytes, size_t size)
{
    const char *end = bytes + size;
    for (const char *at = bytes; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((newline ? newline : end) - at);
        json_t *line = is_whole(at, n) ? json_loadb(at, n, 0, NULL) : NULL;
        bool fine = !line || apply(s, line);
        s->summary.skipped += n > 0 && !line;
        json_decref(line);
        if (!fine)
            return status_no_memory("the journal");
        at += n + 1;
    }
    return OK;
}

status journal_load(const char *output, journal_state **out)
{
    status st = OK;
    char *bytes = NULL, *path = file_join(output, JOURNAL_NAME);
    size_t size = 0;
    journal_state *s = calloc(1, sizeof *s);
    if (!s || !path) {
        st = status_no_memory("the journal");
        goto done;
    }
    if (file_exists(path))
        TRY(file_read(path, SIZE_MAX - 1, &bytes, &size));
    TRY(load_lines(s, bytes, size));
    *out = s;
    s = NULL;
done:
    journal_state_free(s);
    free(bytes);
    free(path);
    return st;
}

void journal_state_free(journal_state *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_tasks; i++) {
        entry *e = s->tasks[i];
        json_decref(e->event_line);
        json_decref(e->progress_line);
        json_decref(e->commit_line);
        json_decref(e->name_line);
        free(e->fields);
        free(e);
    }
    for (size_t i = 0; i < s->n_inputs; i++) {
        json_decref(s->inputs[i]->line);
        free(s->inputs[i]);
    }
    json_decref(s->run_line);
    json_decref(s->end_line);
    names_free(&s->task_index);
    names_free(&s->input_index);
    free(s->tasks);
    free(s->inputs);
    free(s);
}

const journal_task *journal_find_task(const journal_state *s, const char *label)
{
    size_t i;
    return names_get(&s->task_index, label, &i) ? &s->tasks[i]->task : NULL;
}

const journal_input *journal_find_input(const journal_state *s, const char *path)
{
    size_t i;
    return names_get(&s->input_index, path, &i) ? &s->inputs[i]->input : NULL;
}

size_t journal_tasks(const journal_state *s)
{
    return s->n_tasks;
}

const journal_task *journal_task_at(const journal_state *s, size_t i)
{
    return &s->tasks[i]->task;
}

size_t journal_inputs(const journal_state *s)
{
    return s->n_inputs;
}

const journal_input *journal_input_at(const journal_state *s, size_t i)
{
    return &s->inputs[i]->input;
}

journal_summary journal_summarize(const journal_state *s)
{
    return s->summary;
}

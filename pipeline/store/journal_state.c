// SPDX-License-Identifier: Apache-2.0
// The whole file is read at once and every text points into it; a long journal is mostly progress
// lines, which only overwrite the last one of their task.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/names.h"
#include "pipeline/store/flat_json.h"
#include "pipeline/store/journal.h"
#include "pipeline/store/own_file.h"

#define SUM_HEAD ",\"sum\":\""
enum {
    SUM_BYTES = sizeof SUM_HEAD - 1 + 16 + 2, // ,"sum":"0123456789abcdef"}
    LINE_MEMBERS = 32,
};

typedef struct line {
    flat_member members[LINE_MEMBERS];
    size_t n;
} line;

typedef struct entry { // of a label
    journal_task task;
    journal_progress progress;
    journal_commit commit;
    int64_t kept_round, kept_done; // by what the last start kept or took up; its own start: 0
    char *fields_text;             // of the commit, as JSON, until it is asked for; NULL otherwise
    size_t fields_size;
    key_field *fields; // owned, of the commit, once parsed
} entry;

typedef struct kept_commit {    // of any label, also one that others came after
    journal_commit commit;      // without fields
    struct kept_commit *before; // of the same key
} kept_commit;

struct journal_state {
    char *bytes;   // owned: the file. All texts are borrowed from it
    entry **tasks; // owned; each its own block, so that pointers into it stay
    journal_input **inputs;
    size_t n_tasks, tasks_capacity, n_inputs, inputs_capacity;
    names task_index, input_index;
    kept_commit **commits; // owned, each its own block
    size_t n_commits, commits_capacity;
    names key_index;        // key -> its last one in commits
    const char **pipelines; // owned; of runs, each once
    size_t n_pipelines, pipelines_capacity;
    journal_run run;
    journal_summary summary;
};

static const char *get_text(const line *l, const char *name)
{
    const flat_member *m = flat_json_find(l->members, l->n, name);
    return m ? m->text : NULL;
}

static int64_t get_int(const line *l, const char *name)
{
    const flat_member *m = flat_json_find(l->members, l->n, name);
    return m ? m->integer : 0;
}

// A number of rounds, units or bytes: not negative, so that differences fit.
static int64_t get_count(const line *l, const char *name)
{
    const int64_t n = get_int(l, name);
    return n > 0 ? n : 0;
}

static double get_real(const line *l, const char *name)
{
    const flat_member *m = flat_json_find(l->members, l->n, name);
    return m ? m->real : 0;
}

// The label's entry, made where it is new; NULL when out of memory.
static entry *task_entry(journal_state *s, const line *l)
{
    size_t i;
    const char *label = get_text(l, "task");
    if (names_get(&s->task_index, label, &i))
        return s->tasks[i];
    entry *e = calloc(1, sizeof *e);
    if (!e || !checked_grow(&s->tasks, &s->tasks_capacity, s->n_tasks + 1, sizeof *s->tasks) ||
        !names_put(&s->task_index, label, s->n_tasks)) {
        free(e);
        return NULL;
    }
    e->task.label = label;
    s->tasks[s->n_tasks++] = e;
    return e;
}

static bool set_event(journal_state *s, const line *l, journal_event event)
{
    entry *e = task_entry(s, l);
    if (!e)
        return false;
    e->task.event = event;
    e->task.time = get_real(l, "time");
    e->task.epoch = s->run.epoch;
    e->task.key = get_text(l, "key");
    e->task.result = event == TASK_FAILED ? (status)get_int(l, "result") : OK;
    e->task.message = get_text(l, "message");
    return true;
}

static bool on_start(journal_state *s, const line *l)
{
    if (!set_event(s, l, TASK_STARTED))
        return false;
    entry *e = task_entry(s, l);
    e->task.progress = NULL;
    e->kept_round = e->kept_done = 0;
    return true;
}

// How much further is the task than it was? A round that is over counts as one, since its units
// are not known here.
static int64_t advance(entry *e, int64_t round, int64_t done)
{
    int64_t more = round == e->kept_round ? done - e->kept_done : round - e->kept_round;
    e->kept_round = round;
    e->kept_done = done;
    return more > 0 ? more : 0;
}

static void add_kept(journal_state *s, int64_t more)
{
    int64_t *kept = &s->summary.kept;
    *kept = more < INT64_MAX - *kept ? *kept + more : INT64_MAX;
}

static bool on_resumed(journal_state *s, const line *l)
{
    entry *e = task_entry(s, l);
    if (e)
        (void)advance(e, get_count(l, "round"), get_count(l, "done"));
    return e;
}

static bool on_saved(journal_state *s, const line *l)
{
    entry *e = task_entry(s, l);
    if (e)
        add_kept(s, advance(e, get_count(l, "round"), get_count(l, "done")));
    return e;
}

static bool on_failed(journal_state *s, const line *l)
{
    return set_event(s, l, TASK_FAILED);
}

static bool on_progress(journal_state *s, const line *l)
{
    entry *e = task_entry(s, l);
    if (!e)
        return false;
    e->progress = (journal_progress){
        .label = e->task.label,
        .round = get_count(l, "round"),
        .done = get_count(l, "done"),
        .units = get_count(l, "units"),
        .rate = get_real(l, "rate"),
        .left = get_real(l, "left"),
        .note = get_text(l, "note"),
        .time = get_real(l, "time"),
    };
    e->task.progress = &e->progress;
    return true;
}

static bool keep_commit(journal_state *s, const journal_commit *c)
{
    size_t i;
    kept_commit *k = calloc(1, sizeof *k);
    if (!k ||
        !checked_grow(&s->commits, &s->commits_capacity, s->n_commits + 1, sizeof *s->commits)) {
        free(k);
        return false;
    }
    k->commit = *c;
    k->before = names_get(&s->key_index, c->key, &i) ? s->commits[i] : NULL;
    s->commits[s->n_commits] = k;
    return names_put(&s->key_index, c->key, s->n_commits++);
}

static bool on_done(journal_state *s, const line *l)
{
    if (!set_event(s, l, TASK_DONE))
        return false;
    entry *e = task_entry(s, l);
    add_kept(s, 1);
    e->task.removed = false;
    const flat_member *fields = flat_json_find(l->members, l->n, "fields");
    e->fields_text = fields ? fields->nested : NULL;
    e->fields_size = fields ? fields->nested_size : 0;
    e->commit = (journal_commit){
        .label = e->task.label,
        .step = get_text(l, "step"),
        .stage = get_text(l, "stage"),
        .key = get_text(l, "key"),
        .path = get_text(l, "path"),
        .digest = get_text(l, "digest"),
        .file_digest = get_text(l, "file_digest"),
        .bytes = get_count(l, "bytes"),
        .mtime_ns = get_int(l, "mtime_ns"),
        .seconds = get_real(l, "seconds"),
        .units = get_count(l, "units"),
        .operations = get_real(l, "operations"),
        .ranks = (int)get_int(l, "ranks"),
        .threads = (int)get_int(l, "threads"),
        .busy = get_real(l, "busy"),
        .worked = get_real(l, "worked"),
        .expected = get_real(l, "expected"),
        .alone = get_real(l, "alone"),
        .waiting = get_real(l, "waiting"),
        .memory = get_real(l, "memory"),
        .device = get_text(l, "device"),
        .time = get_real(l, "time"),
    };
    const journal_commit *c = &e->commit;
    bool whole = c->path && own_file_is_below(c->path) && c->step && c->stage && c->key &&
                 c->digest && c->file_digest;
    e->task.commit = whole ? c : NULL; // a line of another version of the program
    return !whole || keep_commit(s, c);
}

static bool on_removed(journal_state *s, const line *l)
{
    entry *e = task_entry(s, l);
    const char *key = get_text(l, "key");
    if (e && e->task.commit && key && strcmp(e->task.commit->key, key) == 0)
        e->task.removed = true;
    return e;
}

static bool on_input(journal_state *s, const line *l)
{
    size_t i;
    const char *path = get_text(l, "path");
    if (!names_get(&s->input_index, path, &i)) {
        i = s->n_inputs;
        if (!checked_grow(&s->inputs, &s->inputs_capacity, i + 1, sizeof *s->inputs) ||
            !(s->inputs[i] = calloc(1, sizeof **s->inputs)))
            return false;
        s->n_inputs++;
        if (!names_put(&s->input_index, path, i))
            return false;
    }
    const char *hex = get_text(l, "digest");
    *s->inputs[i] = (journal_input){
        .path = path,
        .size = get_count(l, "size"),
        .inode = (uint64_t)get_int(l, "inode"),
        .mtime_ns = get_int(l, "mtime_ns"),
        .ctime_ns = get_int(l, "ctime_ns"),
        .digest = hex ? hex : "",
    };
    return true;
}

static bool note_pipeline(journal_state *s, const char *path)
{
    for (size_t i = 0; path && i < s->n_pipelines; i++)
        if (strcmp(s->pipelines[i], path) == 0)
            path = NULL;
    if (!path)
        return true;
    if (!checked_grow(&s->pipelines, &s->pipelines_capacity, s->n_pipelines + 1,
                      sizeof *s->pipelines))
        return false;
    s->pipelines[s->n_pipelines++] = path;
    return true;
}

static bool on_run(journal_state *s, const line *l)
{
    s->run = (journal_run){
        .epoch = get_int(l, "epoch"),
        .ranks = (int)get_int(l, "ranks"),
        .threads = (int)get_int(l, "threads"),
        .memory = get_real(l, "memory"),
        .host = get_text(l, "host"),
        .device = get_text(l, "device"),
        .version = get_text(l, "version"),
        .command = get_text(l, "command"),
        .pipeline = get_text(l, "pipeline"),
        .time = get_real(l, "time"),
    };
    s->summary.run = &s->run;
    s->summary.ended = false;
    s->summary.message = NULL;
    s->summary.kept = 0;
    s->summary.runs++;
    return note_pipeline(s, s->run.pipeline);
}

static bool on_pipeline(journal_state *s, const line *l)
{
    return note_pipeline(s, get_text(l, "path"));
}

static bool on_end(journal_state *s, const line *l)
{
    if (!s->summary.run || get_int(l, "epoch") != s->run.epoch)
        return true; // an older run that ended late
    s->summary.ended = true;
    s->summary.result = (status)get_int(l, "result");
    s->summary.message = get_text(l, "message");
    return true;
}

// What each event says is about its subject; a line without it is of another version of the
// program, and skipped. False when out of memory.
static const struct {
    const char *event, *subject;
    bool (*apply)(journal_state *s, const line *l);
} events[] = {
    {"progress", "task", on_progress}, {"start", "task", on_start},     {"done", "task", on_done},
    {"failed", "task", on_failed},     {"input", "path", on_input},     {"run", "event", on_run},
    {"saved", "task", on_saved},       {"resumed", "task", on_resumed}, {"end", "event", on_end},
    {"pipeline", "path", on_pipeline}, {"removed", "task", on_removed},
};

static bool apply_line(journal_state *s, const line *l)
{
    const char *event = get_text(l, "event");
    s->summary.time = get_real(l, "time");
    for (size_t i = 0; event && i < sizeof events / sizeof *events; i++)
        if (strcmp(events[i].event, event) == 0)
            return !get_text(l, events[i].subject) || events[i].apply(s, l);
    return true;
}

// Does the line end in the sum of what is before it?
static bool is_whole(const char *text, size_t n)
{
    char tail[SUM_BYTES + 1];
    if (n <= SUM_BYTES || text[0] != '{')
        return false;
    snprintf(tail, sizeof tail, SUM_HEAD "%016llx\"}",
             (unsigned long long)XXH3_64bits(text, n - SUM_BYTES));
    return memcmp(text + n - SUM_BYTES, tail, SUM_BYTES) == 0;
}

static status load_lines(journal_state *s, size_t size)
{
    char *end = s->bytes + size;
    line l;
    for (char *at = s->bytes, *next; at < end; at = next) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((newline ? newline : end) - at);
        next = at + n + 1;
        if (!is_whole(at, n) || !flat_json_parse(at, n, l.members, LINE_MEMBERS, &l.n))
            s->summary.skipped += n > 0;
        else if (!apply_line(s, &l))
            return status_no_memory("the journal");
    }
    return OK;
}

status journal_load(const char *output, journal_state **out)
{
    status st = OK;
    char *path = file_join(output, JOURNAL_NAME);
    size_t size = 0;
    journal_state *s = calloc(1, sizeof *s);
    if (!s || !path) {
        st = status_no_memory("the journal");
        goto done;
    }
    if (file_exists(path))
        TRY(file_read(path, SIZE_MAX - 1, &s->bytes, &size));
    TRY(load_lines(s, size));
    *out = s;
    s = NULL;
done:
    journal_state_free(s);
    free(path);
    return st;
}

void journal_state_free(journal_state *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_tasks; i++) {
        free(s->tasks[i]->fields);
        free(s->tasks[i]);
    }
    for (size_t i = 0; i < s->n_inputs; i++)
        free(s->inputs[i]);
    for (size_t i = 0; i < s->n_commits; i++)
        free(s->commits[i]);
    free(s->commits);
    free(s->pipelines);
    names_free(&s->key_index);
    names_free(&s->task_index);
    names_free(&s->input_index);
    free(s->tasks);
    free(s->inputs);
    free(s->bytes);
    free(s);
}

const journal_task *journal_find_task(const journal_state *s, const char *label)
{
    size_t i;
    return names_get(&s->task_index, label, &i) ? &s->tasks[i]->task : NULL;
}

const journal_commit *journal_find_key(const journal_state *s, const char *key,
                                       const journal_commit *after)
{
    size_t i;
    const kept_commit *k = (const kept_commit *)after; // it is its first member
    if (k)
        k = k->before;
    else if (names_get(&s->key_index, key, &i))
        k = s->commits[i];
    return k ? &k->commit : NULL;
}

size_t journal_commits(const journal_state *s)
{
    return s->n_commits;
}

const journal_commit *journal_commit_at(const journal_state *s, size_t i)
{
    return &s->commits[i]->commit;
}

size_t journal_pipelines(const journal_state *s)
{
    return s->n_pipelines;
}

const char *journal_pipeline_at(const journal_state *s, size_t i)
{
    return s->pipelines[i];
}

const journal_input *journal_find_input(const journal_state *s, const char *path)
{
    size_t i;
    return names_get(&s->input_index, path, &i) ? s->inputs[i] : NULL;
}

status journal_fields(journal_state *s, const char *label, const key_field **fields, size_t *n)
{
    size_t i;
    status st = OK;
    *fields = NULL;
    *n = 0;
    if (!names_get(&s->task_index, label, &i))
        return OK;
    entry *e = s->tasks[i];
    if (e->fields_text) // most of a journal, and asked for by few
        st = flat_json_fields(e->fields_text, e->fields_size, &e->fields, &e->commit.n_fields);
    e->fields_text = NULL;
    e->commit.fields = e->fields;
    *fields = e->commit.fields;
    *n = e->commit.n_fields;
    return st;
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
    return s->inputs[i];
}

journal_summary journal_summarize(const journal_state *s)
{
    return s->summary;
}

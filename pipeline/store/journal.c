// SPDX-License-Identifier: Apache-2.0
// One write(2) a line and a sum at its end: a line is there or counts as never written. What others
// build on is synced before the call returns.
#include "pipeline/store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"
#include "pipeline/store/own_file.h"

struct journal {
    char *path; // owned
    int file;
    bool torn; // the file's last line has no end
};

status journal_open(const char *output, journal **out)
{
    status st;
    struct stat info;
    bool fresh;
    char last = '\n';
    journal *j = calloc(1, sizeof *j);
    if (!j || !(j->path = file_join(output, JOURNAL_NAME))) {
        st = status_no_memory("the journal");
        goto done;
    }
    j->file = -1;
    TRY(file_make_folders(output));
    TRY(own_file_check(j->path));
    fresh = !file_exists(j->path);
    j->file = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (j->file < 0 || fstat(j->file, &info) != 0 ||
        (info.st_size > 0 && pread(j->file, &last, 1, info.st_size - 1) != 1)) {
        st = status_fail_errno(ERR_IO, j->path, "cannot open");
        goto done;
    }
    j->torn = last != '\n';
    if (fresh)
        TRY(file_sync_folder(output));
    *out = j;
    j = NULL;
done:
    journal_close(j);
    return st;
}

void journal_close(journal *j)
{
    if (!j)
        return;
    if (j->path && j->file >= 0)
        close(j->file);
    free(j->path);
    free(j);
}

// A JSON string of any bytes: what is not UTF-8 is written as question marks.
static json_t *json_text(const char *value)
{
    json_t *string = json_string(value);
    if (string)
        return string;
    char *copy = strdup(value);
    for (char *c = copy; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    string = copy ? json_string(copy) : NULL;
    free(copy);
    return string;
}

// Absent texts and numbers that JSON cannot say (NaN) are left out.
static void put_text(json_t *o, const char *name, const char *value)
{
    if (value)
        json_object_set_new_nocheck(o, name, json_text(value));
}

static void put_int(json_t *o, const char *name, int64_t value)
{
    json_object_set_new_nocheck(o, name, json_integer(value));
}

static void put_real(json_t *o, const char *name, double value)
{
    json_object_set_new_nocheck(o, name, json_real(value));
}

static json_t *line_new(const char *event)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    json_t *line = json_object();
    put_text(line, "event", event);
    put_real(line, "time", (double)now.tv_sec + (double)now.tv_nsec * 1e-9);
    return line;
}

// Appends the line, which is taken, with its sum. One write, so that lines of two processes do not
// mix.
static status append_line(journal *j, json_t *line, bool sync)
{
    status st = OK;
    text t = {0};
    char *json = line ? json_dumps(line, JSON_COMPACT) : NULL;
    if (!json) {
        st = status_no_memory("a line of the journal");
        goto done;
    }
    if (j->torn)
        text_add(&t, "\n");
    size_t body = strlen(json) - 1; // without the closing brace
    text_add_bytes(&t, json, body);
    text_addf(&t, ",\"sum\":\"%016llx\"}\n", (unsigned long long)XXH3_64bits(json, body));
    if (t.failed) {
        st = status_no_memory("a line of the journal");
        goto done;
    }
    ssize_t written;
    do
        written = write(j->file, t.at, t.length);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)t.length) {
        if (written >= 0)
            errno = ENOSPC; // what a short write to a file means
        j->torn = j->torn || written > 0;
        st = status_fail_errno(ERR_IO, j->path, "cannot write; free some space or quota");
        goto done;
    }
    j->torn = false;
    struct stat info;
    if (sync && fstat(j->file, &info) == 0 && info.st_nlink == 0)
        st = status_fail(ERR_IO, j->path, "was removed while the run was on");
    else if (sync && fsync(j->file) != 0)
        st = status_fail_errno(ERR_IO, j->path, "cannot sync");
done:
    text_free(&t);
    free(json);
    json_decref(line);
    return st;
}

bool journal_same_device(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static void put_device(json_t *o, const char *name)
{
    if (!journal_same_device(name, NULL))
        put_text(o, "device", name);
}

status journal_run_started(journal *j, const journal_run *run)
{
    json_t *line = line_new("run");
    put_int(line, "epoch", run->epoch);
    put_int(line, "ranks", run->ranks);
    put_int(line, "threads", run->threads);
    put_real(line, "memory", run->memory);
    put_text(line, "host", run->host);
    put_text(line, "cpus", run->cpus);
    put_device(line, run->device);
    put_text(line, "version", run->version);
    put_text(line, "command", run->command);
    put_text(line, "pipeline", run->pipeline);
    return append_line(j, line, true);
}

status journal_run_ended(journal *j, int64_t epoch, status result, const char *message,
                         double saving)
{
    json_t *line = line_new("end");
    put_int(line, "epoch", epoch);
    put_int(line, "result", result);
    put_text(line, "message", message);
    put_real(line, "saving_seconds", saving);
    return append_line(j, line, true);
}

status journal_add_pipeline(journal *j, const char *path)
{
    json_t *line = line_new("pipeline");
    put_text(line, "path", path);
    return append_line(j, line, true);
}

status journal_add_input(journal *j, const journal_input *input)
{
    json_t *line = line_new("input");
    put_text(line, "path", input->path);
    put_int(line, "size", input->size);
    put_int(line, "inode", (int64_t)input->inode);
    put_int(line, "mtime_ns", input->mtime_ns);
    put_int(line, "ctime_ns", input->ctime_ns);
    put_text(line, "digest", input->digest);
    return append_line(j, line, true);
}

status journal_task_started(journal *j, const char *label, const char *step, const char *stage,
                            const char *key, int64_t epoch)
{
    json_t *line = line_new("start");
    put_text(line, "task", label);
    put_text(line, "step", step);
    put_text(line, "stage", stage);
    put_text(line, "key", key);
    put_int(line, "epoch", epoch);
    return append_line(j, line, true);
}

status journal_task_progress(journal *j, const journal_progress *p)
{
    json_t *line = line_new("progress");
    put_text(line, "task", p->label);
    put_int(line, "round", p->round);
    put_int(line, "done", p->done);
    put_int(line, "units", p->units);
    put_real(line, "rate", p->rate);
    if (p->left > 0)
        put_real(line, "left", p->left);
    if (p->note && *p->note)
        put_text(line, "note", p->note);
    return append_line(j, line, false);
}

static json_t *place_line(const char *event, const char *label, int64_t round, int64_t done,
                          int64_t units)
{
    json_t *line = line_new(event);
    put_text(line, "task", label);
    put_int(line, "round", round);
    put_int(line, "done", done);
    put_int(line, "units", units);
    return line;
}

status journal_task_checkpoint(journal *j, const char *label, int64_t round, int64_t done,
                               int64_t units, double next)
{
    json_t *line = place_line("saved", label, round, done, units);
    put_real(line, "next", next);
    return append_line(j, line, false);
}

status journal_task_resumed(journal *j, const char *label, int64_t epoch, int64_t round,
                            int64_t done, int64_t units)
{
    json_t *line = place_line("resumed", label, round, done, units);
    put_int(line, "epoch", epoch);
    return append_line(j, line, false);
}

status journal_task_done(journal *j, const journal_commit *c)
{
    json_t *line = line_new("done"), *fields = json_object();
    for (size_t i = 0; i < c->n_fields; i++)
        put_text(fields, c->fields[i].name, c->fields[i].value);
    put_text(line, "task", c->label);
    put_text(line, "step", c->step);
    put_text(line, "stage", c->stage);
    put_text(line, "key", c->key);
    put_text(line, "path", c->path);
    put_text(line, "digest", c->digest);
    put_text(line, "file_digest", c->file_digest);
    put_int(line, "bytes", c->bytes);
    put_int(line, "mtime_ns", c->mtime_ns);
    put_real(line, "seconds", c->seconds);
    put_int(line, "units", c->units);
    put_real(line, "operations", c->operations);
    put_int(line, "ranks", c->ranks);
    put_int(line, "threads", c->threads);
    put_real(line, "busy", c->busy);
    put_real(line, "worked", c->worked);
    put_real(line, "expected", c->expected);
    put_real(line, "alone", c->alone);
    put_real(line, "waiting", c->waiting);
    put_real(line, "memory", c->memory);
    put_device(line, c->device);
    json_object_set_new_nocheck(line, "fields", fields);
    return append_line(j, line, true);
}

status journal_add_wave(journal *j, const journal_wave *wave)
{
    json_t *line = line_new("wave");
    put_int(line, "units", wave->units);
    put_int(line, "ranks", wave->ranks);
    put_int(line, "nodes", wave->nodes);
    put_real(line, "seconds", wave->seconds);
    put_real(line, "idle_mean", wave->idle_mean);
    put_real(line, "idle_most", wave->idle_most);
    put_real(line, "longest", wave->longest);
    put_real(line, "gap", wave->gap);
    put_real(line, "waiting", wave->waiting);
    put_int(line, "letters", wave->messages);
    put_int(line, "fetched", wave->fetched);
    return append_line(j, line, false);
}

status journal_task_removed(journal *j, const char *label, const char *key)
{
    json_t *line = line_new("removed");
    put_text(line, "task", label);
    put_text(line, "key", key);
    return append_line(j, line, false);
}

status journal_task_failed(journal *j, const char *label, const char *key, status result,
                           const char *message)
{
    json_t *line = line_new("failed");
    put_text(line, "task", label);
    put_text(line, "key", key);
    put_int(line, "result", result);
    put_text(line, "message", message);
    return append_line(j, line, true);
}

static void add_jansson_version(text *found)
{
    text_add(found, jansson_version_str());
}

const version_def library_jansson = {"jansson", add_jansson_version};

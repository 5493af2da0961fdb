// SPDX-License-Identifier: Apache-2.0
// A digest is taken once while path, size, inode and both times stay the same, and never of a file
// that was changed within the clock's last tick: a second change in that tick would look the same.
// So what is watched needs no second digest: whoever changes it moves its ctime, for good.
#include "pipeline/store/inputs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/names.h"

// A file system stamps changes with the tick of its clock (4 to 10 ms): two changes in one tick
// look the same. A digest is taken only after the tick of the last change is over, so that any
// later change shows.
enum { TICK_NS = 20000000 };

typedef struct taken {
    char *path; // owned
    journal_input input;
    char digest[DIGEST_HEX];
} taken;

struct inputs {
    const journal_state *known;  // borrowed, may be NULL
    const atomic_bool *stopping; // borrowed, may be NULL
    taken **taken;               // owned, each its own block
    size_t n, capacity, recorded;
    names index; // path -> the latest in taken
};

status inputs_new(const journal_state *known, inputs **out)
{
    if (!(*out = calloc(1, sizeof **out)))
        return status_no_memory("the digests of inputs");
    (*out)->known = known;
    return OK;
}

void inputs_free(inputs *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < in->n; i++) {
        free(in->taken[i]->path);
        free(in->taken[i]);
    }
    free(in->taken);
    names_free(&in->index);
    free(in);
}

void inputs_stop_by(inputs *in, const atomic_bool *stopping)
{
    in->stopping = stopping;
}

static int64_t to_nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static status identify_file(const char *path, journal_input *out)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return status_fail_errno(ERR_INPUT, path, "cannot read the input file");
    if (!S_ISREG(info.st_mode))
        return status_fail(ERR_INPUT, path, "is not a regular file; give a file's path");
    *out = (journal_input){
        .path = path,
        .size = info.st_size,
        .inode = info.st_ino,
        .mtime_ns = to_nanoseconds(info.st_mtim),
        .ctime_ns = to_nanoseconds(info.st_ctim),
    };
    return OK;
}

static bool is_same(const journal_input *a, const journal_input *b)
{
    return a->size == b->size && a->inode == b->inode && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns;
}

// The latest record of the path, or NULL. Borrowed.
static const journal_input *find_record(const inputs *in, const char *path)
{
    size_t i;
    if (names_get(&in->index, path, &i))
        return &in->taken[i]->input;
    return in->known ? journal_find_input(in->known, path) : NULL;
}

static void wait_for_tick(const journal_input *file)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = to_nanoseconds(now) - file->ctime_ns;
    if (age >= 0 && age < TICK_NS)
        nanosleep(&(struct timespec){.tv_nsec = TICK_NS - age}, NULL);
}

status inputs_take(inputs *in, const char *path, char hex[DIGEST_HEX])
{
    status st;
    journal_input before = {0}, after = {0};
    taken *t = NULL;
    TRY(identify_file(path, &before));
    wait_for_tick(&before);
    TRY(identify_file(path, &before));
    TRY(digest_file_until(path, in->stopping, hex));
    TRY(identify_file(path, &after));
    if (!is_same(&before, &after)) {
        st = status_fail(ERR_INPUT, path,
                         "changed while it was read; start again when it is complete");
        goto done;
    }
    if (!(t = calloc(1, sizeof *t)) || !(t->path = strdup(path)) ||
        !checked_grow(&in->taken, &in->capacity, in->n + 1, sizeof *in->taken) ||
        !names_put(&in->index, t->path, in->n)) {
        st = status_no_memory("the digests of inputs");
        goto done;
    }
    memcpy(t->digest, hex, DIGEST_HEX);
    t->input = before;
    t->input.path = t->path;
    t->input.digest = t->digest;
    in->taken[in->n++] = t;
    return OK;
done:
    if (t)
        free(t->path);
    free(t);
    return st;
}

status inputs_digest(inputs *in, const char *path, char hex[DIGEST_HEX])
{
    journal_input now = {0};
    status st = identify_file(path, &now);
    if (st != OK)
        return st;
    const journal_input *found = find_record(in, path);
    if (!found || !is_same(found, &now) || strlen(found->digest) != DIGEST_HEX - 1)
        return inputs_take(in, path, hex);
    memcpy(hex, found->digest, DIGEST_HEX);
    return OK;
}

status inputs_record(inputs *in, journal *j)
{
    for (; in->recorded < in->n; in->recorded++) {
        status st = journal_add_input(j, &in->taken[in->recorded]->input);
        if (st != OK)
            return st;
    }
    return OK;
}

// --- Watching

struct input_watch {
    file_list files; // owned
    journal_input at[];
};

static status check_same(const char *path, const journal_input *before)
{
    journal_input now = {0};
    status st = identify_file(path, &now);
    if (st == OK && !is_same(before, &now))
        st = status_fail(ERR_INPUT, path,
                         "changed while it was read; run again when it is complete");
    return st;
}

status inputs_watch(const inputs *in, file_list *files, input_watch **out)
{
    status st = OK;
    input_watch *w = checked_calloc(1, sizeof *w + files->n * sizeof *w->at);
    if (!w)
        return status_no_memory("the list of inputs");
    for (size_t i = 0; i < files->n; i++) {
        const journal_input *record = in ? find_record(in, files->path[i]) : NULL;
        if (record)
            w->at[i] = *record;
        TRY(record ? check_same(files->path[i], record) : identify_file(files->path[i], &w->at[i]));
    }
    w->files = *files;
    *files = (file_list){0};
    *out = w;
    w = NULL;
done:
    free(w);
    return st;
}

status inputs_unchanged(const input_watch *w)
{
    status st = OK;
    for (size_t i = 0; i < w->files.n && st == OK; i++)
        st = check_same(w->files.path[i], &w->at[i]);
    return st;
}

void inputs_unwatch(input_watch *w)
{
    if (w)
        file_list_free(&w->files);
    free(w);
}

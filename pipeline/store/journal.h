// SPDX-License-Identifier: Apache-2.0
// The journal, OUTPUT/journal.jsonl: what was run and committed. Append-only JSON lines, never
// rewritten; a reader may come at any time, from any node, and takes no lock.
//
// A line is one JSON object whose last member, "sum", is the XXH3 (64 bits, 16 hexadecimal digits)
// of the bytes before it. A line that is torn, flipped or merged with another does not match its
// sum and counts as never written. Only what the journal says is committed exists: an artefact
// without its line is no artefact.
//
// One process of a run appends (O_APPEND is not atomic between NFS clients). All functions are
// local.
#ifndef PIPELINE_STORE_JOURNAL_H
#define PIPELINE_STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/key_field.h"
#include "pipeline/base/status.h"

#define JOURNAL_NAME "journal.jsonl"

// Records. The same structs are written and read back; every pointer is borrowed (from the caller
// when writing, from the journal_state when reading), and a text may be NULL. Times are seconds
// since 1970 and are filled in by the writer.

typedef struct journal_run {
    int64_t epoch; // of this start of the program; larger than that of every start before it
    int ranks, threads;
    const char *host, *version, *command, *pipeline; // command line; path of the pipeline file
    const char *cpus;                                // machines.h
    const char *device; // that computed beside rank 0's CPUs; NULL: none
    double memory;      // bytes a rank holds before it works: what the program and MPI take
    double time;
} journal_run;

typedef struct journal_input {
    const char *path; // absolute
    int64_t size, mtime_ns, ctime_ns;
    uint64_t inode;
    const char *digest;
} journal_input;

typedef struct journal_progress {
    const char *label;
    int64_t round;       // 0 for the first
    int64_t done, units; // of this round
    double rate;         // units a second, now; 0: unknown
    double left;         // seconds to the task's end; 0 or less: unknown
    const char *note;    // what the stage says of the round; NULL or "": nothing
    double time;
} journal_progress;

typedef struct journal_commit {
    const char *label, *step, *stage;
    const char *key; // digest; and the fields it was made of (read back by journal_fields only)
    const key_field *fields;
    size_t n_fields;
    const char *path;        // of the artefact, relative to OUTPUT
    const char *digest;      // of names and variables (store.h)
    const char *file_digest; // of the file's bytes
    int64_t bytes, mtime_ns; // of the file
    double seconds;          // wall time it took
    int64_t units;           // over all rounds
    double operations;       // sum of the units' costs; 0: unknown
    int ranks, threads;
    // What it cost, for `plan`: seconds of all ranks in its units, and the operations (units, where
    // they have no cost) of those; seconds in which all waited for it alone: opening and deciding.
    // Of the last run only, when several ran it.
    double busy, worked, alone;
    double waiting;     // share of the threads' time in its rounds that had no work
    double expected;    // what `plan` would have said of `worked`; 0: nothing
    double memory;      // bytes: the most that a rank held since this task or one beside it began
    const char *device; // as its run's
    double time;
} journal_commit;

// How well a wave kept the ranks busy (wave_note.h). Nobody reads it back but tests.
typedef struct journal_wave {
    int64_t units;
    int ranks, nodes;
    double seconds, idle_mean, idle_most, longest, gap, waiting;
    int64_t messages, fetched;
} journal_wave;

typedef struct journal journal;

// Opens OUTPUT/journal.jsonl for appending; creates the folder and the file where they are missing.
// A torn last line is closed off. ERR_IO.
status journal_open(const char *output, journal **out);
void journal_close(journal *j); // NULL is a no-op
status journal_add_wave(journal *j, const journal_wave *wave);

// Do runs take alike, as far as that depends on what computed them? NULL: CPUs.
bool journal_same_device(const char *a, const char *b);

// Each appends one line with one write(2). Those that others build on (all but progress) are synced
// to disk before they return, so that OK means it will be there after a power cut. ERR_IO: the line
// does not count.
status journal_run_started(journal *j, const journal_run *run);
// `saving`: seconds a rank spent on checkpoints, waiting for others included.
status journal_run_ended(journal *j, int64_t epoch, status result, const char *message,
                         double saving);
// A pipeline file that was run without anything to do, from the root on.
status journal_add_pipeline(journal *j, const char *path);
status journal_add_input(journal *j, const journal_input *input);
status journal_task_started(journal *j, const char *label, const char *step, const char *stage,
                            const char *key, int64_t epoch);
// Not synced. The caller limits the rate: one line a task in ten seconds is plenty.
status journal_task_progress(journal *j, const journal_progress *p);
// A checkpoint was written, and the next is `next` seconds away; or one was taken up by a later run
// (`epoch`: of the run that wrote it). Not synced.
status journal_task_checkpoint(journal *j, const char *label, int64_t round, int64_t done,
                               int64_t units, double next);
status journal_task_resumed(journal *j, const char *label, int64_t epoch, int64_t round,
                            int64_t done, int64_t units);
status journal_task_done(journal *j, const journal_commit *c);
// `gc` has removed the file of the task's last commit, which had that key. Not synced.
status journal_task_removed(journal *j, const char *label, const char *key);
status journal_task_failed(journal *j, const char *label, const char *key, status result,
                           const char *message);

typedef enum journal_event {
    TASK_STARTED,
    TASK_DONE,
    TASK_FAILED,
} journal_event;

typedef struct journal_task { // the latest of everything said about a label
    const char *label;
    journal_event event;              // the last of the three
    double time;                      // of that event
    int64_t epoch;                    // of the run that event belongs to
    const char *key;                  // of the attempt that event belongs to
    status result;                    // of TASK_FAILED
    const char *message;              // of TASK_FAILED
    const journal_progress *progress; // since the last start; NULL: none
    const journal_commit *commit; // the last one, also while the task runs anew; NULL: never done
    bool removed;                 // its file, by `gc`
} journal_task;

typedef struct journal_state journal_state;

// Reads OUTPUT/journal.jsonl; without that file the state is empty. Lines that do not match their
// sum are skipped and counted. ERR_IO or ERR_INPUT when the file is there and cannot be read. Owned
// by the caller.
status journal_load(const char *output, journal_state **out);
void journal_state_free(journal_state *s); // NULL is a no-op

// The latest commit under a key, or the one before `after`; NULL: there is none. Those of all labels,
// also where others came after. Borrowed.
const journal_commit *journal_find_key(const journal_state *s, const char *key,
                                       const journal_commit *after);

// Every commit there ever was, in order. Borrowed.
size_t journal_commits(const journal_state *s);
const journal_commit *journal_commit_at(const journal_state *s, size_t i);

// The pipeline files that the journal's runs were of, each once: from the root on, but as they were
// given where a version before 0.2.0 wrote the line. Borrowed.
size_t journal_pipelines(const journal_state *s);
const char *journal_pipeline_at(const journal_state *s, size_t i);

// Borrowed; NULL where the journal says nothing of the label, or of the path. A hash look-up.
const journal_task *journal_find_task(const journal_state *s, const char *label);
const journal_input *journal_find_input(const journal_state *s, const char *path);

// The key fields of a label's last commit, in the order written; none where there is no commit.
// Borrowed from the state; values may be NULL. ERR_INTERNAL when out of memory.
status journal_fields(journal_state *s, const char *label, const key_field **fields, size_t *n);

size_t journal_tasks(const journal_state *s); // in order of first appearance
const journal_task *journal_task_at(const journal_state *s, size_t i);
size_t journal_inputs(const journal_state *s);
const journal_input *journal_input_at(const journal_state *s, size_t i);

typedef struct journal_summary {
    const journal_run *run; // the last one; NULL: never run
    bool ended;             // did it say its end?
    status result;          // and with which exit code
    const char *message;
    double time;  // of its end, or of the last sign of life
    int64_t runs; // how many starts
    int64_t kept; // since the last of them: units that checkpoints hold, and tasks finished. 0: a
                  // further start begins where that one began
    int64_t skipped; // lines that do not match their sum
} journal_summary;

journal_summary journal_summarize(const journal_state *s);

#endif

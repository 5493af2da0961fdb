// SPDX-License-Identifier: Apache-2.0
// What every function that can fail returns, and how an error's one line of text travels.
//
// The values are the program's exit codes. The place that detects an error calls status_fail once;
// the line is kept per thread until the place that ends the attempt (a command, a vote of the
// ranks, a thread pool) reads it.
#ifndef PIPELINE_BASE_STATUS_H
#define PIPELINE_BASE_STATUS_H

typedef enum status {
    OK = 0,
    ERR_INTERNAL = 1,     // a broken promise inside, or out of memory
    ERR_USAGE = 2,        // command line or pipeline file
    ERR_INPUT = 3,        // model, data or artefact
    ERR_IO = 4,           // disk full, permission, vanished folder
    ERR_NUMERIC = 5,      // NaN or out of range in weights, activations or sums
    ERR_INTERRUPTED = 75, // stopped on request; the same command resumes
} status;

// Runs CALL; when it fails, leaves the function through its single `done:` label with the status in
// `st`.
#define TRY(CALL)                                                                                  \
    do {                                                                                           \
        st = (CALL);                                                                               \
        if (st != OK)                                                                              \
            goto done;                                                                             \
    } while (0)

// Records the error "WHERE: text" for this thread and returns `code`. `where` is a file (with
// :line:column for YAML), a task label, or NULL. The text is "what; what to do". Local; keeps no
// pointer.
status status_fail(status code, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// As status_fail for a failed system call on `path`, with errno's text behind `what` ("cannot
// open").
status status_fail_errno(status code, const char *path, const char *what);

// Records out of memory (ERR_INTERNAL), naming what the bytes were for.
status status_no_memory(const char *what);

// The line recorded last in this thread, without a newline; "" when there is none. Borrowed, valid
// until the next status_ call of this thread.
const char *status_text(void);

// Records `text` as this thread's line: how a pool or a vote hands an error from another thread or
// rank on.
status status_carry(status code, const char *text);

#endif

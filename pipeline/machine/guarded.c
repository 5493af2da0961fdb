// SPDX-License-Identifier: Apache-2.0
// HDF5 believes what a damaged file says: it may take all memory, or crash. So a process of its own
// looks at it.
#include "pipeline/machine/guarded.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "pipeline/machine/child.h"

// What the process is asked, and what it tells.
typedef struct asked {
    rlim_t bytes; // of the files
    status (*look)(const void *context);
    const void *context;
} asked;

typedef struct told {
    bool begun, ended;
    status code;
    char line[1024];
} told;

static rlim_t bytes_of(const char *const *paths, size_t n)
{
    rlim_t bytes = 0;
    struct stat info;
    for (size_t i = 0; i < n; i++)
        if (stat(paths[i], &info) == 0)
            bytes += (rlim_t)info.st_size;
    return bytes;
}

static void look_here(const void *context, void *shared)
{
    const asked *a = context;
    told *t = shared;
    t->begun = true;
#ifndef SULCUS_SANITIZE // whose shadow is memory too
    const rlim_t most = ((rlim_t)512 << 20) + 16 * a->bytes;
    setrlimit(RLIMIT_DATA, &(struct rlimit){most, most});
#endif
    const rlim_t seconds = 60 + (a->bytes >> 20);
    setrlimit(RLIMIT_CPU, &(struct rlimit){seconds, seconds});
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (!freopen("/dev/null", "w", stderr))
        return;
    t->code = a->look(a->context);
    snprintf(t->line, sizeof t->line, "%s", t->code == OK ? "" : status_text());
    fflush(stdout);
    t->ended = true;
}

status guarded_look(const char *const *paths, size_t n, status (*look)(const void *context),
                    const void *context)
{
    told t = {0};
    const asked a = {bytes_of(paths, n), look, context};
    fflush(stdout);
    const status st = child_run(look_here, &a, sizeof t, &t);
    if (t.ended)
        return status_carry(t.code, t.line);
    if (!t.begun)
        return st;
    return n == 1 ? status_fail(ERR_INPUT, paths[0], "is damaged: it cannot be read to its end")
                  : status_fail(ERR_INPUT, paths[0],
                                "this or %s is damaged: it cannot be read to its end", paths[1]);
}

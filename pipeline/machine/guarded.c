// SPDX-License-Identifier: Apache-2.0
// HDF5 believes what a damaged file says: it may take all memory, or crash. So a process of its own
// looks at it.
#include "pipeline/machine/guarded.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "pipeline/base/file.h"
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
    for (size_t i = 0; i < n; i++)
        bytes += (rlim_t)file_measure(paths[i]).bytes;
    return bytes;
}

static rlim_t memory_for(const asked *a)
{
    return ((rlim_t)512 << 20) + 16 * a->bytes;
}

static rlim_t seconds_for(const asked *a)
{
    return 60 + (a->bytes >> 20);
}

static void look_here(const void *context, void *shared)
{
    const asked *a = context;
    told *t = shared;
    t->begun = true;
#ifndef SULCUS_SANITIZE // whose shadow is memory too
    setrlimit(RLIMIT_DATA, &(struct rlimit){memory_for(a), memory_for(a)});
#endif
    setrlimit(RLIMIT_CPU, &(struct rlimit){seconds_for(a), seconds_for(a)});
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (!freopen("/dev/null", "w", stderr))
        return;
    t->code = a->look(a->context);
    snprintf(t->line, sizeof t->line, "%s", t->code == OK ? "" : status_text());
    fflush(stdout);
    t->ended = true;
}

static bool any_artefact(const char *const *paths, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *dot = strrchr(paths[i], '.');
        if (dot && strcmp(dot, ".nc") == 0)
            return true;
    }
    return false;
}

status guarded_look(const char *const *paths, size_t n, status (*look)(const void *context),
                    const void *context)
{
    told t = {0};
    if (!any_artefact(paths, n))
        return look(context);
    const asked a = {bytes_of(paths, n), look, context};
    fflush(stdout);
    const status st = child_run(look_here, &a, sizeof t, &t);
    if (t.ended)
        return status_carry(t.code, t.line);
    if (!t.begun)
        return st;
    return status_fail(
        ERR_INPUT, paths[0],
        "%s%s cannot be read to its end: it is damaged, or too large for %lld MB and "
        "%lld s",
        n > 1 ? "this or " : "", n > 1 ? paths[1] : "it", (long long)(memory_for(&a) >> 20),
        (long long)seconds_for(&a));
}

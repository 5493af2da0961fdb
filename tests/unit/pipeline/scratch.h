// SPDX-License-Identifier: Apache-2.0
// A folder of its own for a test program, and the few file helpers its tests share.
#ifndef TESTS_PIPELINE_SCRATCH_H
#define TESTS_PIPELINE_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/text.h"

static char scratch[] = "/tmp/sulcus-test-XXXXXX";

static inline int scratch_setup(void **unused)
{
    (void)unused;
    return mkdtemp(scratch) ? 0 : 1;
}

static inline int scratch_remove_one(const char *path, const struct stat *s, int type,
                                     struct FTW *f)
{
    (void)s, (void)type, (void)f;
    return remove(path);
}

static inline int scratch_teardown(void **unused)
{
    (void)unused;
    return nftw(scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

// A path inside the folder, in one of a few turning buffers.
static inline const char *scratch_path(const char *name)
{
    static char paths[8][256];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    return path;
}

static inline void scratch_write(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        abort();
}

// Names in a folder, without . and .. ; -1 where there is none.
static inline int scratch_entries(const char *folder)
{
    char command[512];
    int n = -1;
    snprintf(command, sizeof command, "ls -A '%s' 2>/dev/null | wc -l", folder);
    FILE *f = popen(command, "r");
    if (!f || fscanf(f, "%d", &n) != 1 || pclose(f) != 0)
        abort();
    return n;
}

#endif

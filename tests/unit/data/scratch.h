// SPDX-License-Identifier: Apache-2.0
// A folder of files made by a test, and checks of the errors they must give.
#ifndef TESTS_UNIT_DATA_SCRATCH_H
#define TESTS_UNIT_DATA_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <zlib.h>

#include "data/dataset/dataset.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

// Makes a new folder under the system's temporary one; the path is owned by the caller.
static inline char *scratch_new(void)
{
    char *path = strdup("/tmp/sulcus-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void scratch_free(char *folder)
{
    char *command = text_format("rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    free(command);
    free(folder);
}

// Writes folder/name, with the folders it needs.
static inline void scratch_write(const char *folder, const char *name, const void *bytes, size_t n)
{
    char *path = file_join(folder, name), *parent = file_folder(path);
    assert_int_equal(file_make_folders(parent), OK);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    free(parent);
    free(path);
}

static inline void scratch_write_gz(const char *folder, const char *name, const void *bytes,
                                    size_t n)
{
    char *path = file_join(folder, name);
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)n), (int)n);
    assert_int_equal(gzclose(f), Z_OK);
    free(path);
}

static inline void scratch_copy(const char *from, const char *folder, const char *name)
{
    char *bytes;
    size_t n;
    assert_int_equal(file_read(from, (size_t)1 << 26, &bytes, &n), OK);
    scratch_write(folder, name, bytes, n);
    free(bytes);
}

// A call failed with this status and one line that holds both texts (NULL: anything).
static inline void expect_failure(status st, status expected, const char *where, const char *what)
{
    if (st != expected || (where && !strstr(status_text(), where)) ||
        (what && !strstr(status_text(), what)))
        fail_msg("status %d (expected %d): %s (expected %s … %s)", st, expected, status_text(),
                 where ? where : "", what ? what : "");
    assert_null(strchr(status_text(), '\n'));
}

// Opening these options fails so.
static inline void expect_open_failure(dataset_options o, status expected, const char *where,
                                       const char *what)
{
    dataset *d = NULL;
    expect_failure(dataset_open(&o, NULL, &d), expected, where, what);
    assert_null(d);
}

static inline dataset *open_data(dataset_options o)
{
    dataset *d = NULL;
    if (dataset_open(&o, NULL, &d) != OK)
        fail_msg("%s", status_text());
    return d;
}

// The largest memory this process has had, in bytes.
static inline size_t peak_memory(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (size_t)u.ru_maxrss * 1024;
}

#endif

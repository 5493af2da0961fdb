// SPDX-License-Identifier: Apache-2.0
// A copy of a model folder with one text of its config.json replaced; its weights are links.
#ifndef TESTS_MODEL_ALTERED_H
#define TESTS_MODEL_ALTERED_H

#include "lm_fixture.h"

#include <dirent.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

typedef struct altered {
    char folder[32];
} altered;

// Writes a file of the copy.
static inline void altered_write(const altered *a, const char *name, const void *bytes, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", a->folder, name);
    unlink(path); // perhaps a link
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static inline void altered_new(altered *a, const char *of, const char *from, const char *to)
{
    char path[1024], target[1024], here[256], *bytes = NULL;
    size_t size;
    text changed = {0};
    strcpy(a->folder, "/tmp/sulcus-lm-XXXXXX");
    assert_non_null(mkdtemp(a->folder));
    assert_non_null(getcwd(here, sizeof here));
    DIR *entries = opendir(of);
    assert_non_null(entries);
    for (struct dirent *e; (e = readdir(entries));) {
        snprintf(target, sizeof target, "%s/%s/%s", here, of, e->d_name);
        snprintf(path, sizeof path, "%s/%s", a->folder, e->d_name);
        if (strstr(e->d_name, ".safetensors"))
            assert_int_equal(symlink(target, path), 0);
    }
    closedir(entries);
    snprintf(path, sizeof path, "%s/config.json", of);
    assert_ok(file_read(path, 1 << 20, &bytes, &size));
    char *at = strstr(bytes, from);
    if (!at)
        fail_msg("%s: no %s", path, from);
    text_add_bytes(&changed, bytes, (size_t)(at - bytes));
    text_add(&changed, to);
    text_add(&changed, at + strlen(from));
    altered_write(a, "config.json", changed.at, changed.length);
    text_free(&changed);
    free(bytes);
}

static inline void altered_free(const altered *a)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", a->folder);
    assert_int_equal(system(command), 0);
}

#endif

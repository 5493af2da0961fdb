// SPDX-License-Identifier: Apache-2.0
// Readers take paths, because they map files and look at their stamps: so an input is a file, too,
// but one in memory. Writing it anew costs some microseconds.
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/byte_tokenizer.h"

enum { TWIN_TAKEN = 20 };

static char folder[256];

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *f)
{
    (void)s, (void)type, (void)f;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (folder[0])
        return folder;
    const char *memory = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/sulcus-fuzz-XXXXXX", memory ? memory : "/dev/shm");
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    atexit(remove_folder);
    return folder;
}

const char *fuzz_path(const char *name)
{
    static char paths[8][512];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", fuzz_folder(), name);
    return path;
}

const char *fuzz_write(const char *name, const void *bytes, size_t n)
{
    const char *path = fuzz_path(name);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, bytes, n) != (ssize_t)n || close(file) != 0) {
        perror(path);
        exit(1);
    }
    return path;
}

void fuzz_plain_tokenizer(void)
{
    text t = {0};
    byte_tokenizer(&t);
    fuzz_write("tokenizer.json", text_get(&t), t.length);
    text_free(&t);
}

void fuzz_touch(const void *bytes, size_t n)
{
    const volatile unsigned char *at = bytes; // so that each is read
    for (size_t i = 0; i < n; i++)
        (void)at[i];
}

void fuzz_end(status st)
{
    static int taken;
    const char *line = st == OK ? "taken" : status_text();
    if (getenv("SULCUS_FUZZ_SAY"))
        fprintf(stderr, "%d: %s\n", st, line);
    if (!*line || strchr(line, '\n') || st == ERR_INTERNAL) {
        fprintf(stderr, "status %d does not say in one line what is wrong with the input: %s\n", st,
                line);
        abort();
    }
    status_carry(OK, "");
    if (st != OK || !getenv("SULCUS_FUZZ_TWIN") || ++taken < TWIN_TAKEN)
        return;
    char *byte = malloc(1);
    fuzz_touch(byte + 1, 1);
    free(byte);
}

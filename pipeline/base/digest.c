// SPDX-License-Identifier: Apache-2.0
// XXH3 as xxHash's library has it; a file is read in blocks, so that one of any size takes no more
// memory than one block.
#include "pipeline/base/digest.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "pipeline/base/stopping.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

struct digest {
    XXH3_state_t *state;
};

status digest_new(digest **out)
{
    digest *d = malloc(sizeof *d);
    if (!d || !(d->state = XXH3_createState())) {
        free(d);
        return status_no_memory("a digest");
    }
    XXH3_128bits_reset(d->state);
    *out = d;
    return OK;
}

void digest_add(digest *d, const void *bytes, size_t n)
{
    XXH3_128bits_update(d->state, bytes, n);
}

void digest_add_text(digest *d, const char *string)
{
    uint64_t n = strlen(string);
    digest_add(d, &n, sizeof n);
    digest_add(d, string, n);
}

void digest_hex(const digest *d, char hex[DIGEST_HEX])
{
    XXH128_hash_t h = XXH3_128bits_digest(d->state);
    snprintf(hex, DIGEST_HEX, "%016llx%016llx", (unsigned long long)h.high64,
             (unsigned long long)h.low64);
}

void digest_free(digest *d)
{
    if (!d)
        return;
    XXH3_freeState(d->state);
    free(d);
}

status digest_file(const char *path, char hex[DIGEST_HEX])
{
    return digest_file_until(path, NULL, hex);
}

status digest_file_until(const char *path, const atomic_bool *stopping, char hex[DIGEST_HEX])
{
    enum { BLOCK = 1 << 20 };
    status st;
    digest *d = NULL;
    char *block = NULL;
    ssize_t n;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return status_fail_errno(ERR_INPUT, path, "cannot open");
    if (!(block = malloc(BLOCK))) {
        st = status_no_memory("a digest");
        goto done;
    }
    TRY(digest_new(&d));
    while ((n = read(file, block, BLOCK)) > 0) {
        digest_add(d, block, (size_t)n);
        TRY(stopping_check(stopping));
    }
    if (n < 0) {
        st = status_fail_errno(ERR_IO, path, "cannot read");
        goto done;
    }
    digest_hex(d, hex);
done:
    digest_free(d);
    free(block);
    close(file);
    return st;
}

static void add_xxhash_version(text *found)
{
    const unsigned n = XXH_versionNumber();
    text_addf(found, "%u.%u.%u", n / 10000, n / 100 % 100, n % 100);
}

const version_def library_xxhash = {"xxHash", add_xxhash_version};

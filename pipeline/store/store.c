// SPDX-License-Identifier: Apache-2.0
// The order of events in store_commit is the whole point: temporary, sync, read back, ask once more
// whether the folder is ours, rename, sync the folder. Each step undone leaves nothing that counts.
#include "pipeline/store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/store/artefact_create.h"
#include "pipeline/store/artefact_digest.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/own_file.h"

#define TEMPORARY ".tmp" // a temporary name is FINAL.EPOCH-PID.tmp

static int64_t mtime_ns(const struct stat *info)
{
    return (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
}

// A disk that is full anyway is better met here, by name, than in the middle of HDF5.
static status check_space(const char *folder, const artefact_writer *w)
{
    struct statvfs info;
    size_t need = artefact_writer_bytes(w);
    if (statvfs(folder, &info) != 0)
        return OK; // the write itself will tell
    // Integers may shrink under deflate, so that only a disk far too small is refused beforehand.
    if ((unsigned long long)info.f_bavail * info.f_frsize < need / 16)
        return status_fail(ERR_IO, folder, "needs about %zu MB more; free some space", need >> 20);
    return OK;
}

// HDF5 cannot let go of a file that grew as large as a process may write: so that is refused before,
// whatever deflate would have made of it.
static status check_limit(const char *path, const artefact_writer *w)
{
    enum { BESIDE = 256 << 10 }; // header, and the ends of chunks
    struct rlimit most;
    const size_t bytes = artefact_writer_bytes(w), need = bytes + bytes / 16 + BESIDE;
    if (getrlimit(RLIMIT_FSIZE, &most) != 0 || most.rlim_cur == RLIM_INFINITY ||
        need <= most.rlim_cur)
        return OK;
    return status_fail(ERR_IO, path,
                       "needs up to %zu kB, and files may have %llu (ulimit -f); raise that",
                       need >> 10, (unsigned long long)most.rlim_cur >> 10);
}

// Digests of the file as it is on the disk: the pages just written are dropped first, so that it is
// read from there.
static status read_back(const char *path, const char *written, stored *out)
{
    status st;
    artefact *a = NULL;
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
        close(file);
    }
    TRY(digest_file(path, out->file_digest));
    TRY(artefact_open(path, &a));
    TRY(artefact_digest(a, out->digest));
    if (strcmp(out->digest, written) != 0) {
        st =
            status_fail(ERR_IO, path, "what was read back is not what was written; check the disk");
        goto done;
    }
    if (stat(path, &info) != 0) {
        st = status_fail_errno(ERR_IO, path, "cannot look at it");
        goto done;
    }
    out->bytes = info.st_size;
    out->mtime_ns = mtime_ns(&info);
done:
    artefact_close(a);
    return st == ERR_INPUT ? status_carry(ERR_IO, status_text()) : st;
}

status store_commit(const char *output, const char *path, artefact_writer *w,
                    const provenance *origin, status (*allowed)(void *context), void *context,
                    stored *out)
{
    status st = provenance_add(w, origin);
    return st == OK ? store_again(output, path, w, origin->epoch, allowed, context, out) : st;
}

status store_again(const char *output, const char *path, const artefact_writer *w, int64_t epoch,
                   status (*allowed)(void *context), void *context, stored *out)
{
    status st;
    char written[DIGEST_HEX];
    bool made = false;
    char *final = file_join(output, path), *folder = final ? file_folder(final) : NULL;
    char *temporary =
        final ? text_format("%s.%lld-%ld" TEMPORARY, final, (long long)epoch, (long)getpid())
              : NULL;
    if (!folder || !temporary) {
        st = status_no_memory("a path");
        goto done;
    }
    TRY(own_file_check_folder(output, path));
    TRY(file_make_folders(folder));
    TRY(check_space(folder, w));
    TRY(check_limit(final, w));
    made = true;
    TRY(artefact_create(temporary, w, written));
    TRY(file_sync(temporary));
    TRY(read_back(temporary, written, out));
    TRY(allowed(context));
    if (rename(temporary, final) != 0) {
        st = status_fail_errno(ERR_IO, final, "cannot rename to it");
        goto done;
    }
    made = false;
    TRY(file_sync_folder(folder));
done:
    if (made)
        unlink(temporary);
    free(temporary);
    free(folder);
    free(final);
    return st;
}

// Size, then bytes, against what the journal says.
static status check_file(const char *path, const journal_commit *c, bool bytes)
{
    struct stat info;
    char hex[DIGEST_HEX];
    if (stat(path, &info) != 0)
        return status_fail_errno(ERR_INPUT, path, "the artefact cannot be read");
    if (info.st_size != c->bytes)
        return status_fail(ERR_INPUT, path, "has %lld bytes, %lld were committed; run fsck",
                           (long long)info.st_size, (long long)c->bytes);
    if (!bytes)
        return OK;
    status st = digest_file(path, hex);
    if (st == OK && strcmp(hex, c->file_digest) != 0)
        st = status_fail(ERR_INPUT, path, "differs from what was committed; run fsck");
    return st;
}

status store_open(const char *output, const journal_commit *c, bool verify, artefact **out)
{
    status st;
    char *path = file_join(output, c->path);
    if (!path)
        return status_no_memory("a path");
    TRY(check_file(path, c, verify));
    TRY(artefact_open(path, out));
done:
    free(path);
    return st;
}

bool store_present(const char *output, const journal_commit *c)
{
    struct stat info;
    char *path = file_join(output, c->path);
    bool present = path && stat(path, &info) == 0 && info.st_size == c->bytes;
    if (present && mtime_ns(&info) != c->mtime_ns)
        present = check_file(path, c, true) == OK;
    free(path);
    return present;
}

status store_verify(const char *output, const journal_commit *c)
{
    artefact *a = NULL;
    char hex[DIGEST_HEX];
    status st;
    TRY(store_open(output, c, true, &a));
    TRY(artefact_digest(a, hex));
    if (strcmp(hex, c->digest) != 0)
        st = status_fail(ERR_INPUT, artefact_path(a),
                         "its variables are not those committed; run fsck");
done:
    artefact_close(a);
    return st;
}

// The epoch in a temporary's name, or -1 where it is no such name.
static int64_t temporary_epoch(const char *name)
{
    const char *nc = strstr(name, ".nc.");
    long long epoch;
    long process;
    int end = 0;
    if (!nc || sscanf(nc, ".nc.%lld-%ld" TEMPORARY "%n", &epoch, &process, &end) != 2 || end == 0)
        return -1;
    return nc[end] == 0 ? epoch : -1;
}

static status clean_folder(const char *path, int64_t epoch, int64_t *removed)
{
    status st = OK;
    DIR *folder = opendir(path);
    if (!folder)
        return OK; // not a folder: nothing of ours
    for (struct dirent *entry; (entry = readdir(folder));) {
        int64_t of = temporary_epoch(entry->d_name);
        if (of < 0 || of >= epoch)
            continue;
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
            st = status_fail_errno(ERR_IO, path, "cannot remove a killed run's temporary file");
            break;
        }
        ++*removed;
    }
    closedir(folder);
    return st;
}

status store_clean(const char *output, int64_t epoch, int64_t *removed)
{
    status st = OK;
    DIR *folder = opendir(output);
    *removed = 0;
    if (!folder)
        return OK; // never run
    for (struct dirent *entry; st == OK && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.' || !own_file_is_inside(output, entry->d_name))
            continue;
        char *path = file_join(output, entry->d_name);
        st = path ? clean_folder(path, epoch, removed) : status_no_memory("a path");
        free(path);
    }
    closedir(folder);
    return st;
}

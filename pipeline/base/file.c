// SPDX-License-Identifier: Apache-2.0
// What makes a file absent, old or complete is the order: write beside it, sync, close, rename,
// sync the folder. Each call's failure is one line that names the path.
#include "pipeline/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/map_guard.h"
#include "pipeline/base/text.h"

// Opens an input that must be a regular file.
static status open_input(const char *path, int *file, size_t *size)
{
    struct stat info;
    *file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a named pipe must not hang us
    if (*file < 0)
        return status_fail_errno(ERR_INPUT, path, "cannot open");
    if (fstat(*file, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(*file);
        *file = -1;
        return status_fail(ERR_INPUT, path, "is not a regular file");
    }
    *size = (size_t)info.st_size;
    return OK;
}

status file_read(const char *path, size_t limit, char **bytes, size_t *size)
{
    status st;
    int file = -1;
    char *buffer = NULL;
    size_t length = 0, expected;
    TRY(open_input(path, &file, &expected));
    if (expected > limit) {
        st = status_fail(ERR_INPUT, path, "holds %zu bytes; at most %zu are expected here",
                         expected, limit);
        goto done;
    }
    if (!(buffer = malloc(expected + 1))) {
        st = status_no_memory(path);
        goto done;
    }
    while (length < expected) {
        ssize_t n = read(file, buffer + length, expected - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            st = status_fail_errno(ERR_IO, path, "cannot read");
            goto done;
        }
        if (n == 0)
            break;
        length += (size_t)n;
    }
    buffer[length] = 0;
    *bytes = buffer;
    *size = length;
    buffer = NULL;
done:
    free(buffer);
    if (file >= 0)
        close(file);
    return st;
}

status file_map(const char *path, mapping *out)
{
    status st;
    int file = -1;
    size_t size;
    *out = (mapping){(const unsigned char *)"", 0};
    TRY(open_input(path, &file, &size));
    if (size > 0) {
        void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
        if (at == MAP_FAILED) {
            st = status_fail_errno(ERR_IO, path, "cannot map");
            goto done;
        }
        *out = (mapping){at, size};
        map_guard_add(at, size);
    }
done:
    if (file >= 0)
        close(file);
    return st;
}

void file_unmap(mapping *m)
{
    if (m->size > 0) {
        map_guard_remove(m->bytes);
        munmap((void *)(uintptr_t)m->bytes, m->size);
    }
    *m = (mapping){(const unsigned char *)"", 0};
}

void file_drop_pages(const void *from, size_t n)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)from;
    const uintptr_t first = (begin + page - 1) / page * page, end = (begin + n) / page * page;
    if (first < end)
        madvise((void *)first, end - first, MADV_DONTNEED); // a hint: no harm where it fails
}

status file_stamp_take(const char *path, file_stamp *out)
{
    struct stat now;
    if (stat(path, &now) != 0)
        return status_fail_errno(ERR_INPUT, path, "vanished while in use");
    *out = (file_stamp){(uint64_t)now.st_size, now.st_ino, now.st_dev, now.st_mtim.tv_sec,
                        now.st_mtim.tv_nsec};
    return OK;
}

status file_stamp_check(const char *path, const file_stamp *stamp)
{
    file_stamp now;
    status st = file_stamp_take(path, &now);
    if (st == OK && memcmp(&now, stamp, sizeof now) != 0)
        st = status_fail(ERR_INPUT, path, "changed while in use; run again");
    return st;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

status file_make_folders(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return status_no_memory("a path");
    status st = OK;
    for (char *c = copy + 1; st == OK; c++) {
        if (*c != '/' && *c != 0)
            continue;
        char kept = *c;
        *c = 0;
        if (mkdir(copy, 0777) != 0 && !(errno == EEXIST && file_is_folder(copy)))
            st = status_fail_errno(ERR_IO, copy, "cannot create the folder");
        *c = kept;
        if (kept == 0)
            break;
    }
    free(copy);
    return st;
}

static status write_all(int file, const char *path, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(file, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return status_fail_errno(ERR_IO, path, "cannot write");
        bytes += written;
        n -= (size_t)written;
    }
    return OK;
}

// Creates `path` and syncs what it writes; on failure the caller removes it.
static status create_file(const char *path, const file_piece *pieces, size_t n)
{
    status st = OK;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return status_fail_errno(ERR_IO, path, "cannot create");
    for (size_t i = 0; i < n; i++)
        TRY(write_all(file, path, pieces[i].bytes, pieces[i].n));
    if (fsync(file) != 0) {
        st = status_fail_errno(ERR_IO, path, "cannot sync");
        goto done;
    }
    int closed = close(file);
    file = -1;
    if (closed != 0)
        st = status_fail_errno(ERR_IO, path, "cannot close");
done:
    if (file >= 0)
        close(file);
    return st;
}

status file_write_pieces(const char *path, const file_piece *pieces, size_t n,
                         status (*allowed)(void *context), void *context)
{
    status st;
    bool made = false;
    char *folder = file_folder(path);
    char *temporary = text_format("%s.%ld.tmp", path, (long)getpid());
    if (!folder || !temporary) {
        st = status_no_memory("a path");
        goto done;
    }
    made = true;
    TRY(create_file(temporary, pieces, n));
    if (allowed)
        TRY(allowed(context));
    if (rename(temporary, path) != 0) {
        st = status_fail_errno(ERR_IO, path, "cannot rename to it");
        goto done;
    }
    made = false;
    TRY(file_sync_folder(folder));
done:
    if (made)
        unlink(temporary);
    free(temporary);
    free(folder);
    return st;
}

status file_write_atomic(const char *path, const void *bytes, size_t n)
{
    return file_write_pieces(path, &(file_piece){bytes, n}, 1, NULL, NULL);
}

static status sync_path(const char *path, int flags)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (file < 0)
        return status_fail_errno(ERR_IO, path, "cannot open to sync");
    int failed = fsync(file);
    status st = failed ? status_fail_errno(ERR_IO, path, "cannot sync") : OK;
    if (close(file) != 0 && st == OK)
        st = status_fail_errno(ERR_IO, path, "cannot close");
    return st;
}

status file_sync(const char *path)
{
    return sync_path(path, 0);
}

status file_sync_folder(const char *path)
{
    return sync_path(path, O_DIRECTORY);
}

char *file_join(const char *folder, const char *name)
{
    if (name[0] == '/' || folder[0] == 0 || strcmp(folder, ".") == 0)
        return strdup(name);
    return text_format("%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
}

char *file_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

file_amount file_measure(const char *path)
{
    file_amount found = {0};
    FTS *tree = fts_open((char *const[]){(char *)(uintptr_t)path, NULL},
                         FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    for (FTSENT *entry; tree && (entry = fts_read(tree));)
        if (entry->fts_info == FTS_F) {
            found.files++;
            found.bytes += entry->fts_statp->st_size;
        }
    if (tree)
        fts_close(tree);
    return found;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

bool file_remove_folder(const char *path)
{
    return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0;
}

status file_list_add(file_list *l, const char *path)
{
    char *copy = strdup(path);
    if (!copy || !checked_grow(&l->path, &l->capacity, l->n + 1, sizeof *l->path)) {
        free(copy);
        return status_no_memory("a list of files");
    }
    l->path[l->n++] = copy;
    return OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void file_list_sort(file_list *l)
{
    if (l->n > 0)
        qsort(l->path, l->n, sizeof *l->path, by_text);
}

void file_list_free(file_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->path[i]);
    free(l->path);
    *l = (file_list){0};
}

const char *file_stands_for(const void *bytes, size_t n)
{
    static const struct {
        const char *begins, *says;
    } known[] = {
        {"version https://git-lfs",
         "is a Git LFS pointer, which stands for a file elsewhere; fetch "
         "it with `git lfs pull` in its folder"},
        {"/annex/objects/", "is a git-annex pointer; fetch it with `git annex get` in its folder"},
        {"<!DOCTYPE", "is a web page, saved under this name; download the file itself"},
        {"<!doctype", "is a web page, saved under this name; download the file itself"},
        {"<html", "is a web page, saved under this name; download the file itself"},
        {"Entry not found", "is a hub's refusal, saved under this name; download the file itself"},
        {"Invalid username or password", "is a hub's refusal, saved under this name; log in, and "
                                         "download the file itself"},
        {"PK\003\004", "is a zip archive, as PyTorch saves weights; save the model with "
                       "save_pretrained(..., safe_serialization=True)"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const size_t length = strlen(known[i].begins);
        if (n >= length && memcmp(bytes, known[i].begins, length) == 0)
            return known[i].says;
    }
    return NULL;
}

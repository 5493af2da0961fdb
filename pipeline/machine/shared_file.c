// SPDX-License-Identifier: Apache-2.0
// A page of /dev/shm for which there is no room kills the process that touches it, so room is looked
// for before, with what is promised already; a page takes memory, and on a machine of several
// sockets its place, only when it is touched. On a disk all is taken at once.
#include "pipeline/machine/shared_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/machine/memory_use.h"

static const char memory[] = "/dev/shm";

static bool make_in(const char *folder, size_t bytes, bool reserved, shared_file *out)
{
    int n = snprintf(out->path, sizeof out->path, "%s/sulcus-%ld-%ld-XXXXXX", folder,
                     (long)getuid(), (long)getpid());
    if (n >= (int)sizeof out->path || (out->file = mkostemp(out->path, O_CLOEXEC)) < 0)
        return false;
    out->bytes = bytes;
    bool made = ftruncate(out->file, (off_t)bytes) == 0;
    if (made && reserved)
        made = posix_fallocate(out->file, 0, (off_t)bytes) == 0;
    if (!made) {
        shared_file_forget(out);
        shared_file_close(out);
    }
    return made;
}

status shared_file_make(size_t bytes, size_t promised, shared_file *out)
{
    const char *folders[] = {getenv("TMPDIR"), "/tmp", "/var/tmp"};
    const char *given = getenv("OMPI_MCA_osc_sm_backing_directory");
    const size_t room = memory_use_room();
    *out = (shared_file){.file = -1};
    if (bytes == 0)
        bytes = 1;
    if (bytes > INT64_MAX)
        return status_no_memory("a block of shared memory");
    if (given && make_in(given, bytes, true, out))
        return OK;
    if (promised < room && bytes < room - promised && make_in(memory, bytes, false, out))
        return OK;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (folders[i] && make_in(folders[i], bytes, true, out))
            return OK;
    return status_fail(
        ERR_INTERNAL, NULL,
        "cannot share %zu bytes among the ranks of a node: %zu are free in /dev/shm, and TMPDIR "
        "has no room either; make room (`sulcus doctor` says how), or start one rank a node, "
        "which needs none",
        bytes, room > promised ? room - promised : 0);
}

void shared_file_forget(shared_file *f)
{
    if (f->file >= 0)
        unlink(f->path);
}

size_t shared_file_untouched(const shared_file *f)
{
    struct stat info;
    if (f->file < 0 || strncmp(f->path, memory, sizeof memory - 1) != 0 ||
        fstat(f->file, &info) != 0)
        return 0;
    const size_t touched = (size_t)info.st_blocks * 512;
    return touched < f->bytes ? f->bytes - touched : 0;
}

void shared_file_close(shared_file *f)
{
    if (f->file >= 0)
        close(f->file);
    f->file = -1;
}

status shared_file_map(const char *path, size_t bytes, void **at)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    void *found =
        file < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    status st = found == MAP_FAILED ? status_fail_errno(ERR_INTERNAL, path,
                                                        "cannot map what the ranks of a node share")
                                    : OK;
    if (file >= 0)
        close(file);
    if (st == OK)
        *at = found;
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// One rank a node looks: what a node's ranks see of a file system is the same. Rank 0 makes the
// folder; a node that made its own where it does not see rank 0's would hide what is wrong.
#include "pipeline/commands/doctor_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

// --- The folder

// What a run can do without, as it finds out by trying.
typedef struct abilities {
    bool links, locks;
} abilities;

static void try_abilities(const char *path, abilities *can)
{
    char *other = text_format("%s.link", path);
    const int file = open(path, O_RDWR | O_CLOEXEC);
    can->locks = file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0;
    can->links = other && link(path, other) == 0;
    if (other)
        unlink(other);
    if (file >= 0)
        close(file);
    free(other);
}

// Over NFS what another node has made may be seen a moment later.
static bool comes_into_sight(const char *path)
{
    enum { TRIES = 50 };
    for (int i = 0; i < TRIES && !file_exists(path); i++)
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    return file_exists(path);
}

static status try_folder(comm *c, const char *folder, const char *own, abilities *can)
{
    status st;
    if (comm_rank(c) != 0 && !comes_into_sight(folder))
        return status_fail(ERR_IO, folder,
                           "what rank 0 has made is not to be seen from here; give a folder that "
                           "all nodes share");
    TRY(file_write_atomic(own, "doctor\n", 7)); // write, fsync, rename, fsync of the folder
    try_abilities(own, can);
done:
    return st;
}

// Behind a meeting all nodes have written theirs; behind the next all have looked.
status doctor_folder(comm *c, const char *folder, text *found)
{
    const bool looks = comm_share(c)->rank == 0;
    status st = OK;
    abilities can = {true, true};
    char *own = text_format("%s/.sulcus-doctor.%d", folder, comm_node(c));
    char *first = text_format("%s/.sulcus-doctor.0", folder);
    if (!own || !first)
        st = status_no_memory("a path");
    if (st == OK && comm_rank(c) == 0)
        st = file_make_folders(folder);
    uint8_t made = st == OK;
    comm_broadcast(c, 0, &made, sizeof made);
    if (made && looks && st == OK)
        st = try_folder(c, folder, own, &can);
    made = st == OK;
    comm_broadcast(c, 0, &made, sizeof made);
    if (made && looks && st == OK && !comes_into_sight(first))
        st = status_fail(ERR_IO, folder,
                         "is not the folder that rank 0 sees; give one that all nodes share");
    const int64_t least[] = {comm_smallest(c, can.links), comm_smallest(c, can.locks)};
    if (own && looks && unlink(own) != 0 && st == OK)
        st = status_fail_errno(ERR_IO, own, "cannot remove");
    text_addf(found, "%s takes files: write, fsync, rename; %s and %s", folder,
              least[0] ? "links" : "no links (not needed)",
              least[1] ? "locks" : "no locks (not needed)");
    free(own);
    free(first);
    return st;
}

// --- Models and data

// Of a resource's files, as this node sees them.
typedef struct seen {
    int64_t files, bytes;
} seen;

static status look_at_file(const char *path, seen *s)
{
    char byte;
    struct stat info = {0};
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return status_fail_errno(ERR_INPUT, path, "cannot open");
    const bool fine = fstat(file, &info) == 0 && pread(file, &byte, 1, 0) >= 0;
    const status st = fine ? OK : status_fail_errno(ERR_INPUT, path, "cannot read");
    close(file);
    s->files++;
    s->bytes += info.st_size;
    return st;
}

static status look_at_resource(const resource_entry *e, seen *s)
{
    status st;
    file_list files = {0};
    TRY(e->def->files(e->params, &files));
    for (size_t i = 0; i < files.n; i++)
        TRY(look_at_file(files.path[i], s));
done:
    file_list_free(&files);
    return st;
}

status doctor_inputs(comm *c, const pipeline_file *f, text *found)
{
    status st = OK;
    seen all = {0, 0};
    for (size_t i = 0; i < f->n_resources; i++) {
        const resource_entry *e = &f->resources[i];
        seen here = {0, 0}, first;
        const bool looks = comm_share(c)->rank == 0 && st == OK && e->def->files;
        if (looks)
            st = look_at_resource(e, &here);
        first = here;
        comm_broadcast(c, 0, &first, sizeof first);
        int64_t known = comm_rank(c) != 0 || st == OK;
        known = comm_smallest(c, known);
        if (looks && st == OK && known && (here.files != first.files || here.bytes != first.bytes))
            st = status_fail(ERR_INPUT, e->name,
                             "%lld files of %lld bytes, and %lld of %lld where rank 0 is; copy "
                             "them anew",
                             (long long)here.files, (long long)here.bytes, (long long)first.files,
                             (long long)first.bytes);
        all.files += here.files;
        all.bytes += here.bytes;
    }
    text_addf(found, "%zu models and datasets, %lld files, %.3g GB", f->n_resources,
              (long long)all.files, (double)all.bytes * 1e-9);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
// Open MPI removes its segments at MPI_Finalize, which a killed rank does not reach; they fill
// /dev/shm over weeks. Their names do not tell whose they are, so that processes are asked; one in
// another container cannot be, but needs no name any more a minute after its start.
#include "pipeline/machine/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char folder[] = "/dev/shm";
enum { AGE = 60, MOST = 256 }; // seconds; files of one start

typedef struct leftovers {
    char name[MOST][NAME_MAX + 1];
    bool used[MOST];
    size_t n;
} leftovers;

static bool is_segment(const char *name)
{
    static const char *const heads[] = {"vader_segment.", "sm_segment.", "osc_sm."};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (strncmp(name, heads[i], strlen(heads[i])) == 0)
            return true;
    return false;
}

static void list_segments(leftovers *l)
{
    const time_t now = time(NULL);
    struct stat info;
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && l->n < MOST && (entry = readdir(d));) {
        if (!is_segment(entry->d_name) ||
            fstatat(dirfd(d), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode) || info.st_uid != getuid() || now - info.st_mtime < AGE)
            continue;
        snprintf(l->name[l->n++], sizeof *l->name, "%s", entry->d_name);
    }
    if (d)
        closedir(d);
}

// By the name alone: of a process in another container, the folder looks like another.
static void note_use(leftovers *l, const char *path)
{
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; slash && i < l->n; i++)
        l->used[i] |= strcmp(slash + 1, l->name[i]) == 0;
}

// What a process has mapped, and what it has open. One of another user has no part in our files.
static void ask_process(leftovers *l, const char *process)
{
    char path[PATH_MAX], line[PATH_MAX + 128];
    snprintf(path, sizeof path, "/proc/%s/maps", process);
    FILE *maps = fopen(path, "re");
    while (maps && fgets(line, sizeof line, maps)) {
        line[strcspn(line, "\n")] = 0;
        const char *mapped = strchr(line, '/');
        if (mapped)
            note_use(l, mapped);
    }
    if (maps)
        fclose(maps);
    snprintf(path, sizeof path, "/proc/%s/fd", process);
    DIR *d = opendir(path);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        ssize_t n = readlinkat(dirfd(d), entry->d_name, line, sizeof line - 1);
        line[n > 0 ? n : 0] = 0;
        note_use(l, line);
    }
    if (d)
        closedir(d);
}

void leftovers_remove(void)
{
    char path[PATH_MAX];
    leftovers *l = calloc(1, sizeof *l);
    DIR *d = NULL;
    if (l)
        list_segments(l);
    if (!l || l->n == 0 || !(d = opendir("/proc")))
        goto done;
    for (struct dirent *entry; (entry = readdir(d));)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            ask_process(l, entry->d_name);
    for (size_t i = 0; i < l->n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, l->name[i]);
        if (!l->used[i])
            unlink(path); // what another start has removed is gone
    }
done:
    if (d)
        closedir(d);
    free(l);
}

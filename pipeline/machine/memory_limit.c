// SPDX-License-Identifier: Apache-2.0
// A job that passes its limit is killed without a word, so all who may have set one are asked. A
// cgroup's limit holds for what is below it too: hence the whole path. What is mounted may be a
// part of the hierarchy only (a container's), and then its root is all there is to see.
#include "pipeline/machine/memory_limit.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/machine/system_file.h"

static void lower_to(memory_limit *l, double bytes, const char *what, const char *name)
{
    if (bytes <= 0 || bytes >= l->bytes)
        return;
    l->bytes = bytes;
    snprintf(l->source, sizeof l->source, "%s%.*s", what, (int)(sizeof l->source / 2), name);
}

static void ask_physical(memory_limit *l)
{
    char line[128];
    unsigned long long kilobytes;
    l->bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    snprintf(l->source, sizeof l->source, "physical memory");
    if (getenv("SULCUS_ROOT") && system_file_line("/proc/meminfo", line, sizeof line) &&
        sscanf(line, "MemTotal: %llu kB", &kilobytes) == 1)
        l->bytes = (double)kilobytes * 1024;
}

// --- Cgroups

typedef struct hierarchy {
    int version;
    char path[PATH_MAX];  // of this process, from the hierarchy's root
    char root[PATH_MAX];  // what of it is mounted
    char mount[PATH_MAX]; // and where; "" where it is not
} hierarchy;

// Is `word` one of a list with commas?
static bool lists(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, word, n) == 0 && (at[n] == 0 || at[n] == ','))
            return true;
    return false;
}

// A line of /proc/self/cgroup: "4:memory:/slurm/job_7", or "0::/user.slice" of version 2.
static void find_path(hierarchy *h)
{
    char line[PATH_MAX + 256];
    FILE *file = system_file_open("/proc/self/cgroup");
    h->path[0] = 0;
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':'), *path = NULL;
        if (controllers && (path = strchr(controllers + 1, ':')))
            *path++ = 0;
        if (path && (h->version == 2 ? strncmp(line, "0:", 2) == 0 && controllers[1] == 0
                                     : lists(controllers + 1, "memory")))
            snprintf(h->path, sizeof h->path, "%.*s", PATH_MAX - 1, path);
    }
    if (file)
        fclose(file);
}

// A line of /proc/self/mountinfo: "26 25 0:23 ROOT MOUNT rw,relatime shared:9 - TYPE SOURCE OPTIONS".
static void find_mount(hierarchy *h)
{
    static const char *const wanted[] = {[1] = "cgroup", [2] = "cgroup2"};
    char line[2 * PATH_MAX + 512], type[32], options[256];
    FILE *file = system_file_open("/proc/self/mountinfo");
    h->mount[0] = 0;
    while (file && !h->mount[0] && fgets(line, sizeof line, file)) {
        const char *rest = strstr(line, " - ");
        if (rest && sscanf(rest, " - %31s %*s %255s", type, options) == 2 &&
            strcmp(type, wanted[h->version]) == 0 &&
            (h->version == 2 || lists(options, "memory")) &&
            sscanf(line, "%*s %*s %*s %4095s %4095s", h->root, h->mount) != 2)
            h->mount[0] = 0;
    }
    if (file)
        fclose(file);
}

// The limit of a group, whose folder is that of the mount with `below` behind it. "max" of version 2
// is no number, and the largest one of version 1 is more than any memory.
static void ask_group(memory_limit *l, const hierarchy *h, const char *below, const char *name)
{
    char line[64], *end, *path = text_format("%s%s/%s", h->mount, below, name);
    if (path && system_file_line(path, line, sizeof line)) {
        const double bytes = (double)strtoull(line, &end, 10);
        if (end != line && *end == 0)
            lower_to(l, bytes, "cgroup ", *below ? below : "/");
    }
    free(path);
}

// Where the group is below the mount's root; the root itself where it lies elsewhere.
static char *path_below(hierarchy *h)
{
    const size_t above = strcmp(h->root, "/") == 0 ? 0 : strlen(h->root);
    const bool inside = strncmp(h->path, h->root, above) == 0 && strncmp(h->path, "/..", 3) != 0;
    return inside ? h->path + above : strcpy(h->path, "/");
}

static void ask_cgroups(memory_limit *l, int version)
{
    hierarchy *h = checked_calloc(1, sizeof *h); // of paths: much for a stack
    if (!h)
        return;
    h->version = version;
    find_path(h);
    find_mount(h);
    char *below = NULL; // from the mount's root
    if (h->path[0] && h->mount[0])
        below = path_below(h);
    while (below) {
        if (version == 1) {
            ask_group(l, h, below, "memory.limit_in_bytes");
        } else {
            ask_group(l, h, below, "memory.max");
            ask_group(l, h, below, "memory.high");
        }
        char *slash = strrchr(below, '/');
        if (slash)
            *slash = 0;
        else
            below = NULL;
    }
    free(h);
}

// --- Schedulers

static double number_of(const char *variable)
{
    const char *value = getenv(variable);
    return value ? atof(value) : 0;
}

memory_limit memory_limit_find(void)
{
    const double megabyte = 1048576;
    memory_limit l;
    ask_physical(&l);
    ask_cgroups(&l, 1);
    ask_cgroups(&l, 2);
    lower_to(&l, number_of("SLURM_MEM_PER_NODE") * megabyte, "SLURM_MEM_PER_NODE", "");
    lower_to(&l, number_of("SLURM_MEM_PER_CPU") * number_of("SLURM_CPUS_ON_NODE") * megabyte,
             "SLURM_MEM_PER_CPU", "");
    lower_to(&l, number_of("PBS_RESC_MEM"), "PBS_RESC_MEM", "");
    return l;
}

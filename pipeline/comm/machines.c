// SPDX-License-Identifier: Apache-2.0
// The last bits of a float depend on which kernels a CPU picks, and a launcher that binds all ranks
// to one core shows in nothing but the time: both are looked at before work begins.
#include "pipeline/comm/machines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/comm/launch.h"
#include "pipeline/machine/system_file.h"

enum { NAME = 160, TYPE = NAME + 68, TYPES = 16 }; // TYPE: with a device

typedef struct cpu_type {
    char name[TYPE];
    int nodes;
} cpu_type;

// The value of a line of /proc/cpuinfo, if the line is about `what`.
static bool read_line(const char *line, const char *what, char *out, size_t n)
{
    const char *colon = strchr(line, ':');
    size_t length = strlen(what);
    if (!colon || strncmp(line, what, length) != 0 ||
        line[length + strspn(line + length, " \t")] != ':')
        return false;
    colon += 1 + strspn(colon + 1, " ");
    snprintf(out, n, "%.*s", (int)strcspn(colon, "\n"), colon);
    return true;
}

// What the first CPU's lines of /proc/cpuinfo say.
typedef struct cpu_lines {
    char name[NAME - 64], family[16], model[16], implementer[16], part[16];
} cpu_lines;

static void read_cpu(cpu_lines *found)
{
    char line[512];
    FILE *file = system_file_open("/proc/cpuinfo");
    while (file && fgets(line, sizeof line, file) && line[0] != '\n')
        (void)(read_line(line, "model name", found->name, sizeof found->name) ||
               read_line(line, "cpu family", found->family, sizeof found->family) ||
               read_line(line, "model", found->model, sizeof found->model) ||
               read_line(line, "CPU implementer", found->implementer, sizeof found->implementer) ||
               read_line(line, "CPU part", found->part, sizeof found->part));
    if (file)
        fclose(file);
}

// This node's. Family and model tell apart what clouds call by one name; Arm's have two numbers and
// no name.
static void name_here(char out[NAME])
{
    const char *given = getenv("SULCUS_CPU");
    cpu_lines found = {.name = ""};
    if (given) {
        snprintf(out, NAME, "%s", given);
        return;
    }
    read_cpu(&found);
    const char *name = found.name[0] ? found.name : found.part[0] ? "Arm" : "unknown";
    if (found.family[0] && found.model[0])
        snprintf(out, NAME, "%s (family %s, model %s)", name, found.family, found.model);
    else if (found.implementer[0] && found.part[0])
        snprintf(out, NAME, "%s (implementer %s, part %s)", name, found.implementer, found.part);
    else
        snprintf(out, NAME, "%s", name);
}

int machines_cpus(const comm *c, const char *device, char names[MACHINES_CPUS])
{
    char here[TYPE], name[TYPE], cpu[NAME];
    cpu_type type[TYPES];
    int types = 0;
    text all = {0};
    name_here(cpu);
    snprintf(here, sizeof here, "%s%s%.64s", cpu, device[0] ? ", " : "", device);
    for (int node = 0; node < comm_nodes(c); node++) {
        int t = 0;
        memcpy(name, here, sizeof name);
        comm_broadcast(c, comm_first_of(c, node), name, sizeof name);
        while (t < types && strcmp(type[t].name, name) != 0)
            t++;
        if (t == TYPES)
            continue;
        if (t == types) {
            memcpy(type[types].name, name, sizeof name);
            type[types++].nodes = 0;
        }
        type[t].nodes++;
    }
    for (int t = 0; t < types; t++) {
        text_addf(&all, "%s%s", t ? "; " : "", type[t].name);
        if (types > 1)
            text_addf(&all, " on %d node%s", type[t].nodes, type[t].nodes == 1 ? "" : "s");
    }
    snprintf(names, MACHINES_CPUS, "%s", text_get(&all));
    text_free(&all);
    return types;
}

status machines_check_threads(const comm *c, int threads, bool oversubscribe)
{
    const double cores = comm_cpu_share(c);
    char room[64];
    // A launcher's variables do not reach every node.
    if (comm_largest(c, oversubscribe || launch_oversubscribes()))
        return OK;
    if (threads <= cores + 1e-9)
        return comm_agree(c, OK);
    if (cores < 1)
        snprintf(room, sizeof room, "start fewer ranks");
    else
        snprintf(room, sizeof room, "give threads: %d, or start fewer ranks", (int)(cores + 1e-9));
    return comm_agree(
        c, status_fail(ERR_USAGE, "threads",
                       "%d a rank are more than the %.3g core%s that each rank has on %s; %s, "
                       "or let the launcher oversubscribe (mpirun --oversubscribe), or set "
                       "`oversubscribe: true`",
                       threads, cores, cores == 1 ? "" : "s", comm_host(c), room));
}

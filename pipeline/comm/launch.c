// SPDX-License-Identifier: Apache-2.0
// A launcher and an MPI that do not know each other give as many lone ranks as were asked for. Only
// the launcher's own variables tell that: of Slurm those of a step, since a batch script may well
// start one process in a job of many tasks; and an mpirun inside of it counts before Slurm.
#include "pipeline/comm/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

extern const version_def library_mpi;

static int count_started(const char *variable)
{
    const char *value = getenv(variable);
    return value ? atoi(value) : 0;
}

// Processes by the variables of the launcher that counts; 0: they tell of none.
static int count_all(void)
{
    int started = count_started("OMPI_COMM_WORLD_SIZE");
    if (started == 0)
        started = count_started("PMI_SIZE");
    return started > 0 ? started : count_started("SLURM_STEP_NUM_TASKS");
}

status launch_check(const comm *c)
{
    const int step = count_started("SLURM_STEP_NUM_TASKS"), started = count_all();
    text mpi = {0};
    status st = OK;
    if (comm_ranks(c) > 1 || started <= 1)
        return OK;
    library_mpi.add(&mpi);
    if (started == step)
        st = status_fail(ERR_USAGE, NULL,
                         "srun started %d tasks, and MPI sees one in each; launch with `srun "
                         "--mpi=pmix` (MPICH: pmi2; `srun --mpi=list` says what there is), or with "
                         "the mpirun of this program's MPI, %.40s",
                         started, text_get(&mpi));
    else
        st = status_fail(ERR_USAGE, NULL,
                         "%s started %d processes, and MPI sees one in each; launch with the "
                         "mpirun of this program's MPI, %.40s",
                         getenv("OMPI_COMM_WORLD_SIZE") ? "Open MPI's mpirun" : "mpiexec", started,
                         text_get(&mpi));
    text_free(&mpi);
    return st;
}

bool launch_known(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMIX_RANK") || getenv("PMI_RANK");
}

// The name of a process and its parent; false where there is none.
static bool look_up(pid_t process, char name[32], pid_t *parent)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)process);
    FILE *file = fopen(path, "r");
    const bool found = file && fgets(line, sizeof line, file);
    if (file)
        fclose(file);
    const char *begin = found ? strchr(line, '(') : NULL, *end = begin ? strrchr(line, ')') : NULL;
    if (!end || strlen(end) < 5) // ") S PARENT"
        return false;
    snprintf(name, 32, "%.*s", (int)(end - begin - 1), begin + 1);
    *parent = atoi(end + 4);
    return true;
}

// Does the name of a process begin as one of these? NULL ends them.
static bool is_among(const char *name, const char *const *launchers)
{
    for (; *launchers; launchers++)
        if (strncmp(name, *launchers, strlen(*launchers)) == 0)
            return true;
    return false;
}

static const char *const launchers[] = {"mpirun", "orterun", "prterun", "mpiexec", NULL};
// What starts a node's ranks for one of those elsewhere, or for srun.
static const char *const helpers[] = {"orted", "prted", "hydra_pmi_proxy", "slurmstepd", NULL};

status launch_check_alone(const char *command)
{
    char name[32];
    pid_t parent;
    const int started = count_all();
    if (started <= 1 || !look_up(getppid(), name, &parent) ||
        !(is_among(name, launchers) || is_among(name, helpers)))
        return OK;
    return status_fail(ERR_USAGE, command,
                       "it needs one process, and %d were started; leave out mpirun or srun",
                       started);
}

pid_t launch_pid(void)
{
    char name[32];
    pid_t process = getppid(), parent;
    bool found = look_up(process, name, &parent);
    if (found && strcmp(name, "hydra_pmi_proxy") == 0) { // one a node, below mpiexec on its own
        process = parent;
        found = look_up(process, name, &parent);
    }
    return found && is_among(name, launchers) ? process : 0;
}

bool launch_oversubscribes(void)
{
    // Open MPI 4, 5 (by whose options `mpirun --oversubscribe` leaves no trace), and Slurm.
    static const char *const switches[] = {"OMPI_MCA_rmaps_base_oversubscribe", "SLURM_OVERCOMMIT"};
    static const char *const policies[] = {"OMPI_MCA_rmaps_base_mapping_policy",
                                           "PRTE_MCA_rmaps_default_mapping_policy",
                                           "OMPI_MCA_rmaps_default_mapping_policy"};
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        const char *told = getenv(switches[i]);
        if (told && (strcmp(told, "1") == 0 || strcasecmp(told, "true") == 0 ||
                     strcasecmp(told, "yes") == 0))
            return true;
    }
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        const char *told = getenv(policies[i]);
        if (told && strcasestr(told, ":oversubscribe"))
            return true;
    }
    return false;
}

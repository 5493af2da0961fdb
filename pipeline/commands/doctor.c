// SPDX-License-Identifier: Apache-2.0
// Each check tries the thing itself rather than asks for its version: most of what breaks a run on
// a cluster (a launcher's binding, a full /dev/shm, a file system without rename) has no version.
#include "pipeline/commands/doctor.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/text.h"
#include "pipeline/base/version.h"
#include "pipeline/comm/launch.h"
#include "pipeline/commands/doctor_files.h"
#include "pipeline/machine/cores.h"
#include "pipeline/machine/memory_use.h"
#include "pipeline/run/run.h"

extern const version_def library_mpi;

// Each check is collective, returns what this rank has found, and says in `found`, on rank 0, what
// all have seen.
typedef struct checkup {
    comm *comm;
    const registry *registry;
    const char *folder;
    const pipeline_file *file; // NULL: none was given
} checkup;

static status check_launch(const checkup *k, text *found)
{
    int ranks = comm_ranks(k->comm);
    text_addf(found, "%d rank%s on %d node%s", ranks, ranks == 1 ? "" : "s", comm_nodes(k->comm),
              comm_nodes(k->comm) == 1 ? "" : "s");
    return launch_check(k->comm);
}

static status check_threads(const checkup *k, text *found)
{
    int64_t least = comm_smallest(k->comm, comm_cores(k->comm));
    int64_t used = comm_sum(k->comm, comm_cores(k->comm));
    int64_t machine = cores_machine();
    int64_t ranks = comm_ranks(k->comm);
    const domain_set own = cores_domains();
    const int64_t domains = comm_largest(k->comm, domain_count(&own));
    bool single = comm_nodes(k->comm) == 1;
    text_addf(found, "%lld threads in total, at least %lld a rank", (long long)used,
              (long long)least);
    if (single)
        text_addf(found, "; this machine has %lld cores", (long long)machine);
    if (domains > 1)
        text_addf(found,
                  "; those of a rank lie in %lld NUMA domains: one rank a domain is faster "
                  "(mpirun --map-by ppr:1:numa --bind-to numa)",
                  (long long)domains);
    if (single && used > machine)
        return status_fail(ERR_USAGE, NULL, "%lld ranks share %lld cores; start at most %lld ranks",
                           (long long)ranks, (long long)machine, (long long)machine);
    if (single && used < machine)
        return status_fail(
            ERR_USAGE, NULL,
            "%lld of %lld cores would idle; launch with `mpirun --map-by slot:PE=%lld`, "
            "or with --bind-to none",
            (long long)(machine - used), (long long)machine, (long long)(machine / ranks));
    return OK;
}

static volatile sig_atomic_t arrived; // a handler has no other way to tell

static void note_arrival(int number)
{
    (void)number;
    arrived = 1;
}

// A job script tells the launcher to stop with USR1: does it reach every rank? Without a launcher
// that hands it on, the first rank tells itself.
static status check_signals(const checkup *k, text *found)
{
    enum { TRIES = 300 };
    struct sigaction note = {.sa_handler = note_arrival}, old;
    const pid_t launcher = launch_pid();
    uint8_t launched = launcher != 0;
    comm_broadcast(k->comm, 0, &launched, 1);
    const bool first = comm_rank(k->comm) == 0, expected = launched || first;
    sigemptyset(&note.sa_mask);
    sigaction(SIGUSR1, &note, &old);
    status st = comm_agree(k->comm, OK); // all listen now
    if (st == OK && first)
        kill(launched ? launcher : getpid(), SIGUSR1);
    for (int i = 0; expected && !arrived && i < TRIES; i++)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    if (expected && !arrived)
        st = status_fail(
            ERR_USAGE, NULL,
            "USR1 does not reach rank %d, so that a run cannot be told to stop; see "
            "that the launcher's shell does not block it, and that the launcher hands it on",
            comm_rank(k->comm));
    if (launched)
        text_add(found, "USR1 to the launcher reaches every rank");
    else if (comm_ranks(k->comm) == 1)
        text_add(found, "USR1 reaches the rank");
    else // below srun, orted or prted
        text_add(found, "USR1 reaches rank 0; try it on the launcher, which is not above rank 0");
    comm_largest(k->comm, 0); // all have waited
    sigaction(SIGUSR1, &old, NULL);
    return st;
}

static status check_memory(const checkup *k, text *found)
{
    enum { BYTES = 256 << 20 };
    share *s = comm_share(k->comm);
    void *block = NULL;
    status st = s->alloc(s, BYTES, SHARE_ZEROS, &block);
    if (block)
        s->release(s, block);
    text_addf(found, "%d MB shared by the ranks of a node", BYTES >> 20);
    return st;
}

// The room for the blocks that a node's ranks share. A container's is often 64 MB, and a page that
// finds no room kills the rank that touches it.
static status check_room(const checkup *k, text *found)
{
    enum { LEAST = 1000 };
    const bool alone = comm_ranks(k->comm) == comm_nodes(k->comm);
    const int64_t free_mb = (int64_t)(memory_use_room() / 1000000);
    text_addf(found, "%lld MB free%s", (long long)comm_smallest(k->comm, free_mb),
              alone ? ", of which one rank a node needs nothing" : "");
    if (alone || free_mb >= LEAST)
        return OK;
    return status_fail(ERR_USAGE, NULL,
                       "%lld MB free in /dev/shm, where the ranks of a node share sums and "
                       "converted weights (else in TMPDIR, which is slower); make room (`mount -o "
                       "remount,size=50%% /dev/shm`, "
                       "`docker run --shm-size=16g`), or start one rank a node",
                       (long long)free_mb);
}

// Where a rank keeps a number that its neighbour on the node is to read.
typedef struct whereabouts {
    int64_t process, address;
} whereabouts;

// Reads the next rank's number by Linux's cross-memory attach, with which Open MPI copies large
// messages once.
static bool read_neighbour(const whereabouts *all, int rank, int ranks)
{
    const whereabouts *next = &all[(rank + 1) % ranks];
    int64_t number = 0;
    struct iovec to = {&number, sizeof number};
    struct iovec from = {(void *)(uintptr_t)next->address, sizeof number};
    return process_vm_readv((pid_t)next->process, &to, 1, &from, 1, 0) == sizeof number &&
           number == next->process;
}

// How the MPI in use is told not to make such copies; false where it is none of those that are known
// to make them.
static bool find_setting(const char **name, const char **value)
{
    text mpi = {0};
    int major = 0;
    library_mpi.add(&mpi);
    const bool known = sscanf(text_get(&mpi), "Open MPI v%d", &major) == 1;
    *name = major < 5 ? "OMPI_MCA_btl_vader_single_copy_mechanism" : "OMPI_MCA_smsc";
    *value = major < 5 ? "none" : "^cma";
    text_free(&mpi);
    return known;
}

static status check_copies(const checkup *k, text *found)
{
    const char *setting, *off;
    const bool known = find_setting(&setting, &off);
    const char *given = known ? getenv(setting) : NULL;
    share *s = comm_share(k->comm);
    void *block = NULL;
    const int64_t own = getpid();
    status st = OK;
    if (comm_largest(k->comm, !known || (given && strcmp(given, off) == 0))) {
        text_addf(found, known ? "off: %s=%s" : "this MPI is not asked", setting, off);
        return OK;
    }
    TRY(s->alloc(s, (size_t)s->ranks * sizeof(whereabouts), SHARE_ZEROS, &block));
    whereabouts *all = block;
    all[s->rank] = (whereabouts){own, (int64_t)(intptr_t)&own};
    TRY(s->vote(s, OK)); // all have written
    if (!read_neighbour(all, s->rank, s->ranks))
        st = status_fail(ERR_USAGE, NULL,
                         "a rank may not read another's memory (ptrace_scope, or a container); "
                         "export %s=%s, or mpirun may fail in the midst of a run",
                         setting, off);
    text_add(found, "the ranks of a node read each other's memory");
    st = s->vote(s, st); // all have read
done:
    if (block)
        s->release(s, block);
    return st;
}

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// What rank 0 sent is late by the way here, so the least of some tries is nearest. A run compares no
// clocks: those of log lines and files are what goes wrong.
static status check_clock(const checkup *k, text *found)
{
    enum { TRIES = 8, MOST = 10 };
    double ahead = 0;
    for (int i = 0; i < TRIES; i++) {
        double first = wall_clock();
        comm_broadcast(k->comm, 0, &first, sizeof first);
        const double late = wall_clock() - first;
        ahead = i == 0 || late < ahead ? late : ahead;
        comm_largest(k->comm, 0); // who is ahead of the others must not send the next
    }
    const double most = (double)comm_largest(k->comm, (int64_t)(fabs(ahead) * 1e3)) * 1e-3;
    text_addf(found, "%.3g s at most from rank 0's", most);
    if (fabs(ahead) < MOST)
        return OK;
    return status_fail(ERR_USAGE, NULL,
                       "the clock is %.0f s %s rank 0's; set it (chrony, ntpd), or times in logs "
                       "and of files mean nothing",
                       fabs(ahead), ahead > 0 ? "ahead of" : "behind");
}

static status check_folder(const checkup *k, text *found)
{
    return doctor_folder(k->comm, k->folder, found);
}

static status check_inputs(const checkup *k, text *found)
{
    return doctor_inputs(k->comm, k->file, found);
}

static status check_libraries(const checkup *k, text *found)
{
    status st = OK;
    for (const check_def *const *c = k->registry->checks; c && *c && st == OK; c++) {
        if (found->length)
            text_add(found, "; ");
        st = (*c)->check(found);
    }
    return st;
}

static const struct {
    const char *what;
    status (*check)(const checkup *k, text *found);
    bool of_pipeline; // only where there is one
} checks[] = {
    {"launch", check_launch, false},   {"signals", check_signals, false},
    {"threads", check_threads, false}, {"shared memory", check_memory, false},
    {"/dev/shm", check_room, false},   {"single copy", check_copies, false},
    {"clock", check_clock, false},     {"folder", check_folder, false},
    {"inputs", check_inputs, true},    {"libraries", check_libraries, false},
};

// A node's word on a check: the first failure of its ranks.
typedef struct word {
    verdict verdict;
    char host[64];
} word;

// Prints the check's line, or one for each node that fails. Adds the first failure to *all.
static void print_check(comm *c, const char *what, status st, const text *found, verdict *all)
{
    enum { LINES = 16 };
    const bool prints = comm_rank(c) == 0;
    int failed = 0;
    word own = {.verdict = {OK, ""}};
    snprintf(own.host, sizeof own.host, "%s", comm_host(c));
    st = comm_share(c)->vote(comm_share(c), st);
    if (comm_largest(c, st != OK) == 0) {
        if (prints)
            printf("%-14s ok    %s\n", what, text_get(found));
        return;
    }
    verdict_add(&own.verdict, st);
    for (int n = 0; n < comm_nodes(c); n++) {
        word w = own;
        comm_broadcast(c, comm_first_of(c, n), &w, sizeof w);
        if (w.verdict.code == OK)
            continue;
        char line[sizeof w.verdict.text + sizeof w.host + 8];
        snprintf(line, sizeof line, "%s%s%s%s", comm_nodes(c) > 1 ? "on " : "",
                 comm_nodes(c) > 1 ? w.host : "", comm_nodes(c) > 1 ? ": " : "", w.verdict.text);
        if (prints && failed < LINES)
            printf("%-14s WRONG %s\n", what, line);
        failed++;
        verdict_add(all, status_carry(w.verdict.code, line));
    }
    if (prints && failed > LINES)
        printf("%-14s WRONG on %d nodes more\n", what, failed - LINES);
}

status doctor(comm *c, const registry *r, const char *where, const char *const *overrides,
              size_t n_overrides)
{
    const char *dot = strrchr(where, '.');
    checkup k = {c, r, where, NULL};
    pipeline_file *file = NULL;
    verdict first = {OK, ""};
    status st = OK;
    if (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0)) {
        TRY(run_load(c, where, overrides, n_overrides, r, &file));
        k.file = file;
        k.folder = file->output;
    }
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        text found = {0};
        if (file || !checks[i].of_pipeline)
            print_check(c, checks[i].what, checks[i].check(&k, &found), &found, &first);
        text_free(&found);
    }
    st = verdict_get(&first);
done:
    pipeline_file_free(file);
    return st;
}

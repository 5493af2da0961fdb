// SPDX-License-Identifier: Apache-2.0
// Each check tries the thing itself rather than asks for its version: most of what breaks a run on
// a cluster (a launcher's binding, a full /dev/shm, a file system without rename) has no version.
#include "pipeline/commands/doctor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/comm/launch.h"
#include "pipeline/machine/cores.h"
#include "pipeline/machine/memory_use.h"

// Each check is collective, returns the same status on all ranks, and says in `found` what it saw.
typedef struct checkup {
    comm *comm;
    const registry *registry;
    const char *folder;
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
    bool single = comm_nodes(k->comm) == 1;
    text_addf(found, "%lld threads in total, at least %lld a rank", (long long)used,
              (long long)least);
    if (single)
        text_addf(found, "; this machine has %lld cores", (long long)machine);
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
    text_addf(found, "USR1 %s",
              launched ? "to the launcher reaches every rank" : "reaches the rank");
    st = comm_agree(k->comm, st);
    sigaction(SIGUSR1, &old, NULL);
    return st;
}

static status check_memory(const checkup *k, text *found)
{
    enum { BYTES = 256 << 20 };
    share *s = comm_share(k->comm);
    void *block = NULL;
    status st = comm_agree(k->comm, s->alloc(s, BYTES, SHARE_ZEROS, &block));
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
    const int64_t free_mb = comm_smallest(k->comm, (int64_t)(memory_use_room() / 1000000));
    text_addf(found, "%lld MB free%s", (long long)free_mb,
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

static status check_copies(const checkup *k, text *found)
{
    static const char setting[] = "OMPI_MCA_btl_vader_single_copy_mechanism";
    const char *given = getenv(setting);
    share *s = comm_share(k->comm);
    void *block = NULL;
    const int64_t own = getpid();
    status st = OK;
    if (given && strcmp(given, "none") == 0) {
        text_addf(found, "off: %s=none", setting);
        return OK;
    }
    TRY(comm_agree(k->comm,
                   s->alloc(s, (size_t)s->ranks * sizeof(whereabouts), SHARE_ZEROS, &block)));
    whereabouts *all = block;
    all[s->rank] = (whereabouts){own, (int64_t)(intptr_t)&own};
    TRY(comm_agree(k->comm, OK)); // all have written
    if (!read_neighbour(all, s->rank, s->ranks))
        st = status_fail(ERR_USAGE, NULL,
                         "a rank may not read another's memory (ptrace_scope, or a container); "
                         "export %s=none, or mpirun may fail in the midst of a run",
                         setting);
    text_add(found, "the ranks of a node read each other's memory");
    TRY(comm_agree(k->comm, st));
done:
    if (block)
        s->release(s, block);
    return st;
}

static status check_folder(const checkup *k, text *found)
{
    status st = OK;
    char *path = NULL;
    if (comm_rank(k->comm) == 0) {
        TRY(file_make_folders(k->folder));
        path = text_format("%s/.sulcus-doctor", k->folder);
        TRY(path ? OK : status_no_memory("a path"));
        TRY(file_write_atomic(path, "doctor\n", 7)); // write, fsync, rename, fsync of the folder
        if (unlink(path) != 0)
            st = status_fail_errno(ERR_IO, path, "cannot remove");
    }
done:
    free(path);
    text_addf(found, "%s takes files: write, fsync, rename", k->folder);
    return comm_agree(k->comm, st);
}

static status check_libraries(const checkup *k, text *found)
{
    status st = OK;
    for (const check_def *const *c = k->registry->checks; c && *c && st == OK; c++) {
        if (found->length)
            text_add(found, "; ");
        st = (*c)->check(found);
    }
    return comm_agree(k->comm, st);
}

static const struct {
    const char *what;
    status (*check)(const checkup *k, text *found);
} checks[] = {
    {"launch", check_launch},        {"signals", check_signals},     {"threads", check_threads},
    {"shared memory", check_memory}, {"/dev/shm", check_room},       {"single copy", check_copies},
    {"folder", check_folder},        {"libraries", check_libraries},
};

status doctor(comm *c, const registry *r, const char *folder)
{
    const checkup k = {c, r, folder};
    verdict first = {OK, ""};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        text found = {0};
        status st = comm_agree(c, checks[i].check(&k, &found));
        if (comm_rank(c) == 0)
            printf("%-14s %-5s %s\n", checks[i].what, st == OK ? "ok" : "WRONG",
                   st == OK ? text_get(&found) : status_text());
        verdict_add(&first, st);
        text_free(&found);
    }
    return verdict_get(&first);
}

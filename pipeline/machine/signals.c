// SPDX-License-Identifier: Apache-2.0
// What a scheduler sends before it kills, and what mpirun hands on half a second (Open MPI 5) or two
// (4) before it does.
#include "pipeline/machine/signals.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

// Where a handler notes that the run must stop. A handler has no other way to it than a global.
static atomic_bool *_Atomic stopping, *_Atomic hurry;
static _Atomic int64_t first_at[SIGTERM + 1]; // milliseconds, when a signal first came; 0: not yet

// The second TERM, INT or HUP kills: a person need not wait. But `timeout` and some schedulers send one
// to a process and at once to its group, of which it is.
static bool comes_again(int number)
{
    enum { AT_ONCE = 250 }; // milliseconds
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    const int64_t now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
    int64_t before = 0;
    return !atomic_compare_exchange_strong(&first_at[number], &before, now) &&
           now - before > AT_ONCE;
}

static void note_signal(int number)
{
    atomic_bool *asked = atomic_load(&stopping), *soon = atomic_load(&hurry);
    const bool patient = number == SIGUSR1 || number == SIGUSR2 || number == SIGXCPU;
    if (!patient && comes_again(number)) {
        signal(number, SIG_DFL);
        raise(number); // once this handler has returned
        return;
    }
    if (soon && !patient)
        atomic_store(soon, true);
    if (asked)
        atomic_store(asked, true);
}

void signals_watch(atomic_bool *asked, atomic_bool *soon)
{
    const int patient[] = {SIGUSR1, SIGUSR2, SIGXCPU}, urgent[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    atomic_store(&hurry, soon);
    atomic_store(&stopping, asked);
    for (size_t i = 0; i < sizeof patient / sizeof *patient; i++)
        sigaction(patient[i], &action, NULL);
    for (size_t i = 0; asked && i < sizeof urgent / sizeof *urgent; i++)
        sigaction(urgent[i], &action, NULL);
}

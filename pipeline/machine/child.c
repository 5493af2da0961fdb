// SPDX-License-Identifier: Apache-2.0
// What a child is killed for that blocks all signals is mostly memory, so that is what is said.
#include "pipeline/machine/child.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void be_child(pid_t parent)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
}

status child_run(void (*body)(const void *context, void *shared), const void *context, size_t bytes,
                 void *result)
{
    int how = 0;
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return status_no_memory("a process of its own");
    const pid_t parent = getpid(), child = fork();
    if (child == 0) {
        be_child(parent);
        body(context, shared);
        _exit(0);
    }
    while (child > 0 && waitpid(child, &how, 0) < 0 && errno == EINTR)
        ;
    memcpy(result, shared, bytes);
    munmap(shared, bytes);
    return child > 0 && WIFEXITED(how) && WEXITSTATUS(how) == 0
               ? OK
               : status_no_memory("a process of its own");
}

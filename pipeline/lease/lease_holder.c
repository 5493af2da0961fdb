// SPDX-License-Identifier: Apache-2.0
// On the same machine /proc knows whether a process lives, a Slurm job is known to its scheduler;
// of anything else only the beat tells.
#include "pipeline/lease/lease_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/file.h"

static void read_line(const char *path, char *out, size_t n)
{
    FILE *file = fopen(path, "r");
    out[0] = 0;
    if (!file)
        return;
    if (fgets(out, (int)n, file))
        out[strcspn(out, "\n")] = 0;
    fclose(file);
}

// When a process started, in ticks since the machine did; -1 when there is none, or a dead one that
// nobody has waited for.
static long long start_of(long long pid)
{
    char path[64], line[1024], state;
    long long start = -1;
    snprintf(path, sizeof path, "/proc/%lld/stat", pid);
    read_line(path, line, sizeof line);
    const char *after = strrchr(line, ')'); // the name before it may hold anything
    if (!after ||
        sscanf(after + 1,
               " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld",
               &state, &start) != 2 ||
        state == 'Z' || state == 'X')
        return -1;
    return start;
}

static void copy_environment(const char *name, char *out, size_t n)
{
    const char *value = getenv(name);
    snprintf(out, n, "%s", value ? value : "");
}

void lease_holder_self(holder *h)
{
    struct timespec now;
    struct tm local;
    *h = (holder){.pid = (long long)getpid()};
    clock_gettime(CLOCK_REALTIME, &now);
    gethostname(h->host, sizeof h->host - 1);
    read_line("/proc/sys/kernel/random/boot_id", h->boot, sizeof h->boot);
    // Numbers of processes mean something within their name space only (containers).
    if (readlink("/proc/self/ns/pid", h->space, sizeof h->space - 1) < 0)
        h->space[0] = 0;
    h->start = start_of(h->pid);
    copy_environment("SLURM_JOB_ID", h->job, sizeof h->job);
    copy_environment("SLURM_RESTART_COUNT", h->restart, sizeof h->restart);
    if (localtime_r(&now.tv_sec, &local))
        strftime(h->since, sizeof h->since, "%Y-%m-%d %H:%M:%S", &local);
    snprintf(h->id, sizeof h->id, "%.8s-%lld-%lld.%09ld", h->boot, h->pid, (long long)now.tv_sec,
             now.tv_nsec);
    snprintf(h->text, sizeof h->text,
             "id %s\nhost %s\nboot %s\nspace %s\npid %lld\nstart %lld\njob %s\nrestart %s\n"
             "since %s\n" HOLDER_BEAT,
             h->id, h->host, h->boot, h->space, h->pid, h->start, h->job, h->restart, h->since,
             0ull);
}

// The value of a line, or "".
static void get_value(const char *text, const char *name, char *out, size_t n)
{
    size_t length = strlen(name);
    out[0] = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n")) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == ' ') {
            const char *value = line + length + 1;
            snprintf(out, n, "%.*s", (int)strcspn(value, "\n"), value);
            return;
        }
    }
}

bool lease_holder_read(const char *path, holder *h)
{
    char number[64];
    *h = (holder){0};
    // No status: looking is no attempt that can fail; and a named pipe must not hang us.
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return file_exists(path);
    ssize_t n = read(file, h->text, sizeof h->text - 1);
    close(file);
    h->text[n > 0 ? n : 0] = 0;
    get_value(h->text, "id", h->id, sizeof h->id);
    get_value(h->text, "host", h->host, sizeof h->host);
    get_value(h->text, "boot", h->boot, sizeof h->boot);
    get_value(h->text, "space", h->space, sizeof h->space);
    get_value(h->text, "job", h->job, sizeof h->job);
    get_value(h->text, "restart", h->restart, sizeof h->restart);
    get_value(h->text, "since", h->since, sizeof h->since);
    get_value(h->text, "pid", number, sizeof number);
    h->pid = atoll(number);
    get_value(h->text, "start", number, sizeof number);
    h->start = atoll(number);
    get_value(h->text, "beat", number, sizeof number);
    h->beat = strtoull(number, NULL, 10);
    return true;
}

// Asks Slurm. What squeue says without knowing (no daemon, no such command) leaves it open.
static holder_life ask_slurm(const char *job)
{
    char command[160], answer[256] = "";
    if (job[strspn(job, "0123456789")] != 0)
        return HOLDER_UNKNOWN;
    snprintf(command, sizeof command, "squeue --noheader --format=%%T --jobs=%s 2>&1", job);
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return HOLDER_UNKNOWN;
    bool said = fgets(answer, sizeof answer, pipe) != NULL;
    while (fgetc(pipe) != EOF)
        ;
    bool fine = pclose(pipe) == 0;
    if (strstr(answer, "Invalid job id") || (fine && !said))
        return HOLDER_DEAD;
    if (!fine)
        return HOLDER_UNKNOWN;
    return strncmp(answer, "PENDING", 7) == 0 ? HOLDER_DEAD : HOLDER_ALIVE;
}

// Of this machine. Another user's process may be hidden in /proc, but not from kill(2).
static bool lives_here(const holder *h)
{
    const long long start = start_of(h->pid);
    if (start < 0)
        return h->pid > 0 && kill((pid_t)h->pid, 0) != 0 && errno == EPERM;
    return start == h->start;
}

holder_life lease_holder_judge(const holder *h, const holder *self)
{
    if (!h->id[0])
        return HOLDER_UNKNOWN; // half written: it will have an id soon, or stay as it is
    if (h->boot[0] && strcmp(h->boot, self->boot) == 0 && strcmp(h->space, self->space) == 0)
        return lives_here(h) ? HOLDER_ALIVE : HOLDER_DEAD;
    if (!h->job[0])
        return HOLDER_UNKNOWN;
    if (strcmp(h->job, self->job) == 0)
        return strcmp(h->restart, self->restart) == 0 ? HOLDER_UNKNOWN : HOLDER_DEAD;
    return ask_slurm(h->job);
}

void lease_holder_describe(const holder *h, char *out, size_t n)
{
    if (!h->id[0])
        snprintf(out, n, "a run that has not said its name");
    else
        snprintf(out, n, "process %lld on %s%s%s%s, since %s", h->pid, h->host,
                 h->job[0] ? " (Slurm job " : "", h->job, h->job[0] ? ")" : "", h->since);
}

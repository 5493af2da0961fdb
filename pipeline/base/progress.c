// SPDX-License-Identifier: Apache-2.0
// A terminal's lines are redrawn in place; elsewhere a line every few seconds says how far the
// longest task is, so that a log stays readable.
#include "pipeline/base/progress.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/checked.h"

struct progress {
    FILE *out;
    bool terminal, quiet;
    size_t shown; // lines on the terminal that the next ones overwrite
    double last;  // when running tasks were shown
};

// How often running tasks are shown, in seconds; and how many at most on a terminal.
static const double REDRAW = 0.2, PLAIN = 5;
enum { LINES = 12 };

double progress_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool progress_terminal(void)
{
    char link[64];
    if (!isatty(STDOUT_FILENO))
        return false;
    if (!getenv("OMPI_COMM_WORLD_RANK"))
        return true;
    // mpirun's daemon gives each rank a terminal of its own and copies from it: what counts is
    // where that goes. On another machine than mpirun the daemon writes into a pipe or a socket.
    snprintf(link, sizeof link, "/proc/%ld/fd/1", (long)getppid());
    int file = open(link, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return false;
    bool terminal = isatty(file);
    close(file);
    return terminal;
}

status progress_new(FILE *out, bool terminal, bool quiet, progress **out_progress)
{
    progress *p = checked_calloc(1, sizeof *p);
    if (!p)
        return status_no_memory("the progress lines");
    *p = (progress){out, terminal, quiet, 0, progress_clock()};
    *out_progress = p;
    return OK;
}

// Takes the redrawn lines away.
static void clear_lines(progress *p)
{
    if (p->shown)
        fprintf(p->out, "\r\033[%zuA\033[J", p->shown);
    p->shown = 0;
    fflush(p->out);
}

void progress_free(progress *p)
{
    if (!p)
        return;
    clear_lines(p);
    free(p);
}

// The time of day, of this machine.
static void write_time(const progress *p)
{
    char text[16];
    time_t now = time(NULL);
    struct tm local;
    if (localtime_r(&now, &local) && strftime(text, sizeof text, "%H:%M:%S ", &local))
        fputs(text, p->out);
}

void progress_say(progress *p, const char *format, ...)
{
    va_list args;
    if (p->quiet)
        return;
    clear_lines(p);
    write_time(p);
    va_start(args, format);
    vfprintf(p->out, format, args);
    va_end(args);
    fputc('\n', p->out);
    fflush(p->out);
}

void progress_duration(double seconds, char out[32])
{
    if (seconds < 59.95) {
        snprintf(out, 32, "%.1f s", seconds);
        return;
    }
    const double most = 1e12; // what rates of nearly nothing promise is no number of seconds
    long long s = (long long)(seconds < most ? seconds + 0.5 : most), h = s / 3600, m = s / 60 % 60;
    if (h)
        snprintf(out, 32, "%lld:%02lld:%02lld", h, m, s % 60);
    else
        snprintf(out, 32, "%lld:%02lld", m, s % 60);
}

double progress_rate(const progress_line *line)
{
    return line->seconds > 0 ? (double)line->done / line->seconds : 0;
}

static void write_line(const progress *p, const progress_line *l)
{
    char left[32];
    fprintf(p->out, "%s  round %lld  %lld/%lld units  %.3g units/s", l->label,
            (long long)l->round + 1, (long long)l->done, (long long)l->units, progress_rate(l));
    if (l->note[0])
        fprintf(p->out, "  %s", l->note);
    if (l->left >= 0) {
        progress_duration(l->left, left);
        fprintf(p->out, "  %s left", left);
    }
}

static void write_end(const progress *p, progress_end end)
{
    char words[32];
    if (end.left < 0)
        return;
    progress_duration(end.left, words);
    fprintf(p->out, "; %s to the end", words);
    if (end.unknown > 0)
        fprintf(p->out, ", without %zu of which no like has run", end.unknown);
}

bool progress_due(const progress *p)
{
    return !p->quiet && progress_clock() - p->last >= (p->terminal ? REDRAW : PLAIN);
}

void progress_show(progress *p, size_t n, const progress_line *lines, progress_end end)
{
    if (!progress_due(p))
        return;
    p->last = progress_clock();
    if (!p->terminal) { // one plain line: the task that has most to do
        const progress_line *longest = NULL;
        for (size_t i = 0; i < n; i++)
            if (!longest || lines[i].left > longest->left)
                longest = &lines[i];
        if (longest) {
            write_time(p);
            write_line(p, longest);
            write_end(p, end);
            fputc('\n', p->out);
        }
        fflush(p->out);
        return;
    }
    clear_lines(p);
    fputs("\033[?7l", p->out); // no wrapping: a line must stay one, or it cannot be taken away
    for (size_t i = 0; i < n && i < LINES; i++, p->shown++) {
        write_line(p, &lines[i]);
        if (i == 0)
            write_end(p, end);
        fputc('\n', p->out);
    }
    if (n > LINES) {
        fprintf(p->out, "… and %zu more\n", n - LINES);
        p->shown++;
    }
    fputs("\033[?7h", p->out);
    fflush(p->out);
}

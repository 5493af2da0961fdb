// SPDX-License-Identifier: Apache-2.0
// link(2) fails where the name exists, on every POSIX file system and over NFS, which flock does
// not do; where there are no links, open(2) does so, and the lease is half written for a moment. A
// dead run's lease is replaced by rename, and whose name is there a moment later has won.
#include "pipeline/lease/lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/progress.h"
#include "pipeline/base/text.h"
#include "pipeline/store/own_file.h"

static const double WAIT = 30;     // seconds for a live holder to end
static const double BEATS = 6;     // in that time
static const double SILENT = 4;    // beats without one: dead
static const double SETTLE = 0.05; // seconds until two that took over a dead lease know who did
static const double ASK = 5;       // seconds between two questions to Slurm

struct lease {
    char *output, *path, *temporary; // owned
    holder self;
    double wait;
    int file; // the lease, for the beats: ours even when the path is another's by now
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool beating, ended;
};

static void sleep_seconds(double seconds)
{
    nanosleep(&(struct timespec){(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)}, NULL);
}

// --- Taking

// Writes what says who we are.
static status write_text(const lease *l, int file)
{
    size_t n = strlen(l->self.text);
    bool fine = file >= 0 && write(file, l->self.text, n) == (ssize_t)n && fsync(file) == 0;
    status st = fine ? OK : status_fail_errno(ERR_IO, l->path, "cannot write");
    if (file >= 0 && close(file) != 0 && st == OK)
        st = status_fail_errno(ERR_IO, l->path, "cannot close");
    return st;
}

// Writes our own file beside the lease. Each attempt needs one: taking it moves it, and whoever
// holds the lease tidies such files away (so that one that is missing is no failure, but another
// attempt).
static status prepare_file(const lease *l)
{
    return write_text(l, open(l->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
}

static bool is_ours(const lease *l)
{
    holder now;
    return lease_holder_read(l->path, &now) && strcmp(now.id, l->self.id) == 0;
}

// On file systems without links (FAT, some of FUSE's).
static status create_without_link(lease *l, bool *taken)
{
    int file = open(l->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return errno == EEXIST ? OK : status_fail_errno(ERR_IO, l->path, "cannot create");
    status st = write_text(l, file);
    *taken = st == OK;
    if (st != OK)
        unlink(l->path);
    return st;
}

// Where there is no lease. *taken tells whether it is ours now.
static status create_lease(lease *l, bool *taken)
{
    status st = prepare_file(l);
    if (st == OK)
        *taken = link(l->temporary, l->path) == 0;
    const int code = errno;
    unlink(l->temporary);
    if (st != OK || *taken || code == EEXIST || code == ENOENT)
        return st;
    if (code == EPERM || code == EOPNOTSUPP || code == ENOSYS || code == EMLINK || code == EACCES)
        return create_without_link(l, taken);
    errno = code;
    return status_fail_errno(ERR_IO, l->path, "cannot create");
}

// Puts ours in the place of a dead one, where that one is still there.
static status replace_dead(lease *l, const holder *dead, bool *taken)
{
    holder now;
    bool moved = false;
    status st = prepare_file(l);
    if (st == OK && lease_holder_read(l->path, &now) && strcmp(now.id, dead->id) == 0) {
        moved = rename(l->temporary, l->path) == 0;
        if (!moved && errno != ENOENT)
            st = status_fail_errno(ERR_IO, l->path, "cannot rename to it");
    }
    if (!moved) {
        unlink(l->temporary);
        return st;
    }
    sleep_seconds(SETTLE);
    *taken = is_ours(l);
    return OK;
}

// Removes the files of attempts that were killed. One that is still being made is made again: its
// owner finds it gone.
static void remove_leftovers(const lease *l)
{
    DIR *folder = opendir(l->output);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (strncmp(entry->d_name, LEASE_NAME ".", sizeof LEASE_NAME) == 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
}

// What was seen of a holder so far.
typedef struct watched {
    holder holder;
    double since; // its beat is unchanged since then
    double asked; // when it was judged last
    holder_life life;
} watched;

static bool is_dead(const lease *l, watched *w)
{
    holder now;
    double clock = progress_clock();
    if (!lease_holder_read(l->path, &now))
        return false; // gone: the next attempt creates it
    bool same = strcmp(now.id, w->holder.id) == 0;
    if (!same || now.beat != w->holder.beat)
        w->since = clock;
    // A process is looked up in no time, Slurm is not.
    bool near = strcmp(now.boot, l->self.boot) == 0;
    if (!same || near || clock - w->asked >= ASK) {
        w->life = lease_holder_judge(&now, &l->self);
        w->asked = clock;
    }
    w->holder = now;
    return w->life == HOLDER_DEAD ||
           (w->life == HOLDER_UNKNOWN && clock - w->since >= SILENT / BEATS * l->wait);
}

static status take_lease(lease *l, const atomic_bool *stopping)
{
    char who[512];
    bool taken = false;
    watched w = {.since = progress_clock()};
    double end = progress_clock() + l->wait, pause = 0.02;
    for (;;) {
        status st = own_file_check(l->path);
        if (st != OK)
            return st;
        if (!file_exists(l->path))
            st = create_lease(l, &taken);
        else if (is_dead(l, &w))
            st = replace_dead(l, &w.holder, &taken);
        if (st != OK || taken)
            return st;
        if (progress_clock() >= end || (stopping && atomic_load(stopping)))
            break;
        sleep_seconds(pause);
        pause = fmin(1.5 * pause, 0.25);
    }
    lease_holder_describe(&w.holder, who, sizeof who);
    return status_fail(ERR_INTERRUPTED, l->output,
                       "is in use by %s; start again when that run has ended, or stop it", who);
}

// --- Beating

static void *beat_until_ended(void *context)
{
    lease *l = context;
    char line[HOLDER_BEAT_BYTES + 1];
    off_t place = (off_t)strlen(l->self.text) - HOLDER_BEAT_BYTES;
    pthread_mutex_lock(&l->mutex);
    for (unsigned long long n = 1; !l->ended; n++) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        double period = l->wait / BEATS;
        long nanoseconds = until.tv_nsec + (long)(fmod(period, 1) * 1e9);
        until.tv_sec += (time_t)period + nanoseconds / 1000000000;
        until.tv_nsec = nanoseconds % 1000000000;
        pthread_cond_timedwait(&l->wake, &l->mutex, &until);
        snprintf(line, sizeof line, HOLDER_BEAT, n);
        // A beat that cannot be written is like one that was missed.
        if (!l->ended && pwrite(l->file, line, HOLDER_BEAT_BYTES, place) == HOLDER_BEAT_BYTES)
            fdatasync(l->file);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

static status start_beating(lease *l)
{
    sigset_t all, old;
    l->file = open(l->path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (l->file < 0)
        return status_fail_errno(ERR_IO, l->path, "cannot open");
    sigfillset(&all); // signals are the program's
    pthread_sigmask(SIG_SETMASK, &all, &old);
    l->beating = pthread_create(&l->thread, NULL, beat_until_ended, l) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return l->beating ? OK : status_fail(ERR_INTERNAL, NULL, "cannot start a thread");
}

// --- The interface

status lease_take(const char *output, const atomic_bool *stopping, lease **out)
{
    status st;
    const char *wait = getenv("SULCUS_LEASE_WAIT");
    lease *l = checked_calloc(1, sizeof *l);
    if (!l)
        return status_no_memory("the lease");
    l->file = -1;
    l->wait = wait && atof(wait) > 0 ? atof(wait) : WAIT;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->wake, NULL);
    lease_holder_self(&l->self);
    l->output = strdup(output);
    l->path = file_join(output, LEASE_NAME);
    l->temporary = l->path ? text_format("%s.%s", l->path, l->self.id) : NULL;
    if (!l->output || !l->temporary) {
        st = status_no_memory("the lease");
        goto done;
    }
    TRY(file_make_folders(output));
    TRY(take_lease(l, stopping));
    remove_leftovers(l);
    TRY(start_beating(l));
    *out = l;
    return OK;
done:
    lease_release(l);
    return st;
}

const char *lease_id(const lease *l)
{
    return l->self.id;
}

status lease_check(const char *output, const char *id)
{
    holder now;
    char who[512];
    status st = OK;
    char *path = file_join(output, LEASE_NAME);
    if (!path)
        return status_no_memory("a path");
    if (!file_exists(output)) {
        st = status_fail(ERR_IO, output,
                         "the folder has vanished, or is not to be seen from here (OUTPUT must lie "
                         "where all nodes share it); nothing more is written to it");
    } else if (!lease_holder_read(path, &now)) {
        st = status_fail(ERR_IO, output,
                         "the folder's lease has vanished; nothing more is "
                         "written to it");
    } else if (!now.id[0]) {
        st = status_fail_errno(ERR_IO, path, "cannot read the lease");
    } else if (strcmp(now.id, id) != 0) {
        lease_holder_describe(&now, who, sizeof who);
        st = status_fail(ERR_INTERRUPTED, output, "a newer run holds it: %s; this one ends", who);
    }
    free(path);
    return st;
}

void lease_release(lease *l)
{
    if (!l)
        return;
    if (l->beating) {
        pthread_mutex_lock(&l->mutex);
        l->ended = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->mutex);
        pthread_join(l->thread, NULL);
    }
    if (l->file >= 0)
        close(l->file);
    if (l->path && is_ours(l))
        unlink(l->path);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->wake);
    free(l->output);
    free(l->path);
    free(l->temporary);
    free(l);
}

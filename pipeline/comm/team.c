// SPDX-License-Identifier: Apache-2.0
// A unit's begin and end travel in the same lane as its blocks, so that their order needs no care:
// a member may be a unit behind the one before it, and nobody meets at a unit's end. Nor at a cut:
// with the unit comes the stretch that it belongs to.
#include "pipeline/comm/team.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/checked.h"
#include "pipeline/comm/node_share.h"
#include "pipeline/comm/stream.h"
#include "pipeline/comm/vote.h"

// What a message is. Block: what the model runtime hands on. Failed: a unit, to the first member.
enum { TAG_BLOCK = 1, TAG_UNIT, TAG_END, TAG_FAILED };

struct team {
    relay base;                   // first: a relay * is a team *
    MPI_Comm members, back, same; // the team; again, for messages to the first; see team_share
    share *share;                 // owned
    stream *stream;               // owned
    int index, count, first_here, count_here;
    int lanes;
    pthread_mutex_t lock; // of what follows, but for `heard`
    int64_t failed;       // on its way to the first member by `telling`
    MPI_Request telling;  // null: none is
    int64_t told, heard;  // how often, since team_begin
};

// --- The relay

static status relay_reserve(relay *self, int lane, size_t bytes, relay_block **out)
{
    message *m = stream_reserve(((team *)self)->stream, lane, TAG_BLOCK, bytes);
    if (!m)
        return status_no_memory("hidden states on their way to another rank");
    *out = &m->block;
    return OK;
}

static void relay_send(relay *self, relay_block *block)
{
    stream_send(((team *)self)->stream, (message *)block);
}

static status relay_receive(relay *self, int lane, relay_block **out)
{
    verdict before;
    message *m;
    if (stream_take(((team *)self)->stream, lane, TAG_BLOCK, &m)) {
        *out = &m->block;
        return OK;
    }
    memcpy(&before, m->block.at, sizeof before);
    if (before.code == OK)
        return status_fail(ERR_INTERNAL, "team", "its ranks run different passes");
    return verdict_get(&before);
}

static void relay_release(relay *self, relay_block *block)
{
    stream_drop(((team *)self)->stream, (message *)block);
}

// --- Units

// Sends a message of the stream itself to the next member, if there is one.
static void tell_next(team *t, int lane, int tag, const void *bytes, size_t n)
{
    if (t->base.rank + 1 == t->base.ranks)
        return;
    message *m;
    while (!(m = stream_reserve(t->stream, lane, tag,
                                n))) // without it the next member would wait for ever
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    memcpy(m->block.at, bytes, n);
    stream_send(t->stream, m);
}

bool team_next(team *t, int lane, bool any, team_units *units)
{
    team_units next = any ? *units : (team_units){-1, 0, 0};
    if (t->base.rank > 0) {
        message *m;
        if (!stream_take(t->stream, lane, TAG_UNIT,
                         &m)) // never: a unit ends before the next begins
            return false;
        memcpy(&next, m->block.at, sizeof next);
        stream_drop(t->stream, m);
    }
    tell_next(t, lane, TAG_UNIT, &next, sizeof next);
    *units = next;
    return next.place >= 0;
}

// Tells the first member that a unit failed here. While an earlier such message is under way,
// nothing: the task's next unit will fail too.
static void tell_failure(team *t, int64_t unit)
{
    int done = 1;
    pthread_mutex_lock(&t->lock);
    MPI_Test(&t->telling, &done, MPI_STATUS_IGNORE); // at once true where none is
    if (done) {
        t->failed = unit;
        MPI_Isend(&t->failed, 1, MPI_INT64_T, 0, TAG_FAILED, t->back, &t->telling);
        t->told++;
    }
    pthread_mutex_unlock(&t->lock);
}

static void hear_failure(team *t, int64_t *unit)
{
    MPI_Recv(unit, 1, MPI_INT64_T, MPI_ANY_SOURCE, TAG_FAILED, t->back, MPI_STATUS_IGNORE);
    t->heard++;
}

bool team_told(team *t, int64_t *unit)
{
    int here;
    if (t->base.rank > 0)
        return false;
    MPI_Iprobe(MPI_ANY_SOURCE, TAG_FAILED, t->back, &here, MPI_STATUS_IGNORE);
    if (here)
        hear_failure(t, unit);
    return here;
}

status team_unit_end(team *t, int lane, int64_t unit, status st)
{
    verdict mine = {OK, ""};
    verdict_add(&mine, st);
    if (t->base.rank > 0) {
        verdict before;
        message *m;
        while (stream_take(t->stream, lane, TAG_BLOCK, &m)) // what is left of the unit
            stream_drop(t->stream, m);
        stream_take(t->stream, lane, TAG_END, &m);
        memcpy(&before, m->block.at, sizeof before);
        stream_drop(t->stream, m);
        if (before.code != OK)
            mine = before;
        else if (st != OK)
            tell_failure(t, unit);
    }
    tell_next(t, lane, TAG_END, &mine, sizeof mine);
    return verdict_get(&mine);
}

status team_begin(team *t, int threads)
{
    const int most = threads < STREAM_LANES ? threads : STREAM_LANES;
    t->told = t->heard = 0;
    MPI_Allreduce(&most, &t->lanes, 1, MPI_INT, MPI_MIN, t->back);
    return stream_begin(t->stream, TAG_BLOCK, (TEAM_BLOCKS + threads) / 2); // on either side
}

double team_waited(team *t)
{
    return stream_waited(t->stream);
}

int team_lanes(const team *t)
{
    return t->lanes;
}

void team_finish(team *t)
{
    int64_t told = t->told, unit;
    stream_finish(t->stream);
    MPI_Allreduce(MPI_IN_PLACE, &told, 1, MPI_INT64_T, MPI_SUM, t->back);
    while (t->base.rank == 0 && t->heard < told)
        hear_failure(t, &unit); // too late to matter: the vote on the task comes next
    MPI_Wait(&t->telling, MPI_STATUS_IGNORE);
}

// --- The team

share *team_share(team *t)
{
    return t->share;
}

int team_member(const team *t)
{
    return t->base.rank;
}

int team_index(const team *t)
{
    return t->index;
}

int team_count(const team *t)
{
    return t->count;
}

int team_first_here(const team *t)
{
    return t->first_here;
}

int team_count_here(const team *t)
{
    return t->count_here;
}

static void form_communicators(team *t, MPI_Comm all, MPI_Comm node, int position, int n)
{
    int ranks;
    const int member = position % n, leads = member == 0;
    MPI_Comm_size(all, &ranks);
    t->base = (relay){member, n, relay_reserve, relay_send, relay_receive, relay_release};
    t->index = position / n;
    t->count = ranks / n;
    t->telling = MPI_REQUEST_NULL;
    pthread_mutex_init(&t->lock, NULL);
    MPI_Comm_split(all, t->index, member, &t->members);
    MPI_Comm_dup(t->members, &t->back);
    MPI_Comm_split(node, member, 0, &t->same);
    const int mine = leads ? t->index : t->count;
    MPI_Allreduce(&leads, &t->count_here, 1, MPI_INT, MPI_SUM, node);
    MPI_Allreduce(&mine, &t->first_here, 1, MPI_INT, MPI_MIN, node);
}

status team_new(int all_handle, int node_handle, int position, int n, team **out)
{
    status st = OK;
    MPI_Comm all = MPI_Comm_f2c(all_handle), node = MPI_Comm_f2c(node_handle);
    int given;
    MPI_Query_thread(&given);
    team *t = checked_calloc(1, sizeof *t);
    if (!t)
        st = status_no_memory("a team of ranks");
    else if (given < MPI_THREAD_MULTIPLE)
        st = status_fail(ERR_USAGE, "layers_over",
                         "this MPI does not let several threads call it; set layers_over: 1, or "
                         "use an MPI with MPI_THREAD_MULTIPLE");
    st = vote(all, st);
    if (st != OK) {
        free(t);
        return st;
    }
    form_communicators(t, all, node, position, n);
    st = node_share_new(t->same, &t->share);
    if (st == OK)
        st = stream_new(t->members, &t->stream);
    TRY(vote(all, st));
    t->share->team = &t->base;
    *out = t;
    t = NULL;
done:
    team_free(t);
    return st;
}

void team_free(team *t)
{
    if (!t)
        return;
    stream_free(t->stream);
    node_share_free(t->share);
    pthread_mutex_destroy(&t->lock);
    MPI_Comm_free(&t->same);
    MPI_Comm_free(&t->back);
    MPI_Comm_free(&t->members);
    free(t);
}

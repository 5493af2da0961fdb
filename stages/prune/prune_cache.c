// SPDX-License-Identifier: Apache-2.0
// All that an answer depends on, of one model in one run, is in a digest: the data's and the skip
// list's, and over it that of the mask. Names of datasets stand for their samples, since a name
// means one dataset in a run.
#include "stages/prune/prune_cache.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/digest.h"
#include "stages/common/resources.h"
#include "stages/prune/known_answers.h"

// What is left with the model.
typedef struct shared_cache {
    model_cache base;
    hidden_cache_store hidden;
    known_answers *known; // owned
} shared_cache;

struct prune_cache {
    const prune_setting *setting; // borrowed
    hidden_cache *hidden;         // NULL: none
    known_answers *known;         // borrowed; NULL: none
    char data[DIGEST_HEX];        // a digest of data and skip list
};

static void free_shared(model_cache *self)
{
    shared_cache *c = (shared_cache *)self;
    known_answers_free(c->known);
    free(c);
}

// The model's, made by the first task that comes.
static status find_shared(const task *t, shared_cache **out)
{
    status st = OK;
    model_cache **at = stage_model_cache(t);
    if (!*at) {
        shared_cache *c = checked_calloc(1, sizeof *c);
        if (!c)
            return status_no_memory("known answers");
        c->base.free = free_shared;
        *at = &c->base;
        TRY(known_answers_new(&c->known));
    }
    *out = (shared_cache *)*at;
done:
    return st;
}

static status digest_data(const task *t, prune_cache *c)
{
    status st = OK;
    digest *d = NULL;
    const prune_setting *s = c->setting;
    const size_t n = params_count(task_params(t), "evaluate");
    TRY(digest_new(&d));
    digest_add(d, &n, sizeof n);
    for (size_t i = 0; i < n; i++)
        digest_add_text(d, task_resource_name(t, "evaluate", i));
    digest_add_text(d, task_resource_name(t, "data", 0));
    for (int64_t f = 0; f < s->ranking->forgets; f++) // some may be asked behind the reported ones
        digest_add_text(d, s->ranking->forget[f]);
    if (s->evaluation->skip)
        digest_add(d, s->evaluation->skip, (size_t)s->info->outputs);
    digest_hex(d, c->data);
done:
    digest_free(d);
    return st;
}

status prune_cache_open(const task *t, const prune_setting *s, prune_cache **out)
{
    status st = OK;
    shared_cache *shared = NULL;
    const layer_range held = model_layers(stage_model(t));
    prune_cache *c = checked_calloc(1, sizeof *c);
    if (!c)
        return status_no_memory("what a search keeps");
    c->setting = s;
    if (held.end - held.first == s->info->layers) {
        TRY(find_shared(t, &shared));
        TRY(digest_data(t, c));
        c->known = shared->known;
        if (s->info->layers > 1)
            TRY(hidden_cache_open(&shared->hidden, c->data, &s->evaluation->source.cuts, s->info,
                                  &c->hidden));
    }
    *out = c;
    c = NULL;
done:
    prune_cache_close(c);
    return st;
}

void prune_cache_close(prune_cache *c)
{
    if (!c)
        return;
    hidden_cache_close(c->hidden);
    free(c);
}

status prune_cache_ask(const prune_cache *c, uint8_t *const pruned[SITES], const ablation *value,
                       int64_t forget, char asked[DIGEST_HEX])
{
    status st = OK;
    digest *d = NULL;
    const ranking *r = c->setting->ranking;
    *asked = 0;
    if (!c->known)
        return OK;
    TRY(digest_new(&d));
    digest_add_text(d, c->data);
    if (value->value != ABLATE_ZERO)
        digest_add_text(d, value->id);
    if (value->value == ABLATE_RETAIN_MEAN)
        digest_add(d, &forget, sizeof forget);
    for (int k = 0; k < SITES; k++) {
        const size_t neurons = (size_t)r->layers * (size_t)r->width[k];
        digest_add(d, &neurons, sizeof neurons);
        if (neurons > 0)
            digest_add(d, pruned[k], neurons);
    }
    digest_hex(d, asked);
done:
    digest_free(d);
    return st;
}

static known_answers_key key_of(const char *asked, int64_t index)
{
    known_answers_key key = {.tile = index};
    memcpy(key.asked, asked, sizeof key.asked);
    return key;
}

bool prune_cache_recall(const prune_cache *c, const char *asked, tile_run run, answers *out)
{
    bool all = c->known != NULL;
    for (int64_t i = 0; all && i < run.tiles; i++) {
        const known_answers_key key = key_of(asked, run.first + i);
        all = known_answers_find(c->known, &key, &out[i]);
    }
    return all;
}

void prune_cache_remember(const prune_cache *c, const char *asked, tile_run run, const answers *a)
{
    for (int64_t i = 0; c->known && i < run.tiles; i++) {
        const known_answers_key key = key_of(asked, run.first + i);
        known_answers_put(c->known, &key, &a[i]);
    }
}

hidden_cache *prune_cache_hidden(const prune_cache *c)
{
    return c->hidden;
}

// SPDX-License-Identifier: Apache-2.0
// Tokenising is the dear step: one rank of a node does it, once for a tokenizer and a context. The
// set is put into the dataset behind its const: it is remembered, not part of what the dataset is.
#include "data/dataset/dataset_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "data/dataset/dataset_state.h"
#include "data/tokenizer/tokenizer.h"
#include "data/tokens/text_maker.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

// The tokenizer's file: the pipeline file's, or the model's own. *path is owned by the caller.
static status find_tokenizer(const dataset *d, const sample_spec *spec, char **path)
{
    const char *given = d->options.tokenizer, *model = spec->model_path;
    size_t n = model ? strlen(model) : 0;
    bool weights = n > 12 && strcmp(model + n - 12, ".safetensors") == 0;
    char *folder = weights ? file_folder(model) : NULL;
    *path = given || (model && (!weights || folder)) ? tokenizer_file(given     ? given
                                                                      : weights ? folder
                                                                                : model)
                                                     : NULL;
    status st = *path ? OK : status_no_memory("a path");
    if (st == OK && !given && !file_exists(*path))
        st = status_fail(ERR_INPUT, *path,
                         "does not exist; put the model's own there, or name one with tokenizer: "
                         "of the dataset");
    free(folder);
    return st;
}

static status find_context(const dataset *d, const sample_spec *spec, int64_t *context)
{
    int64_t given = d->options.context;
    if (given > spec->context)
        return status_fail(ERR_USAGE, d->options.path,
                           "context: %lld is more than the model's %d positions", (long long)given,
                           spec->context);
    *context = given > 0 ? given : spec->context;
    if (*context < 2)
        return status_fail(ERR_USAGE, d->options.path,
                           "context: %lld leaves nothing to predict; give 2 or more",
                           (long long)*context);
    return OK;
}

// On a rank that did not make the set.
static status make_empty_set(const dataset *d, const sample_spec *spec, const char *file,
                             token_set **out)
{
    status st = token_set_new(d->all.group_names.n, spec->vocabulary, out);
    if (st == OK && file)
        st = tokenizer_open(file, &(*out)->tokenizer);
    return st;
}

static status make_set(const dataset *d, const sample_spec *spec, const char *file, int64_t context,
                       const atomic_bool *stopping, token_set **out)
{
    if (!d->all.state)
        return status_fail(ERR_INTERNAL, d->options.path, "its samples were not prepared");
    size_t groups = d->all.group_names.n;
    bool *wanted = checked_calloc(groups, sizeof *wanted);
    if (!wanted)
        return status_no_memory("samples");
    for (int i = 0; i < d->subsets; i++)
        wanted[d->group[i]] = true;
    text_order order = {.tokenizer = file,
                        .path = d->options.path,
                        .context = context,
                        .vocabulary = spec->vocabulary,
                        .limit = d->options.limit,
                        .pack = d->options.pack,
                        .framed = spec->masked && file,
                        .questions = d->format->questions,
                        .first_records = d->options.first_records,
                        .groups = groups,
                        .wanted = wanted,
                        .pool = spec->pool,
                        .stopping = stopping};
    status st = text_maker_run(&order, d->format->text, d->all.state, out);
    free(wanted);
    return st;
}

status dataset_tokens(const dataset *d, const sample_spec *spec, share *s, const token_set **out)
{
    char *file = NULL;
    token_set *set = NULL;
    int64_t context = 0;
    token_cache *c = d->cache;
    status st = find_context(d, spec, &context);
    if (st == OK && !d->format->token_ids)
        st = find_tokenizer(d, spec, &file);
    TRY(share_vote(s, st));
    if ((*out = token_cache_find(c, file, context, spec->vocabulary, spec->masked)))
        goto done;
    bool grown = checked_grow(&c->at, &c->capacity, c->n + 1, sizeof *c->at);
    TRY(share_vote(s, grown ? OK : status_no_memory("samples")));
    st = !s || s->rank == 0 ? make_set(d, spec, file, context, s ? s->stopping : NULL, &set)
                            : make_empty_set(d, spec, file, &set);
    TRY(s && s->ranks > 1 ? token_set_share(s, st, set) : st);
    c->at[c->n++] = (token_cache_entry){file, context, spec->vocabulary, spec->masked, set};
    file = NULL;
    *out = set;
    set = NULL;
done:
    token_set_free(set);
    free(file);
    return st;
}

const token_group *dataset_tokens_group(const dataset *d, const token_set *set, int subset)
{
    return &set->group[d->group[subset]];
}

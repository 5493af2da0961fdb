// SPDX-License-Identifier: Apache-2.0
// The subset to forget may be of a dataset that is not reported (`evaluate:` names others): then it
// is an entry behind the reported ones, for the search alone. An estimate opens the same without
// what reads samples.
#include "stages/prune/evaluation.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "stages/common/resources.h"
#include "stages/common/stage_samples.h"
#include "stages/prune/skip_list.h"

static status open_samples(const task *t, evaluation *e, const char *param, size_t i, samples **out)
{
    if (!checked_grow(&e->opened, &e->opened_capacity, e->n_opened + 1, sizeof *e->opened))
        return status_no_memory("a list of datasets");
    if (model_get_info(stage_model(t))->masked &&
        dataset_get_options(stage_dataset(t, param, i))->mask == 0)
        return params_fail(task_params(t), param,
                           "dataset %s has mask: 0, which leaves a masked language model nothing "
                           "to predict; collect on it, and prune on one with a share",
                           task_resource_name(t, param, i));
    status st = stage_samples(t, param, i, out);
    if (st == OK)
        e->opened[e->n_opened++] = *out;
    return st;
}

// A subset of a parameter's dataset. Takes `name`.
static status add_entry(const task *t, evaluation *e, const char *param, size_t i,
                        const samples *from, int subset, char *name)
{
    size_t need = (size_t)e->entries + 1;
    if (!name || !checked_grow(&e->name, &e->name_capacity, need, sizeof *e->name) ||
        !checked_grow(&e->dataset, &e->dataset_capacity, need, sizeof *e->dataset) ||
        !checked_grow(&e->subset, &e->subset_capacity, need, sizeof *e->subset)) {
        free(name);
        return status_no_memory("a list of subsets");
    }
    e->dataset[e->entries] = task_resource_name(t, param, i);
    e->subset[e->entries] = dataset_subset(stage_dataset(t, param, i), subset);
    e->name[e->entries++] = name;
    if (samples_count(from, subset, PART_EVALUATE) == 0)
        return params_fail(task_params(t),
                           params_has(task_params(t), "evaluate") ? "evaluate" : "data",
                           "subset %s has no samples to evaluate on; lower collect: or raise "
                           "limit: of the dataset, or leave it out with keep:",
                           name);
    return tile_source_add(&e->source, from, subset);
}

// All subsets of a dataset, under `prefix`/ where that is not NULL.
static status add_dataset(const task *t, evaluation *e, const char *param, size_t i,
                          const char *prefix)
{
    status st = OK;
    samples *from;
    const dataset *d = stage_dataset(t, param, i);
    TRY(open_samples(t, e, param, i, &from));
    for (int s = 0; s < dataset_subsets(d); s++) {
        const char *name = dataset_subset(d, s);
        TRY(add_entry(t, e, param, i, from, s,
                      prefix ? text_format("%s/%s", prefix, name) : text_format("%s", name)));
    }
done:
    return st;
}

static int find_subset(const dataset *d, const char *name)
{
    for (int s = 0; s < dataset_subsets(d); s++)
        if (strcmp(dataset_subset(d, s), name) == 0)
            return s;
    return -1;
}

// Where the reported entries of `data` begin, or -1 where it is not among the evaluated datasets.
static int first_entry_of_data(const task *t, size_t datasets, const char *param)
{
    int first = 0;
    for (size_t i = 0; i < datasets; i++) {
        const dataset *d = stage_dataset(t, param, i);
        if (d == stage_dataset(t, "data", 0))
            return first;
        first += dataset_subsets(d);
    }
    return -1;
}

static status find_forget(const task *t, evaluation *e, char *const *forget, int64_t forgets,
                          int first)
{
    status st = OK;
    samples *from = NULL;
    const dataset *d = stage_dataset(t, "data", 0);
    e->entry_of = checked_calloc((size_t)forgets, sizeof *e->entry_of);
    if (!e->entry_of)
        return status_no_memory("a list of subsets");
    if (first < 0)
        TRY(open_samples(t, e, "data", 0, &from));
    for (int64_t f = 0; f < forgets; f++) {
        int subset = find_subset(d, forget[f]);
        if (subset < 0)
            return params_fail(task_params(t), "data",
                               "dataset %s has no subset %s, which there are scores for; give the "
                               "dataset the scores are of",
                               task_resource_name(t, "data", 0), forget[f]);
        e->entry_of[f] = first < 0 ? e->entries : first + subset;
        if (first < 0)
            TRY(add_entry(t, e, "data", 0, from, subset, text_format("%s", forget[f])));
    }
done:
    return st;
}

// Not for an estimate, which reads no sample.
static status make_skip_list(const task *t, const model_info *info, evaluation *e)
{
    status st = OK;
    samples *from = NULL;
    const params *p = task_params(t);
    const char *given = params_int(p, "skip") > 0 ? "skip" : "skip_tokens";
    if (params_int(p, "skip") == 0 && params_count(p, "skip_tokens") == 0)
        return OK;
    if (info->modality == MODALITY_IMAGE)
        return params_fail(p, given,
                           "%s is about tokens of text, and model %s sees images; remove it", given,
                           task_resource_name(t, "model", 0));
    TRY(stage_samples(t, "data", 0, &from));
    TRY(skip_list_make(p, from, dataset_subsets(stage_dataset(t, "data", 0)), info->outputs,
                       &e->skip));
done:
    samples_close(from);
    return st;
}

status evaluation_look(const task *t, stage_look *found)
{
    status st = stage_look_samples(t, "data", 0, found);
    for (size_t i = 0; i < params_count(task_params(t), "evaluate") && st == OK; i++)
        st = stage_look_samples(t, "evaluate", i, found);
    return st;
}

status evaluation_prepare(const task *t, share *s)
{
    status st = stage_prepare_samples(t, "data", 0, s);
    for (size_t i = 0; i < params_count(task_params(t), "evaluate") && st == OK; i++)
        st = stage_prepare_samples(t, "evaluate", i, s);
    return st;
}

status evaluation_open(const task *t, const model_info *info, char *const *forget, int64_t forgets,
                       evaluation *out)
{
    status st = OK;
    evaluation *e = out;
    *e = (evaluation){0};
    tile_source_begin(&e->source, info, PART_EVALUATE);
    size_t n = params_count(task_params(t), "evaluate");
    const char *param = n > 0 ? "evaluate" : "data";
    n = n > 0 ? n : 1;
    for (size_t i = 0; i < n; i++)
        TRY(add_dataset(t, e, param, i, n > 1 ? task_resource_name(t, param, i) : NULL));
    e->reported = e->entries;
    TRY(find_forget(t, e, forget, forgets, first_entry_of_data(t, n, param)));
    if (forgets > 0)
        TRY(make_skip_list(t, info, e));
done:
    return st;
}

void evaluation_free(evaluation *e)
{
    tile_source_free(&e->source);
    for (size_t i = 0; i < e->n_opened; i++)
        samples_close(e->opened[i]);
    for (int i = 0; i < e->entries; i++)
        free(e->name[i]);
    free(e->opened);
    free(e->name);
    free(e->dataset);
    free(e->subset);
    free(e->entry_of);
    free(e->skip);
    *e = (evaluation){0};
}

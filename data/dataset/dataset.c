// SPDX-License-Identifier: Apache-2.0
// An open dataset is its format's catalogue and a permutation: `order` lists the samples of the
// subsets that are shown, subset by subset, so that whatever is asked for later is a range. Text
// has no order here: its samples are known once it is tokenised (dataset_tokens.c).
#include "data/dataset/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/archive.h"
#include "data/bytes/name_list.h"
#include "data/dataset/archive_folder.h"
#include "data/dataset/dataset_state.h"
#include "data/formats/formats.h"
#include "data/formats/question.h"
#include "data/tokenizer/tokenizer.h"
#include "data/tokenizer/tokenizer_config.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

// The member of a NULL-ended list equal to `word`, or NULL.
static const char *find_word(const char *const *list, const char *word)
{
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return *list;
    return NULL;
}

// ERR_USAGE at an option, that names the nearest right word of a NULL-ended list, or all of them.
static status fail_unknown(const char *option, const char *what, const char *word,
                           const char *const *list)
{
    text all = {0};
    size_t n = 0;
    while (list[n])
        n++;
    const char *nearest = text_nearest(word, list, n);
    for (size_t i = 0; i < n && i < 20; i++)
        text_addf(&all, "%s%s", i ? ", " : "", list[i]);
    status st = nearest ? status_fail(ERR_USAGE, option, "unknown %s %s; did you mean %s?", what,
                                      word, nearest)
                        : status_fail(ERR_USAGE, option, "unknown %s %s; there are: %s%s", what,
                                      word, text_get(&all), n > 20 ? ", …" : "");
    text_free(&all);
    return st;
}

// Finds the format and checks the options against it; *full = the options with its defaults. *inner
// is owned by the caller: the path, where that is found further down.
static status complete_options(const dataset_options *options, const format **f,
                               dataset_options *full, char **inner)
{
    *full = *options;
    if (!(*f = formats_find(options->format)))
        return fail_unknown("format", "format", options->format, formats_names);
    if (full->split && !find_word((*f)->splits, full->split))
        return fail_unknown("split", "split", full->split, (*f)->splits);
    status st;
    TRY(archive_refuse(options->path));
    if ((*f)->kind)
        TRY((*f)->kind(options, f));
    if (!full->split)
        full->split = (*f)->default_split;
    if (!full->subsets)
        full->subsets = (*f)->subsets[0];
    else if (!(*f)->any_subsets && !find_word((*f)->subsets, full->subsets))
        return fail_unknown("subsets", "subsets", full->subsets, (*f)->subsets);
    if (full->skip_bad > 0 && !(*f)->skips_bad)
        return status_fail(ERR_USAGE, "skip_bad",
                           "of format %s %s cannot be passed over; leave it out", options->format,
                           (*f)->text ? (*f)->raw_samples : "images");
    if (!question_template_find(full->template))
        return fail_unknown("template", "template", full->template, question_template_names);
    if (full->collect == DATASET_COLLECT_DEFAULT)
        full->collect = (*f)->questions ? 0 : 0.5;
    TRY(archive_folder_find(*f, full, inner));
    full->path = *inner ? *inner : full->path;
done:
    return st;
}

static status copy_string(const char *from, const char **to)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? status_no_memory("a dataset") : OK;
}

static status copy_options(const dataset_options *from, dataset_options *to)
{
    status st;
    *to = (dataset_options){.limit = from->limit,
                            .labels_by_position = from->labels_by_position,
                            .skip_bad = from->skip_bad,
                            .first_records = from->first_records,
                            .collect = from->collect,
                            .shuffled = from->shuffled,
                            .split_seed = from->split_seed,
                            .context = from->context,
                            .pack = from->pack,
                            .mask = from->mask,
                            .mask_seed = from->mask_seed,
                            .mask_alone = from->mask_alone,
                            .shots = from->shots,
                            .vocabulary = from->vocabulary};
    TRY(copy_string(from->format, &to->format));
    TRY(copy_string(from->path, &to->path));
    TRY(copy_string(from->split, &to->split));
    TRY(copy_string(from->subsets, &to->subsets));
    TRY(copy_string(from->image, &to->image));
    TRY(copy_string(from->label, &to->label));
    TRY(copy_string(from->field, &to->field));
    TRY(copy_string(from->tokenizer, &to->tokenizer));
    TRY(copy_string(from->dtype, &to->dtype));
    TRY(copy_string(from->template, &to->template));
done:
    return st;
}

static void free_options(dataset_options *o)
{
    free((char *)o->format);
    free((char *)o->path);
    free((char *)o->split);
    free((char *)o->subsets);
    free((char *)o->image);
    free((char *)o->label);
    free((char *)o->field);
    free((char *)o->tokenizer);
    free((char *)o->dtype);
    free((char *)o->template);
}

// Sets wanted[group] for the groups to show: those with samples that `keep` does not filter away.
static status choose_groups(const dataset *d, const dataset_options *options, const int64_t *count,
                            bool *wanted)
{
    const name_list *groups = &d->all.group_names;
    const char **known = checked_calloc(groups->n + 1, sizeof *known); // ended by NULL
    size_t n = 0;
    status st = OK;
    if (!known)
        return status_no_memory("a dataset");
    for (size_t g = 0; g < groups->n; g++) {
        wanted[g] = count[g] > 0 && (options->n_keep == 0 || d->all.cut);
        if (count[g] > 0)
            known[n++] = groups->at[g];
    }
    for (size_t k = 0; k < options->n_keep && !d->all.cut && st == OK; k++) {
        size_t g = 0;
        while (g < groups->n && !(count[g] > 0 && strcmp(groups->at[g], options->keep[k]) == 0))
            g++;
        if (g < groups->n)
            wanted[g] = true;
        else
            st = fail_unknown("keep", "subset", options->keep[k], known);
    }
    free(known);
    return st;
}

// Lays the samples out by subset: a counting sort, which keeps the file order.
static void order_samples(dataset *d, const bool *wanted, int64_t *next)
{
    for (int i = 0; i < d->subsets; i++)
        next[d->group[i]] = d->first[i];
    for (int64_t i = 0; i < d->all.samples; i++) {
        int32_t g = d->all.group[i];
        if (wanted[g])
            d->order[next[g]++] = i;
    }
}

static status group_samples(dataset *d, const dataset_options *options)
{
    status st;
    size_t groups = d->all.group_names.n, ordered = d->all.count ? 0 : (size_t)d->all.samples;
    int64_t *count = checked_calloc(groups, sizeof *count);
    bool *wanted = checked_calloc(groups, sizeof *wanted);
    d->group = checked_calloc(groups, sizeof *d->group);
    d->first = checked_calloc(groups + 1, sizeof *d->first);
    d->order = checked_calloc(ordered, sizeof *d->order);
    if (!count || !wanted || !d->group || !d->first || !d->order) {
        st = status_no_memory("a dataset");
        goto done;
    }
    if (d->all.count)
        memcpy(count, d->all.count, groups * sizeof *count);
    for (size_t i = 0; i < ordered; i++)
        count[d->all.group[i]]++;
    TRY(choose_groups(d, options, count, wanted));
    for (size_t g = 0; g < groups; g++) {
        if (!wanted[g])
            continue;
        d->first[d->subsets + 1] = d->first[d->subsets] + count[g];
        d->group[d->subsets++] = (int)g;
    }
    if (!d->all.count)
        order_samples(d, wanted, count);
done:
    free(count);
    free(wanted);
    return st;
}

// Text is indexed by the share's first rank alone; images are few bytes to look at.
static status open_catalogue(const format *f, const dataset_options *options, share *s,
                             catalogue *out)
{
    if (!f->text || !s || s->ranks == 1)
        return f->open(options, out);
    return catalogue_share(s, s->rank == 0 ? f->open(options, out) : OK, out);
}

// *full = the options with the format's defaults.
static status new_dataset(const dataset_options *options, dataset_options *full, dataset **out)
{
    status st;
    dataset *d = checked_calloc(1, sizeof *d);
    if (!d)
        return status_no_memory("a dataset");
    char *inner = NULL;
    *out = d;
    if (!(d->cache = checked_calloc(1, sizeof *d->cache)))
        return status_no_memory("a dataset");
    TRY(complete_options(options, &d->format, full, &inner));
    TRY(copy_options(full, &d->options));
    full->path = d->options.path;
done:
    free(inner);
    return st;
}

status dataset_open(const dataset_options *options, share *s, dataset **out)
{
    dataset_options full;
    dataset *d = NULL;
    status st = new_dataset(options, &full, &d);
    TRY(share_vote(s, st));
    full.stopping = s ? s->stopping : NULL;
    TRY(open_catalogue(d->format, &full, s, &d->all));
    if (d->all.state) // who opened it
        d->all.skipped = (int64_t)d->all.bad.said.n;
    if (d->all.samples == 0 && !d->all.cut) {
        st = status_fail(ERR_INPUT, full.path, "holds no samples");
        goto done;
    }
    TRY(group_samples(d, &full));
    *out = d;
    d = NULL;
done:
    dataset_close(d);
    return st;
}

void dataset_close(dataset *d)
{
    if (!d)
        return;
    token_cache_free(d->cache);
    catalogue_free(&d->all, d->format ? d->format->close : NULL);
    free(d->group);
    free(d->first);
    free(d->order);
    free_options(&d->options);
    free(d);
}

status dataset_files(const dataset_options *options, status (*add)(void *context, const char *path),
                     void *context)
{
    status st;
    const format *f;
    char *file = NULL, *inner = NULL;
    name_list beside = {0};
    name_list files = {0};
    dataset_options full;
    TRY(complete_options(options, &f, &full, &inner));
    TRY(f->files(&full, &files));
    for (size_t i = 0; i < files.n; i++)
        TRY(add(context, files.at[i]));
    if (full.tokenizer && f->text && !f->token_ids) {
        file = tokenizer_file(full.tokenizer);
        TRY(file ? add(context, file) : status_no_memory("a path"));
        TRY(tokenizer_config_files(file, true, &beside));
        for (size_t i = 0; i < beside.n; i++)
            TRY(add(context, beside.at[i]));
    }
done:
    name_list_free(&files);
    free(inner);
    name_list_free(&beside);
    free(file);
    return st;
}

int dataset_subsets(const dataset *d)
{
    return d->subsets;
}

const char *dataset_subset(const dataset *d, int subset)
{
    return d->all.group_names.at[d->group[subset]];
}

const dataset_options *dataset_get_options(const dataset *d)
{
    return &d->options;
}

bool dataset_is_text(const dataset *d)
{
    return d->format->text != NULL;
}

int64_t dataset_count(const dataset *d, int subset)
{
    return d->first[subset + 1] - d->first[subset];
}

int32_t dataset_label(const dataset *d, int subset, int64_t i)
{
    return d->all.label[d->order[d->first[subset] + i]];
}

int dataset_labels(const dataset *d)
{
    return (int)d->all.label_names.n;
}

const char *dataset_label_name(const dataset *d, int label)
{
    return d->all.label_names.at[label];
}

bool dataset_labels_by_name(const dataset *d)
{
    return d->format->labels_by_name || d->all.labels_by_name;
}

status dataset_image(const dataset *d, int subset, int64_t i, image *out)
{
    return d->format->image(d->all.state, d->order[d->first[subset] + i], out);
}

size_t dataset_reading_bytes(const dataset *d)
{
    return d->all.reading_bytes;
}

int64_t dataset_skipped(const dataset *d)
{
    return d->all.skipped;
}

const char *dataset_notes(const dataset *d)
{
    return text_get(&d->all.notes);
}

int64_t dataset_ignored(const dataset *d)
{
    return d->all.ignored;
}

void dataset_image_shape(const dataset *d, int *height, int *width, int *channels)
{
    *height = d->all.height;
    *width = d->all.width;
    *channels = d->all.channels;
}

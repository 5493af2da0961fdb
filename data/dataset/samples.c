// SPDX-License-Identifier: Apache-2.0
// A part is a range of a subset, or of its order where a seed cuts it, so nothing is copied: both
// parts are read from the dataset or its set of tokens. Sizes and labels are checked when samples
// are opened, since a run must not fail over them after hours.
#include "data/dataset/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset/dataset_tokens.h"
#include "data/dataset/model_labels.h"
#include "data/dataset/sample_split.h"
#include "data/dataset/token_mask.h"
#include "data/image/image_processor.h"
#include "data/tokenizer/encoder.h"
#include "pipeline/base/checked.h"

struct samples {
    const dataset *data; // borrowed
    sample_spec spec;    // model_path is not kept
    image_processor *processor;
    int32_t *label;   // [dataset_labels] the model's number of each label, owned
    int64_t *collect; // [subsets] samples that are collected on, owned
    int64_t **order;  // [subsets] numbers by part, where a seed cuts; NULL: file order. Owned
    const token_set *tokens; // text: borrowed from the dataset; NULL of images
    token_mask *mask;        // of a masked language model, owned; NULL: nothing is masked
};

static const token_group *find_group(const samples *s, int subset)
{
    return dataset_tokens_group(s->data, s->tokens, subset);
}

static int64_t count_used(const samples *s, int subset)
{
    if (s->tokens)
        return (int64_t)find_group(s, subset)->n;
    int64_t n = dataset_count(s->data, subset), limit = dataset_get_options(s->data)->limit;
    return limit > 0 && limit < n ? limit : n;
}

int64_t samples_number(const samples *s, int subset, part p, int64_t i)
{
    bool same = dataset_get_options(s->data)->collect < 0;
    const int64_t at = (p == PART_EVALUATE && !same ? s->collect[subset] : 0) + i;
    return s->order ? s->order[subset][at] : at;
}

// The order of each subset's samples, where a part of them is collected on.
static status order_subsets(samples *s)
{
    status st = OK;
    const dataset_options *o = dataset_get_options(s->data);
    const int n = dataset_subsets(s->data);
    if (!o->shuffled || !(o->collect > 0 && o->collect < 1))
        return OK;
    s->order = checked_calloc((size_t)n, sizeof *s->order);
    if (!s->order)
        return status_no_memory("samples");
    for (int i = 0; i < n && st == OK; i++) {
        const int64_t all = count_used(s, i);
        s->order[i] = checked_calloc((size_t)all, sizeof **s->order);
        st = s->order[i] ? sample_split_make(o->split_seed, dataset_subset(s->data, i), all,
                                             s->collect[i], s->order[i])
                         : status_no_memory("samples");
    }
    return st;
}

static status split_subsets(samples *s)
{
    int n = dataset_subsets(s->data);
    double collect = dataset_get_options(s->data)->collect;
    s->collect = checked_calloc((size_t)n, sizeof *s->collect);
    if (!s->collect)
        return status_no_memory("samples");
    for (int i = 0; i < n; i++) {
        int64_t all = count_used(s, i);
        // The small term makes 0.29 × 100 = 28.999999999999996 the 29 that is meant.
        int64_t first = collect < 0 ? all : (int64_t)floor(collect * (double)all + 1e-9);
        s->collect[i] = first > all ? all : first;
    }
    return order_subsets(s);
}

// Maps the dataset's labels to the model's, and checks those of the samples that are used.
static status map_labels(samples *s, const char *model_path)
{
    const char *path = dataset_get_options(s->data)->path;
    int n = dataset_labels(s->data);
    s->label = checked_calloc((size_t)n, sizeof *s->label);
    if (!s->label)
        return status_no_memory("labels");
    for (int l = 0; l < n; l++)
        s->label[l] = l;
    if (s->spec.classes == 0) // they are names of subsets, and nothing more
        return OK;
    if (dataset_labels_by_name(s->data) && !dataset_get_options(s->data)->labels_by_position) {
        status st = model_labels_match(model_path, s->data, s->label);
        if (st != OK)
            return st;
    }
    for (int i = 0; i < dataset_subsets(s->data); i++)
        for (int64_t k = 0; k < count_used(s, i); k++) {
            int32_t label = dataset_label(s->data, i, k);
            if (s->label[label] >= s->spec.classes)
                return status_fail(ERR_INPUT, path,
                                   "label %d (%s) is beyond the model's %d classes; "
                                   "give the model that was trained on these labels",
                                   s->label[label], dataset_label_name(s->data, label),
                                   s->spec.classes);
        }
    return OK;
}

// The size that comes out must be the model's.
static status check_size(const samples *s, const char *where, int height, int width)
{
    int h, w;
    image_processor_size(s->processor, height, width, &h, &w);
    if (h == s->spec.image_height && w == s->spec.image_width)
        return OK;
    return status_fail(ERR_INPUT, where,
                       "images of %d×%d become %d×%d by the model's "
                       "preprocessor_config.json; the model takes %d×%d",
                       width, height, w, h, s->spec.image_width, s->spec.image_height);
}

// Checks the size before any work: that of all images or, where they differ, of the first (each is
// looked at again when it is read).
static status check_first_size(const samples *s)
{
    status st;
    image first = {0};
    int channels;
    dataset_image_shape(s->data, &first.height, &first.width, &channels);
    if (first.height == 0)
        TRY(dataset_image(s->data, 0, 0, &first));
    TRY(check_size(s, dataset_get_options(s->data)->path, first.height, first.width));
done:
    image_free(&first);
    return st;
}

static status open_images(samples *s, const sample_spec *spec)
{
    status st;
    if (spec->channels != 1 && spec->channels != 3)
        return status_fail(ERR_INPUT, spec->model_path,
                           "takes images of %d channels; 1 and 3 are supported", spec->channels);
    TRY(image_processor_open(spec->model_path, spec->channels, &s->processor));
    TRY(check_first_size(s));
    TRY(map_labels(s, spec->model_path));
done:
    return st;
}

// What a masked language model is asked.
static status open_mask(samples *s)
{
    const dataset_options *o = dataset_get_options(s->data);
    if (s->tokens->candidates > 0)
        return status_fail(ERR_INPUT, o->path,
                           "holds questions, whose answers come behind a text; a masked language "
                           "model predicts tokens within one");
    if (o->mask == 0)
        return OK;
    if (!s->tokens->tokenizer)
        return status_fail(ERR_INPUT, o->path,
                           "has ids, and no tokenizer that says which of them are special; give "
                           "text, or mask: 0, of which activations can be collected");
    return token_mask_new(s->tokens->tokenizer, o, s->spec.vocabulary, &s->mask);
}

status samples_open(const dataset *d, const sample_spec *spec, samples **out)
{
    status st;
    bool is_text = dataset_is_text(d);
    samples *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("samples");
    s->data = d;
    s->spec = *spec;
    s->spec.model_path = NULL;
    s->spec.pool = NULL;
    if (spec->text != is_text) {
        st = status_fail(ERR_INPUT, dataset_get_options(d)->path, "holds %s; the model %s %s",
                         is_text ? "text" : "images", spec->model_path,
                         spec->text ? "reads text" : "looks at images");
        goto done;
    }
    TRY(is_text ? dataset_tokens(d, spec, NULL, &s->tokens) : open_images(s, spec));
    if (spec->masked)
        TRY(open_mask(s));
    TRY(split_subsets(s));
    *out = s;
    s = NULL;
done:
    samples_close(s);
    return st;
}

status samples_prepare(const dataset *d, const sample_spec *spec, share *s)
{
    const token_set *set;
    return dataset_is_text(d) ? dataset_tokens(d, spec, s, &set) : OK;
}

void samples_close(samples *s)
{
    if (!s)
        return;
    image_processor_close(s->processor);
    token_mask_free(s->mask);
    free(s->label);
    free(s->collect);
    for (int i = 0; s->order && i < dataset_subsets(s->data); i++)
        free(s->order[i]);
    free(s->order);
    free(s);
}

int64_t samples_count(const samples *s, int subset, part p)
{
    bool same = dataset_get_options(s->data)->collect < 0;
    return p == PART_COLLECT || same ? s->collect[subset]
                                     : count_used(s, subset) - s->collect[subset];
}

bool samples_shuffled(const samples *s)
{
    return s->order != NULL;
}

int64_t samples_skipped(const samples *s)
{
    return dataset_skipped(s->data);
}

const char *samples_notes(const samples *s)
{
    return s->tokens ? text_get(&s->tokens->notes) : "";
}

size_t samples_reading_bytes(const samples *s)
{
    return dataset_reading_bytes(s->data);
}

static const token_sample *find_sample(const samples *s, int subset, part p, int64_t i)
{
    return &find_group(s, subset)->at[samples_number(s, subset, p, i)];
}

int64_t samples_rows(const samples *s, int subset, part p, int64_t i)
{
    return s->tokens ? find_sample(s, subset, p, i)->rows : s->spec.rows_per_image;
}

static status fail_kind(const samples *s)
{
    return status_fail(ERR_INTERNAL, dataset_get_options(s->data)->path,
                       "samples of the other kind were asked for");
}

status samples_image(const samples *s, int subset, part p, int64_t i, float *pixels, int32_t *label)
{
    status st;
    image raw = {0};
    const char *path = dataset_get_options(s->data)->path;
    int64_t at = samples_number(s, subset, p, i);
    if (s->tokens)
        return fail_kind(s);
    TRY(dataset_image(s->data, subset, at, &raw));
    TRY(image_convert(&raw, s->spec.channels));
    TRY(check_size(s, path, raw.height, raw.width));
    TRY(image_processor_run(s->processor, &raw, path, pixels));
    *label = s->label[dataset_label(s->data, subset, at)];
done:
    image_free(&raw);
    return st;
}

status samples_text(const samples *s, int subset, part p, int64_t i, int32_t *ids, int32_t *target)
{
    status st;
    if (!s->tokens)
        return fail_kind(s);
    const token_sample *at = find_sample(s, subset, p, i);
    size_t n = (size_t)at->rows;
    TRY(token_store_read(s->tokens->store, at->first, n, ids));
    for (size_t k = 0; s->spec.masked && k < n; k++)
        target[k] = -1;
    if (s->mask)
        token_mask_apply(s->mask, dataset_subset(s->data, subset), samples_number(s, subset, p, i),
                         n, ids, target);
    if (s->spec.masked)
        goto done;
    for (size_t k = 0; k < n; k++)
        target[k] = at->target >= 0 || k + 1 == n ? -1 : ids[k + 1];
    target[n - 1] = at->target;
done:
    return st;
}

const int32_t *samples_candidates(const samples *s, int *n)
{
    bool some = s->tokens && !dataset_get_options(s->data)->vocabulary;
    *n = some ? s->tokens->candidates : 0;
    return *n > 0 ? s->tokens->candidate : NULL;
}

status samples_last_token(const samples *s, const char *string, int32_t *id)
{
    status st;
    encoder *e = NULL;
    token_list ids = {0};
    *id = -1;
    if (!s->tokens || !s->tokens->tokenizer)
        return status_fail(ERR_INPUT, dataset_get_options(s->data)->path,
                           "has no tokenizer to look up \"%s\" with", string);
    TRY(encoder_new(s->tokens->tokenizer, &e));
    TRY(encoder_encode(e, string, strlen(string), false, 0, &ids));
    if (ids.n > 0)
        *id = ids.id[ids.n - 1];
done:
    token_list_free(&ids);
    encoder_free(e);
    return st;
}

int64_t samples_shortened(const samples *s)
{
    return s->tokens ? s->tokens->shortened : 0;
}

// SPDX-License-Identifier: Apache-2.0
// A dataset knows no model and a model no dataset: how samples must be for the task's model is
// worked out here, and where one does not suit the other, the message has the parameter's place.
#include "stages/common/stage_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "stages/common/resources.h"

// What a model reads, or a dataset holds.
static const char *kind_name(bool of_text)
{
    return of_text ? "text" : "images";
}

// What the task's model wants of a dataset.
static status spec_of(const task *t, const char *param, size_t i, sample_spec *out)
{
    const model *m = stage_model(t);
    const dataset *d = stage_dataset(t, param, i);
    const model_info *info = model_get_info(m);
    if (dataset_is_text(d) != (info->modality == MODALITY_TEXT))
        return params_fail(
            task_params(t), param, "dataset %s holds %s, but model %s reads %s; give one that fits",
            task_resource_name(t, param, i), kind_name(dataset_is_text(d)),
            task_resource_name(t, "model", 0), kind_name(info->modality == MODALITY_TEXT));
    *out = (sample_spec){.text = info->modality == MODALITY_TEXT,
                         .model_path = stage_model_path(t),
                         .channels = info->channels,
                         .image_height = info->image_height,
                         .image_width = info->image_width,
                         .rows_per_image = info->rows_per_image,
                         .classes = model_has_head(m) ? info->outputs : 0,
                         .context = info->context,
                         .vocabulary = info->outputs,
                         .masked = info->masked,
                         .pool = task_pool(t)};
    return OK;
}

status stage_samples(const task *t, const char *param, size_t i, samples **out)
{
    sample_spec spec;
    status st = spec_of(t, param, i, &spec);
    return st == OK ? samples_open(stage_dataset(t, param, i), &spec, out) : st;
}

// Which of the two is a failure about? The tokenizer and the preprocessing are files of the model's,
// unless the dataset names a tokenizer.
static void blame(const task *t, const char *param, size_t i, stage_look *found)
{
    const char *path = stage_model_path(t);
    const bool models = strncmp(status_text(), path, strlen(path)) == 0;
    found->parameter = models ? "model" : param;
    found->index = models ? 0 : i;
}

static void note_samples(const task *t, const char *param, size_t i, const samples *s, text *notes)
{
    const char *at = samples_notes(s), *name = task_resource_name(t, param, i);
    int n;
    for (const char *line; (line = text_line(&at, &n));)
        text_addf(notes, "datasets/%s: %.*s\n", name, n, line);
}

status stage_look_samples(const task *t, const char *param, size_t i, stage_look *found)
{
    samples *s = NULL;
    status st = stage_samples(t, param, i, &s);
    if (st == OK)
        note_samples(t, param, i, s, found->notes);
    else
        blame(t, param, i, found);
    samples_close(s);
    return st;
}

status stage_prepare_samples(const task *t, const char *param, size_t i, share *s)
{
    sample_spec spec;
    status st = spec_of(t, param, i, &spec);
    return st == OK ? samples_prepare(stage_dataset(t, param, i), &spec, s) : st;
}

status stage_note_skipped(int64_t skipped, artefact_writer *w)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)skipped);
    return skipped > 0 ? artefact_attribute(w, "skipped", number) : OK;
}

// How a dataset's tokens are masked.
static void describe_mask(const dataset_options *o, text *out)
{
    if (o->mask > 0)
        text_addf(out, "%g of the tokens, seed %lld, %s", o->mask, (long long)o->mask_seed,
                  o->mask_alone ? "mask" : "mixed");
    else
        text_add(out, "none");
}

status stage_note_mask(const task *t, const char *param, size_t n, artefact_writer *w)
{
    status st = OK;
    text said = {0};
    if (!model_get_info(stage_model(t))->masked)
        return OK;
    for (size_t i = 0; i < n; i++) {
        if (n > 1)
            text_addf(&said, "%s%s: ", i ? "; " : "", task_resource_name(t, param, i));
        describe_mask(dataset_get_options(stage_dataset(t, param, i)), &said);
    }
    st = said.failed ? status_no_memory("an attribute")
                     : artefact_attribute(w, "mask", text_get(&said));
    text_free(&said);
    return st;
}

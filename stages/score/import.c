// SPDX-License-Identifier: Apache-2.0
// The stage `import`: scores computed elsewhere as an artefact like `score`'s.
//   published: {stage: import, path: scores.safetensors, site: mlp}
// Input: a safetensors file with one tensor [layers, neurons of a layer] per subset, named as the
// subset, all of one shape, of any number type that a model's weights may have, or F64. Subsets are
// in the order of their data in the file, which is the order they were saved in (JSON objects have
// none). Output, of the one `site`:
//   string subset(subset)                        1  the tensor's name
//   double mlp_score(subset, layer, unit)        1  higher: more specific to the subset
//   double attn_score(subset, layer, attn_unit)  1  the same
//   double expert_score(subset, layer, expert)   1  the same
//   byte expert_reached(subset, layer, expert)   1  0: the expert's scores are NaN; with `experts`
// A score is a number. With `experts: 8` each eighth of a layer's neurons is an expert, and all its
// scores for a subset may be NaN, where none of its tokens reaches the expert.
// It stands beside `score` because what it writes is read in the same places.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/files/safetensors.h"
#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/stage.h"
#include "stages/common/scores.h"

typedef struct import_state {
    const char *path; // borrowed
    site which;
    safetensors *file;
    const tensor **tensor;          // owned [subsets], in file order
    const char **subset;            // owned; names borrowed from the file
    int64_t subsets, layers, width; // neurons of a layer
    int64_t experts;                // of a layer, that may have no scores; 0: none
    double *score;                  // [subsets, layers, width]
    int64_t *known;                 // [subsets, layers, experts] scores that are numbers
    int8_t *reached;                // the same, as the artefact has it
} import_state;

static const param_def import_params[] = {
    {"path", PARAM_PATH, .required = true,
     .help = "a safetensors file with one tensor [layers, units] per subset"},
    {"site", PARAM_TEXT, "mlp", .choices = "mlp|attn|expert", .help = "what its neurons are"},
    {"experts", PARAM_INT, .low = 1, .high = 1 << 20,
     .help =
         "of a layer of a sparse model, each with as many neurons of mlp: scores of one that no "
         "token reached may be NaN"},
    {0},
};

static void import_close(void *state)
{
    import_state *s = state;
    if (!s)
        return;
    safetensors_close(s->file);
    free(s->tensor);
    free(s->subset);
    free(s->score);
    free(s->known);
    free(s->reached);
    free(s);
}

static int by_position(const void *a, const void *b)
{
    const tensor *x = *(const tensor *const *)a, *y = *(const tensor *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

static status list_subsets(import_state *s)
{
    s->subsets = (int64_t)safetensors_count(s->file);
    if (s->subsets == 0)
        return status_fail(ERR_INPUT, s->path,
                           "there are no tensors; give one [layers, units] tensor per subset");
    s->tensor = checked_calloc((size_t)s->subsets, sizeof *s->tensor);
    s->subset = checked_calloc((size_t)s->subsets, sizeof *s->subset);
    if (!s->tensor || !s->subset)
        return status_no_memory("a list of subsets");
    for (int64_t i = 0; i < s->subsets; i++)
        s->tensor[i] = safetensors_at(s->file, (size_t)i);
    qsort(s->tensor, (size_t)s->subsets, sizeof *s->tensor, by_position);
    const tensor *first = s->tensor[0];
    for (int64_t i = 0; i < s->subsets; i++) {
        const tensor *t = s->tensor[i];
        s->subset[i] = t->name;
        if (t->dims != 2 || t->elements == 0)
            return status_fail(ERR_INPUT, s->path,
                               "tensor %s is not [layers, units]; give one such tensor per subset",
                               t->name);
        if (t->shape[0] != first->shape[0] || t->shape[1] != first->shape[1])
            return status_fail(ERR_INPUT, s->path,
                               "tensor %s is [%zu, %zu] but %s is [%zu, %zu]; give scores of one "
                               "model",
                               t->name, t->shape[0], t->shape[1], first->name, first->shape[0],
                               first->shape[1]);
    }
    s->layers = (int64_t)first->shape[0];
    s->width = (int64_t)first->shape[1];
    return OK;
}

static status read_scores(const import_state *s, const tensor *t, float *narrow, double *score)
{
    if (strcmp(t->type->name, "F64") == 0)
        memcpy(score, t->bytes, t->n_bytes);
    else if (t->type->to_float && t->type->block == 1)
        t->type->to_float(t->bytes, t->elements, narrow);
    else
        return status_fail(ERR_INPUT, s->path, "tensor %s is %s; save it as F64, F32, F16 or BF16",
                           t->name, t->type->name);
    if (strcmp(t->type->name, "F64") != 0)
        for (size_t i = 0; i < t->elements; i++)
            score[i] = (double)narrow[i];
    for (size_t i = 0; i < t->elements; i++)
        if (isnan(score[i]) && !s->experts)
            return status_fail(ERR_NUMERIC, s->path,
                               "tensor %s is NaN at [%zu, %zu]; a score must be a number", t->name,
                               i / t->shape[1], i % t->shape[1]);
    return OK;
}

// Counts the scores of each expert that are numbers: all, or none.
static status count_known(import_state *s)
{
    const int64_t group = s->width / s->experts, groups = s->subsets * s->layers * s->experts;
    s->known = checked_calloc((size_t)groups, sizeof *s->known);
    s->reached = checked_calloc((size_t)groups, sizeof *s->reached);
    if (!s->known || !s->reached)
        return status_no_memory("scores");
    for (int64_t g = 0; g < groups; g++) {
        for (int64_t i = 0; i < group; i++)
            s->known[g] += !isnan(s->score[g * group + i]);
        if (s->known[g] != 0 && s->known[g] != group)
            return status_fail(ERR_NUMERIC, s->path,
                               "tensor %s has scores that are NaN and others that are numbers in "
                               "layer %lld, expert %lld; an expert has them all, or none",
                               s->subset[g / (s->layers * s->experts)],
                               (long long)(g / s->experts % s->layers),
                               (long long)(g % s->experts));
    }
    return OK;
}

static status check_experts(import_state *s, const params *p)
{
    s->experts = params_has(p, "experts") ? params_int(p, "experts") : 0;
    if (s->experts && s->which != SITE_MLP)
        return params_fail(p, "experts", "it is about neurons of mlp; leave it out");
    if (s->experts && s->width % s->experts != 0)
        return params_fail(p, "experts", "%lld neurons of a layer are not of %lld experts",
                           (long long)s->width, (long long)s->experts);
    return OK;
}

static status import_open(const task *t, void **state)
{
    status st = OK;
    float *narrow = NULL;
    const params *p = task_params(t);
    import_state *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("import");
    s->path = params_text(p, "path");
    while (strcmp(params_text(p, "site"), site_names[s->which]) != 0)
        s->which++;
    TRY(safetensors_open(s->path, &s->file));
    TRY(list_subsets(s));
    TRY(check_experts(s, p));
    size_t neurons = s->tensor[0]->elements;
    // Both are bounded by the size of the file, which holds at least a byte an element.
    s->score = checked_calloc((size_t)s->subsets * neurons, sizeof *s->score);
    narrow = checked_calloc(neurons, sizeof *narrow);
    if (!s->score || !narrow)
        TRY(status_no_memory("scores"));
    for (int64_t i = 0; i < s->subsets; i++)
        TRY(read_scores(s, s->tensor[i], narrow, s->score + i * (int64_t)neurons));
    if (s->experts)
        TRY(count_known(s));
    TRY(safetensors_unchanged(s->file));
    *state = s;
    s = NULL;
done:
    free(narrow);
    import_close(s);
    return st;
}

static status import_finish(void *state, const round_state *finished, const partial *sum,
                            artefact_writer *w)
{
    (void)finished, (void)sum;
    status st = OK;
    const import_state *s = state;
    TRY(artefact_attribute(w, "title", "Scores of neurons computed elsewhere"));
    TRY(scores_describe_subsets(w, s->subsets, s->subset));
    TRY(scores_describe_site(w, s->which, s->layers, s->width,
                             "how specific the neuron is to the subset; higher is more specific",
                             s->score));
    if (s->experts)
        TRY(scores_describe_reached(w, &(routing_shape){s->subsets, s->layers, s->experts},
                                    s->subset, s->known, s->reached));
done:
    return st;
}

const stage_def stage_import = {
    .name = "import",
    .version = 1,
    .summary = "takes scores computed elsewhere, from a safetensors file",
    .params = import_params,
    .open = import_open,
    .finish = import_finish,
    .close = import_close,
};

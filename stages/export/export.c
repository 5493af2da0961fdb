// SPDX-License-Identifier: Apache-2.0
// The stage `export`: prunings as model folders that other programs load, for each subset to forget.
//   folders: {stage: export, from: [unlearn, scores], model: trained, forget: [latin]}
// Input: an artefact of `prune`; that of its scores, where they are to lie in the folders; and of its
// activations, where pruned neurons became their means. Output, beside the folders:
//   string forget(forget)  1     subset whose neurons are cut
//   int64 bytes(forget)    byte  size of its folder's files but README.md
//   string digest(forget)  1     of the same
// and the coordinate path(forget), the model's folder below OUTPUT. Folders lie below STEP/TASK.KEY: a
// sweep's beside each other, and those of other values stay.
//
// One round; a unit is a folder, written as the command `export` writes it. What it adds to the sum is
// what its folder holds, so that a run that goes on looks at nothing twice.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_cut.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "stages/common/foreseen.h"
#include "stages/common/resources.h"
#include "stages/export/export_folder.h"

// The partial: a digest's words of 32 bits, [forget, WORDS]; bytes [forget].
enum { FIELD_DIGEST, FIELD_BYTES, FIELDS, WORDS = 4, WORD_DIGITS = 8 };

typedef struct export_state {
    const task *task; // borrowed
    export_input from;
    int64_t n;
    char **pruned;       // names of all that were pruned; owned, one block
    const char **forget; // [n] those asked; owned, names borrowed
    char **path;         // [n] below OUTPUT; owned, each
    char (*digest)[DIGEST_HEX];
    const char **digest_text; // [n] the same as the artefact takes it
} export_state;

static const param_def export_params[] = {
    {"from", PARAM_FROM, .required = true,
     .help = "prunings; or [prunings, scores], and for value: mean and retain_mean the activations "
             "too"},
    {"model", PARAM_RESOURCE, .required = true, .section = "models",
     .help = "the model that was pruned"},
    {"forget", PARAM_TEXTS, "[all]", .help = "all that was pruned, or names of subsets"},
    {0},
};

static bool is_of(const task *t, size_t i, const char *stage)
{
    return strcmp(task_input_stage(t, i), stage) == 0;
}

// The place of the only input of a kind; task_inputs: there is none. `*more`: there are others.
static size_t find_input(const task *t, const char *stage, const char *or_else, bool *more)
{
    const size_t n = task_inputs(t);
    size_t found = n;
    *more = false;
    for (size_t i = 0; i < n; i++) {
        if (!is_of(t, i, stage) && !(or_else && is_of(t, i, or_else)))
            continue;
        *more = found < n;
        found = i;
    }
    return found;
}

static const artefact *input_of(const task *t, const char *stage, const char *or_else)
{
    bool more;
    const size_t i = find_input(t, stage, or_else, &more);
    return i < task_inputs(t) ? task_input(t, i) : NULL;
}

// Did pruned neurons become their means?
static bool has_means(const params *pruning)
{
    const char *value = params_has(pruning, "value") ? params_text(pruning, "value") : "zero";
    return strcmp(value, "mean") == 0 || strcmp(value, "retain_mean") == 0;
}

static status export_check(const task *t)
{
    const params *p = task_params(t);
    const size_t n = task_inputs(t);
    bool prunings, scores, activations;
    const size_t pruning = find_input(t, "prune", NULL, &prunings);
    find_input(t, "score", "import", &scores);
    const size_t means = find_input(t, "collect", NULL, &activations);
    if (pruning == n || prunings || scores || activations)
        return params_fail(p, "from",
                           "it is not one step of prunings, and at most one of scores and one of "
                           "activations (a sweep gives one task for each); give from: [prunings, "
                           "scores]");
    const params *of = task_input_params(t, pruning);
    if (has_means(of) && means == n)
        return params_fail(p, "from",
                           "value: %s of %s needs its activations too; give from: [prunings, "
                           "activations]",
                           params_text(of, "value"), task_input_label(t, pruning));
    if (!has_means(of) && means < n)
        return params_fail(p, "from",
                           "activations are for value: mean and retain_mean; leave %s out",
                           task_input_label(t, means));
    if (params_has(of, "value") && strcmp(params_text(of, "value"), "resample") == 0)
        return params_fail(p, "from",
                           "what %s set neurons to no weights can say; prune with value: zero, or "
                           "mean where the model has biases",
                           task_input_label(t, pruning));
    return OK;
}

static bool takes_all(const params *p)
{
    return params_count(p, "forget") == 1 && strcmp(params_text_at(p, "forget", 0), "all") == 0;
}

static status export_foresee(const task *t)
{
    return takes_all(task_params(t)) ? OK : foreseen_subsets(t, "forget");
}

static status export_look_at(const task *t, stage_look *found)
{
    bool more, means[SITES] = {false};
    const params *of = task_input_params(t, find_input(t, "prune", NULL, &more));
    const char *pruned = params_text(of, "site");
    for (int s = 0; s < SITES; s++)
        means[s] = has_means(of) && (strcmp(pruned, site_names[s]) == 0 ||
                                     (strcmp(pruned, "both") == 0 && s != SITE_EXPERT));
    found->parameter = "model";
    return model_cut_possible(stage_model(t), means);
}

static void export_close(void *state)
{
    export_state *s = state;
    if (!s)
        return;
    for (int64_t i = 0; s->path && i < s->n; i++)
        free(s->path[i]);
    free(s->path);
    free(s->forget);
    free(s->pruned);
    free(s->digest);
    free(s->digest_text);
    free(s);
}

static status choose_subsets(export_state *s)
{
    status st;
    const params *p = task_params(s->task);
    int64_t pruned;
    TRY(artefact_read_texts(s->from.pruned, "forget", &pruned, &s->pruned));
    const bool all = takes_all(p);
    s->n = all ? pruned : (int64_t)params_count(p, "forget");
    s->forget = checked_calloc((size_t)s->n, sizeof *s->forget);
    s->path = checked_calloc((size_t)s->n, sizeof *s->path);
    if (!s->forget || !s->path)
        return status_no_memory("a list of folders");
    for (int64_t i = 0; i < s->n; i++) {
        s->forget[i] = all ? s->pruned[i] : params_text_at(p, "forget", (size_t)i);
        s->path[i] = task_folder(s->task, s->forget[i]);
        if (!s->path[i])
            return status_no_memory("a path");
        for (int64_t k = 0; k < i; k++)
            if (strcmp(s->forget[k], s->forget[i]) == 0)
                return params_fail(p, "forget", "%s is given twice", s->forget[i]);
    }
done:
    return st;
}

static status export_open(const task *t, void **state)
{
    status st;
    export_state *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("export");
    s->task = t;
    s->from = (export_input){.pruned = input_of(t, "prune", NULL),
                             .scores = input_of(t, "score", "import"),
                             .means = input_of(t, "collect", NULL),
                             .model = stage_model_path(t),
                             .replace = true};
    TRY(choose_subsets(s));
    *state = s;
    s = NULL;
done:
    export_close(s);
    return st;
}

static status export_next(void *state, const round_state *finished, const partial *sum,
                          round_state *next, bool *done)
{
    (void)state, (void)sum, (void)next;
    *done = finished != NULL;
    return OK;
}

static status export_plan(void *state, const round_state *round, round_plan *out)
{
    (void)round;
    const export_state *s = state;
    out->units = s->n;
    out->shape = (partial_shape){
        .fields = FIELDS,
        .field = {[FIELD_DIGEST] = {"digests", PARTIAL_COUNT, s->n * WORDS},
                  [FIELD_BYTES] = {"bytes", PARTIAL_COUNT, s->n}},
    };
    return OK;
}

// A digest's digits as numbers.
static void words_of(const char *hex, int64_t word[WORDS])
{
    for (int w = 0; w < WORDS; w++) {
        char digits[WORD_DIGITS + 1] = {0};
        memcpy(digits, hex + (ptrdiff_t)w * WORD_DIGITS, WORD_DIGITS);
        word[w] = (int64_t)strtoull(digits, NULL, 16);
    }
}

static status export_unit(void *state, const round_state *round, int64_t unit, int lane,
                          partial *sum)
{
    (void)round, (void)lane;
    status st;
    const export_state *s = state;
    export_input in = s->from;
    export_contents there;
    int64_t word[WORDS];
    char *folder = file_join(task_output(s->task), s->path[unit]);
    in.folder = folder;
    in.forget = s->forget[unit];
    if (!folder)
        TRY(status_no_memory("a path"));
    if (task_stopping(s->task)) {
        st = ERR_INTERRUPTED;
        goto done;
    }
    TRY(export_write(&in));
    TRY(export_look(folder, &there));
    words_of(there.digest, word);
    TRY(partial_add_counts(sum, FIELD_DIGEST, unit * WORDS, WORDS, word));
    TRY(partial_add_counts(sum, FIELD_BYTES, unit, 1, &there.bytes));
done:
    free(folder);
    return st;
}

static status describe(artefact_writer *w, const char *name, variable_type type, const void *data,
                       const char *long_name, const char *units)
{
    return artefact_variable(w, &(variable){.name = name,
                                            .type = type,
                                            .dims = 1,
                                            .dim = {"forget"},
                                            .long_name = long_name,
                                            .units = units,
                                            .data = data});
}

static status export_finish(void *state, const round_state *finished, const partial *sum,
                            artefact_writer *w)
{
    (void)finished;
    status st;
    export_state *s = state;
    s->digest = checked_calloc((size_t)s->n, sizeof *s->digest);
    s->digest_text = checked_calloc((size_t)s->n, sizeof *s->digest_text);
    if (!s->digest || !s->digest_text)
        return status_no_memory("a list of folders");
    const int64_t *word = partial_counts(sum, FIELD_DIGEST);
    for (int64_t i = 0; i < s->n; i++) {
        for (int k = 0; k < WORDS; k++)
            snprintf(s->digest[i] + (ptrdiff_t)k * WORD_DIGITS, WORD_DIGITS + 1, "%08llx",
                     (unsigned long long)word[i * WORDS + k]);
        s->digest_text[i] = s->digest[i];
    }
    TRY(artefact_attribute(w, "title", "Models without the neurons of subsets"));
    TRY(artefact_dim(w, "forget", s->n));
    TRY(describe(w, "forget", VARIABLE_TEXT, s->forget, "subset whose neurons are cut", "1"));
    TRY(artefact_coordinate(w, &(variable){.name = "path",
                                           .type = VARIABLE_TEXT,
                                           .dims = 1,
                                           .dim = {"forget"},
                                           .long_name = "the model's folder, below OUTPUT",
                                           .units = "1",
                                           .data = s->path}));
    TRY(describe(w, "bytes", VARIABLE_I64, partial_counts(sum, FIELD_BYTES),
                 "size of the folder's files but README.md", "byte"));
    TRY(describe(w, "digest", VARIABLE_TEXT, s->digest_text,
                 "digest of the folder's files but README.md", "1"));
done:
    return st;
}

static status export_estimate(const task *t, estimate *out)
{
    const params *p = task_params(t);
    const dataset *d = stage_dataset(t, "data", 0);
    const double subsets = d ? dataset_subsets(d) : 1;
    out->units = takes_all(p) ? (int64_t)subsets : (int64_t)params_count(p, "forget");
    out->disk_bytes = (double)out->units * stage_weight_bytes(t);
    return OK;
}

const stage_def stage_export = {
    .name = "export",
    .version = 1,
    .summary = "writes pruned models as folders that other programs load",
    .params = export_params,
    .inputs = "prune|score|import|collect",
    .inputs_required = true,
    .light = true,
    .check = export_check,
    .foresee = export_foresee,
    .look = export_look_at,
    .estimate = export_estimate,
    .open = export_open,
    .next = export_next,
    .plan = export_plan,
    .unit = export_unit,
    .finish = export_finish,
    .close = export_close,
};

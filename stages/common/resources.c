// SPDX-License-Identifier: Apache-2.0
// The two things that a pipeline file names, as the engine opens them: the parameter tables of
// models and datasets, and how a stage gets at what was opened. It is the one place that knows both
// the engine's resource and the library's object; a dataset's errors get their location here, since
// the library knows options and no file.
#include "stages/common/resources.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/machine/cores.h"
#include "stages/common/computing_device.h"
#include "stages/common/foreseen.h"
#include "stages/common/modules.h"

// A model of the pipeline file: opened, and where from, because its preprocessing lies beside it.
typedef struct model_entry {
    model *model;
    char *path;
    compute compute;
    bool elsewhere;     // a device holds the weights
    model_cache *cache; // owned
    text notes;         // on the model, and on what this machine lacks for it
} model_entry;

static const param_def model_params[] = {
    {"path", PARAM_PATH, .required = true,
     .help = "a Hugging Face folder (config.json, safetensors), a .safetensors or a .gguf file"},
    {"weights", PARAM_TEXT, "trained", .choices = "trained|random",
     .help = "random: config.json only, weights drawn as the framework initialises them"},
    {"seed", PARAM_INT, "0", .low = 0, .high = 9e15, .help = "of random weights"},
    {0},
};

static model_options model_options_of(const params *p)
{
    return (model_options){.path = params_text(p, "path"),
                           .random = strcmp(params_text(p, "weights"), "random") == 0,
                           .seed = (uint64_t)params_int(p, "seed")};
}

static status add_file(void *list, const char *path)
{
    return file_list_add(list, path);
}

// The model itself may have named it.
static status add_new_file(void *list, const char *path)
{
    const file_list *l = list;
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->path[i], path) == 0)
            return OK;
    return file_list_add(list, path);
}

static status model_entry_files(const params *p, file_list *out)
{
    model_options options = model_options_of(p);
    status st;
    TRY(foreseen_path(options.path));
    TRY(model_files(&options, add_file, out));
    TRY(dataset_tokenizer_files(options.path, add_new_file, out));
done:
    return st;
}

static void model_entry_close(void *object)
{
    model_entry *e = object;
    if (!e)
        return;
    model_close(e->model);
    if (e->cache)
        e->cache->free(e->cache);
    text_free(&e->notes);
    free(e->path);
    free(e);
}

// Threads that convert a model's weights: this rank's share of the cores it may run on.
static int opening_threads(const params *pipeline, const share *s)
{
    if (params_has(pipeline, "threads"))
        return (int)params_int(pipeline, "threads");
    return cores_here(s ? s->ranks : 1);
}

static compute compute_of(const char *word)
{
    return strcmp(word, "bf16") == 0   ? COMPUTE_BF16
           : strcmp(word, "tf32") == 0 ? COMPUTE_TF32
                                       : COMPUTE_F32;
}

// What a look finds of a model opened light. Other machines may compute what this one cannot, so
// that a login node's `plan` says so and goes on; and a device what no CPU can.
static status look_at_model(model_entry *e, const params *pipeline)
{
    status st;
    TRY(model_check_files(e->model));
    if (strcmp(params_text(pipeline, "device"), "cpu") == 0 && model_check_compute(e->model) != OK)
        text_addf(&e->notes, "on this machine, %s\n", status_text());
done:
    return st;
}

static status model_entry_open(const params *p, const params *pipeline, share *s,
                               resource_depth depth, void **object)
{
    status st = OK;
    model_options options = model_options_of(p);
    options.compute = compute_of(params_text(pipeline, "compute"));
    options.light = depth != RESOURCE_WHOLE;
    options.threads = opening_threads(pipeline, s);
    options.team = s ? s->team : NULL;
    model_entry *e = checked_calloc(1, sizeof *e);
    if (e) {
        e->path = strdup(options.path);
        e->compute = options.compute;
        e->elsewhere = strcmp(params_text(pipeline, "device"), "cuda") == 0;
    }
    // Not to leave here: opening is collective, and the other ranks are in it.
    status mine = e && e->path ? OK : status_no_memory("a model");
    if (!options.light)
        computing_device_take(s, &options);
    if (mine == OK && options.light)
        mine = foreseen_path(options.path);
    TRY(share_vote(s, mine));
    TRY(model_open(&options, s, &e->model));
    text_add(&e->notes, model_notes(e->model));
    if (options.light)
        TRY(look_at_model(e, pipeline));
    *object = e;
    e = NULL;
done:
    model_entry_close(e);
    return st;
}

// Bytes of the weights, or of a member's part of them: that a node's ranks hold once.
static double shared_bytes(const model_entry *e, int member, int members)
{
    return e->elsewhere ? 0 : (double)model_part_bytes(e->model, member, members, e->compute);
}

// That each of them takes for itself.
static double own_bytes(const model_entry *e, int member, int members)
{
    return e->elsewhere ? (double)model_shown_bytes(e->model, member, members) : 0;
}

static double scratch_bytes(const model_entry *e, int threads, int64_t tiles, int64_t samples,
                            int64_t rows)
{
    return (double)(e->elsewhere
                        ? model_batch_bytes(e->model, threads, tiles, samples, rows)
                        : model_scratch_bytes(model_get_info(e->model), threads, samples, rows));
}

// A tile closes with the sample that fills it: it has rows of two at most, where samples are short.
static part_need model_entry_part(const void *object, int member, int members, int threads)
{
    const model_entry *e = object;
    const model_info *info = model_get_info(e->model);
    int64_t rows = 2 * model_tile_rows(info);
    int64_t most = info->rows_per_image ? (rows - 1) / info->rows_per_image + 1 : rows;
    const device_need d = model_device_need(e->model, member, members, e->compute);
    return (part_need){.most = info->layers,
                       .shared = shared_bytes(e, member, members),
                       .own =
                           own_bytes(e, member, members) + scratch_bytes(e, threads, 1, most, rows),
                       .device_free = (double)d.free,
                       .device = (double)d.weights,
                       .batch_least = (double)d.batch_least,
                       .batch_most = (double)d.batch_most};
}

static const char *model_entry_notes(const void *object)
{
    const model_entry *e = object;
    return text_get(&e->notes);
}

static status model_entry_coordinates(const void *object, artefact_writer *w)
{
    const model_entry *e = object;
    return modules_describe(e->model, w);
}

const resource_def resource_model = {
    .section = "models",
    .parameter = "model",
    .summary = "a transformer and its weights",
    .params = model_params,
    .files = model_entry_files,
    .open = model_entry_open,
    .close = model_entry_close,
    .part = model_entry_part,
    .notes = model_entry_notes,
    .coordinates = model_entry_coordinates,
};

#define FORMAT(name) "|" #name
static const char formats[] =
#include "data/formats/formats.def"
    ;
#undef FORMAT

static const param_def data_params[] = {
    {"format", PARAM_TEXT, .required = true, .choices = formats + 1, .help = "what the files are"},
    {"path", PARAM_PATH, .required = true,
     .help = "a file, or a folder laid out as the format's own archive; .gz or not"},
    {"split", PARAM_TEXT, .help = "test or train; the format's own default where absent"},
    {"subsets", PARAM_TEXT,
     .help =
         "what makes a subset: fine, coarse, label, folder, file, subject, or a JSON field or a "
         "Parquet column such as meta.pile_set_name"},
    {"keep", PARAM_TEXTS, .help = "only these subsets"},
    {"limit", PARAM_INT, "0", .low = 0, .high = 9e15,
     .help = "samples per subset, tokens for text; 0 is all"},
    {"skip_bad", PARAM_INT, .low = 0, .high = 1e6,
     .help =
         "jsonl, images, parquet: broken records that are passed over, at most; none where absent. "
         "sulcus inspect lists them"},
    {"labels", PARAM_TEXT, .choices = "position",
     .help =
         "position: classes that have names (folders, Parquet's words) are the model's in their "
         "sorted order, whatever its names; else by name, where the model has any"},
    {"collect", PARAM_REAL, .low = 0, .high = 1, .choices = "same",
     .help = "share of each subset that is collected on, the rest is evaluated on; same: both "
             "see all; 0.5 where absent, 0 for questions"},
    {"split_seed", PARAM_INT, "0", .low = 0, .high = 9e15, .choices = "none",
     .help = "chooses which samples of each subset are collected on; none: the first ones, in file "
             "order, as published"},
    {"image", PARAM_TEXT,
     .help = "parquet: the column of images; the only one of {bytes, path} where absent"},
    {"label", PARAM_TEXT, .help = "parquet: the column of the images' classes; label where absent"},
    {"field", PARAM_TEXT, "text",
     .help = "jsonl, parquet: the field or column that holds the text"},
    {"tokenizer", PARAM_PATH,
     .help = "text: a tokenizer.json or a .gguf; the model's own where absent"},
    {"context", PARAM_INT, "0", .low = 0, .high = 1e9,
     .help = "text: tokens per sample; 0 is the model's own limit"},
    {"pack", PARAM_BOOL, "false", .help = "text: join documents into full samples"},
    {"mask", PARAM_REAL, .low = 0, .high = 1,
     .help = "masked language models: share of a sample's tokens that are masked, and predicted; "
             "0.15 where absent, 0 for a text as it is"},
    {"mask_seed", PARAM_INT, .low = 0, .high = 9e15,
     .help = "masked language models: chooses the tokens; 0 where absent"},
    {"mask_with", PARAM_TEXT, .choices = "mixed|mask",
     .help = "masked language models: what a masked token becomes: mixed, of ten eight the mask, "
             "one any token, one itself; or always the mask. mixed where absent"},
    {"dtype", PARAM_TEXT, "uint16", .choices = "uint16|uint32", .help = "tokens: of a .bin file"},
    {"shots", PARAM_INT, "0", .low = 0, .high = 100,
     .help = "questions: how many of dev are shown with their answers before each"},
    {"template", PARAM_TEXT, .choices = "ours|original|harness",
     .help = "questions: how they are asked: ours, as the authors' own program does "
             "(hendrycks/test), or as lm-evaluation-harness; ours where absent. sulcus inspect "
             "shows all three"},
    {"answers", PARAM_TEXT, "choices", .choices = "choices|vocabulary",
     .help =
         "questions: where the answer is sought: among the letters of the choices, or as published "
         "in the whole vocabulary"},
    {0},
};

// Of a sample's tokens, as BERT was trained.
#define MASK_SHARE 0.15

static const char *text_or_null(const params *p, const char *name)
{
    return params_has(p, name) ? params_text(p, name) : NULL;
}

// `keep` is owned by the caller.
static status dataset_options_of(const params *p, const char ***keep, dataset_options *out)
{
    size_t n = params_count(p, "keep");
    *keep = checked_calloc(n, sizeof **keep);
    if (!*keep)
        return status_no_memory("a list of subsets");
    for (size_t i = 0; i < n; i++)
        (*keep)[i] = params_text_at(p, "keep", i);
    double collect = DATASET_COLLECT_DEFAULT;
    if (params_has(p, "collect"))
        collect = params_text(p, "collect") ? -1 : params_real(p, "collect");
    const bool shuffled = !params_text(p, "split_seed"); // it is a number
    const char *labels = text_or_null(p, "labels"), *with = text_or_null(p, "mask_with");
    *out =
        (dataset_options){.format = params_text(p, "format"),
                          .path = params_text(p, "path"),
                          .split = text_or_null(p, "split"),
                          .subsets = text_or_null(p, "subsets"),
                          .keep = *keep,
                          .n_keep = n,
                          .limit = params_int(p, "limit"),
                          .labels_by_position = labels != NULL,
                          .skip_bad = params_has(p, "skip_bad") ? params_int(p, "skip_bad") : 0,
                          .collect = collect,
                          .shuffled = shuffled,
                          .split_seed = shuffled ? (uint64_t)params_int(p, "split_seed") : 0,
                          .image = text_or_null(p, "image"),
                          .label = text_or_null(p, "label"),
                          .field = params_text(p, "field"),
                          .tokenizer = text_or_null(p, "tokenizer"),
                          .context = params_int(p, "context"),
                          .pack = params_bool(p, "pack"),
                          .mask = params_has(p, "mask") ? params_real(p, "mask") : MASK_SHARE,
                          .mask_seed = params_has(p, "mask_seed") ? params_int(p, "mask_seed") : 0,
                          .mask_alone = with && strcmp(with, "mask") == 0,
                          .dtype = params_text(p, "dtype"),
                          .shots = params_int(p, "shots"),
                          .template = text_or_null(p, "template"),
                          .vocabulary = strcmp(params_text(p, "answers"), "vocabulary") == 0};
    return OK;
}

// A dataset knows its options by name, not where they were given: that is added here.
static status with_location(const params *p, status st)
{
    const char *said = status_text();
    for (const param_def *d = data_params; st == ERR_USAGE && d->name; d++) {
        size_t n = strlen(d->name);
        if (strncmp(said, d->name, n) != 0 || strncmp(said + n, ": ", 2) != 0)
            continue;
        char *what = strdup(said + n + 2); // params_fail overwrites the text
        if (!what)
            return status_no_memory("an error's text");
        st = params_fail(p, d->name, "%s", what);
        free(what);
        return st;
    }
    return st;
}

// What images have no use for.
static status data_check(const params *p)
{
    const char *format = params_text(p, "format");
    const bool images = strncmp(format, "cifar", 5) == 0 || strcmp(format, "idx") == 0 ||
                        strcmp(format, "images") == 0;
    return images && params_int(p, "context") > 0
               ? params_fail(p, "context", "images have no tokens; leave it out of %s", format)
               : OK;
}

static status data_files(const params *p, file_list *out)
{
    status st = OK;
    const char **keep = NULL;
    dataset_options options;
    TRY(dataset_options_of(p, &keep, &options));
    TRY(foreseen_path(options.path));
    TRY(with_location(p, dataset_files(&options, add_file, out)));
done:
    free(keep);
    return st;
}

static status data_open(const params *p, const params *pipeline, share *s, resource_depth depth,
                        void **object)
{
    const char **keep = NULL;
    dataset_options options;
    dataset *d = NULL;
    status st = dataset_options_of(p, &keep, &options);
    if (st == OK && depth != RESOURCE_WHOLE)
        st = foreseen_path(options.path);
    TRY(share_vote(s, st)); // opening is collective
    options.threads = opening_threads(pipeline, s);
    options.first_records = depth == RESOURCE_FIRST;
    options.whole_images =
        depth == RESOURCE_RECORDS || (depth == RESOURCE_WHOLE && (!s || s->rank == 0));
    TRY(with_location(p, dataset_open(&options, s, &d)));
    *object = d;
done:
    free(keep);
    return st;
}

static void data_close(void *object)
{
    dataset_close(object);
}

static const char *data_notes(const void *object)
{
    return dataset_notes(object);
}

const resource_def resource_data = {
    .section = "datasets",
    .parameter = "data",
    .summary = "samples in subsets",
    .params = data_params,
    .check = data_check,
    .files = data_files,
    .open = data_open,
    .close = data_close,
    .notes = data_notes,
};

const char *stage_model_path(const task *t)
{
    const model_entry *e = task_resource(t, "model", 0);
    return e->path;
}

model *stage_model(const task *t)
{
    const model_entry *e = task_resource(t, "model", 0);
    return e->model;
}

model_cache **stage_model_cache(const task *t)
{
    model_entry *e = task_resource(t, "model", 0);
    return &e->cache;
}

double stage_model_bytes(const task *t)
{
    const model_entry *e = task_resource(t, "model", 0);
    const params *pipeline = task_pipeline(t);
    int parts = params_text(pipeline, "layers_over") ? 1 : (int)params_int(pipeline, "layers_over");
    if (parts < 1 || parts > model_get_info(e->model)->layers)
        parts = 1;
    double most = 0;
    for (int member = 0; member < parts; member++)
        most = fmax(most, shared_bytes(e, member, parts) + own_bytes(e, member, parts));
    return most;
}

double stage_weight_bytes(const task *t)
{
    const model_entry *e = task_resource(t, "model", 0);
    return (double)model_weight_bytes(model_get_info(e->model), e->compute);
}

double stage_scratch_bytes(const task *t, int threads, const tiling *cuts)
{
    int64_t tiles = 1; // of a subset: no pass has those of two
    for (int i = 0; i < cuts->subsets; i++) {
        const int64_t own = tiling_subset_tiles(cuts, i);
        tiles = own > tiles ? own : tiles;
    }
    return scratch_bytes(task_resource(t, "model", 0), threads, tiles, cuts->max_samples,
                         cuts->max_rows);
}

double stage_products_bytes(int threads)
{
    return 7e6 + 5e6 * threads; // measured with OpenBLAS 0.3.21 and oneDNN 2.6.3
}

const dataset *stage_dataset(const task *t, const char *param, size_t i)
{
    return task_resource(t, param, i);
}

// SPDX-License-Identifier: Apache-2.0
// Tables like those of the real stages, without anything behind them: what the front of the engine
// is tested with.
#ifndef TESTS_PIPELINE_TOY_REGISTRY_H
#define TESTS_PIPELINE_TOY_REGISTRY_H

#include <stdio.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/dag/dag_build.h"

static const param_def toy_model_params[] = {
    {.name = "path", .type = PARAM_PATH, .required = true, .help = "folder"},
    {.name = "weights", .type = PARAM_TEXT, .value = "file", .choices = "file|random"},
    {.name = "seed", .type = PARAM_INT, .value = "0", .low = 0, .high = 1e15},
    {.name = NULL},
};

static const param_def toy_data_params[] = {
    {.name = "path", .type = PARAM_PATH, .required = true, .help = "file"},
    {.name = "format", .type = PARAM_TEXT, .required = true, .choices = "cifar100|jsonl"},
    {.name = "split", .type = PARAM_TEXT},
    {.name = "subsets", .type = PARAM_TEXT},
    {.name = "keep", .type = PARAM_TEXTS},
    {.name = "limit", .type = PARAM_INT, .low = 1, .high = 1e15},
    {.name = "collect", .type = PARAM_REAL, .value = "0.5", .high = 1, .choices = "same"},
    {.name = NULL},
};

static inline status toy_path_file(const params *p, file_list *out)
{
    return file_list_add(out, params_text(p, "path"));
}

static inline status toy_model_files(const params *p, file_list *out)
{
    char name[512];
    snprintf(name, sizeof name, "%s/config.json", params_text(p, "path"));
    return file_list_add(out, name);
}

static inline status toy_model_check(const params *p)
{
    if (params_int(p, "seed") != 0 && strcmp(params_text(p, "weights"), "random") != 0)
        return params_fail(p, "seed", "`seed` without random weights; remove it");
    return OK;
}

static const resource_def toy_models = {.section = "models",
                                        .parameter = "model",
                                        .summary = "toy models",
                                        .params = toy_model_params,
                                        .check = toy_model_check,
                                        .files = toy_model_files};
static const resource_def toy_datasets = {.section = "datasets",
                                          .parameter = "data",
                                          .summary = "toy data",
                                          .params = toy_data_params,
                                          .files = toy_path_file};

#define TOY_MODEL                                                                                  \
    {                                                                                              \
        .name = "model", .type = PARAM_RESOURCE, .required = true, .section = "models"             \
    }
#define TOY_DATA                                                                                   \
    {                                                                                              \
        .name = "data", .type = PARAM_RESOURCE, .required = true, .section = "datasets"            \
    }
#define TOY_END                                                                                    \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const param_def toy_collect_params[] = {
    TOY_MODEL,
    TOY_DATA,
    {.name = "sites", .type = PARAM_TEXTS, .value = "[mlp]", .choices = "mlp|attn"},
    {.name = "firing", .type = PARAM_INT, .value = "0", .low = 0, .high = 1e9},
    TOY_END,
};
static const param_def toy_score_params[] = {
    {.name = "measure", .type = PARAM_TEXT, .value = "abs", .choices = "abs|rms|std"},
    {.name = "retain", .type = PARAM_TEXTS, .value = "all"},
    {.name = "eps", .type = PARAM_REAL, .low = 1e-300, .high = 1},
    {.name = "verbose", .type = PARAM_BOOL, .value = "false", .unkeyed = true},
    TOY_END,
};
static const param_def toy_prune_params[] = {
    TOY_MODEL,
    TOY_DATA,
    {.name = "drop", .type = PARAM_REAL, .high = 1},
    {.name = "fraction", .type = PARAM_REAL, .high = 1},
    {.name = "seed", .type = PARAM_INT, .value = "0", .low = 0, .high = 1e15},
    {.name = "evaluate", .type = PARAM_RESOURCES, .section = "datasets"},
    TOY_END,
};
static const param_def toy_cluster_params[] = {
    {.name = "model", .type = PARAM_RESOURCE, .section = "models"},
    {.name = "method", .type = PARAM_TEXT, .value = "weights", .choices = "weights|coactivation"},
    {.name = "clusters", .type = PARAM_INT, .required = true, .low = 1, .high = 1e6},
    TOY_END,
};
static const param_def toy_intersect_params[] = {
    {.name = "fractions", .type = PARAM_REALS, .required = true, .high = 1},
    TOY_END,
};
static const param_def toy_import_params[] = {
    {.name = "path", .type = PARAM_PATH, .required = true},
    {.name = "wait", .type = PARAM_DURATION},
    {.name = "note", .type = PARAM_TEXT},
    TOY_END,
};

static inline status toy_prune_check(const task *t)
{
    const params *p = task_params(t);
    if (params_has(p, "drop") == params_has(p, "fraction"))
        return params_fail(p, params_has(p, "drop") ? "drop" : "fraction",
                           "give one of `drop` and `fraction`");
    return OK;
}

static const stage_def toy_collect = {
    .name = "collect", .version = 1, .params = toy_collect_params};
static const stage_def toy_score = {.name = "score",
                                    .version = 1,
                                    .params = toy_score_params,
                                    .inputs = "collect",
                                    .inputs_required = true};
static const stage_def toy_prune = {.name = "prune",
                                    .version = 3,
                                    .params = toy_prune_params,
                                    .inputs = "score|import",
                                    .inputs_required = true,
                                    .check = toy_prune_check};
static const stage_def toy_cluster = {
    .name = "cluster", .version = 1, .params = toy_cluster_params, .inputs = "collect"};
static const stage_def toy_intersect = {.name = "intersect",
                                        .version = 1,
                                        .params = toy_intersect_params,
                                        .inputs = "score|import|cluster|prune|intersect",
                                        .inputs_required = true};
static const stage_def toy_import = {.name = "import", .version = 1, .params = toy_import_params};

static const stage_def *const toy_stages[] = {&toy_collect,   &toy_score,  &toy_prune, &toy_cluster,
                                              &toy_intersect, &toy_import, NULL};
static const resource_def *const toy_resources[] = {&toy_models, &toy_datasets, NULL};
static const registry toy_registry = {.stages = toy_stages, .resources = toy_resources};

// An example with every kind of sweep.
static const char toy_example[] =
    "pipeline: vit-glyph100\n"
    "output: ../runs/vit-glyph100\n"
    "compute: f32\n"
    "models:\n"
    "  trained: {path: ../examples/vit-glyph100}\n"
    "  random:  {path: ../examples/vit-glyph100, weights: random, seed: 1}\n"
    "datasets:\n"
    "  glyphs:\n"
    "    format: cifar100\n"
    "    path: ../examples/glyph100\n"
    "    split: test\n"
    "    subsets: coarse\n"
    "    keep: [latin, greek]\n"
    "    limit: 200\n"
    "    collect: 0.5\n"
    "steps:\n"
    "  activations: {stage: collect, model: [trained, random], data: glyphs, sites: [mlp, attn], "
    "firing: 1000}\n"
    "  scores:      {stage: score, from: activations, measure: abs, retain: all}\n"
    "  unlearn:     {stage: prune, from: scores, model: trained, data: glyphs, drop: [0.5, 0.8]}\n"
    "  experts:     {stage: cluster, model: [trained, random], method: weights, clusters: 16}\n"
    "  overlap:     {stage: intersect, from: scores, fractions: [0.01, 0.05, 0.1, 0.2, 0.5]}\n"
    "  modularity:  {stage: intersect, from: [scores, experts], fractions: [0.01, 0.1]}\n"
    "  baseline:    {stage: intersect, from: [\"scores[model=trained]\", "
    "\"experts[model=random]\"],"
    " fractions: [0.01, 0.1]}\n";

// The start of a file whose steps follow, two spaces in; they begin in line 9.
#define TOY_HEAD                                                                                   \
    "output: out\n"                                                                                \
    "models:\n"                                                                                    \
    "  a: {path: ma}\n"                                                                            \
    "  b: {path: mb, weights: random}\n"                                                           \
    "datasets:\n"                                                                                  \
    "  d: {path: dd, format: jsonl}\n"                                                             \
    "  e: {path: de, format: jsonl}\n"                                                             \
    "steps:\n"

static inline status toy_open(const char *yaml, const char *const *overrides, size_t n,
                              pipeline_file **f, dag **d)
{
    *f = NULL;
    *d = NULL;
    status st = pipeline_file_parse("p.yaml", yaml, strlen(yaml), overrides, n, &toy_registry, f);
    return st == OK ? dag_build(*f, d) : st;
}

static inline void toy_close(pipeline_file *f, dag *d)
{
    dag_free(d);
    pipeline_file_free(f);
}

#endif

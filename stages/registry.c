// SPDX-License-Identifier: Apache-2.0
// The only place where the program's parts meet: pipeline/main.c hands this table to the engine,
// which knows none of them by name. STAGE lists stages by their line in stages.def, so that a new
// one is no change here.
#include "stages/registry.h"

#include <stddef.h>

#include "model/cuda/loader.h"
#include "model/kernels/rates.h"
#include "stages/common/computing_device.h"
#include "stages/common/resources.h"
#include "stages/export/export_folder.h"
#include "stages/report/report.h"

#define STAGE(name) extern const stage_def stage_##name;
#include "stages/stages.def"
#undef STAGE

#define STAGE(name) &stage_##name,
static const stage_def *const stages[] = {
#include "stages/stages.def"
    NULL,
};

static const resource_def *const resources[] = {&resource_model, &resource_data, NULL};

static status inspect_model_and_tokenizer(const char *path, bool *known)
{
    status st = model_inspect(path, known);
    return st == OK && *known ? dataset_inspect_tokenizer(path) : st;
}

static const inspect_def inspect_model = {"a model folder or weight file",
                                          inspect_model_and_tokenizer};
static const inspect_def inspect_data = {"a dataset", dataset_inspect};
static const inspect_def *const inspectors[] = {&inspect_model, &inspect_data, NULL};

static const check_def check_products = {"matrix products", rates_check};
static const check_def check_device = {"device", loader_check};
static const check_def *const checks[] = {&check_products, &check_device, NULL};

#define LIBRARY(name) extern const version_def library_##name;
#include "stages/libraries.def"
#undef LIBRARY

#define LIBRARY(name) &library_##name,
static const version_def *const libraries[] = {
#include "stages/libraries.def"
    NULL,
};

const registry sulcus_registry = {
    .stages = stages,
    .resources = resources,
    .inspectors = inspectors,
    .report = report_write,
    .export = export_write,
    .checks = checks,
    .libraries = libraries,
    .kernels = rates_kernels,
    .device = computing_device_find,
    .device_share = computing_device_share,
    .device_memory = computing_device_memory,
};

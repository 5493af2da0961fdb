// SPDX-License-Identifier: Apache-2.0
// One build serves nodes with devices and nodes without: so the plug-in is looked for at run time,
// where the program lies (an installed folder may be moved), and each way in which it may be of no
// use has its own line. It stays loaded as long as the process lives.
#include "model/cuda/loader.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/cuda/ops.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

#ifndef SULCUS_LIBEXEC // from the program's folder, by cmake/install.cmake
#define SULCUS_LIBEXEC "../libexec/sulcus"
#endif

static const char plugin[] = "libsulcus_cuda.so";

// Fills out->path, and leaves it empty where there is none.
static void find_plugin(found_device *out)
{
    static const char *const places[] = {".", SULCUS_LIBEXEC};
    char program[4096];
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = 0;
    char *folder = n > 0 ? file_folder(program) : NULL;
    for (size_t i = 0; folder && i < sizeof places / sizeof *places && !out->path[0]; i++) {
        char path[sizeof program + sizeof plugin + 64];
        snprintf(path, sizeof path, "%s/%s%s%s", folder, i > 0 ? places[i] : "", i > 0 ? "/" : "",
                 plugin);
        if (strlen(path) < sizeof out->path && file_exists(path))
            memcpy(out->path, path, strlen(path) + 1);
    }
    free(folder);
}

// The table, or NULL with the line.
static const device_ops *load_plugin(found_device *out)
{
    const device_ops *(*ask)(int) = NULL;
    void *handle = dlopen(out->path, RTLD_NOW | RTLD_LOCAL), *symbol;
    if (!handle) {
        snprintf(
            out->line, sizeof out->line,
            "%s does not load: %s; have the toolkit's libraries in LD_LIBRARY_PATH (module load "
            "cuda)",
            plugin, dlerror());
        return NULL;
    }
    symbol = dlsym(handle, DEVICE_OPS_SYMBOL);
    memcpy(&ask, &symbol, sizeof ask);
    const device_ops *ops = ask ? ask(DEVICE_OPS_VERSION) : NULL;
    if (!ops)
        snprintf(out->line, sizeof out->line,
                 "%s is of another build of sulcus; build and install both together", out->path);
    return ops;
}

void loader_find(int place, found_device *out)
{
    *out = (found_device){.sharers = 1};
    find_plugin(out);
    if (!out->path[0]) {
        snprintf(out->line, sizeof out->line,
                 "no %s beside the program or in %s; build with -DSULCUS_CUDA=ON, where nvcc is",
                 plugin, SULCUS_LIBEXEC);
        return;
    }
    const device_ops *ops = load_plugin(out);
    if (!ops)
        return;
    if (ops->count(&out->devices) != OK || out->devices < 1) {
        snprintf(out->line, sizeof out->line, "%s", ops->said(NULL));
        return;
    }
    out->ops = ops;
    out->index = place % out->devices;
}

static status open_device(const found_device *found, device **d)
{
    const status st = found->ops->open(found->index, d);
    return st == OK ? OK : status_fail(st, "device", "%s", found->ops->said(NULL));
}

static status checked(const found_device *found, const device *d, status st)
{
    return st == OK ? OK : status_fail(st, "device", "%s", found->ops->said(d));
}

// Opens the device to ask what it is.
static status ask_device(const found_device *found, device_info *info)
{
    device *d = NULL;
    status st;
    TRY(open_device(found, &d));
    TRY(checked(found, d, found->ops->info(d, info)));
done:
    if (d)
        found->ops->close(d);
    return st;
}

status loader_memory(const found_device *found, text *name, double *bytes)
{
    device_info info;
    status st;
    TRY(ask_device(found, &info));
    text_add(name, info.name);
    const size_t part = info.memory / (size_t)found->sharers;
    *bytes = (double)(info.free < part ? info.free : part);
done:
    return st;
}

status loader_name(const found_device *found, text *name, uint64_t *id)
{
    device_info info;
    status st;
    TRY(ask_device(found, &info));
    text_add(name, info.name);
    *id = info.id;
done:
    return st;
}

// --- Rates

enum { RATE_WIDTH = 1024, RATE_PRODUCTS = 16 };

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// TFLOP/s of products of zeros, as wide as a layer, of rows enough for every part of the device.
static status measure_rate(const found_device *found, device *d, const device_info *info,
                           device_compute compute, double *rate)
{
    const device_ops *ops = found->ops;
    const int64_t rows = info->row_block * (int64_t)(1 + info->multiprocessors / 4);
    const size_t wide = RATE_WIDTH * sizeof(float), many = (size_t)rows * wide;
    void *at = NULL;
    float first;
    status st;
    TRY(checked(found, d, ops->alloc(d, 2 * many + RATE_WIDTH * wide, &at)));
    TRY(checked(found, d, ops->clear(d, at, 2 * many + RATE_WIDTH * wide)));
    const device_linear a = {.compute = compute,
                             .x = at,
                             .y = (float *)at + rows * RATE_WIDTH,
                             .w = (float *)at + 2 * rows * RATE_WIDTH,
                             .rows = rows,
                             .out = RATE_WIDTH,
                             .in = RATE_WIDTH,
                             .x_stride = RATE_WIDTH,
                             .w_stride = RATE_WIDTH,
                             .y_stride = RATE_WIDTH};
    TRY(checked(found, d, ops->linear(d, &a)));
    TRY(checked(found, d, ops->download(d, a.y, sizeof first, &first)));
    const double begin = now_seconds();
    for (int i = 0; i < RATE_PRODUCTS; i++)
        TRY(checked(found, d, ops->linear(d, &a)));
    TRY(checked(found, d, ops->download(d, a.y, sizeof first, &first)));
    *rate =
        2e-12 * RATE_PRODUCTS * (double)rows * RATE_WIDTH * RATE_WIDTH / (now_seconds() - begin);
done:
    ops->free(d, at);
    return st;
}

static status describe_device(const found_device *found, device *d, text *said)
{
    device_info info;
    double half, full;
    status st;
    TRY(checked(found, d, found->ops->info(d, &info)));
    text_addf(said, "%s (%s), %.1f of %.1f GB free", info.name, info.driver,
              (double)info.free / 1e9, (double)info.memory / 1e9);
    TRY(measure_rate(found, d, &info, DEVICE_COMPUTE_BF16, &half));
    TRY(measure_rate(found, d, &info, DEVICE_COMPUTE_F32, &full));
    text_addf(said, "; products %.3g TFLOP/s in bf16, %.3g in float32", half, full);
done:
    return st;
}

status loader_check(text *said)
{
    found_device found;
    device *d = NULL;
    status st;
    loader_find(0, &found);
    if (!found.ops) {
        text_addf(said, "no device, computing on CPUs: %s", found.line);
        return OK;
    }
    TRY(open_device(&found, &d));
    text_add(said, "device ");
    TRY(describe_device(&found, d, said));
    text_addf(said, "; %d device%s here, by %s, which is untried (device: cuda takes it)",
              found.devices, found.devices == 1 ? "" : "s", found.path);
done:
    if (d)
        found.ops->close(d);
    return st;
}

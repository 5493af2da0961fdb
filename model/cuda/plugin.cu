// SPDX-License-Identifier: Apache-2.0
// libsulcus_cuda.so: the table of ops.h on an NVIDIA device. Kernels are the sources that tests play
// in C; here are memory, faults and the table. Every call's result becomes a status and a line at
// once, because a lost device fails each call after.
#include "model/cuda/plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/cuda/grid.h"
#include "model/cuda/kernels_answers.h"
#include "model/cuda/kernels_attention.h"
#include "model/cuda/kernels_rows.h"
#include "model/cuda/kernels_sites.h"

static char unopened[PLUGIN_LINE]; // the line of count and open

status plugin_fail(device *d, status code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(d ? d->line : unopened, PLUGIN_LINE, format, arguments);
    va_end(arguments);
    return code;
}

// Errors of a call that leave the device as it was.
static int is_harmless(gpu_error error)
{
    return error == cudaErrorInvalidValue || error == cudaErrorInvalidConfiguration ||
           error == cudaErrorInvalidDevice || error == cudaErrorInvalidDeviceFunction ||
           error == GPU_NO_IMAGE;
}

status plugin_check(device *d, gpu_error error, const char *call, size_t bytes)
{
    if (d && d->is_lost)
        return ERR_INTERRUPTED; // with the first line
    if (error == GPU_OK)
        return OK;
    if (error == GPU_NO_MEMORY) {
        gpu_last_error(); // or the next launch would seem to fail
        return plugin_fail(
            d, ERR_INTERNAL,
            "out of device memory for %zu bytes; give the job a device of its own, a "
            "larger one, or layers_over",
            bytes);
    }
    if (error == GPU_NO_IMAGE)
        return plugin_fail(
            d, ERR_INTERNAL,
            "the plug-in has no code for this device; build it with -DSULCUS_CUDA=ON "
            "and -DSULCUS_CUDA_ARCHITECTURES=its compute capability");
    if (is_harmless(error))
        return plugin_fail(d, ERR_INTERNAL, "%s failed: %s (%s)", call, gpu_error_text(error),
                           gpu_error_name(error));
    if (d)
        d->is_lost = 1;
    return plugin_fail(d, ERR_INTERRUPTED, "%s: the device was lost: %s (%s); %s", call,
                       gpu_error_text(error), gpu_error_name(error),
                       error == GPU_ECC ? "have the card looked at, and resume on another node"
                                        : "the same command resumes; see dmesg for Xid lines");
}

gpu_stream grid_stream(const device *d)
{
    return d->stream;
}

status grid_end(device *d, const char *kernel)
{
    return plugin_check(d, gpu_last_error(), kernel, 0);
}

status grid_fail(device *d, const char *line)
{
    return plugin_fail(d, ERR_INTERNAL, "%s", line);
}

int grid_has_squares(const device *d)
{
    return d->info.major >= 8;
}

// Why there is no device, in `unopened`.
static status say_none(gpu_error error)
{
    int driver = 0, toolkit = 0;
    gpu_driver_version(&driver);
    gpu_runtime_version(&toolkit);
    if (driver == 0)
        return plugin_fail(
            NULL, OK,
            "no NVIDIA driver answers here; run on a node with one (nvidia-smi lists its "
            "devices)");
    if (error == GPU_NO_DRIVER)
        return plugin_fail(
            NULL, OK,
            "the driver knows CUDA %d.%d, the plug-in was built with %d.%d; build it "
            "with a toolkit of the driver's version, or a newer driver",
            driver / 1000, driver % 1000 / 10, toolkit / 1000, toolkit % 1000 / 10);
    if (error == GPU_OK || error == GPU_NO_DEVICE)
        return plugin_fail(NULL, OK,
                           "the driver shows no device to this process; ask for one (Slurm: "
                           "--gpus-per-task=1) and look at CUDA_VISIBLE_DEVICES");
    return plugin_fail(NULL, OK, "devices cannot be asked: %s (%s)", gpu_error_text(error),
                       gpu_error_name(error));
}

static status plugin_count(int *devices)
{
    *devices = 0;
    const gpu_error error = gpu_device_count(devices);
    if (error == GPU_OK && *devices > 0)
        return OK;
    *devices = 0;
    return say_none(error);
}

static status fill_info(device *d)
{
    gpu_properties own;
    int driver = 0, toolkit = 0;
    status st;
    TRY(plugin_check(d, gpu_device_properties(&own, d->index), "properties", 0));
    TRY(plugin_check(d, gpu_driver_version(&driver), "driver version", 0));
    TRY(plugin_check(d, gpu_runtime_version(&toolkit), "toolkit version", 0));
    snprintf(d->info.name, sizeof d->info.name, "%.63s", own.name);
    snprintf(d->info.driver, sizeof d->info.driver, "driver of CUDA %d.%d, toolkit %d.%d",
             driver / 1000, driver % 1000 / 10, toolkit / 1000, toolkit % 1000 / 10);
    d->info.major = own.major;
    d->info.minor = own.minor;
    d->info.multiprocessors = own.multiProcessorCount;
    d->info.row_block = PLUGIN_ROW_BLOCK;
    uint64_t halves[2];
    static_assert(sizeof halves == sizeof own.uuid, "a UUID has 16 bytes");
    memcpy(halves, &own.uuid, sizeof halves);
    d->info.id = halves[0] ^ halves[1];
done:
    return st;
}

// A thread's calls go to the device that it used last: so each entry says which.
static status use(device *d)
{
    return plugin_check(d, gpu_device_use(d->index), "device", 0);
}

static status plugin_info(device *d, device_info *out)
{
    status st;
    TRY(use(d));
    TRY(plugin_check(d, gpu_memory_info(&d->info.free, &d->info.memory), "memory", 0));
    *out = d->info;
done:
    return st;
}

static void plugin_close(device *d)
{
    if (!d)
        return;
    gpu_device_use(d->index);
    if (d->products)
        cublasLtDestroy(d->products);
    if (d->stream)
        gpu_stream_destroy(d->stream);
    free(d);
}

static status plugin_open(int index, device **out)
{
    status st;
    device *d = (device *)calloc(1, sizeof *d);
    if (!d)
        return plugin_fail(NULL, ERR_INTERNAL, "out of memory for a device's handles");
    d->index = index;
    TRY(use(d));
    TRY(plugin_check(d, gpu_stream_create(&d->stream), "stream", 0));
    TRY(fill_info(d));
    if (cublasLtCreate(&d->products) != CUBLAS_STATUS_SUCCESS)
        TRY(plugin_fail(d, ERR_INTERNAL, "cuBLASLt cannot begin; is the device's memory full?"));
    *out = d;
done:
    if (st != OK) {
        memcpy(unopened, d->line, sizeof unopened);
        plugin_close(d);
    }
    return st;
}

static const char *plugin_said(const device *d)
{
    return d ? d->line : unopened;
}

static status plugin_alloc(device *d, size_t bytes, void **out)
{
    status st;
    TRY(use(d));
    TRY(plugin_check(d, gpu_malloc(out, bytes ? bytes : 1), "allocation", bytes));
done:
    return st;
}

static void plugin_free(device *d, void *at)
{
    if (at && use(d) == OK)
        plugin_check(d, gpu_free(at), "free", 0);
}

static status plugin_host_alloc(device *d, size_t bytes, void **out)
{
    status st;
    TRY(use(d));
    if (gpu_host_malloc(out, bytes ? bytes : 1) != GPU_OK) {
        gpu_last_error();
        TRY(plugin_fail(d, ERR_INTERNAL,
                        "no %zu bytes of this machine's memory can be kept in place for uploads",
                        bytes));
    }
done:
    return st;
}

static void plugin_host_free(device *d, void *at)
{
    if (at && use(d) == OK)
        plugin_check(d, gpu_host_free(at), "free", 0);
}

// A pageable source is copied before the call returns; one of plugin_host_alloc later, in the stream's order.
static status plugin_upload(device *d, const void *host, size_t bytes, void *to)
{
    status st;
    TRY(use(d));
    TRY(plugin_check(d, gpu_memcpy_async(to, host, bytes, gpu_to_device, d->stream), "upload", 0));
done:
    return st;
}

static status plugin_download(device *d, const void *from, size_t bytes, void *host)
{
    status st;
    TRY(use(d));
    TRY(plugin_check(d, gpu_memcpy_async(host, from, bytes, gpu_to_host, d->stream), "download",
                     0));
    TRY(plugin_check(d, gpu_stream_wait(d->stream), "work", 0));
done:
    return st;
}

static status plugin_clear(device *d, void *at, size_t bytes)
{
    status st;
    TRY(use(d));
    TRY(plugin_check(d, gpu_memset_async(at, 0, bytes, d->stream), "clear", 0));
done:
    return st;
}

static status plugin_copy(device *d, const void *from, size_t bytes, void *to)
{
    status st;
    TRY(use(d));
    TRY(plugin_check(d, gpu_memcpy_async(to, from, bytes, gpu_within_device, d->stream), "copy",
                     0));
done:
    return st;
}

// A kernel's entry, on its device.
#define ENTRY(name)                                                                                \
    static status plugin_##name(device *d, const device_##name *a)                                 \
    {                                                                                              \
        const status st = use(d);                                                                  \
        return st == OK ? ops_##name(d, a) : st;                                                   \
    }
ENTRY(norm)
ENTRY(rotary)
ENTRY(attention)
ENTRY(site)
ENTRY(sums)
ENTRY(histogram)
ENTRY(firing)
ENTRY(embed)
ENTRY(patches)
ENTRY(places)
ENTRY(gather)
ENTRY(add)
ENTRY(fold)

static status plugin_round(device *d, const float *x, size_t n, void *to)
{
    const status st = use(d);
    return st == OK ? ops_round(d, x, n, to) : st;
}

static status plugin_product(device *d, const device_linear *a)
{
    const status st = use(d);
    return st == OK ? plugin_linear(d, a) : st;
}

static const device_ops table = {
    DEVICE_OPS_VERSION, plugin_count,     plugin_open,   plugin_close,      plugin_info,
    plugin_said,        plugin_alloc,     plugin_free,   plugin_host_alloc, plugin_host_free,
    plugin_upload,      plugin_download,  plugin_clear,  plugin_copy,       plugin_round,
    plugin_product,     plugin_norm,      plugin_rotary, plugin_attention,  plugin_site,
    plugin_sums,        plugin_histogram, plugin_firing, plugin_embed,      plugin_patches,
    plugin_places,      plugin_gather,    plugin_add,    plugin_fold};

extern "C" __attribute__((visibility("default"))) const device_ops *sulcus_device_ops(int version)
{
    return version == DEVICE_OPS_VERSION ? &table : NULL;
}

// SPDX-License-Identifier: Apache-2.0
// The table of the plug-in that is named in SULCUS_PLUGIN, in place of one that is played. Of faults it
// knows `forgets_sum`.
#ifndef TESTS_GPU_DEVICE_H
#define TESTS_GPU_DEVICE_H

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "unit/model/naive_device.h"

static struct {
    const device_ops *plugin;
    device_ops own;
    bool forgets_sum;
} real;

static status real_sums(device *d, const device_sums *a)
{
    status st = real.plugin->sums(d, a);
    if (st == OK && real.forgets_sum)
        st = real.plugin->clear(d, a->sum, (size_t)a->neurons * sizeof *a->sum);
    return st;
}

static inline const device_ops *real_device(const naive_faults *faults)
{
    const char *path = getenv("SULCUS_PLUGIN");
    void *handle = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = handle ? dlsym(handle, DEVICE_OPS_SYMBOL) : NULL;
    const device_ops *(*ask)(int) = NULL;
    memcpy(&ask, &symbol, sizeof ask);
    if (!ask)
        abort();
    real.plugin = ask(DEVICE_OPS_VERSION);
    real.own = *real.plugin;
    real.own.sums = real_sums;
    real.forgets_sum = faults && faults->forgets_sum;
    return &real.own;
}

#endif

// SPDX-License-Identifier: Apache-2.0
// A plug-in whose devices, two, are this process, for tests/run/test_device.sh. SULCUS_PLAYED is what it
// plays: `none`, a machine without devices, or `other`, a plug-in of another build. SULCUS_PLAYED_MEMORY
// is how many bytes a device has; SULCUS_PLAYED_SHOWN the number of the one that this rank is shown alone;
// SULCUS_PLAYED_LOG a file that gets a line where the plug-in is asked
// for its table, where a device is opened, and where it is closed, with the most that it held in bytes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "played_device.h"

static naive_faults small;

static status count_none(int *devices)
{
    *devices = 0;
    return OK;
}

static void note(const char *what, size_t which)
{
    const char *path = getenv("SULCUS_PLAYED_LOG");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (!f)
        return;
    fprintf(f, "%s %zu\n", what, which);
    fclose(f);
}

static status count_two(int *devices)
{
    *devices = 2;
    return OK;
}

// A wrapper of the launcher shows this rank one device: SULCUS_PLAYED_SHOWN.
static status count_one(int *devices)
{
    *devices = 1;
    return OK;
}

static status info_shown(device *d, device_info *out)
{
    const status st = played_device(&small)->info(d, out);
    out->id = strtoull(getenv("SULCUS_PLAYED_SHOWN"), NULL, 10);
    return st;
}

static status open_noted(int index, device **out)
{
    note("opened", (size_t)index);
    return played_device(&small)->open(index, out);
}

static size_t most; // bytes

static status alloc_counted(device *d, size_t bytes, void **out)
{
    device_info info;
    const device_ops *ops = played_device(&small);
    const status st = ops->alloc(d, bytes, out);
    if (ops->info(d, &info) == OK && info.memory - info.free > most)
        most = info.memory - info.free;
    return st;
}

static void close_noted(device *d)
{
    note("held", most);
    played_device(&small)->close(d);
}

static const char *say_none(const device *d)
{
    (void)d;
    return "the played driver shows no device";
}

__attribute__((visibility("default"))) const device_ops *sulcus_device_ops(int version)
{
    static device_ops ops;
    const char *memory = getenv("SULCUS_PLAYED_MEMORY");
    const char *played = getenv("SULCUS_PLAYED");
    if (version != DEVICE_OPS_VERSION || (played && strcmp(played, "other") == 0))
        return NULL;
    note("asked", (size_t)version);
    if (memory)
        small.memory = strtoull(memory, NULL, 10);
    ops = *played_device(&small);
    ops.count = count_two;
    ops.open = open_noted;
    ops.alloc = alloc_counted;
    ops.close = close_noted;
    if (getenv("SULCUS_PLAYED_SHOWN")) {
        ops.count = count_one;
        ops.info = info_shown;
    }
    if (played && strcmp(played, "none") == 0) {
        ops.count = count_none;
        ops.said = say_none;
    }
    return &ops;
}

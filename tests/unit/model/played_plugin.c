// SPDX-License-Identifier: Apache-2.0
// A plug-in whose device is this process, for tests/run/test_device.sh. SULCUS_PLAYED is what it plays:
// `none`, a machine without devices, or `other`, a plug-in of another build. SULCUS_PLAYED_MEMORY is how
// many bytes the device has.
#include <stdlib.h>
#include <string.h>

#include "played_device.h"

static status count_none(int *devices)
{
    *devices = 0;
    return OK;
}

static const char *say_none(const device *d)
{
    (void)d;
    return "the played driver shows no device";
}

__attribute__((visibility("default"))) const device_ops *sulcus_device_ops(int version)
{
    static device_ops none;
    static naive_faults small;
    const char *memory = getenv("SULCUS_PLAYED_MEMORY");
    const char *played = getenv("SULCUS_PLAYED");
    if (version != DEVICE_OPS_VERSION || (played && strcmp(played, "other") == 0))
        return NULL;
    if (memory)
        small.memory = strtoull(memory, NULL, 10);
    if (!played || strcmp(played, "none") != 0)
        return played_device(&small);
    none = *played_device(NULL);
    none.count = count_none;
    none.said = say_none;
    return &none;
}

// SPDX-License-Identifier: Apache-2.0
// `cpu` looks for nothing: a plug-in that does not load must not stop who does not want it.
#include "stages/common/computing_device.h"

#include <string.h>

#include "model/cuda/loader.h"

// ERR_USAGE where a device is insisted on and none is there.
static status find(const params *pipeline, found_device *out)
{
    const char *wanted = params_text(pipeline, "device");
    *out = (found_device){.sharers = 1};
    if (strcmp(wanted, "cpu") == 0)
        return OK;
    loader_find(out);
    return out->ops || strcmp(wanted, "cuda") != 0
               ? OK
               : params_fail(pipeline, "device", "%s; or set device: cpu", out->line);
}

status computing_device_choose(const params *pipeline, model_options *options)
{
    found_device found;
    const status st = find(pipeline, &found);
    options->device = found.ops;
    options->device_index = found.index;
    options->device_sharers = found.sharers;
    return st;
}

status computing_device_name(const params *pipeline, text *name, text *note)
{
    found_device found;
    const status st = find(pipeline, &found);
    if (st == OK && found.ops)
        return loader_name(&found, name);
    if (st == OK && found.line[0])
        text_addf(note, "device: auto: computing on CPUs: %s", found.line);
    return st;
}

status computing_device_memory(text *name, double *bytes, text *note)
{
    found_device found;
    loader_find(&found);
    *bytes = 0;
    if (found.ops)
        return loader_memory(&found, name, bytes);
    text_add(note, found.line);
    return OK;
}

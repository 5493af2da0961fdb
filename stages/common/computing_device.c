// SPDX-License-Identifier: Apache-2.0
// `cpu` looks for nothing: a plug-in that does not load must not stop who does not want it.
#include "stages/common/computing_device.h"

#include <stdlib.h>
#include <string.h>

#include "model/cuda/loader.h"
#include "pipeline/base/checked.h"

status computing_device_find(const params *pipeline, int place, text *name, text *note,
                             uint64_t *id, void **found)
{
    status st = OK;
    found_device *d = NULL;
    const char *wanted = params_text(pipeline, "device");
    if (strcmp(wanted, "cpu") == 0)
        return OK;
    if (!(d = checked_calloc(1, sizeof *d)))
        return status_no_memory("a device");
    loader_find(place, d);
    if (d->ops) {
        TRY(loader_name(d, name, id));
        *found = d;
        d = NULL;
    } else if (strcmp(wanted, "cuda") == 0) {
        st = params_fail(pipeline, "device", "%s; or set device: cpu", d->line);
    } else {
        text_addf(note, "device: auto: computing on CPUs: %s", d->line);
    }
done:
    free(d);
    return st;
}

void computing_device_share(void *found, int ranks)
{
    ((found_device *)found)->sharers = ranks;
}

void computing_device_take(const share *s, model_options *options)
{
    const found_device *d = s ? s->device : NULL;
    if (!d)
        return;
    options->device = d->ops;
    options->device_index = d->index;
    options->device_sharers = d->sharers;
}

status computing_device_memory(text *name, double *bytes, text *note)
{
    found_device found;
    loader_find(0, &found);
    *bytes = 0;
    if (found.ops)
        return loader_memory(&found, name, bytes);
    text_add(note, found.line);
    return OK;
}

// SPDX-License-Identifier: Apache-2.0
// The plug-in that computes on a device, as this process finds it: a shared object beside the program
// or in its libexec folder. The program links nothing of it.
#ifndef MODEL_CUDA_LOADER_H
#define MODEL_CUDA_LOADER_H

#include <stdint.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// The device of this rank.
typedef struct found_device {
    const struct device_ops *ops; // NULL: none; the line says why, and what mends it
    int devices;                  // that this process sees
    int index;                    // the one that is this rank's
    int sharers;                  // ranks whose device it is: 1 until they are counted
    char path[512];               // of the plug-in, "" where none was found
    char line[640];
} found_device;

// Looks for the plug-in, loads it and asks for devices, of which this process may see all of its
// machine or its own. The ranks of a machine take them in turn: this one is number `place`. Local.
void loader_find(int place, found_device *out);

// Adds the name of the device to the text, and says which it is (device_info). Local. ERR_INTERNAL: it
// does not open.
status loader_name(const found_device *found, text *name, uint64_t *id);
// The same, and how many bytes of its memory are free for this rank.
status loader_memory(const found_device *found, text *name, double *bytes);

// For `sulcus doctor`: adds what was found, or why nothing was; of a device its memory and the rates
// of its products. Local. An error where a device is there and fails.
status loader_check(text *said);

#endif

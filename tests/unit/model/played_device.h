// SPDX-License-Identifier: Apache-2.0
// The plug-in's kernels, played in C on a device of naive memory and products.
#ifndef TESTS_MODEL_PLAYED_DEVICE_H
#define TESTS_MODEL_PLAYED_DEVICE_H

#include "naive_device.h"

// As naive_device, with the kernels of model/cuda instead of its loops. Static.
const device_ops *played_device(const naive_faults *faults);

#endif

// SPDX-License-Identifier: Apache-2.0
// What the plug-in's two sources share: an opened device, and how a failed call becomes a line.
#ifndef MODEL_CUDA_PLUGIN_H
#define MODEL_CUDA_PLUGIN_H

#ifdef __CUDACC__
#include <cublasLt.h>

#include "model/cuda/names.h"
#include "model/cuda/ops.h"

enum { PLUGIN_LINE = 256, PLUGIN_PLANS = 256, PLUGIN_ROW_BLOCK = 256 };

// A product's shape, and the algorithm that was chosen for it when it first came.
typedef struct product_plan {
    device_compute compute;
    int out, in, add, has_bias;
    int64_t x_stride, w_stride, y_stride;
    uint32_t aligned; // bytes that all operands are aligned to, up to 256
    cublasLtMatmulAlgo_t algorithm;
} product_plan;

struct device {
    int index, is_lost;
    gpu_stream stream;
    cublasLtHandle_t products;
    device_info info;
    product_plan plan[PLUGIN_PLANS];
    int plans;
    char line[PLUGIN_LINE];
};

// OK, or the status and the line of what `call` returned. `bytes` of an allocation, or 0.
status plugin_check(device *d, gpu_error error, const char *call, size_t bytes);
// Writes the line; returns `code`.
status plugin_fail(device *d, status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

status plugin_linear(device *d, const device_linear *a);
#endif

#endif

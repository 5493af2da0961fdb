// SPDX-License-Identifier: Apache-2.0
// Every name of CUDA's runtime that kernels and the plug-in use, in one place: a build for HIP gives
// these others (hipMalloc, __shfl_xor over 64 lanes, hipblasLt), and changes nothing else.
#ifndef MODEL_CUDA_NAMES_H
#define MODEL_CUDA_NAMES_H

#ifdef __CUDACC__
#include <cuda_runtime.h>

typedef cudaError_t gpu_error;
typedef cudaStream_t gpu_stream;
typedef cudaDeviceProp gpu_properties;
#define GPU_OK                cudaSuccess
#define GPU_NO_MEMORY         cudaErrorMemoryAllocation
#define GPU_NO_DEVICE         cudaErrorNoDevice
#define GPU_NO_DRIVER         cudaErrorInsufficientDriver
#define GPU_NO_IMAGE          cudaErrorNoKernelImageForDevice
#define GPU_BUSY              cudaErrorDevicesUnavailable
#define GPU_ECC               cudaErrorECCUncorrectable
#define gpu_malloc            cudaMalloc
#define gpu_free              cudaFree
#define gpu_memcpy_async      cudaMemcpyAsync
#define gpu_memset_async      cudaMemsetAsync
#define gpu_to_device         cudaMemcpyHostToDevice
#define gpu_to_host           cudaMemcpyDeviceToHost
#define gpu_within_device     cudaMemcpyDeviceToDevice
#define gpu_stream_create     cudaStreamCreate
#define gpu_stream_destroy    cudaStreamDestroy
#define gpu_stream_wait       cudaStreamSynchronize
#define gpu_last_error        cudaGetLastError
#define gpu_error_text        cudaGetErrorString
#define gpu_error_name        cudaGetErrorName
#define gpu_device_count      cudaGetDeviceCount
#define gpu_device_use        cudaSetDevice
#define gpu_device_properties cudaGetDeviceProperties
#define gpu_memory_info       cudaMemGetInfo
#define gpu_driver_version    cudaDriverGetVersion
#define gpu_runtime_version   cudaRuntimeGetVersion

// The value of the thread whose number in its warp differs in the bit `apart`.
template <typename value> static __device__ __forceinline__ value grid_from_lane(value x, int apart)
{
    return __shfl_xor_sync(0xffffffffu, x, apart);
}
#endif

#endif
